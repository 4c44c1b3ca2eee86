"""One dead letter, as it lies in P:dlq (dead_letters.py), and what people are shown of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from schemas.person import Person
from workers.store.inbox import submission_id


class Place(NamedTuple):
    """Where a letter lies; of two, the greater one died later."""

    ms: int
    number: int
    integration: str

    @property
    def entry_id(self) -> str:
        return f"{self.ms}-{self.number}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    integration: str
    #: The id of its entry in the stream: the time of its death, ms, and a number.
    entry: str
    #: [stamp, day, digest, person, received_ms, version, event]
    head: list[Any]
    #: JSON, as it came.
    body: bytes
    #: One of schemas.dead_letter.REASONS.
    why: str
    #: `status`, `answer` (Braze's words), `number` (of attempts), `attempts`, `warnings`; each may be absent.
    details: dict[str, Any]
    #: `a`, `e`: names of attributes and keys of events that Braze has taken; may be empty.
    done: dict[str, Any]
    #: When it died, ms.
    at_ms: int
    #: Of the mapping under which it died.
    version: int
    #: How often it was replayed.
    replays: int

    @property
    def id(self) -> str:
        """The submission's id."""
        return submission_id(self.head[1], self.head[2])

    @property
    def stamp(self) -> int:
        """Rises with the order of acceptance."""
        return int(self.head[0])

    @property
    def person(self) -> Person | None:
        return Person(*self.head[3]) if self.head[3] else None

    @property
    def was_taken(self) -> bool:
        """Whether Braze has accepted a part of it."""
        return bool(self.done.get("a") or self.done.get("e"))

    @property
    def place(self) -> Place:
        ms, number = map(int, self.entry.split("-"))
        return Place(ms, number, self.integration)

    def short(self) -> dict[str, Any]:
        """
        What a listing tells.

        Returns: `id`, `integration`, `event`, `reason`, `received_at`, `dead_at` (ISO, UTC), `attempts` (how many),
        `status` and `answer` (Braze's last; None if it was never asked), `version`, `replays`.
        """
        details = self.details
        return {
            "id": self.id,
            "integration": self.integration,
            "event": self.head[6],
            "reason": self.why,
            "received_at": iso(self.head[4]),
            "dead_at": iso(self.at_ms),
            "attempts": int(details.get("number") or len(details.get("attempts") or ())),
            "status": details.get("status"),
            "answer": details.get("answer"),
            "version": self.version,
            "replays": self.replays,
        }

    def whole(self) -> dict[str, Any]:
        """
        Everything known of it, for its own page and for the export.

        Returns: as `short`, but `attempts` is their number and `tried` the list of them; `person` ({kind, value,
        alias_label} or None), `warnings`, `accepted` ({attributes: names, events: keys} that Braze has taken), `raw`.
        """
        return self.short() | {
            "person": self.person._asdict() if self.person else None,
            "warnings": self.details.get("warnings") or [],
            "tried": [_attempt(one) for one in self.details.get("attempts") or ()],
            "accepted": {"attributes": self.done.get("a") or [], "events": self.done.get("e") or []},
            "raw": orjson.loads(self.body),
        }


def read_letter(integration_id: str, entry_id: str, values: dict[bytes, bytes]) -> Letter:
    """A letter out of its entry in the stream; those written at the door lack some of the fields."""
    head = orjson.loads(values[b"h"])
    return Letter(
        integration_id,
        entry_id,
        head,
        values[b"b"],
        values.get(b"why", b"").decode(),
        orjson.loads(values.get(b"details") or b"{}"),
        orjson.loads(values.get(b"done") or b"{}"),
        int(float(values.get(b"at") or entry_id.split("-")[0])),
        int(values.get(b"v") or head[5]),
        int(values.get(b"n") or 0),
    )


def iso(ms: float) -> str:
    """A time as the API writes it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attempt(told: dict[str, Any]) -> dict[str, Any]:
    return told | ({"at": iso(told["at"])} if isinstance(told.get("at"), int | float) else {})
