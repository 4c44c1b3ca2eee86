"""Submission + attribute rules → attributes of one person. Pure; a rule is compiled once, as it runs often."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.attribute_names import LOCATION, LOCATION_PARTS, OPERATION_MEMBERS, STANDARD, refusal
from schemas.conditions import Hold, compile_conditions
from schemas.mapping import AttributeRule, Source
from schemas.submission import MISSING
from workers.flaws import Convert, Flawed
from workers.known import Known
from workers.operations import Add, AddObjects, Increment, Remove
from workers.sources import Get, Sections, attribute_converter, getter, member_converter
from workers.standard import standard


class Attribute(NamedTuple):
    """One rule, ready to run."""

    name: str
    get: Get
    #: From a value as it was found to what to send: a plain value, None to clear, an operation, a `Flawed`, or MISSING.
    read: Callable[[Any], Any]
    #: The same for texts.
    known: Known
    #: None: always.
    when: Hold | None
    #: Whether the value is an object whose leaves are merged, each by its own dotted name.
    merges: bool


def is_sendable(attribute: str) -> bool:
    """A member of a standard attribute would cost the whole object, but for those that Braze has as objects."""
    first, dot, _ = attribute.partition(".")
    return refusal(attribute) is None and (
        not dot or first not in STANDARD or first in ("facebook", "twitter") or attribute in LOCATION_PARTS
    )


def compile_attribute(rule: AttributeRule, region: str | None) -> Attribute:
    """
    Args:
        region: Of phone numbers without a plus sign.
    """
    read = _reader(rule, _converter(rule, region))
    when = compile_conditions(rule.when) if rule.when else None
    return Attribute(rule.attribute, getter(rule.source), read, Known(read), when, rule.operation == "merge")


def map_attributes(rules: Sequence[Attribute], sections: Sections, warnings: list[str]) -> dict[str, Any]:
    """Name to value, dotted names being members; flaws are added to `warnings`."""
    mapped: dict[str, Any] = {}
    for name, get, read, known, when, merges in rules:
        if when is not None and not when(sections):
            continue
        value = get(sections)
        value = known[value] if value.__class__ is str else MISSING if value is MISSING else read(value)
        if value.__class__ is Flawed:
            warnings.append(f"{name}: {value.warning}")
            value = value.value
        if value is MISSING:
            continue
        if merges and value is not None:
            _put_members(mapped, name, value)
            continue
        mapped.pop(name, None)  # What is written last stands last: a whole object replaces earlier members.
        mapped[name] = value
    return mapped


def yields_any(rules: Sequence[Attribute], sections: Sections) -> bool:
    """Whether one of the rules has a value to send: `map_attributes` as far as the first."""
    for _, get, read, known, when, _ in rules:
        value = get(sections)
        if value is MISSING or (when is not None and not when(sections)):
            continue
        value = known[value] if value.__class__ is str else read(value)
        if (value.value if value.__class__ is Flawed else value) is not MISSING:
            return True
    return False


def _put_members(mapped: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    for path, leaf in _leaves(name, value):
        mapped.pop(path, None)
        mapped[path] = leaf


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not value or "$time" in value:
        yield name, value
        return
    for key, member in value.items():
        yield from _leaves(f"{name}.{key}", member)


def join_location(mapped: dict[str, Any], warnings: list[str]) -> None:
    """One standard object out of its two members; half a location would cost the person's whole object."""
    parts = [mapped.pop(part, None) for part in LOCATION_PARTS]
    if parts == [None, None]:
        return
    convert = standard(LOCATION, region=None, pattern=None)
    joined = convert({"longitude": parts[0], "latitude": parts[1]}) if convert else MISSING
    if isinstance(joined, Flawed):
        warnings.append(f"{LOCATION}: {joined.warning}")
    else:
        mapped[LOCATION] = joined


def filled(value: Any, clear_null: bool = False, clear_empty: bool = False) -> Any:
    """The value, with text trimmed; None if it shall be cleared; MISSING if there is nothing to say."""
    if value.__class__ is str:
        value = value.strip()
    if value or value == 0 or value is MISSING:
        return value
    return None if (clear_null if value is None else clear_empty) else MISSING


def _reader(rule: AttributeRule, convert: Convert) -> Callable[[Any], Any]:
    clear_null, clear_empty = rule.on_null == "clear", rule.on_empty == "clear"
    cleared = Flawed("member_cannot_be_cleared") if "." in rule.attribute else None

    def read(value: Any) -> Any:
        value = filled(value, clear_null, clear_empty)
        if value is MISSING:
            return MISSING
        return cleared if value is None else convert(value)

    return read


def _converter(rule: AttributeRule, region: str | None) -> Convert:
    if rule.operation in ("add", "remove", "increment"):
        return _operating(rule)
    source = replace(rule.source, type="object") if rule.operation == "merge" else rule.source
    if "." in rule.attribute:
        return member_converter(source)
    found = standard(rule.attribute, region=region, pattern=source.format)
    if found is not None:
        return found
    convert = attribute_converter(source)
    if rule.operation == "merge":
        return _changed(convert, _no_operation_among)
    is_object = source.type == "object" or isinstance(source.value, dict)
    return _changed(convert, _no_operation) if is_object else convert


def _operating(rule: AttributeRule) -> Convert:
    """The operation with the declared type, or the type that the operation implies."""
    source = rule.source
    if rule.operation == "increment":
        return _changed(attribute_converter(replace(source, type="number")), _increment)
    objects = source.type == "object_array" or (source.type is None and _holds_objects(source))
    convert = attribute_converter(replace(source, type="object_array" if objects else "array"))
    if rule.operation == "add":
        return _changed(convert, AddObjects if objects else Add)
    return _changed(convert, Remove)


def _holds_objects(source: Source) -> bool:
    constant = source.value
    return isinstance(constant, dict) or (isinstance(constant, list) and any(isinstance(one, dict) for one in constant))


def _changed(convert: Convert, make: Convert) -> Convert:
    """`make` of what is left of a value after `convert`."""

    def changed(value: Any) -> Any:
        converted = convert(value)
        if converted.__class__ is not Flawed:
            return make(converted)
        if converted.value is MISSING:
            return converted
        made = make(converted.value)
        return made if made.__class__ is Flawed else Flawed(converted.warning, made)

    return changed


def _increment(value: Any) -> Any:
    """Braze adds integers only. https://www.braze.com/docs/api/objects_filters/user_attributes_object/"""
    if isinstance(value, float) and not value.is_integer():
        return Flawed("not_an_integer")
    return Increment(int(value)) if -(2**63) <= value < 2**63 else Flawed("number_out_of_range")


def _no_operation(value: Any) -> Any:
    return Flawed("looks_like_operation") if value.keys() <= OPERATION_MEMBERS else value


def _no_operation_among(value: Any) -> Any:
    """Of members that are merged, any one may travel alone, because the others have not changed."""
    kept = {name: member for name, member in value.items() if name not in OPERATION_MEMBERS}
    return value if len(kept) == len(value) else Flawed("looks_like_operation", kept or MISSING)
