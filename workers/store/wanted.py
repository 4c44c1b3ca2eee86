"""Which submissions somebody looks for. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, TypedDict

import orjson

from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.person import Person
from schemas.submission import Submission
from workers.store.found import Found
from workers.store.letter_filter import EPOCH, normalised
from workers.store.text_search import holds_text
from workers.store.timeline import ID
from workers.whose import named_now, read_body, writes


class Conditions(TypedDict, total=False):
    """What a search is for; a submission has to meet every condition that is there and not None."""

    #: Kind (None: any), value as somebody writes it, alias label (None: any).
    identifier: tuple[str | None, str, str | None] | None
    #: Stands anywhere in the body or in the event's name, upper and lower case alike, or is the id.
    text: str | None
    #: Komo's name of what happened, whole, upper and lower case alike.
    event: str | None
    #: Of a card: its id or its name, whole, upper and lower case alike.
    card: str | None
    state: str | None
    #: Received at or after, and before, these times (aware).
    since: datetime | None
    until: datetime | None


class Bodies:
    """The bodies of one stream entry, read when somebody asks."""

    def __init__(self, packed: bytes, *, of_record: bool) -> None:
        self._packed = packed
        self._of_record = of_record

    @cached_property
    def _each(self) -> list[dict[str, Any]]:
        read = orjson.loads(self._packed)
        return read if self._of_record else [read]

    def read(self, at: int) -> dict[str, Any]:
        """One of them; within a record, from 0."""
        return self._each[at]

    def raw(self, at: int) -> bytes:
        """The same as JSON."""
        return orjson.dumps(self._each[at]) if self._of_record else self._packed


@dataclass(frozen=True)
class Wanted:
    """What is looked for in one integration."""

    integration: Integration
    conditions: Conditions

    def may_be_in(self, values: Mapping[bytes, bytes]) -> bool:
        """Whether a closer look at a stream's entry is worth it, be it one submission or a record of many."""
        heads, bodies = values[b"h"], values[b"b"]
        if self._state and b"r" in values and self._state.encode() not in values[b"r"]:
            return False
        if self._identifier and not self.integration.draft and not any(value in heads for value in self._written):
            return False
        if self._event is not None and not holds_text(heads, self._event):
            return False
        if self._card is not None and not holds_text(bodies, self._card):
            return False
        if self._text is None or holds_text(bodies, self._text):
            return True
        return holds_text(heads, self._text) or bool(self._digest and self._digest in heads)

    def is_met(self, found: Found, bodies: Bodies) -> bool:
        """Whether a submission meets every condition."""
        return (
            self._state in (None, found.state)
            and self._is_of_that_time(found.head[4])
            and self._is_about(found, bodies)
            and self._event in (None, str(found.head[6]).casefold())
            and self._is_of_card(found, bodies)
            and self._says(found, bodies)
        )

    def _is_of_that_time(self, received_ms: int) -> bool:
        since, until = self.conditions.get("since"), self.conditions.get("until")
        return (since is None or received_ms >= int(since.timestamp() * 1000)) and (
            until is None or received_ms < until.timestamp() * 1000
        )

    def _is_about(self, found: Found, bodies: Bodies) -> bool:
        if self._identifier is None:
            return True
        if found.head[3] is not None:
            return self._is(Person(*found.head[3]))
        return self.integration.draft and self._is_said_of(read_body(bodies.read(found.place.at)))

    def _is_said_of(self, submission: Submission) -> bool:
        """Of what a draft keeps nobody has judged yet whose it is."""
        named = named_now(submission, self.integration)
        return (named is not None and self._is(named)) or any(
            writes(submission, person, self.integration) for person in self._sought
        )

    def _is(self, person: Person) -> bool:
        kind, _, label = self._identifier or (None, "", None)
        return (
            kind in (None, person.kind)
            and label in (None, person.alias_label)
            and self._value_of(person.kind, person.alias_label) == person.value
        )

    def _is_of_card(self, found: Found, bodies: Bodies) -> bool:
        if self._card is None:
            return True
        names = names_in(bodies.read(found.place.at), "card")
        return any(name is not None and name.casefold() == self._card for name in names)

    def _says(self, found: Found, bodies: Bodies) -> bool:
        if self._text is None or found.id == self._text.strip().lower():
            return True
        return self._text.casefold() in str(found.head[6]).casefold() or holds_text(
            bodies.raw(found.place.at), self._text
        )

    @cached_property
    def _identifier(self) -> tuple[str | None, str, str | None] | None:
        return self.conditions.get("identifier")

    @cached_property
    def _text(self) -> str | None:
        return self.conditions.get("text")

    @cached_property
    def _state(self) -> str | None:
        return self.conditions.get("state")

    @cached_property
    def _event(self) -> str | None:
        return _folded(self.conditions.get("event"))

    @cached_property
    def _card(self) -> str | None:
        return _folded(self.conditions.get("card"))

    @cached_property
    def _value_of(self) -> Callable[[str, str | None], str | None]:
        value = self._identifier[1] if self._identifier else ""
        return cache(lambda kind, label: normalised(kind, value, label, self.integration))

    @cached_property
    def _written(self) -> list[bytes]:
        """How the identifier stands in a head, whatever its kind is."""
        values = {self._value_of(kind, None) for kind in ("external_id", "email", "phone")}
        return [orjson.dumps(value)[1:-1] for value in values if value]

    @cached_property
    def _sought(self) -> list[Person]:
        """Whom the identifier means, of whatever kind it may be."""
        kind, _, label = self._identifier or (None, "", None)
        kinds = (kind,) if kind else ("email", "phone")
        found: list[tuple[Any, str | None, str | None]] = [(one, label, self._value_of(one, label)) for one in kinds]
        return [Person(one, value, name) for one, name, value in found if value]

    @cached_property
    def _digest(self) -> bytes:
        """The part of a submission's id that stands in its head, if the text is an id."""
        match = ID.fullmatch((self._text or "").strip().lower())
        return match[2].encode() if match else b""


def names_in(body: dict[str, Any], section: str) -> tuple[str | None, str | None]:
    """
    The id and the name that a body gives to what it is about; None for what it does not say.

    Args:
        section: `card` or `hub`.
    """
    block = read_submission(body, id="", received_at=EPOCH).sections.get(section)
    found = block if isinstance(block, dict) else {}
    return _plain(found.get("id")), _plain(found.get("name"))


def _plain(value: Any) -> str | None:
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value).strip() or None if is_plain else None


def _folded(text: str | None) -> str | None:
    return None if text is None else text.strip().casefold()
