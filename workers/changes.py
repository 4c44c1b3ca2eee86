"""
Never go back in time: a replayed submission leaves alone what one accepted later has set. Pure.

A name covers its members: who set the object `boat` has set `boat.length` too, and the other way round.
"""

from collections.abc import Iterable, Mapping
from typing import Any

#: Attribute -> the order of the submission that set it last.
Times = Mapping[str, int]


def without_older(attributes: Mapping[str, Any], order: int, times: Times) -> tuple[dict[str, Any], list[str]]:
    """
    Leave out what a submission accepted later has set.

    Args:
        attributes: Name to value.
        order: Of the submission that they come from.

    Returns: What is still to be sent, and the names of what is not.
    """
    newer = [name for name, at in times.items() if at > order]
    older = [name for name in attributes if any(_touch(name, other) for other in newer)]
    return {name: value for name, value in attributes.items() if name not in older}, older


def later(times: Times, names: Iterable[str], order: int) -> dict[str, int]:
    """The times after a submission has set some attributes; what was set by a later one stays."""
    return {**times, **{name: max(order, times.get(name, 0)) for name in names}}


def _touch(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
