"""Submission + mapping → what Braze shall get. Pure; the mapping is compiled once into closures, as it runs often."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.attribute_names import RESERVED_PROPERTIES, STANDARD, refusal
from schemas.conditions import holds
from schemas.integration import Acceptance, Integration
from schemas.mapping import AttributeRule, Condition, EventRule
from schemas.paths import ELEMENT
from schemas.person import Person
from schemas.submission import MISSING, Path, Submission, lookup
from workers.dates import to_utc
from workers.sources import (
    Get,
    Sections,
    attribute_converter,
    getter,
    member_converter,
    property_converter,
    property_getter,
)
from workers.standard import standard
from workers.values import MAX_COMPOSITE_BYTES, MAX_STRING, Convert, Flawed

#: The only thing sent that nobody mapped: tells doubled events from repeated ones.
ID_PROPERTY = "komo_submission_id"
#: So many strings, each as long as may be, stay below what an event may hold.
MANY_PROPERTIES = 60
#: Members that only make sense together; Braze refuses the object where one is missing.
LOCATION = "current_location"
LOCATION_PARTS = (f"{LOCATION}.longitude", f"{LOCATION}.latitude")


class Mapped(NamedTuple):
    """What a submission's mapping yields."""

    #: Name to value, without identifier. A dotted name stands for one member of an object that Braze shall merge.
    attributes: dict[str, Any]
    #: Complete objects of `/users/track`; without identifier where the person is not known.
    events: list[dict[str, Any]]
    #: `<attribute or event.property>: <flaw>`, never a value.
    warnings: list[str]


class _Attribute(NamedTuple):
    name: str
    get: Get
    convert: Convert
    when: tuple[Condition, ...]
    clear_null: bool
    clear_empty: bool


class _Property(NamedTuple):
    name: str
    get: Callable[[Sections, Any], Any]
    convert: Convert


class _Event(NamedTuple):
    name: str
    number: str
    when: tuple[Condition, ...]
    when_element: tuple[Condition, ...]
    for_each: Path | None
    properties: tuple[_Property, ...]


class CompiledMapping:
    """One version of an integration's rules, ready to run. Made by `compile_mapping`."""

    def __init__(self, integration: Integration) -> None:
        region = integration.default_region
        rules = [rule for rule in integration.attributes if _is_sendable(rule.attribute)]
        self._attributes = tuple(_compile_attribute(rule, region) for rule in rules)
        self._is_dotted = any("." in rule.attribute for rule in rules)
        self._events = tuple(_compile_event(rule, place) for place, rule in enumerate(integration.events, 1))
        self._existing_only = integration.existing_profiles_only
        self._warnings = [f"{rule.attribute}: not_allowed" for rule in integration.attributes if rule not in rules]

    def apply(self, submission: Submission, person: Person | None) -> Mapped:
        """
        Map one submission.

        Args:
            person: As `identify` found them; None only to see how many objects there will be.

        Returns: Values that Braze takes; whatever it would refuse or drop is left out alone, with a warning.
        """
        warnings = self._warnings.copy()
        attributes = self._map_attributes(submission.sections, warnings)
        events = self._map_events(submission, person, warnings) if self._events else []
        if person is not None and person.kind == "phone" and "email" in attributes:
            del attributes["email"]  # Beside a phone number it would select the person.
            warnings.append("email: would_change_person")
        return Mapped(attributes, events, warnings)

    def _map_attributes(self, sections: Sections, warnings: list[str]) -> dict[str, Any]:
        mapped: dict[str, Any] = {}
        for name, get, convert, when, clear_null, clear_empty in self._attributes:
            if when and not holds(when, sections):
                continue
            value = _filled(get(sections), clear_null, clear_empty)
            if value is MISSING:
                continue
            if value is not None:
                value = convert(value)
                if value.__class__ is Flawed:
                    warnings.append(f"{name}: {value.warning}")
                    value = value.value
                    if value is MISSING:
                        continue
            elif "." in name:
                warnings.append(f"{name}: member_cannot_be_cleared")
                continue
            if self._is_dotted:
                mapped.pop(name, None)  # What is written last stands last: a whole object replaces earlier members.
            mapped[name] = value
        if self._is_dotted:
            _join_location(mapped, warnings)
        return mapped

    def _map_events(self, submission: Submission, person: Person | None, warnings: list[str]) -> list[dict[str, Any]]:
        start: dict[str, Any] = {} if person is None else person.identifier()
        if self._existing_only:
            start["_update_existing_only"] = True
        sections, time = submission.sections, to_utc(submission.occurred_at)
        events = []
        for rule in self._events:
            if rule.when and not holds(rule.when, sections):
                continue
            prefix = f"{submission.id}:{rule.number}"
            for suffix, element in _elements(rule, sections):
                properties = _map_properties(rule, sections, element, warnings)
                properties[ID_PROPERTY] = prefix + suffix
                events.append({**start, "name": rule.name, "time": time, "properties": properties})
        return events


def compile_mapping(integration: Integration) -> CompiledMapping:
    """Prepare an integration's rules; worth keeping for as long as its version stands."""
    return CompiledMapping(integration)


def wanted(submission: Submission, integration: Integration) -> bool:
    """Whether the integration's `accept` filter lets a submission through; ids and event names ignore case."""
    accept: Acceptance = integration.accept
    sections = submission.sections
    return (
        _is_among(lookup(sections, ("hub", "id")), accept.site_ids)
        and _is_among(lookup(sections, ("card", "id")), accept.card_ids)
        and _is_among(submission.event, accept.events)
        and holds(accept.when, sections)
    )


def _is_among(value: Any, listed: Sequence[str]) -> bool:
    """Komo writes ids in either case, and some with braces around them."""
    return not listed or _bare(value) in map(_bare, listed)


def _bare(value: Any) -> str:
    return str(value).strip("{} ").lower()


def _is_sendable(attribute: str) -> bool:
    """A member of a standard attribute would cost the whole object, but for those that Braze has as objects."""
    first, dot, _ = attribute.partition(".")
    return refusal(attribute) is None and (
        not dot or first not in STANDARD or first in ("facebook", "twitter") or attribute in LOCATION_PARTS
    )


def _filled(value: Any, clear_null: bool, clear_empty: bool) -> Any:
    """The value, with text trimmed; None if it shall be cleared; MISSING if there is nothing to say."""
    if value.__class__ is str:
        value = value.strip()
    if value or value == 0 or value is MISSING:
        return value
    return None if (clear_null if value is None else clear_empty) else MISSING


def _compile_attribute(rule: AttributeRule, region: str | None) -> _Attribute:
    source = rule.source
    if "." in rule.attribute:
        convert = member_converter(source)
    else:
        convert = standard(rule.attribute, region=region, pattern=source.format) or attribute_converter(source)
    return _Attribute(
        rule.attribute,
        getter(source),
        convert,
        rule.when,
        clear_null=rule.on_null == "clear",
        clear_empty=rule.on_empty == "clear",
    )


def _join_location(mapped: dict[str, Any], warnings: list[str]) -> None:
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


def _compile_event(rule: EventRule, place: int) -> _Event:
    inside = [condition for condition in rule.when if condition[0][0] == ELEMENT]
    return _Event(
        rule.name,
        str(place),
        when=tuple(condition for condition in rule.when if condition not in inside),
        when_element=tuple(inside),
        for_each=rule.for_each,
        properties=tuple(
            _Property(name, property_getter(source), property_converter(source))
            for name, source in rule.properties.items()
            if name not in RESERVED_PROPERTIES and name[:1] not in ("$", "") and len(name) <= MAX_STRING
        ),
    )


def _elements(rule: _Event, sections: Sections) -> Iterator[tuple[str, Any]]:
    """The elements for which an event is due, with what tells them apart; once without one if it is no list's event."""
    if rule.for_each is None:
        yield "", None
        return
    found = lookup(sections, rule.for_each)
    if isinstance(found, dict):
        found = [found]
    for place, element in enumerate(found if isinstance(found, list) else (), 1):
        if not rule.when_element or holds(rule.when_element, {ELEMENT: element}):
            yield f".{place}", element


def _map_properties(rule: _Event, sections: Sections, element: Any, warnings: list[str]) -> dict[str, Any]:
    """Nulls are left out: what Braze makes of them is not documented."""
    mapped: dict[str, Any] = {}
    may_be_big = len(rule.properties) > MANY_PROPERTIES
    for name, get, convert in rule.properties:
        value = _filled(get(sections, element), False, False)
        if value is MISSING:
            continue
        value = convert(value)
        if value.__class__ is Flawed:
            warnings.append(f"{rule.name}.{name}: {value.warning}")
            value = value.value
            if value is MISSING:
                continue
        may_be_big = may_be_big or value.__class__ in (list, dict)
        mapped[name] = value
    if may_be_big:
        _shed_bulk(rule, mapped, warnings)
    return mapped


def _shed_bulk(rule: _Event, mapped: dict[str, Any], warnings: list[str]) -> None:
    """Too many bytes of properties cost the event, so the biggest of them stay behind."""
    excess = len(orjson.dumps(mapped)) - (MAX_COMPOSITE_BYTES - MAX_STRING)
    if excess <= 0:
        return
    sizes = {name: len(orjson.dumps(value)) for name, value in mapped.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            return
        excess -= sizes[name]
        del mapped[name]
        warnings.append(f"{rule.name}.{name}: event_too_big")
