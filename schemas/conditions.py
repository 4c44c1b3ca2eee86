"""Whether the conditions of a rule hold for a submission."""

from collections.abc import Mapping
from typing import Any

from schemas.mapping import Condition, Scalar
from schemas.submission import MISSING, lookup


def holds(conditions: tuple[Condition, ...], sections: Mapping[str, Any]) -> bool:
    """
    True if every condition holds; without conditions always.

    One of a condition's scalars must match. Scalars are compared as text, ignoring case: true is "true", 1 is "1".
    Null matches a value that is absent, null or blank. A list matches if one of its elements does, and an empty list
    is absent. An object matches nothing.
    """
    return all(_matches(lookup(sections, path), wanted) for path, wanted in conditions)


def _matches(value: Any, wanted: tuple[Scalar, ...]) -> bool:
    if isinstance(value, list):
        return any(_matches(element, wanted) for element in value) if value else None in wanted
    if isinstance(value, dict):
        return False
    if _is_absent(value) and None in wanted:
        return True
    if value is MISSING or value is None:
        return False
    text = _as_text(value)
    return any(scalar is not None and _as_text(scalar) == text for scalar in wanted)


def _is_absent(value: Any) -> bool:
    return value is MISSING or value is None or (isinstance(value, str) and not value.strip())


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).casefold()
