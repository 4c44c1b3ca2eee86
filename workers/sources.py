"""A rule's source → closures that find its value in a submission and make it what Braze takes. Pure."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from schemas.mapping import Source
from schemas.paths import ELEMENT
from schemas.submission import MISSING, Path, lookup
from workers.dates import as_date, as_datetime
from workers.values import (
    Convert,
    array,
    as_it_is,
    boolean,
    json_object,
    number,
    object_array,
    property_as_it_is,
    property_object,
    property_object_array,
    property_text,
    text,
)

#: Distinct questions remembered.
REMEMBERED = 5_000

Sections = Mapping[str, Any]
#: From a submission's sections to a value, or MISSING.
Get = Callable[[Sections], Any]

_FIXED: Mapping[str, Convert] = {
    "number": number,
    "boolean": boolean,
    "object": json_object,
    "object_array": object_array,
}
_FIXED_PROPERTIES: Mapping[str, Convert] = {
    **_FIXED,
    "object": property_object,
    "object_array": property_object_array,
}


def attribute_converter(source: Source) -> Convert:
    """The converter of the declared type: text if there is none, or a constant's own type; a format means a date."""
    if source.type is None and source.has_value:
        return as_it_is
    return _declared(source) or text


def member_converter(source: Source) -> Convert:
    """
    The same for a member of an object, where Braze reads a time only in a wrapper.

    Source: https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support/
    """
    convert = attribute_converter(source)

    def wrapped(value: Any) -> Any:
        converted = convert(value)
        return {"$time": converted} if isinstance(converted, str) else converted

    return wrapped if source.type in ("date", "datetime") or source.format else convert


def property_converter(source: Source) -> Convert:
    """The converter of an event property: Braze forces no type on those, so without a declared one they keep theirs."""
    return property_text if source.type == "string" else _declared(source, _FIXED_PROPERTIES) or property_as_it_is


def _declared(source: Source, fixed: Mapping[str, Convert] = _FIXED) -> Convert | None:
    match source.type or (source.format and "date"):
        case "array":
            return array(source.separator)
        case "date":
            return as_date(source.format)
        case "datetime":
            return as_datetime(source.format)
        case None | "string":
            return None
        case other:
            return fixed[other]


def getter(source: Source) -> Get:
    """Where an attribute's value is found."""
    if source.has_value:
        constant = source.value
        return lambda _: constant
    if source.question is not None:
        return _answer_getter(source.question, all_of_them=source.type == "array")
    return _path_getter(source.field or ())


def _path_getter(path: Path) -> Get:
    if len(path) != 2:
        return lambda sections: lookup(sections, path)
    section, key = path

    def get(sections: Sections) -> Any:
        members = sections.get(section)
        return members.get(key, MISSING) if members.__class__ is dict else lookup(sections, path)

    return get


def _answer_getter(question: str, *, all_of_them: bool) -> Get:
    """Questions are compared by their words, as blanks and case are edited all the time, or by their id."""
    asked = _words(question)
    asked_id = question.strip()

    def get(sections: Sections) -> Any:
        answers = sections.get("answers")
        found = [
            element["answer"]
            for element in (answers if isinstance(answers, list) else ())
            if isinstance(element, dict)
            and "answer" in element
            and (_words(element.get("question")) == asked or element.get("question_id") == asked_id)
        ]
        if len(found) > 1 and all_of_them:
            return [part for answer in found for part in (answer if isinstance(answer, list) else [answer])]
        return found[-1] if found else MISSING

    return get


def _words(question: Any) -> str | None:
    return _bare_words(question) if isinstance(question, str) else None


@lru_cache(REMEMBERED)
def _bare_words(question: str) -> str:
    return " ".join(question.casefold().split())


def property_getter(source: Source) -> Callable[[Sections, Any], Any]:
    """Where an event property's value is found, given the sections and the element that the event is about."""
    if source.field and source.field[0] == ELEMENT:
        inside = source.field[1:]
        return lambda _, element: lookup(element, inside)
    get = getter(source)
    return lambda sections, _: get(sections)
