"""
Values as Braze takes them: the declared types, their limits, and what becomes of a value outside of them. Pure.

A converter gets a value that is neither null nor blank, text already trimmed, and returns what to send, or a `Flawed`.
Limits: https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types/
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import orjson

from schemas.submission import MISSING

#: Characters of a string. A longer attribute is accepted by Braze and not stored.
MAX_STRING = 255
#: Bytes of an object, an array, or all properties of one event. A bigger attribute is accepted and not stored.
#: https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support/
MAX_COMPOSITE_BYTES = 100_000
#: Elements of an array; one more pushes out the first. https://www.braze.com/docs/api/objects_filters/user_attributes_object/
MAX_ELEMENTS = 500
#: Levels of an object: what comes as JSON inside a text was not measured at the door.
MAX_LEVELS = 32

_SCALARS = (str, bool, int, float)
_NUMBER = re.compile(r"[+-]?(\d{1,40})(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "1": True, "on": True, "t": True, "y": True} | {
    "false": False, "no": False, "0": False, "off": False, "f": False, "n": False
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flawed:
    """A value that Braze would refuse or silently drop, and what of it can be sent."""

    #: The name of the flaw, never the value.
    warning: str
    #: What is left; MISSING if nothing is.
    value: Any = MISSING


Convert = Callable[[Any], Any]


def text(value: Any) -> Any:
    """A string of at most 255 characters; numbers and booleans as JSON writes them."""
    if value.__class__ is str and len(value) <= MAX_STRING and value.isascii():
        return value
    spelled = spell(value)
    if spelled.__class__ is str and len(spelled) > MAX_STRING:
        return Flawed("string_too_long")
    return spelled


def property_text(value: Any) -> Any:
    """As `text`, but a longer one is cut: what Braze does with it is not documented for event properties."""
    spelled = spell(value)
    if spelled.__class__ is str and len(spelled) > MAX_STRING:
        return Flawed("string_cut", spelled[:MAX_STRING])
    return spelled


def spell(value: Any) -> Any:
    """A scalar as trimmed text of any length, or a `Flawed`."""
    if isinstance(value, str):
        return value.strip() if _is_unicode(value) else Flawed("not_unicode")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return Flawed("not_a_string")


def _is_unicode(value: str) -> bool:
    """Half a surrogate pair can stand in JSON, but not in UTF-8."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def number(value: Any) -> Any:
    """An integer of 64 bits or a finite float: "7" is 7, "7.5" is 7.5. No thousands separators, no decimal commas."""
    if value.__class__ is str:
        value = _read_number(value.strip())
    if value.__class__ is int:
        return value if -(2**63) <= value < 2**63 else Flawed("number_out_of_range")
    if value.__class__ is float:
        return value if isfinite(value) else Flawed("number_out_of_range")
    return Flawed("not_a_number")


def _read_number(written: str) -> int | float | None:
    match = _NUMBER.fullmatch(written)
    if match is None:
        return None
    return int(written) if match[2] is None and match[3] is None else float(written)


def boolean(value: Any) -> Any:
    """true, false, yes, no, 1, 0, on, off, t, f, y, n, in any case."""
    if value.__class__ is bool:
        return value
    found = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None and value.__class__ in (int, float) and value in (0, 1):
        found = value == 1
    return Flawed("not_a_boolean") if found is None else found


def array(separator: str | None = None) -> Convert:
    """
    A converter to a flat list of distinct scalars, from a list, a JSON list inside a text, or one text.

    Args:
        separator: Cuts a text into elements; without one a text is the only element.
    """

    def convert(value: Any) -> Any:
        elements = value if isinstance(value, list) else _read_json(value, list)
        if elements is None:
            if value.__class__ not in _SCALARS:
                return Flawed("not_an_array")
            elements = value.split(separator) if separator and isinstance(value, str) else [value]
        return _distinct(elements)

    return convert


def _distinct(elements: Iterable[Any]) -> Any:
    """Braze keeps each value once; true and 1 are two values."""
    found: dict[tuple[type, Any], Any] = {}
    flaw: str | None = None
    for element in elements:
        if element is None or (isinstance(element, str) and not element.strip()):
            continue
        kept = _plain(element)
        if isinstance(kept, Flawed):
            flaw = flaw or "array_element_left_out"
        else:
            found.setdefault((kept.__class__, kept), kept)
    kept_elements = list(found.values())
    if len(kept_elements) > MAX_ELEMENTS:
        kept_elements, flaw = kept_elements[-MAX_ELEMENTS:], "array_cut"
    return _sized(kept_elements, flaw, "array_too_big")


def _plain(value: Any) -> Any:
    """A scalar with its own type, or a `Flawed`."""
    if isinstance(value, str):
        return text(value.strip())
    return value if isinstance(value, bool) else number(value)


def json_object(value: Any) -> Any:
    """An object whose keys and strings Braze stores, from an object or a JSON object inside a text."""
    members = value if isinstance(value, dict) else _read_json(value, dict)
    if members is None:
        return Flawed("not_an_object")
    flaws: list[str] = []
    return _sized(_clean(members, flaws, 1), flaws[0] if flaws else None, "object_too_big")


def object_array(value: Any) -> Any:
    """A list of objects, from such a list, one object, or either as JSON inside a text."""
    elements = value if isinstance(value, list | dict) else _read_json(value, list) or _read_json(value, dict)
    if isinstance(elements, dict):
        elements = [elements]
    if elements is None:
        return Flawed("not_an_object_array")
    objects = [element for element in elements if isinstance(element, dict)]
    flaws = ["array_element_left_out"] if len(objects) < len(elements) else []
    kept = [element for element in (_clean(element, flaws, 1) for element in objects) if element]
    return _sized(kept, flaws[0] if flaws else None, "object_too_big")


def _clean(value: Any, flaws: list[str], level: int) -> Any:
    """Without nulls: one of them, or one bad key, makes Braze drop every change to the attribute around it."""
    if level > MAX_LEVELS:
        flaws.append("object_too_deep")
        return MISSING
    if isinstance(value, dict):
        members = ((key, _clean_member(key, member, flaws, level)) for key, member in value.items())
        return {key: member for key, member in members if member is not MISSING}
    if isinstance(value, list):
        elements = (_clean(element, flaws, level + 1) for element in value)
        return [element for element in elements if element is not MISSING]
    if value is None:
        return MISSING
    kept = value if value == "" else _plain(value)
    if isinstance(kept, Flawed):
        flaws.append("object_member_left_out")
        return MISSING
    return kept


def _clean_member(key: str, value: Any, flaws: list[str], level: int) -> Any:
    """Keys: no blanks, dots or dollar signs, at most 255 characters."""
    if not key or len(key) > MAX_STRING or any(sign in key for sign in " .$") or not _is_unicode(key):
        flaws.append("object_key_left_out")
        return MISSING
    return _clean(value, flaws, level + 1)


def _sized(value: Any, flaw: str | None, too_big: str) -> Any:
    if not value:
        return Flawed(flaw or "nothing_left")
    if len(orjson.dumps(value)) > MAX_COMPOSITE_BYTES:
        return Flawed(too_big)
    return Flawed(flaw, value) if flaw else value


def _read_json(value: Any, kind: type) -> Any:
    """What a text says as JSON, if that is a list or an object as asked for; else None."""
    if not isinstance(value, str) or not value.startswith("[" if kind is list else "{"):
        return None
    try:
        read = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, kind) else None


def as_it_is(value: Any) -> Any:
    """A constant with the type that it has in the document."""
    if isinstance(value, dict):
        return json_object(value)
    if isinstance(value, list):
        return object_array(value) if any(isinstance(element, dict) for element in value) else array()(value)
    return _plain(value)


def property_as_it_is(value: Any) -> Any:
    """An event property without a declared type: strings, numbers, booleans and lists stay what they are."""
    if isinstance(value, str):
        return property_text(value)
    if isinstance(value, dict):
        return Flawed("object_not_declared")
    return array()(value) if isinstance(value, list) else _plain(value)
