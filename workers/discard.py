"""Step: dead letters → discarded, because a person asked. They stay searchable among what is settled."""

import logging
from collections.abc import Callable

from schemas.dead_letter import ReplayOptions
from workers.chosen import WAIT_S, choose, integrations_of, tell
from workers.store import Stores
from workers.store.jobs import Job
from workers.sweep import Wake

log = logging.getLogger("komo_braze")

#: Letters moved in one go.
PAGE = 200


def advance(job: Job, stores: Stores, until: Callable[[], bool], wake: Wake) -> float | None:  # noqa: ARG001 -- as all steps
    """
    Bring a discard forward; a crash at any line is finished by the next run.

    Args:
        job: Of its `asked`, `ids` and `filter` count.
        until: Whether the time is up.

    Returns: After how many seconds to call again; None if it is over.
    Raises: LeaseLost if another worker has taken the job over.
    """
    options = ReplayOptions.from_json(job.asked or {})
    if not choose(job, options, stores, until):
        return 0.0
    moves = stores.dead_letters.moves
    for one in integrations_of(stores, options):
        while not until() and (entries := moves.todo(one, job.id, PAGE)):
            count = moves.discard(one, job.id, entries)
            log.info("dead_letter.discarded", extra={"job": job.id, "integration": one.id, "count": count})
            if tell(job, options, stores):
                return None
    if tell(job, options, stores):
        return None
    return 0.0 if until() else WAIT_S
