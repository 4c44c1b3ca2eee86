"""Submission + send rules → messages that Braze shall send. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.conditions import Hold, compile_conditions
from schemas.mapping import RECIPIENTS, SendKind, SendRule
from schemas.person import Person
from schemas.submission import Submission
from workers.events import Property, compile_properties, map_properties

#: Of all trigger properties of one send, as JSON. https://www.braze.com/docs/api/objects_filters/trigger_properties_object/
MAX_TRIGGER_BYTES = 50_000


class Send(NamedTuple):
    """One message to one person."""

    #: Which of the send rules asks for it, counted from 1.
    rule: int
    kind: SendKind
    #: Of the campaign or canvas.
    id: str
    #: Its trigger properties.
    properties: dict[str, Any]


class Trigger(NamedTuple):
    """One rule, ready to run."""

    number: int
    kind: SendKind
    id: str
    when: Hold
    properties: tuple[Property, ...]


def compile_trigger(rule: SendRule, place: int) -> Trigger:
    """
    Args:
        place: Of the rule among the send rules, counted from 1.
    """
    return Trigger(
        place, rule.kind, rule.id, compile_conditions(rule.when), compile_properties(rule.trigger_properties)
    )


def map_sends(
    rules: Sequence[Trigger], submission: Submission, person: Person | None, warnings: list[str]
) -> tuple[Send, ...]:
    """
    Args:
        person: Who gets the messages; None only to see how many there will be.
    """
    sends = []
    for rule in rules:
        if not rule.when(submission.sections):
            continue
        owner = f"sends.{rule.number}"
        if person is not None and person.kind not in RECIPIENTS[rule.kind]:
            warnings.append(f"{owner}: no_recipient")
            continue
        properties = map_properties(
            owner, rule.properties, submission.sections, None, warnings, MAX_TRIGGER_BYTES, "send_too_big"
        )
        sends.append(Send(rule.number, rule.kind, rule.id, properties))
    return tuple(sends)
