"""Finding people by what is typed: a part of a name or of an identifier."""

from collections.abc import Iterator
from itertools import islice

from ingest.sandbox.braze.profiles import Profile, Profiles

#: People who are looked through, the ones updated last.
LOOKED_THROUGH = 20_000


def matching(profiles: Profiles, words: str) -> Iterator[Profile]:
    """People who have every word somewhere, the one updated last first. Callers hold the lock of `profiles`."""
    wanted = words.casefold().split()
    for one in islice(profiles.newest_first(), LOOKED_THROUGH):
        known = _known_by(one)
        if all(word in known for word in wanted):
            yield one


def _known_by(one: Profile) -> str:
    standard = (one.standard.get(name) for name in ("first_name", "last_name", "email", "phone"))
    return "\n".join(
        str(part) for part in (one.external_id, one.braze_id, *one.aliases.values(), *standard) if part
    ).casefold()
