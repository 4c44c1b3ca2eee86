"""The journal of the sandbox Braze, read back: who was sent what, when, and what came of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

#: Person, attributes or None, event id or None.
Told = tuple[str, dict[str, Any] | None, str | None]
#: Objects of one submission.
ALONE = 2


@dataclass(slots=True)
class Call:
    """One call of /users/track. Epoch seconds."""

    number: int
    at: float
    to: list[Told]
    #: What Braze took of it.
    of: list[Told] = field(default_factory=list)
    took_at: float = 0.0
    applied_at: float = 0.0
    #: Infinite if it never ended.
    ended_at: float = float("inf")
    #: 0 for a line that was cut.
    status: int = 0
    fault: str = ""

    @property
    def taken(self) -> bool:
        return self.took_at > 0

    def people(self) -> set[str]:
        return {person for person, _, _ in self.to}

    def refused(self) -> list[Told]:
        """What Braze refused object by object, or by refusing it alone."""
        if self.taken or (self.status == 400 and not self.fault):
            taken = [(person, event) for person, _, event in self.of]
            return [one for one in self.to if (one[0], one[2]) not in taken]
        return self.to if self.status in (400, 413) and len(self.to) <= ALONE else []


def read_journal(path: Path) -> list[Call]:
    """All calls, in the order in which they arrived."""
    calls: dict[int, Call] = {}
    with path.open("rb") as lines:
        for line in lines:
            note = orjson.loads(line)
            number, at = note["n"], note["at"]
            match note["k"]:
                case "in":
                    calls[number] = Call(number, at, [_told(one) for one in note["to"]])
                case "took":
                    calls[number].of, calls[number].took_at = [_told(one) for one in note["of"]], at
                case "out":
                    call = calls[number]
                    call.ended_at, call.status, call.fault = at, note["status"], note["fault"]
                case "did":
                    calls[number].applied_at = at
    return list(calls.values())


def _told(given: list[Any]) -> Told:
    person, attributes, event = given
    return person, attributes, event


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as Braze took it."""

    call: Call
    #: Among all that Braze took.
    place: int
    person: str


def arrivals(calls: Iterable[Call]) -> dict[str, list[Arrival]]:
    """Submission id -> each time Braze took its event."""
    found: dict[str, list[Arrival]] = defaultdict(list)
    place = 0
    for call in sorted((call for call in calls if call.taken), key=lambda call: call.took_at):
        for person, _, event in call.of:
            if event is not None:
                place += 1
                found[event.partition(":")[0]].append(Arrival(call, place, person))
    return found


def refused_ids(calls: Iterable[Call]) -> set[str]:
    """Submissions of which Braze refused the event, once at least."""
    return {event.partition(":")[0] for call in calls for _, _, event in call.refused() if event is not None}


def refused_values(calls: Iterable[Call]) -> set[Any]:
    """Values of attributes that Braze refused, once at least."""
    refused = (attributes for call in calls for _, attributes, _ in call.refused() if attributes)
    return {value for attributes in refused for value in attributes.values()}


def by_person(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Person -> the calls about them, as they arrived."""
    found: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        for person in call.people():
            found[person].append(call)
    return found
