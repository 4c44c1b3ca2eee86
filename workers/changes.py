"""
Leave out what Braze has already, and never go back in time. Pure.

What Braze has accepted is remembered per Braze workspace and person: for each attribute a print of the last value, and
the order of the submission that set it. Names are numbers there, which all integrations of a workspace share.
A name covers its members: who set the object `boat` has set `boat.length` too, and the other way round.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from schemas.attribute_names import GROUPS, SUBSCRIPTION
from schemas.names import Names
from workers.operations import Add, AddObjects, Increment, is_operation

#: Attribute -> the order of the submission that set it last.
Times = Mapping[str, int]
#: Texts of so many characters are remembered as they are; hashing costs three times as much as comparing.
MAX_PLAIN = 16
#: Stands before the hash of anything else; a text that begins so is hashed too.
HASHED = "~"
#: What is remembered of a value that is not known: nobody sends it.
UNKNOWN = "~?"


class Mark(NamedTuple):
    """What is remembered of one attribute."""

    #: Of the submission that set it last.
    order: int
    #: `print_of` the value that Braze accepted; UNKNOWN if it may be another by now.
    print: Any


Marks = dict[str, Mark]


def print_of(value: Any) -> Any:
    """A short stand-in for a value: two values have the same one only if they are the same."""
    kind = value.__class__
    if kind is str:
        if len(value) <= MAX_PLAIN and value[:1] != HASHED:
            return value
    elif kind is bool or kind is int or value is None:
        return value
    digest = blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=9).digest()
    return HASHED + b64encode(digest).decode()


def read_marks(packed: Iterable[list[Any]], names: Names) -> Marks:
    """What is remembered of a person; `packed` is what `pack_marks` returned."""
    marks: Marks = {}
    known = names.names
    for order, *pairs in packed:
        for at in range(0, len(pairs), 2):
            name = known.get(pairs[at])
            if name is not None:
                marks[name] = Mark(order, pairs[at + 1])
    return marks


def pack_marks(marks: Marks, names: Names) -> list[list[Any]]:
    """The form that is kept: for each submission its order, then number and print of what it has set last."""
    groups: dict[int, list[Any]] = {}
    numbers = names.numbers
    for name, (order, mark) in marks.items():
        number = numbers.get(name)
        if number is not None:
            group = groups.get(order)
            if group is None:
                group = groups[order] = [order]
            group += (number, mark)
    return list(groups.values())


def without_unchanged(attributes: Mapping[str, Any], prints: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """
    Leave out what Braze has as it is.

    Consent is always said: people withdraw it elsewhere, and saying it again costs nothing.

    Args:
        attributes: Name to value.
        prints: Of what Braze has of the person. What is to be sent is taken out, so that whatever follows it in the
            same batch is sent as well, even where it is what Braze had before.

    Returns: What is to be sent, and the names of what is not.
    """
    kept: dict[str, Any] = {}
    left: list[str] = []
    has_members = "." in "\n".join((*attributes, *prints))
    for name, value in attributes.items():
        if name in prints and name not in SUBSCRIPTION and not is_operation(value):
            had, has = prints[name], print_of(value)
            if had == has and had.__class__ is has.__class__:
                left.append(name)
                continue
        kept[name] = value
    for name in kept:
        prints.pop(name, None)
        if has_members:
            for other in overlapping(name, [*prints]):
                del prints[other]
    if has_members and kept:
        # A member that was to be left out, beside a change of its object, has to be said again.
        for name in [name for name in left if overlapping(name, kept)]:
            left.remove(name)
            kept[name] = attributes[name]
            prints.pop(name, None)
        kept = {name: kept[name] for name in attributes if name in kept}
    return kept, left


def without_older(attributes: Mapping[str, Any], order: int, times: Times) -> tuple[dict[str, Any], list[str]]:
    """
    Leave out what a submission accepted later has set; what is added is added whenever it comes.

    Args:
        attributes: Name to value.
        order: Of the submission that they come from.

    Returns: What is still to be sent, and the names of what is not.
    """
    newer = [name for name, at in times.items() if at > order]
    kept: dict[str, Any] = {}
    older: list[str] = []
    for name, value in attributes.items():
        if isinstance(value, Add | AddObjects | Increment):
            kept[name] = value
        elif name == GROUPS:
            groups = [group for group in value if not _is_set_by(newer, _name_of(group))]
            if groups:
                kept[name] = groups
            if len(groups) < len(value):
                older.append(name)
        elif _is_set_by(newer, name):
            older.append(name)
        else:
            kept[name] = value
    return kept, older


def _is_set_by(newer: Iterable[str], name: str) -> bool:
    return any(_touch(name, other) for other in newer)


def names_set(attributes: Mapping[str, Any]) -> set[str]:
    """The names under which it is kept who set what: consent for one group is not consent for another."""
    names = {*attributes}
    if GROUPS in names:
        names.remove(GROUPS)
        names.update(map(_name_of, attributes[GROUPS]))
    return names


def _name_of(group: Mapping[str, Any]) -> str:
    return f"{GROUPS}.{group['subscription_group_id']}"


def later(times: Times, names: Iterable[str], order: int) -> dict[str, int]:
    """The times after a submission has set some attributes; what was set by a later one stays."""
    return {**times, **{name: max(order, times.get(name, 0)) for name in names}}


def overlapping(name: str, others: Iterable[str]) -> list[str]:
    """Those of the others that hold it, or are held by it."""
    return [other for other in others if other != name and _touch(name, other)]


def _touch(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
