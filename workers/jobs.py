"""Step: bring what somebody asked for a little further: replay, discard, forget."""

import logging
import time
from collections.abc import Callable
from uuid import uuid4

from workers import discard, forget, replay
from workers.errors import LeaseLost, StoreUnavailable
from workers.store import Stores
from workers.store.jobs import Job
from workers.sweep import Wake

log = logging.getLogger("komo_braze")

#: A job that fails so often in a row has failed.
MOST_FAILURES = 20

Step = Callable[[Job, Stores, Callable[[], bool], Wake], bool]
STEPS: dict[str, Step] = {"replay": replay.advance, "discard": discard.advance, "forget": forget.advance}


def advance(job_id: str, stores: Stores, wake: Wake, *, budget_s: float, rest_s: float = 0) -> bool:
    """
    Work on a job for a while, if nobody else does.

    Args:
        budget_s: For how long, about.
        rest_s: For how long nobody may take a job that could not use up its budget: it waits for something, and calls
            that come meanwhile, which would call again in their turn, end here.

    Returns: True if it is over or somebody else's; False if it has to be called again.
    """
    job = stores.jobs.get(job_id)
    if job is None or job.finished:
        stores.jobs.drop(job_id)
        return True
    token = uuid4().hex
    if not stores.jobs.take(job_id, token):
        return True
    until_s, over = time.monotonic() + budget_s, True
    try:
        over = _step(job_id, stores, wake, until_s)
    except LeaseLost:
        return True
    finally:
        waits = not over and time.monotonic() < until_s
        stores.jobs.let_go(job_id, token, rest_s=rest_s if waits else 0)
    return over


def _step(job_id: str, stores: Stores, wake: Wake, until_s: float) -> bool:
    job = stores.jobs.get(job_id)  # as it is now that nobody else writes
    if job is None or job.finished:
        return True
    if job.state == "queued":
        stores.jobs.begin(job_id)
        log.info("job.begun", extra={"job": job_id, "kind": job.kind})
    try:
        over = STEPS[job.kind](job, stores, lambda: time.monotonic() >= until_s, wake)
    except (LeaseLost, StoreUnavailable):
        raise
    except Exception:
        return _failed(job, stores)
    if over:
        _log_end(job_id, stores)
    elif job.failures:
        stores.jobs.note(job_id, failures=0)
    return over


def _failed(job: Job, stores: Stores) -> bool:
    failures = job.failures + 1
    log.exception("job.failed", extra={"job": job.id, "kind": job.kind, "failures": failures})
    if failures < MOST_FAILURES:
        stores.jobs.note(job.id, failures=failures)
        return False
    why = f"It failed {failures} times in a row; the log of the worker says why. What it did so far stands."
    stores.jobs.finish(job.id, state="failed", why=why, keep_asked=job.kind != "forget")
    stores.dead_letters.moves.drop([one.integration for one in stores.integrations.list()], job.id)
    return True


def _log_end(job_id: str, stores: Stores) -> None:
    job = stores.jobs.get(job_id)
    if job is not None:
        numbers = {"matched": job.matched, "done": job.done, "skipped": job.skipped}
        log.info("job.done", extra={"job": job_id, "kind": job.kind, **numbers})
