"""One thing a person did on a Komo card, in the one shape that mappings see."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Submission(NamedTuple):
    """A body of Komo's, read into sections that mappings address by dotted paths."""

    #: Ours, and its identity everywhere; Komo's own is `raw.id`.
    id: str
    #: Komo's name of what happened, such as `CompetitionEntrySuccess`; empty if the body names none.
    event: str
    #: When it happened (aware, UTC); the time of receipt where the body does not say it believably.
    occurred_at: datetime
    #: When we accepted it (aware, UTC).
    received_at: datetime
    #: submission, hub, card, session, profile, contact, user, result, prize, coupon, survey, entry, answers (a list),
    #: fields, tracked, extension, raw. A section that the body says nothing about is absent or empty.
    sections: Mapping[str, Any]
    #: Names of what had to be guessed while reading, such as `occurred_at_unreadable`.
    warnings: tuple[str, ...] = ()


#: A path after parsing: section first, then keys; `("fields", "email")`.
Path = tuple[str, ...]


#: Of a place in a list.
MAX_DIGITS = 6


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


#: What `lookup` returns where there is nothing: not the same as a null that Komo sent.
MISSING: Any = _Missing()


def lookup(sections: Mapping[str, Any], path: Path) -> Any:
    """
    The value at a path, or MISSING.

    Args:
        sections: Those of a submission, or one element of `answers`.
        path: As `schemas.paths.parse_path` returns it. A number walks into a list.
    """
    value: Any = sections
    for key in path:
        if isinstance(value, dict):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isdecimal() and len(key) <= MAX_DIGITS and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value
