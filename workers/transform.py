"""Submission + mapping → what Braze shall get. Pure; the mapping is compiled once into closures, as it runs often."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.attribute_names import LOCATION_PARTS
from schemas.conditions import holds
from schemas.integration import Acceptance, Integration
from schemas.person import Person
from schemas.submission import Submission, lookup
from workers.attributes import compile_attribute, is_sendable, join_location, map_attributes, yields_any
from workers.events import ID_PROPERTY, compile_event, count_events, map_events
from workers.subscriptions import compile_subscription, map_subscriptions
from workers.triggers import Send, compile_trigger, map_sends

__all__ = ["ID_PROPERTY", "CompiledMapping", "Mapped", "Send", "compile_mapping", "wanted"]


class Mapped(NamedTuple):
    """What a submission's mapping yields."""

    #: Name to value, without identifier: a plain value to set, None to clear, or a `workers.operations.Operation`.
    #: A dotted name stands for one member of an object that Braze shall merge.
    attributes: dict[str, Any]
    #: Complete objects of `/users/track`; without identifier where the person is not known.
    events: list[dict[str, Any]]
    #: `<attribute or event.property>: <flaw>`, never a value.
    warnings: list[str]
    #: Messages to be asked for once the rest is accepted.
    sends: tuple[Send, ...] = ()


class CompiledMapping:
    """One version of an integration's rules, ready to run. Made by `compile_mapping`."""

    def __init__(self, integration: Integration) -> None:
        rules = [rule for rule in integration.attributes if is_sendable(rule.attribute)]
        self._attributes = tuple(compile_attribute(rule, integration.default_region) for rule in rules)
        self._has_location_parts = any(rule.attribute in LOCATION_PARTS for rule in rules)
        self._subscriptions = tuple(compile_subscription(rule) for rule in integration.subscriptions)
        self._events = tuple(compile_event(rule, place) for place, rule in enumerate(integration.events, 1))
        self._sends = tuple(compile_trigger(rule, place) for place, rule in enumerate(integration.sends, 1))
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
        attributes = map_attributes(self._attributes, submission.sections, warnings)
        if self._has_location_parts:
            join_location(attributes, warnings)
        if self._subscriptions:
            attributes |= map_subscriptions(self._subscriptions, submission.sections, warnings)
        events = map_events(self._events, submission, self._start(person), warnings) if self._events else []
        sends = map_sends(self._sends, submission, person, warnings) if self._sends else ()
        if person is not None and person.kind == "phone" and "email" in attributes:
            del attributes["email"]  # Beside a phone number it would select the person.
            warnings.append("email: would_change_person")
        return Mapped(attributes, events, warnings, sends)

    def expect(self, submission: Submission) -> tuple[bool, int]:
        """
        Whether attributes are to be expected of a submission of somebody known, and how many events.

        It is what `apply` comes to, but for rare ones that turn out empty; a fifth of the work, as nothing is made.
        """
        sections = submission.sections
        attributes = yields_any(self._attributes, sections) or (
            bool(self._subscriptions) and bool(map_subscriptions(self._subscriptions, sections, []))
        )
        return attributes, count_events(self._events, sections)

    def _start(self, person: Person | None) -> dict[str, Any]:
        start: dict[str, Any] = {} if person is None else person.identifier()
        if self._existing_only:
            start["_update_existing_only"] = True
        return start


def compile_mapping(integration: Integration) -> CompiledMapping:
    """Prepare an integration's rules; worth keeping for as long as its version stands."""
    return CompiledMapping(integration)


def wanted(submission: Submission, integration: Integration) -> bool:
    """Whether the integration's `accept` filter lets a submission through; ids and event names ignore case."""
    accept: Acceptance = integration.accept
    sections = submission.sections
    return (
        (not accept.site_ids or _is_among(lookup(sections, ("hub", "id")), accept.site_ids))
        and (not accept.card_ids or _is_among(lookup(sections, ("card", "id")), accept.card_ids))
        and (not accept.events or _is_among(submission.event, accept.events))
        and (not accept.when or holds(accept.when, sections))
    )


def _is_among(value: Any, listed: Sequence[str]) -> bool:
    """Komo writes ids in either case, and some with braces around them."""
    return _bare(value) in map(_bare, listed)


def _bare(value: Any) -> str:
    return str(value).strip("{} ").lower()
