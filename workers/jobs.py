"""Step: bring what somebody asked for a little further: replay, discard, forget."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from schemas.integration import Integration
from workers import discard, forget, replay
from workers.chosen import WAIT_S
from workers.errors import LeaseLost, StoreUnavailable
from workers.store import Stores
from workers.store.jobs import Job
from workers.sweep import Wake

log = logging.getLogger("komo_braze")

#: A job that fails so often in a row has failed.
MOST_FAILURES = 20
#: A job whose time was up leaves its place to others for so long.
GO_ON_S = 0.05

#: Brings a job forward until the time is up. Returns: None if it is over, else after how many seconds to call it again.
Step = Callable[[Job, Stores, Callable[[], bool], Wake], float | None]


def _forget(job: Job, stores: Stores, until: Callable[[], bool], wake: Wake) -> float | None:
    if forget.advance(job, stores, until, wake):
        return None
    return 0.0 if until() else WAIT_S


STEPS: dict[str, Step] = {"replay": replay.advance, "discard": discard.advance, "forget": _forget}


def advance(job_id: str, stores: Stores, wake: Wake, *, budget_s: float) -> float | None:
    """
    Work on a job for a while, if nobody else does and few enough others are at work.

    Args:
        budget_s: For how long, about.

    Returns: After how many seconds it has to be called again; None if it is over, somebody else's, or will be called in
        its turn. Calls that come much earlier end here, so that they do not multiply.
    """
    job = stores.jobs.get(job_id)
    if job is None or job.finished:
        stores.jobs.drop(job_id)
        return None
    token, rest_s = uuid4().hex, None
    if not stores.jobs.take(job_id, token):
        return None
    began_s = time.monotonic()
    try:
        rest_s = _step(job_id, stores, wake, began_s + budget_s)
    except LeaseLost:
        _tidy_up_after_a_stop(job_id, stores)
    finally:
        following = stores.jobs.let_go(job_id, token, rest_s=rest_s, spent_s=time.monotonic() - began_s)
        _call(following, stores, wake)
    return rest_s


def stop(job_id: str, stores: Stores) -> Job | None:
    """
    End a job where it is; what it did stands.

    Returns: The job, also one that was over already; None if there is none.
    """
    job = stores.jobs.get(job_id)
    if job is None:
        return None
    if stores.jobs.stop(job):
        numbers = _numbers(job, stores)
        with suppress(LeaseLost):  # it is no longer kept
            stores.jobs.note(job_id, **numbers)
        _drop_lists(job, stores)
        log.info("job.stopped", extra={"job": job_id, "kind": job.kind, "done": numbers["done"]})
    return stores.jobs.get(job_id)


def _step(job_id: str, stores: Stores, wake: Wake, until_s: float) -> float | None:
    job = stores.jobs.get(job_id)  # as it is now that nobody else writes
    if job is None or job.finished:
        return None
    if job.state == "queued":
        stores.jobs.begin(job_id)
        log.info("job.begun", extra={"job": job_id, "kind": job.kind})
    try:
        rest_s = STEPS[job.kind](job, stores, lambda: time.monotonic() >= until_s, wake)
    except (LeaseLost, StoreUnavailable):
        raise
    except Exception:
        return _failed(job, stores)
    if rest_s is None:
        _log_end(job_id, stores)
        return None
    if job.failures:
        stores.jobs.note(job_id, failures=0)
    return max(rest_s, GO_ON_S)


def _call(job_id: str | None, stores: Stores, wake: Wake) -> None:
    """Call the job whose turn it is."""
    if job_id is None:
        return
    try:
        wake("job", job_id, 0)
    except Exception as error:  # whatever the broker's client raises: the sweep calls it
        stores.jobs.forget_call(job_id)
        log.warning("wake.failed", extra={"job": job_id, "error": type(error).__name__})


def _failed(job: Job, stores: Stores) -> float | None:
    failures = job.failures + 1
    log.exception("job.failed", extra={"job": job.id, "kind": job.kind, "failures": failures})
    if failures < MOST_FAILURES:
        stores.jobs.note(job.id, failures=failures)
        return WAIT_S
    why = f"It failed {failures} times in a row; the log of the worker says why. What it did so far stands."
    stores.jobs.finish(job.id, state="failed", why=why, keep_asked=job.kind != "forget")
    _drop_lists(job, stores)
    return None


def _numbers(job: Job, stores: Stores) -> dict[str, Any]:
    """How far a job came that was stopped, by the names of its fields."""
    integrations = _everywhere(stores)
    if job.kind == "forget":
        gone = stores.people.numbers(integrations, job.id)
        return {"matched": sum(gone.values()), "done": sum(gone.values()), "result": gone}
    left, counts = stores.dead_letters.moves.told(integrations, job.id)
    done = max(job.done, counts.pop("done", 0))
    result = (job.result or {}) | {"left": left} | ({"skipped": dict(counts)} if counts else {})
    return {"done": done, "skipped": max(job.skipped, counts.total()), "result": result}


def _drop_lists(job: Job, stores: Stores) -> None:
    integrations = _everywhere(stores)
    stores.dead_letters.moves.drop(integrations, job.id)
    stores.people.clean_up(integrations, job.id)


def _everywhere(stores: Stores) -> list[Integration]:
    return [one.integration for one in stores.integrations.list()]


def _tidy_up_after_a_stop(job_id: str, stores: Stores) -> None:
    """Whoever was at work when it was stopped may have gone on listing for a moment."""
    job = stores.jobs.get(job_id)
    if job is not None and job.state == "stopped":
        _drop_lists(job, stores)


def _log_end(job_id: str, stores: Stores) -> None:
    job = stores.jobs.get(job_id)
    if job is not None:
        numbers = {"matched": job.matched, "done": job.done, "skipped": job.skipped}
        log.info("job.done", extra={"job": job_id, "kind": job.kind, **numbers})
