"""The first half of a job about dead letters: which ones are meant. A crash at any line is finished by the next run."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from schemas.dead_letter import LetterFilter, ReplayOptions
from schemas.integration import Integration
from workers.errors import UnknownIntegration
from workers.store import Stores
from workers.store.jobs import Job

#: Seconds until a job that waits for something looks again.
WAIT_S = 2.0
#: Ids that are named in a result.
MOST_NAMED = 100


def integrations_of(stores: Stores, options: ReplayOptions) -> list[Integration]:
    """The integrations whose letters may be meant, as they are now, in the order of their ids."""
    only = options.filter.integration if options.filter else None
    found = []
    for integration_id in [only] if only else stores.integrations.ids():
        with suppress(UnknownIntegration):  # removed meanwhile
            found.append(stores.integrations.get(integration_id).integration)
    return found


def unknown(
    ids: Sequence[str],
    stores: Stores,
    *,
    among: LetterFilter | None = None,
    integrations: Sequence[Integration] | None = None,
    all_or_none: bool = False,
) -> list[str]:
    """
    The ids of which there is no dead letter, in their order.

    Args:
        among: Its times of death alone count: where they are known, not every letter has to be looked at.
        integrations: Those that may have them; None: all.
        all_or_none: Stop at the first one that is found, and return nothing then.
    """
    left = {_plain(one): one for one in reversed(ids)}
    among = among and LetterFilter(since=among.since, until=among.until)
    for one in integrations_of(stores, ReplayOptions()) if integrations is None else integrations:
        for page in stores.dead_letters.choose(one, among, tuple(left)):
            if all_or_none and page.chosen:
                return []
            for letter in stores.dead_letters.read(one, [*page.chosen]):
                if letter is not None:
                    left.pop(_plain(letter.id), None)
    return [one for one in ids if _plain(one) in left]


def _plain(submission_id: str) -> str:
    """The day in an id may be written with zeros before it."""
    return submission_id.lstrip("0")


def choose(job: Job, options: ReplayOptions, stores: Stores, until: Callable[[], bool]) -> bool:
    """
    List the letters that were dead when the job was created, for every integration.

    Args:
        until: Whether the time is up.

    Returns: Whether the list is complete.
    """
    if job.progress.get("chosen"):
        return True
    integrations, letters = integrations_of(stores, options), stores.dead_letters
    if options.ids and not job.progress and (gone := unknown(options.ids, stores, among=options.filter)):
        stores.jobs.note(job.id, result={"gone": gone[:MOST_NAMED]})
    at: dict[str, str] = job.progress.get("at", {})
    for one in integrations:
        pages = letters.choose(
            one, options.filter, options.ids, after=at.get(one.id), until_id=str(job.created_ms)
        )  # fmt: skip
        for page in pages:
            letters.moves.add(one, job.id, page.chosen)
            at[one.id] = page.last
            stores.jobs.note(job.id, progress={"at": at}, matched=letters.moves.told(integrations, job.id)[0])
            if until():
                return False
    stores.jobs.note(job.id, progress={"chosen": True}, matched=letters.moves.told(integrations, job.id)[0])
    return True


def tell(job: Job, options: ReplayOptions, stores: Stores, **progress: object) -> bool:
    """
    Note how far the moves are, and end the job when nothing is left.

    Returns: Whether it is over.
    """
    integrations, moves = integrations_of(stores, options), stores.dead_letters.moves
    left, counts = moves.told(integrations, job.id)
    done, skipped = counts.pop("done", 0), counts
    if left:
        numbers = {"done": done, "skipped": skipped.total()}
        stores.jobs.note(job.id, progress={"chosen": True, **progress}, **numbers)
        return False
    if integrations_of(stores, options) != integrations:  # one may have moved, and its list with it
        return False
    now = stores.jobs.get(job.id)
    asked_for = len(set(options.ids)) if options.ids is not None and options.filter is None else 0
    lost = max(asked_for, now.matched if now else 0) - done - skipped.total()
    if lost > 0:  # there is no such letter, or it went with the integration it belonged to
        skipped["gone"] += lost
    stores.jobs.note(job.id, done=done, skipped=skipped.total())
    named = (now and now.result) or {}
    stores.jobs.finish(job.id, state="done", result=named | ({"skipped": dict(skipped)} if skipped else {}))
    moves.drop(integrations, job.id)
    return True
