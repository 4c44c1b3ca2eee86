"""The deaths of a submission that was replayed: a few of them, so that its timeline tells its whole story."""

from collections.abc import Iterable
from typing import Any, NamedTuple

#: Of many deaths, the last ones are remembered.
LAST = 5


class Death(NamedTuple):
    """One death, and how it ended. Kept as a JSON list of these members in this order."""

    #: Store's clock, ms.
    at_ms: int
    reason: str
    #: Of the rules under which it died.
    version: int
    #: How many requests it had been part of by then.
    attempts: int
    #: When it was replayed, ms; None while it is dead, or if it never was.
    replayed_ms: int | None = None


def read_deaths(kept: Any) -> list[Death]:
    """What was kept of earlier deaths, oldest first; what is no death is left out."""
    return [Death(*one) for one in kept or () if isinstance(one, list) and len(one) == len(Death._fields)]


def packed(deaths: Iterable[Death]) -> list[list[Any]]:
    """Those of them that are kept, as `read_deaths` reads them back."""
    return [[*death] for death in deaths][-LAST:]
