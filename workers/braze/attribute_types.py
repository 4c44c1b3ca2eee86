"""An integration's rules beside the custom attributes that Braze has: what would be ignored. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from schemas.mapping import AttributeRule
from workers.braze.custom_attributes import Fixed

#: Type of a rule -> what Braze calls it, in small letters.
#: https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types
OURS = {
    "string": "string", "number": "number", "boolean": "boolean", "date": "date", "datetime": "date", "array": "array",
    "object": "object", "object_array": "object array",
}  # fmt: skip
#: What is said elsewhere for the same.
SAME = {"time": "date", "integer": "number", "float": "number", "text": "string", "nested object": "object"}
BY_OPERATION = {"add": "array", "remove": "array", "increment": "number", "merge": "object"}


def compare(rules: Iterable[AttributeRule], fixed: Sequence[Fixed]) -> Iterator[tuple[str, bool, str]]:
    """
    Args:
        rules: Of custom attributes.

    Returns: For each attribute that Braze would not take as it is mapped a line: its name, whether that is right all
    the same, and a sentence.
    """
    exact = {one.name: one for one in fixed}
    similar = {one.name.casefold(): one for one in fixed}
    for name, wanted in dict.fromkeys((rule.attribute.partition(".")[0], type_of(rule)) for rule in rules):
        one = exact.get(name)
        if one is None:
            other = similar.get(name.casefold())
            if other:
                yield name, True, f"Braze has {other.name}, which is another attribute to it: is that meant?"
            continue
        if one.status.casefold() != "active":
            yield name, False, f"{name} is {one.status.lower()} in Braze: values for it are ignored."
        kind = one.data_type.casefold()
        kind = SAME.get(kind, kind)
        if wanted and kind in OURS.values() and kind != wanted:
            yield name, False, f"{name} is {one.data_type} in Braze, and {wanted} here: Braze ignores such values."


def type_of(rule: AttributeRule) -> str:
    """What Braze would make of the attribute, in small letters; '' where that can't be told."""
    source = rule.source
    if "." in rule.attribute:
        return "object"
    declared = source.type or BY_OPERATION.get(rule.operation)
    if declared:
        return OURS[declared]
    return _type_of_constant(source.value) if source.has_value else "string"


def _type_of_constant(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case dict():
            return "object"
        case list():
            return "object array" if any(isinstance(one, dict) for one in value) else "array"
        case _:
            return "string"
