"""
The streams that hold submissions, read newest first and a bounded part at a time.

P:in:<lane>, P:new:<lane>, P:annex  those that wait: an entry each (inbox.py, redo.py)
P:held, P:newheld                   those that are held: an entry each (holding.py)
P:dlq                               dead letters: an entry each; b body, h head, p person, why, details, done, at (ms),
                                    v version it died under, n how often it was replayed
P:settled                           a record per batch: n how many, h heads, b bodies, v version, m attempts, at (ms),
                                    r results: [outcome, [reason or warnings]]; where there was something before this
                                    batch also all attempts, their number and, if it was replayed, its deaths
                                    (schemas.deaths). Written by the scripts, in place of these: {"done": as in
                                    P:done, "died": ms, of what was discarded}
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import redis

from schemas.attempts import NO_ATTEMPTS, Attempts, read_attempts
from schemas.deaths import Death, read_deaths
from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.inbox import submission_id
from workers.store.keys import own
from workers.store.scripts import Script

#: Entries read in one go, at first and at most: most callers want a few.
FIRST_PAGE, LAST_PAGE = 8, 128
#: A record holds up to a whole batch.
FIRST_RECORDS, LAST_RECORDS = 1, 16
#: Entries that the store looks through in one call; it does nothing else meanwhile.
LOOK_THROUGH, LOOK_THROUGH_RECORDS = 1000, 16

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
    #: Entry ids of the batch that was handed out last and is not settled: it is out, or waits to go out again.
    flight: Collection[str] = field(default=())
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


class Records:
    """Reads the streams, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._find = Script(connection, "find")

    def sources(self, integration: Integration, state: str | None = None) -> Iterator[Source]:
        """The streams in which a submission may lie, in the order in which it moves through them."""
        if state in (None, "held"):
            yield Source(integration, "held")
        if state in (None, "waiting", "in_flight"):
            yield from self._waiting(integration)
        if state in (None, "held"):
            yield Source(integration, "newheld")
        if state in (None, "dead"):
            yield Source(integration, "dlq")
        if state in (None, "delivered", "filtered", "discarded"):
            yield Source(integration, "settled")

    def newest_first(self, source: Source, below: Place | None = None, since_ms: int = 0) -> Iterator[Found]:
        """
        Everything in a stream, newest first.

        Args:
            below: Only what lies below this place, which may be one in another stream.
            since_ms: Nothing that was put there before this time.
        """
        settled = source.name == "settled"
        count, most = (FIRST_RECORDS, LAST_RECORDS) if settled else (FIRST_PAGE, LAST_PAGE)
        upper = below.entry_id if below else "+"
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrevrange(source.key, upper, str(since_ms), count=count)
            for raw_id, values in page:
                for found in unpack(source, _text(raw_id), values):
                    if below is None or found.place < below:
                        yield found
            if len(page) < count:
                return
            upper = f"({_text(page[-1][0])}"
            count = min(2 * count, most)

    def find(self, source: Source, day: int, digest: str, since_ms: int) -> Found | None:
        """The submission of this day and digest, if it lies in this stream."""
        upper = "+"
        count = LOOK_THROUGH_RECORDS if source.name == "settled" else LOOK_THROUGH
        while True:
            hit, last = map(_text, self._find([source.key], [upper, since_ms, count, f',{day},"{digest}",']))
            if hit:
                with reaching_the_store():
                    page: Any = self._redis.xrange(source.key, hit, hit)
                entries = [one for raw_id, values in page for one in unpack(source, _text(raw_id), values)]
                return next((one for one in entries if one.head[1:3] == [day, digest]), None)
            if not last:
                return None
            upper = f"({last}"

    def past(self, source: Source, found: Found) -> tuple[Attempts, list[Death]]:
        """What was tried with a submission, and its earlier deaths, whether it is settled or waits."""
        if found.state not in ("waiting", "in_flight"):
            return found.extra.get("attempts", NO_ATTEMPTS), found.extra.get("deaths", [])
        prefix, entry_id = own(source.integration), found.place.entry_id
        name = source.name.replace("in:", "done:").replace("new:", "newdone:")
        with reaching_the_store():
            done = orjson.loads(self._redis.hget(f"{prefix}:{name}", entry_id) or b"{}") if name != "annex" else {}
            tried = self._redis.hget(f"{prefix}:lane:{source.lane}", "tried") if entry_id in source.flight else None
        earlier, deaths = _read_done(done)
        return earlier.followed_by(read_attempts(orjson.loads(tried or b"null"))), deaths

    def _waiting(self, integration: Integration) -> Iterator[Source]:
        prefix = own(integration)
        with reaching_the_store():
            lanes, redo = self._redis.hmget(f"{prefix}:state", ["lanes", "redo"])
            pipe = self._redis.pipeline(transaction=False)
            for lane in range(int(lanes or 0)):
                pipe.hmget(f"{prefix}:lane:{lane}", "flight", "flight_state")
            flights: list[list[bytes | None]] = pipe.execute()
        for lane, (flight, state) in enumerate(flights):
            yield Source(integration, f"in:{lane}", frozenset((flight or b"").decode().split()), state == b"sent")
        if redo:
            yield Source(integration, "annex")
            yield from (Source(integration, f"new:{lane}") for lane in range(int(lanes or 0)))


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def unpack(source: Source, entry_id: str, values: dict[bytes, bytes]) -> list[Found]:
    """The submissions of one stream entry, newest first."""
    ms, number = map(int, entry_id.split("-"))
    at_ms = int(float(values.get(b"at", b"0")))
    head = orjson.loads(values[b"h"])
    if source.name != "settled":
        is_out = source.is_out and entry_id in source.flight
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


def _read_done(done: dict[str, Any]) -> tuple[Attempts, list[Death]]:
    tried = Attempts(done["t"], done["k"]) if "t" in done else NO_ATTEMPTS
    return tried, read_deaths(done.get("h"))


def _about_settled(earlier: list[Any], details: Any) -> dict[str, Any]:
    """What a record says of one submission beside its outcome."""
    match earlier:
        case [{"done": dict(done), "died": died}]:
            tried, deaths = _read_done(done)
            told = details if isinstance(details, dict) else {}
            tried = read_attempts(told) if "number" in told else tried
            return {"attempts": tried, "deaths": deaths, "died_ms": int(died), "warnings": told.get("warnings", [])}
        case [{"done": dict(done)}]:
            tried, deaths = _read_done(done)
            return {"attempts": tried, "deaths": deaths}
        case [kept, number, *deaths]:
            return {"attempts": Attempts(kept, number), "deaths": read_deaths(deaths[0] if deaths else None)}
    return {"attempts": read_attempts(details), "deaths": []}


def _about_letter(values: dict[bytes, bytes]) -> dict[str, Any]:
    details = orjson.loads(values.get(b"details") or b"{}")
    tried, deaths = _read_done(orjson.loads(values.get(b"done") or b"{}"))
    return {
        "version": int(values.get(b"v") or 0),
        "replays": int(values.get(b"n") or 0),
        "attempts": read_attempts(details) if "number" in details else tried,
        "deaths": deaths,
        "warnings": details.get("warnings", []),
        **{name: details[name] for name in ("status", "answer") if name in details},
    }
