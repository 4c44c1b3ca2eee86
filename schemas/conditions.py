"""Whether the conditions of a rule hold for a submission."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.mapping import Condition
from schemas.submission import MISSING, lookup

#: From a submission's sections to whether some conditions hold.
Hold = Callable[[Mapping[str, Any]], bool]


def holds(conditions: tuple[Condition, ...], sections: Mapping[str, Any]) -> bool:
    """
    True if every condition holds; without conditions always.

    One of a condition's scalars must match. Scalars are compared as text, ignoring case: true is "true", 1 is "1".
    Null matches a value that is absent, null or blank. A list matches if one of its elements does, and an empty list
    is absent. An object matches nothing.
    """
    return compile_conditions(conditions)(sections)


def compile_conditions(conditions: tuple[Condition, ...]) -> Hold:
    """What `holds` says, as a function of the sections: for conditions that are asked often."""
    tests = [
        (path, frozenset(_as_text(scalar) for scalar in wanted if scalar is not None), None in wanted)
        for path, wanted in conditions
    ]

    def hold(sections: Mapping[str, Any]) -> bool:
        return all(_matches(lookup(sections, path), texts, or_absent) for path, texts, or_absent in tests)

    return hold


def _matches(value: Any, texts: frozenset[str], or_absent: bool) -> bool:
    if isinstance(value, str):
        return (or_absent and _is_absent(value)) or value.casefold() in texts
    if isinstance(value, list):
        return any(_matches(element, texts, or_absent) for element in value) if value else or_absent
    if isinstance(value, dict):
        return False
    return or_absent if _is_absent(value) else _as_text(value) in texts


def _is_absent(value: Any) -> bool:
    return value is MISSING or value is None or (isinstance(value, str) and not value.strip())


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).casefold()
