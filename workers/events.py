"""Submission + event rules → events of `/users/track`, and the properties of events and sends. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.attribute_names import RESERVED_PROPERTIES
from schemas.conditions import Hold, compile_conditions
from schemas.mapping import EventRule, Source
from schemas.paths import ELEMENT
from schemas.submission import MISSING, Path, Submission, lookup
from workers.attributes import filled
from workers.dates import to_utc
from workers.flaws import Flawed
from workers.known import Known
from workers.sources import Sections, property_converter, property_getter
from workers.values import MAX_COMPOSITE_BYTES, MAX_STRING

#: The only thing sent that nobody mapped: tells doubled events from repeated ones.
ID_PROPERTY = "komo_submission_id"
#: No string property and its name are longer than this as JSON, whatever their letters.
_MOST_OF_A_STRING = 2 * 6 * MAX_STRING


class Property(NamedTuple):
    """One property, ready to run."""

    name: str
    get: Callable[[Sections, Any], Any]
    #: From a value as it was found to what to send, a `Flawed`, or MISSING.
    read: Callable[[Any], Any]
    #: The same for texts.
    known: Known


class Event(NamedTuple):
    """One rule, ready to run."""

    name: str
    number: str
    #: None: always.
    when: Hold | None
    when_element: Hold | None
    for_each: Path | None
    properties: tuple[Property, ...]


def compile_event(rule: EventRule, place: int) -> Event:
    """
    Args:
        place: Of the rule among the event rules, counted from 1.
    """
    inside = tuple(condition for condition in rule.when if condition[0][0] == ELEMENT)
    outside = tuple(condition for condition in rule.when if condition[0][0] != ELEMENT)
    sendable = {name: source for name, source in rule.properties.items() if name not in RESERVED_PROPERTIES}
    return Event(
        rule.name,
        str(place),
        when=compile_conditions(outside) if outside else None,
        when_element=compile_conditions(inside) if inside else None,
        for_each=rule.for_each,
        properties=compile_properties(sendable),
    )


def compile_properties(properties: Mapping[str, Source]) -> tuple[Property, ...]:
    """All but those with a name that Braze refuses."""
    return tuple(
        _compile_property(name, source)
        for name, source in properties.items()
        if name[:1] not in ("$", "") and len(name) <= MAX_STRING
    )


def _compile_property(name: str, source: Source) -> Property:
    convert = property_converter(source)

    def read(value: Any) -> Any:
        value = filled(value)
        return MISSING if value is MISSING else convert(value)

    return Property(name, property_getter(source), read, Known(read))


def map_events(
    rules: Sequence[Event], submission: Submission, start: Mapping[str, Any], warnings: list[str]
) -> list[dict[str, Any]]:
    """
    Args:
        start: What every event begins with: the identifier, and whether only existing people are meant.
    """
    sections, time = submission.sections, to_utc(submission.occurred_at)
    events = []
    for rule in rules:
        if rule.when is not None and not rule.when(sections):
            continue
        prefix = f"{submission.id}:{rule.number}"
        for suffix, element in _elements(rule, sections):
            properties = map_properties(rule.name, rule.properties, sections, element, warnings)
            properties[ID_PROPERTY] = prefix + suffix
            events.append({**start, "name": rule.name, "time": time, "properties": properties})
    return events


def count_events(rules: Sequence[Event], sections: Sections) -> int:
    """How many events `map_events` makes of a submission."""
    count = 0
    for rule in rules:
        if rule.when is None or rule.when(sections):
            count += 1 if rule.for_each is None else sum(1 for _ in _elements(rule, sections))
    return count


def _elements(rule: Event, sections: Sections) -> Iterator[tuple[str, Any]]:
    """The elements for which an event is due, with what tells them apart; once without one if it is no list's event."""
    if rule.for_each is None:
        yield "", None
        return
    found = lookup(sections, rule.for_each)
    if isinstance(found, dict):
        found = [found]
    for place, element in enumerate(found if isinstance(found, list) else (), 1):
        if rule.when_element is None or rule.when_element({ELEMENT: element}):
            yield f".{place}", element


def map_properties(
    owner: str,
    rules: Sequence[Property],
    sections: Sections,
    element: Any,
    warnings: list[str],
    most_bytes: int = MAX_COMPOSITE_BYTES - MAX_STRING,
    too_big: str = "event_too_big",
) -> dict[str, Any]:
    """
    The properties of one event or send. Nulls are left out: what Braze makes of them is not documented.

    Args:
        owner: What warnings call the event or send.
        element: That the event is about; None where it is about none.
        most_bytes: Of all properties as JSON.
        too_big: The flaw of a property that has no room.
    """
    mapped: dict[str, Any] = {}
    may_be_big = len(rules) * _MOST_OF_A_STRING > most_bytes
    for name, get, read, known in rules:
        value = get(sections, element)
        value = known[value] if value.__class__ is str else MISSING if value is MISSING else read(value)
        if value.__class__ is Flawed:
            warnings.append(f"{owner}.{name}: {value.warning}")
            value = value.value
        if value is MISSING:
            continue
        may_be_big = may_be_big or value.__class__ in (list, dict)
        mapped[name] = value
    if may_be_big:
        warnings += [f"{owner}.{name}: {too_big}" for name in _shed_bulk(mapped, most_bytes)]
    return mapped


def _shed_bulk(mapped: dict[str, Any], most_bytes: int) -> list[str]:
    """Too many bytes of properties cost the event or send, so the biggest of them stay behind."""
    excess = len(orjson.dumps(mapped)) - most_bytes
    if excess <= 0:
        return []
    shed = []
    sizes = {name: len(orjson.dumps(value)) for name, value in mapped.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        excess -= sizes[name]
        del mapped[name]
        shed.append(name)
    return shed
