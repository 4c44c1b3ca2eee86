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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import redis

from schemas.attempts import NO_ATTEMPTS, Attempts, read_attempts
from schemas.deaths import Death
from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.found import Found, Place, Source, read_done, unpack
from workers.store.keys import own
from workers.store.newest import Newest
from workers.store.scripts import Script

#: Entries read in one go, at first and at most: most callers want a few. Fewer once a page holds more than PAGE_BYTES.
FIRST_PAGE, LAST_PAGE, PAGE_BYTES = 8, 128, 2_000_000
#: A record holds up to a whole batch.
FIRST_RECORDS, LAST_RECORDS = 1, 16
#: Entries that the store looks through in one call; it does nothing else meanwhile.
LOOK_THROUGH, LOOK_THROUGH_RECORDS = 1000, 16

#: More than any entry holds: stands for the whole of it.
WHOLE = 10_000


class OutOfTime(Exception):
    """Not everything could be looked through in the time that was given."""


@dataclass(frozen=True, slots=True)
class Look:
    """The search for one submission by its id."""

    #: Of its acceptance, since 1970.
    day: int
    #: 8 bytes in hexadecimal.
    digest: str
    #: It lies nowhere before this time.
    since_ms: int
    #: Seconds, only ever forward.
    clock: Callable[[], float]
    #: By that clock; None: never.
    ends_at: float | None

    def check_time(self) -> None:
        """Raises: OutOfTime."""
        if self.ends_at is not None and self.clock() >= self.ends_at:
            raise OutOfTime


class Records:
    """Reads the streams, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._newest = Newest(connection)
        self._find = Script(connection, "find")

    def sources(self, integration: Integration) -> Iterator[Source]:
        """The streams in which a submission may lie, in the order in which it moves through them."""
        for name in _streams(None):
            if name == "waiting":
                yield from self._waiting(integration)
            else:
                yield Source(integration, name)

    def ends(
        self, integrations: Sequence[Integration], state: str | None, below: Place | None, since_ms: int
    ) -> list[tuple[Place, Source]]:
        """
        The streams that hold something which may be in a state, each with a place that nothing in it lies above.

        Args:
            below, since_ms: As for `newest_first`; a stream without an entry between them is left out.
        """
        upper = below.entry_id if below else "+"
        spots = self._newest.look(integrations, _streams(state), newest=upper, oldest=str(since_ms))
        sources = ((spot, Source(spot.integration, spot.name)) for spot in spots)
        return [(Place(spot.ms, spot.number, source.stream, WHOLE), source) for spot, source in sources]

    def newest_first(self, source: Source, end: Place, below: Place | None, since_ms: int) -> Iterator[Found]:
        """
        Everything in a stream, newest first.

        Args:
            end: As `ends` told it; what is put there later does not belong to it.
            below: Only what lies below this place, which may be one in another stream.
            since_ms: Nothing that was put there before this time.
        """
        source = self.with_flight(source)
        for entry_id, values in self.entries(source, end, since_ms):
            for found in unpack(source, entry_id, values):
                if below is None or found.place < below:
                    yield found

    def entries(self, source: Source, end: Place, since_ms: int) -> Iterator[tuple[str, dict[bytes, bytes]]]:
        """The same as they lie in the store, from the entry that holds the place `end` on: id and fields."""
        settled = source.name == "settled"
        count, most = (FIRST_RECORDS, LAST_RECORDS) if settled else (FIRST_PAGE, LAST_PAGE)
        upper = end.entry_id
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrevrange(source.key, upper, str(since_ms), count=count)
            yield from ((_text(raw_id), values) for raw_id, values in page)
            if len(page) < count:
                return
            upper = f"({_text(page[-1][0])}"
            size = sum(len(values[b"b"]) for _, values in page)
            count = max(1, count // 2) if size > PAGE_BYTES else min(2 * count, most)

    def with_flight(self, source: Source) -> Source:
        """The same with what is out of a lane, where that was not read yet."""
        if source.lane is None or source.flight is not None:
            return source
        with reaching_the_store():
            key = f"{own(source.integration)}:lane:{source.lane}"
            flight, state = self._redis.hmget(key, ["flight", "flight_state"])
        return _of_lane(source, flight, state)

    def find(self, source: Source, look: Look) -> Found | None:
        """The submission that is looked for, if it lies in this stream. Raises: OutOfTime."""
        upper = "+"
        count = LOOK_THROUGH_RECORDS if source.name == "settled" else LOOK_THROUGH
        while True:
            look.check_time()
            args: list[str | int] = [upper, look.since_ms, count, f',{look.day},"{look.digest}",']
            hit, last = map(_text, self._find([source.key], args))
            if hit:
                with reaching_the_store():
                    page: Any = self._redis.xrange(source.key, hit, hit)
                entries = [one for raw_id, values in page for one in unpack(source, _text(raw_id), values)]
                return next((one for one in entries if one.head[1:3] == [look.day, look.digest]), None)
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
            tried = (
                self._redis.hget(f"{prefix}:lane:{source.lane}", "tried") if entry_id in (source.flight or ()) else None
            )
        earlier, deaths = read_done(done)
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
            yield _of_lane(Source(integration, f"in:{lane}"), flight, state)
        if redo:
            yield Source(integration, "annex")
            yield from (Source(integration, f"new:{lane}") for lane in range(int(lanes or 0)))


def _streams(state: str | None) -> list[str]:
    """What a submission in a state may lie in, in the order in which it moves; `waiting` stands for all the lanes."""
    of_states = {"held": {"held"}, "waiting": {"waiting", "in_flight"}, "newheld": {"held"}, "dlq": {"dead"},
                 "settled": {"delivered", "filtered", "discarded"}}  # fmt: skip
    return [name for name, states in of_states.items() if state is None or state in states]


def _of_lane(source: Source, flight: bytes | str | None, state: bytes | str | None) -> Source:
    return replace(source, flight=frozenset(_text(flight or b"").split()), is_out=state == b"sent")


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
