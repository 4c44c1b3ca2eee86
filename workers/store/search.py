"""
Submissions by what they say or by whom they are about, over the streams of records.py.

Nothing is indexed, as in timeline.py: a search reads the streams newest first, and skips a record of many submissions
after one look at its bytes. What one call does not get through, the next one goes on with.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from heapq import merge
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
import redis

from schemas.integration import Integration
from schemas.person import Person
from workers.store.connect import reaching_the_store
from workers.store.letter_filter import normalised
from workers.store.records import (
    FIRST_PAGE,
    FIRST_RECORDS,
    LAST_PAGE,
    LAST_RECORDS,
    Found,
    Place,
    Records,
    Source,
    unpack,
)
from workers.store.text_search import holds_text
from workers.store.timeline import CLOCKS_MS, read_cursor, short, write_cursor

#: What one call may take, and how many submissions it looks at.
SECONDS = 1.0
LOOKED_AT = 200_000

_ID = re.compile(r"[0-9a-f]{1,6}([0-9a-f]{16})")


class _Seen(NamedTuple):
    """How far a stream has been looked through, and what was found there."""

    place: Place
    found: Found | None
    #: How many submissions were looked at since the one before.
    many: int


class Search:
    """
    Finds submissions wherever they are.

    Args:
        integrations: Every integration, for searches that name none.
        clock: Seconds, only ever forward.
    """

    def __init__(
        self,
        connection: redis.Redis,
        integrations: Callable[[], Sequence[Integration]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = connection
        self._records = Records(connection)
        self._integrations = integrations
        self._clock = clock

    def find(
        self,
        *,
        identifier: tuple[str | None, str, str | None] | None = None,
        text: str | None = None,
        integration_id: str | None = None,
        state: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """
        Submissions in short, as `Timeline.list` shows them, that meet every condition given; newest first.

        Args:
            identifier: Kind (None: any), value as somebody writes it, alias label (None: any).
            text: Stands anywhere in the body or in the event's name, upper and lower case alike, or is the id.
            since: Only those received at or after this time.
            cursor: As returned by the call before; raises ValueError if it is not one.

        Returns: The items, and the cursor of the next page or None. A page may be short, or empty, before the last.
        """
        below, since_ms = read_cursor(cursor), int(since.timestamp() * 1000) if since else 0
        ends_at, looked_at = self._clock() + SECONDS, 0
        items: list[dict[str, Any]] = []
        for place, found, many in self._newest_first(identifier, text, integration_id, state, below, since_ms):
            if found and state in (None, found.state) and found.head[4] >= since_ms:
                items.append(short(found))
            looked_at += many
            if len(items) >= limit or looked_at >= LOOKED_AT or self._clock() >= ends_at:
                return items, write_cursor(place)
        return items, None

    def _newest_first(
        self,
        identifier: tuple[str | None, str, str | None] | None,
        text: str | None,
        integration_id: str | None,
        state: str | None,
        below: Place | None,
        since_ms: int,
    ) -> Iterator[_Seen]:
        streams = []
        for integration in self._integrations():
            if integration_id in (None, integration.id):
                wanted = _Wanted(integration, identifier, text)
                for source in self._records.sources(integration, state):
                    streams.append(self._look_through(source, wanted, below, max(0, since_ms - CLOCKS_MS)))
        return merge(*streams, key=attrgetter("place"), reverse=True)

    def _look_through(self, source: Source, wanted: "_Wanted", below: Place | None, since_ms: int) -> Iterator[_Seen]:
        upper = below.entry_id if below else "+"
        settled = source.name == "settled"
        count, most = (FIRST_RECORDS, LAST_RECORDS) if settled else (FIRST_PAGE, LAST_PAGE)
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrevrange(source.key, upper, str(since_ms), count=count)
            for raw_id, values in page:
                for seen in _look_at(source, raw_id.decode(), values, wanted):
                    if below is None or seen.place < below:
                        yield seen
            if len(page) < count:
                return
            upper = f"({page[-1][0].decode()}"
            count = min(2 * count, most)


@dataclass(frozen=True)
class _Wanted:
    """What is looked for in one integration."""

    integration: Integration
    identifier: tuple[str | None, str, str | None] | None
    text: str | None

    def may_be_in(self, heads: bytes, bodies: bytes) -> bool:
        """Whether a closer look is worth it, at one submission or at a record of many."""
        if self.identifier and not any(value in heads for value in self._written):
            return False
        if self.text is None or holds_text(bodies, self.text):
            return True
        return holds_text(heads, self.text) or bool(self._digest and self._digest in heads)

    def is_met(self, found: Found, body: bytes) -> bool:
        """Whether a submission meets every condition."""
        return self._is_about(found.head[3]) and self._says(found, body)

    def _is_about(self, packed: Sequence[Any] | None) -> bool:
        if self.identifier is None:
            return True
        if packed is None:
            return False
        person, (kind, _, label) = Person(*packed), self.identifier
        return (
            kind in (None, person.kind)
            and label in (None, person.alias_label)
            and self._value_of(person.kind, person.alias_label) == person.value
        )

    def _says(self, found: Found, body: bytes) -> bool:
        if self.text is None or found.id == self.text.strip().lower():
            return True
        return self.text.casefold() in str(found.head[6]).casefold() or holds_text(body, self.text)

    @cached_property
    def _value_of(self) -> Callable[[str, str | None], str | None]:
        value = self.identifier[1] if self.identifier else ""
        return cache(lambda kind, label: normalised(kind, value, label, self.integration))

    @cached_property
    def _written(self) -> list[bytes]:
        """How the identifier stands in a head, whatever its kind is."""
        values = {self._value_of(kind, None) for kind in ("external_id", "email", "phone")}
        return [orjson.dumps(value)[1:-1] for value in values if value]

    @cached_property
    def _digest(self) -> bytes:
        """The part of a submission's id that stands in its head, if the text is an id."""
        match = _ID.fullmatch((self.text or "").strip().lower())
        return match[1].encode() if match else b""


def _look_at(source: Source, entry_id: str, values: dict[bytes, bytes], wanted: _Wanted) -> Iterator[_Seen]:
    """What is wanted in one entry of a stream, and its end."""
    many = int(values.get(b"n", b"1")) if source.name == "settled" else 1
    if wanted.may_be_in(values[b"h"], values[b"b"]):
        bodies = _bodies(source, values, wanted)
        for found in unpack(source, entry_id, values):
            if wanted.is_met(found, bodies[found.place.at]):
                yield _Seen(found.place, found, 0)
    ms, number = map(int, entry_id.split("-"))
    yield _Seen(Place(ms, number, source.stream, 0), None, many)


def _bodies(source: Source, values: dict[bytes, bytes], wanted: _Wanted) -> list[bytes]:
    """Each body of an entry by itself."""
    if source.name != "settled":
        return [values[b"b"]]
    bodies = orjson.loads(values[b"b"])
    return [b""] * len(bodies) if wanted.text is None else [orjson.dumps(body) for body in bodies]
