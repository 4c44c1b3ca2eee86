"""JSON inside a text: some workflow steps and tag managers can put nothing but texts into a body."""

import json
from typing import Any, Final, NoReturn

from schemas.body import MAX_DEPTH

#: Longer than any block of answers or fields that Komo sends.
MAX_CHARACTERS: Final = 100_000


def unwrapped(value: Any) -> Any:
    """
    What a text says as JSON, if that is an object or a list; else the value.

    What would be too deep or too long for a body stays a text: nobody measured it at the door.
    """
    if not isinstance(value, str) or value[:1] not in ("{", "[") or len(value) > MAX_CHARACTERS:
        return value
    try:
        found = json.loads(value, parse_constant=_refuse)  # not orjson: it would round long ids
    except (ValueError, RecursionError):
        return value
    opened = value.count("{") + value.count("[")
    return found if opened <= MAX_DEPTH or _is_shallow(found) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [member for one in level for member in _members(one)]
        if not level:
            return True
    return False


def _members(value: Any) -> list[Any]:
    members = value.values() if isinstance(value, dict) else value
    return [member for member in members if isinstance(member, dict | list)]
