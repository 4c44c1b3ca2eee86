"""The dotted paths by which mappings name a value of a submission."""

import re
from collections.abc import Mapping
from json import JSONDecodeError, JSONDecoder
from typing import Final

from schemas.submission import MAX_DIGITS, Path

#: The sections of a submission and the members that each may have; empty where the members are anybody's own names.
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "submission": ("id", "event", "occurred_at", "received_at"),
    "hub": ("id", "name"),
    "card": ("id", "name", "type", "sub_type"),
    "session": ("id",),
    "profile": ("id",),
    "contact": ("id",),
    "user": ("id",),
    "result": ("score", "correct", "outcome", "status", "duration_s"),
    "prize": ("id", "name", "recipient_id"),
    "coupon": ("id", "offer_id"),
    "survey": ("id", "name"),
    "entry": ("id", "submission_id", "qualified"),
    "answers": ("question_id", "question", "answer", "answer_id", "correct", "kind"),
    "fields": (),
    "tracked": (),
    "extension": (),
    "raw": (),
}

#: The first part of a path that is looked up in one element of a list: `lookup(element, path[1:])`.
ELEMENT: Final = "@element"

_NAME = re.compile(r"[^.\[\]\"\s]+")
_INDEX = re.compile(rf"\[([0-9]{{1,{MAX_DIGITS}}})\]")
_JSON = JSONDecoder()


def parse_path(text: str) -> Path:
    """
    Read a path as people write it: `card.name`, `email`, `fields["a.b"]`, `raw.changes[0].newValue`.

    A bare name is a field, unless it is the name of a section; the field `card` is written `fields.card`.

    Returns: The section, then the keys; a number walks into a list.
    Raises: ValueError with a sentence for the person who wrote the path.
    """
    first, keys = _split(text)
    if first is None:
        return ("fields", *keys)
    if first in SECTIONS:
        return (first, *keys)
    if keys:
        raise ValueError(
            f"{text!r} starts with {first!r}, which is none of {', '.join(SECTIONS)}; "
            f"the field of that name is written fields{_quoted(text)}"
        )
    return ("fields", first)


def parse_element_path(text: str) -> Path:
    """
    Read a path inside `for_each`, where a bare name is a member of the element.

    A path that starts with a section stays a path of the submission; a member of that name is written `["card"]`.

    Returns: `(ELEMENT, keys...)` for a member of the element, else the same as `parse_path`.
    Raises: ValueError with a sentence for the person who wrote the path.
    """
    first, keys = _split(text)
    if first is None:
        return (ELEMENT, *keys)
    return (first, *keys) if first in SECTIONS else (ELEMENT, first, *keys)


def format_path(path: Path) -> str:
    """Write a path so that `parse_path` reads it back, or `parse_element_path` if it starts with ELEMENT."""
    first, *keys = path
    if first == ELEMENT:
        first, *keys = keys
        start = first if _is_plain(first) and first not in SECTIONS else _quoted(first)
    elif first == "fields" and len(keys) == 1 and _is_plain(keys[0]) and keys[0] not in SECTIONS:
        return keys[0]
    else:
        start = first
    return start + "".join(f".{key}" if _is_plain(key) else _quoted(key) for key in keys)


def _split(text: str) -> tuple[str | None, list[str]]:
    """The name at the start (none if it stands in brackets) and the keys after it."""
    name = _NAME.match(text)
    if name is None and not text.startswith('["'):
        raise ValueError(f"{text!r} is not a path: it must start with a name, like card.name or email")
    keys: list[str] = []
    at = name.end() if name else 0
    while at < len(text):
        key, at = _next_key(text, at)
        keys.append(key)
    return (name.group() if name else None), keys


def _next_key(text: str, at: int) -> tuple[str, int]:
    if text[at] == "." and (name := _NAME.match(text, at + 1)):
        return name.group(), name.end()
    if index := _INDEX.match(text, at):
        return index.group(1), index.end()
    if text.startswith('["', at):
        key, end = _quoted_key(text, at + 1)
        if text.startswith("]", end):
            return key, end + 1
    raise ValueError(
        f'{text!r} can\'t be read from place {at + 1} on; write .name, [0] or ["a name with dots or blanks"] there'
    )


def _quoted_key(text: str, at: int) -> tuple[str, int]:
    try:
        key, end = _JSON.raw_decode(text, at)
    except JSONDecodeError:
        raise ValueError(f"{text!r} has a quoted name that does not end") from None
    return str(key), end


def _is_plain(key: str) -> bool:
    return _NAME.fullmatch(key) is not None


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'
