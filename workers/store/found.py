"""What lies in the streams of records.py, one submission at a time. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from schemas.attempts import NO_ATTEMPTS, Attempts, read_attempts
from schemas.deaths import Death, read_deaths
from schemas.integration import Integration
from workers.store.handed_out import submission_id
from workers.store.keys import own

#: Of what lies in a stream; in the others it waits, or may be in flight.
_STATES = {"held": "held", "newheld": "held", "dlq": "dead"}


class Place(NamedTuple):
    """Where a submission lies; of two, the greater one was put there later."""

    ms: int
    number: int
    stream: str
    #: Within a record, from 0.
    at: int

    @property
    def entry_id(self) -> str:
        return f"{self.ms}-{self.number}"


@dataclass(frozen=True, slots=True)
class Found:
    """One submission in one of the streams."""

    integration: Integration
    place: Place
    #: [order, day, digest, person, received_ms, version, event]
    head: list[Any]
    state: str
    #: Warnings, or the one reason.
    notes: Sequence[str]
    at_ms: int
    #: Beside what is common to all: `version`, `attempts`, `deaths`; of dead letters also `status`, `answer`, `replays`
    #: and `warnings`; of discarded ones also `died_ms` and `warnings`.
    extra: dict[str, Any]
    #: The body, or the list of the record's bodies.
    packed: bytes

    @property
    def id(self) -> str:
        return submission_id(self.head[1], self.head[2])

    def body(self) -> dict[str, Any]:
        unpacked = orjson.loads(self.packed)
        found: dict[str, Any] = unpacked[self.place.at] if isinstance(unpacked, list) else unpacked
        return found


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of an integration."""

    integration: Integration
    #: What follows P.
    name: str
    #: Entry ids of the batch that was handed out last and is not settled: it is out, or waits to go out again. None
    #: before they are read.
    flight: Collection[str] | None = None
    #: Whether that batch is out now.
    is_out: bool = False

    @property
    def key(self) -> str:
        return f"{own(self.integration)}:{self.name}"

    @property
    def stream(self) -> str:
        """Its name among those of all integrations; the blank keeps the integrations' order."""
        return f"{self.integration.id} {self.name}"

    @property
    def lane(self) -> str | None:
        return self.name.removeprefix("in:") if self.name.startswith("in:") else None


def unpack(source: Source, entry_id: str, values: dict[bytes, bytes]) -> list[Found]:
    """The submissions of one stream entry, newest first."""
    ms, number = map(int, entry_id.split("-"))
    at_ms = int(float(values.get(b"at", b"0")))
    head = orjson.loads(values[b"h"])
    if source.name != "settled":
        is_out = source.is_out and entry_id in (source.flight or ())
        state = "in_flight" if is_out else _STATES.get(source.name, "waiting")
        place, body = Place(ms, number, source.stream, 0), values[b"b"]
        if state != "dead":
            return [Found(source.integration, place, head, state, [], at_ms, {}, body)]
        why, extra = values[b"why"].decode(), _about_letter(values)
        return [Found(source.integration, place, head, state, [why], at_ms, extra, body)]
    common = {"version": int(values.get(b"v", b"0"))}
    details = orjson.loads(values.get(b"m") or b"null")
    found = []
    for at, (one, (state, notes, *earlier)) in enumerate(zip(head, orjson.loads(values[b"r"]), strict=True)):
        place, extra = Place(ms, number, source.stream, at), common | _about_settled(earlier, details)
        found.append(Found(source.integration, place, one, state, notes, at_ms, extra, values[b"b"]))
    return found[::-1]


def attempts_so_far(done: bytes | None, tried: bytes | None) -> Attempts:
    """What was tried with a submission that waits: what P:done says of it, and P:lane if it is in the lane's batch."""
    earlier, _ = read_done(orjson.loads(done or b"{}"))
    return earlier.followed_by(read_attempts(orjson.loads(tried or b"null")))


def read_done(done: dict[str, Any]) -> tuple[Attempts, list[Death]]:
    tried = Attempts(done["t"], done["k"]) if "t" in done else NO_ATTEMPTS
    return tried, read_deaths(done.get("h"))


def _about_settled(earlier: list[Any], details: Any) -> dict[str, Any]:
    """What a record says of one submission beside its outcome."""
    match earlier:
        case [{"done": dict(done), "died": died}]:
            tried, deaths = read_done(done)
            told = details if isinstance(details, dict) else {}
            tried = read_attempts(told) if "number" in told else tried
            return {"attempts": tried, "deaths": deaths, "died_ms": int(died), "warnings": told.get("warnings", [])}
        case [{"done": dict(done)}]:
            tried, deaths = read_done(done)
            return {"attempts": tried, "deaths": deaths}
        case [kept, number, *deaths]:
            return {"attempts": Attempts(kept, number), "deaths": read_deaths(deaths[0] if deaths else None)}
    return {"attempts": read_attempts(details), "deaths": []}


def _about_letter(values: dict[bytes, bytes]) -> dict[str, Any]:
    details = orjson.loads(values.get(b"details") or b"{}")
    tried, deaths = read_done(orjson.loads(values.get(b"done") or b"{}"))
    return {
        "version": int(values.get(b"v") or 0),
        "replays": int(values.get(b"n") or 0),
        "attempts": read_attempts(details) if "number" in details else tried,
        "deaths": deaths,
        "warnings": details.get("warnings", []),
        **{name: details[name] for name in ("status", "answer") if name in details},
    }
