"""A message that Braze shall send because of a submission, as it waits in the outbox, travels, and is settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import orjson

from schemas.mapping import SendKind
from schemas.person import Person

#: In a fixed order: the place of a kind is its number in wake-up calls.
SEND_KINDS: tuple[SendKind, ...] = get_args(SendKind)

#: What becomes of a call, and so of all messages in it.
CallOutcome = Literal["sent", "dead", "unknown", "halve", "retry"]


class Outgoing(NamedTuple):
    """One message to one person."""

    kind: SendKind
    #: Braze's, of the campaign or canvas.
    id: str
    person: Person
    #: The data that goes along.
    properties: Mapping[str, Any]
    submission_id: str
    #: Number of the rule that asked for it, counted from 1.
    rule: int
    #: When its submission was received, ms.
    at_ms: int = 0

    @property
    def key(self) -> str:
        """
        What Braze knows a transactional message again by: the same for the same submission and rule.

        Source: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
        """
        return f"{self.submission_id}-{self.rule}"

    def packed(self) -> list[str]:
        """The form in which the outbox takes it: kind, id, JSON of the rest."""
        rest = {
            "rule": self.rule, "properties": self.properties, "person": self.person.packed(),
            "submission": self.submission_id, "at": self.at_ms,
        }  # fmt: skip
        return [self.kind, self.id, orjson.dumps(rest).decode()]


def unpacked(kind: SendKind, braze_id: str, text: str | bytes) -> Outgoing:
    """The opposite of `Outgoing.packed`."""
    rest = orjson.loads(text)
    person = Person(*rest["person"])
    return Outgoing(kind, braze_id, person, rest["properties"], rest["submission"], rest["rule"], rest["at"])


@dataclass(frozen=True, slots=True)
class Calls:
    """Messages of one kind for one campaign or canvas that were handed out for one call."""

    kind: SendKind
    #: One at least, each to somebody else.
    messages: list[Outgoing]
    #: Whether it was handed out before: '' no, 'clean' yes but not applied, 'unknown' Braze may have it.
    sent_before: str
    #: Of the document.
    version: int
    #: Says which settlement belongs to it.
    number: int
    #: Calls in a row after which Braze seemed to be away.
    fails: int = 0
    #: Answers 429 in a row.
    limited: int = 0
    #: Whether the gate wants to hear of a good answer too.
    shaky: bool = False


@dataclass(frozen=True, slots=True)
class CallSettlement:
    """What became of a call."""

    number: int
    version: int
    outcome: CallOutcome
    #: Braze's, for a person to read.
    status: int = 0
    words: str = ""
    #: When the next call may be made.
    after_ms: float | None = None
    #: Whether Braze may have taken it all the same, of what is tried again.
    doubtful: bool = False
    #: Whether nobody knows if Braze is there at all.
    away: bool = False
    #: Why messages of this kind are paused.
    pause: str = ""
    #: What the gate of the workspace has to know of the answer.
    gate: Mapping[str, float] | None = None

    def told(self) -> dict[str, Any]:
        """As the step script reads it."""
        told: dict[str, Any] = {
            "number": self.number, "version": self.version, "outcome": self.outcome, "status": self.status,
            "words": self.words, "flight_state": "unknown" if self.doubtful else "clean", "away": self.away,
        }  # fmt: skip
        optional = {"after_ms": self.after_ms, "why": self.pause or None, "gate": self.gate}
        return told | {name: value for name, value in optional.items() if value is not None}
