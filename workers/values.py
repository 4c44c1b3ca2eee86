"""
Values as Braze takes them: the declared types, their limits, and what becomes of a value outside of them. Pure.

A converter gets a value that is neither null nor blank, text already trimmed, and returns what to send, or a `Flawed`.
Limits: https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types/
"""

import re
from collections.abc import Iterable
from typing import Any

import orjson

from schemas.submission import MISSING
from workers.dates import as_datetime
from workers.flaws import Convert as Convert
from workers.flaws import Flawed as Flawed
from workers.numbers import number as number
from workers.words import MAX_WORDS, plain

#: Characters of a string. A longer attribute is accepted by Braze and not stored.
MAX_STRING = 255
#: Bytes of an object, an array, or all properties of one event. A bigger attribute is accepted and not stored.
#: https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support/
MAX_COMPOSITE_BYTES = 100_000
#: Elements of an array; one more pushes out the first. https://www.braze.com/docs/api/objects_filters/user_attributes_object/
MAX_ELEMENTS = 500
#: Levels of an object: what comes as JSON inside a text was not measured at the door.
MAX_LEVELS = 32

#: They join what follows to what stands before: at the end they would join the next word.
_JOINERS = "\u200d\ufe0f "
_UNUSABLE_IN_KEYS = re.compile(r"[\s.$]")
_SCALARS = (str, bool, int, float)
#: How forms and translations of forms say it; compared as `plain` leaves them. None of these words is a yes in one
#: language and a no in another, as `jo` is.
_YES = (
    "true 1 t yes y on ja oui vrai si sí verdadero vero sim verdadeiro tak prawda ano áno igen kyllä jah jā taip já "
    "evet da да так ναι はい 是 是的 예 네 نعم כן हाँ हां có vâng ya ใช่ بله"
)
_NO = (
    "false 0 f no n off nein non faux falso não nao falsch nee nie ne nej nei nem ei nē nu hayır нет не ні όχι "
    "いいえ 否 不是 아니요 아니오 لا לא नहीं không tidak ไม่ ไม่ใช่ خیر"
)
_BOOLEANS = {plain(word): True for word in _YES.split()} | {plain(word): False for word in _NO.split()}


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
        return Flawed("string_cut", spelled[:MAX_STRING].rstrip(_JOINERS))
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


def yes_or_no(value: Any) -> bool | None:
    """
    What an answer means; None if it is neither a yes nor a no, or not certainly one.

    Args:
        value: A boolean, 1 or 0, or the word for it in the languages that forms are written in, in any case.
    """
    if value.__class__ is bool:
        return bool(value)
    if isinstance(value, str):
        found = _BOOLEANS.get(value)
        return _BOOLEANS.get(plain(value)) if found is None and len(value) <= MAX_WORDS else found
    return value == 1 if value.__class__ in (int, float) and value in (0, 1) else None


def boolean(value: Any) -> Any:
    """true or false, from whatever `yes_or_no` understands."""
    found = yes_or_no(value)
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
    """Braze keeps each value once; true and 1 are two values, 1 and 1.0 are one."""
    found: dict[tuple[type, Any], Any] = {}
    flaw: str | None = None
    for element in elements:
        if element is None or (element.__class__ is str and not element.strip()):
            continue
        kept = _plain(element)
        if kept.__class__ is Flawed:
            flaw = flaw or "array_element_left_out"
        else:
            found.setdefault((kept.__class__ if kept.__class__ in (str, bool) else float, kept), kept)
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
    """
    An object whose members Braze stores, from an object or a JSON object inside a text.

    Without nulls, unusable keys, strings, numbers and times: one of them makes Braze drop every change to the attribute
    around it, so each costs only itself. A time is `{"$time": "…"}`, as Braze writes it inside of objects.
    """
    return _object(value, _wrapped_time)


def property_object(value: Any) -> Any:
    """The same as an event property, where a time is a text like any other."""
    return _object(value, _time)


def object_array(value: Any) -> Any:
    """A list of objects, from such a list, one object, or either as JSON inside a text."""
    return _objects(value, _wrapped_time)


def property_object_array(value: Any) -> Any:
    """The same as an event property, where a time is a text like any other."""
    return _objects(value, _time)


def _object(value: Any, time: Convert) -> Any:
    members = value if isinstance(value, dict) else _read_json(value, dict)
    if members is None:
        return Flawed("not_an_object")
    flaws: list[str] = []
    return _sized(_clean_members(members, flaws, 1, time), flaws[0] if flaws else None, "object_too_big")


def _objects(value: Any, time: Convert) -> Any:
    elements = value if isinstance(value, list | dict) else _read_json(value, list) or _read_json(value, dict)
    if isinstance(elements, dict):
        elements = [elements]
    if elements is None:
        return Flawed("not_an_object_array")
    objects = [element for element in elements if isinstance(element, dict)]
    flaws = ["array_element_left_out"] if len(objects) < len(elements) else []
    kept = [element for element in (_clean_members(element, flaws, 1, time) for element in objects) if element]
    return _sized(kept, flaws[0] if flaws else None, "object_too_big")


def _clean(value: Any, flaws: list[str], level: int, time: Convert) -> Any:
    """What of a member can be sent; MISSING if nothing can."""
    kind = value.__class__
    if kind is dict or kind is list:
        if level > MAX_LEVELS:
            flaws.append("object_too_deep")
            return MISSING
        clean = _clean_members if kind is dict else _clean_elements
        return clean(value, flaws, level, time)
    if value is None:
        flaws.append("object_null_left_out")
        return MISSING
    return value if value == "" else _kept(_plain(value), "object_member_left_out", flaws)


def _kept(value: Any, warning: str, flaws: list[str]) -> Any:
    if value.__class__ is Flawed:
        flaws.append(warning)
        return value.value
    return value


def _clean_members(members: dict[str, Any], flaws: list[str], level: int, time: Convert) -> Any:
    """Keys have no blanks, dots or dollar signs, and at most 255 characters. A time stands alone inside an object."""
    if level > 1 and members.keys() == {"$time"}:
        return _kept(time(members["$time"]), "object_time_left_out", flaws)
    kept = {}
    for key, member in members.items():
        if not key or len(key) > MAX_STRING or _UNUSABLE_IN_KEYS.search(key) or not _is_unicode(key):
            flaws.append("object_key_left_out")
            continue
        clean = _clean(member, flaws, level + 1, time)
        if clean is not MISSING:
            kept[key] = clean
    return kept


def _clean_elements(elements: list[Any], flaws: list[str], level: int, time: Convert) -> list[Any]:
    """A list within a list is nothing that Braze has."""
    flat = [element for element in elements if element.__class__ is not list]
    if len(flat) < len(elements):
        flaws.append("array_element_left_out")
    clean = (_clean(element, flaws, level + 1, time) for element in flat)
    return [element for element in clean if element is not MISSING]


_time = as_datetime()


def _wrapped_time(value: Any) -> Any:
    """Any other text there, or a year that Braze does not store, would cost the whole attribute."""
    found = _time(value)
    return found if found.__class__ is Flawed else {"$time": found}


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
