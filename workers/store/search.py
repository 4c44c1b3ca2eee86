"""
Submissions by what they say or by whom they are about, over the streams of records.py.

Nothing is indexed, as in timeline.py: a search reads the streams newest first, and skips a record of many submissions
after one look at its bytes. What one call does not get through, the next one goes on with.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, Unpack

import redis

from schemas.integration import Integration
from workers.store.found import Found, Place, Source, unpack
from workers.store.lazy_merge import merge_newest
from workers.store.records import Records
from workers.store.rows import Row, Rows
from workers.store.timeline import CLOCKS_MS, read_cursor, short, write_cursor
from workers.store.wanted import Bodies, Conditions, Wanted

#: What one call may take, and how many submissions it looks at; and what it may take while a person waits for a page.
SECONDS = 1.0
PAGE_SECONDS = 0.09
LOOKED_AT = 200_000


class _Seen(NamedTuple):
    """How far a stream has been looked through, and what was found there."""

    place: Place
    found: tuple[Found, Bodies] | None
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
        self._records = Records(connection)
        self._rows = Rows(connection)
        self._integrations = integrations
        self._clock = clock

    def find(
        self,
        *,
        integration_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        seconds: float = SECONDS,
        **wanted: Unpack[Conditions],
    ) -> tuple[list[dict[str, Any]], str | None]:
        """
        Submissions in short, as `Timeline.list` shows them, that meet every condition given; newest first.

        Args:
            cursor: As returned by the call before; raises ValueError if it is not one.
            seconds: After which a page ends where it is.

        Returns: The items, and the cursor of the next page or None. A page may be short, or empty, before the last.
        """
        found, following = self._page(integration_id, wanted, cursor, limit, seconds)
        return [short(one) for one, _ in found], following

    def find_rows(
        self,
        *,
        integration_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        **wanted: Unpack[Conditions],
    ) -> tuple[list[Row], str | None]:
        """The same as the pages list them, in the time that a page has."""
        found, following = self._page(integration_id, wanted, cursor, limit, PAGE_SECONDS)
        return self._rows.tell(found), following

    def _page(
        self, integration_id: str | None, wanted: Conditions, cursor: str | None, limit: int, seconds: float
    ) -> tuple[list[tuple[Found, Bodies]], str | None]:
        below, ends_at, looked_at = read_cursor(cursor), self._clock() + seconds, 0
        items: list[tuple[Found, Bodies]] = []
        for place, found, many in self._newest_first(integration_id, wanted, below):
            if found:
                items.append(found)
            looked_at += many
            if len(items) >= limit or looked_at >= LOOKED_AT or self._clock() >= ends_at:
                return items, write_cursor(place)
        return items, None

    def _newest_first(self, integration_id: str | None, wanted: Conditions, below: Place | None) -> Iterator[_Seen]:
        integrations = [one for one in self._integrations() if integration_id in (None, one.id)]
        of_integration = {one.id: Wanted(one, wanted) for one in integrations}
        since = wanted.get("since")
        since_ms = max(0, int(since.timestamp() * 1000) - CLOCKS_MS) if since else 0
        streams = [
            (end, partial(self._look_through, source, end, below, since_ms, of_integration[source.integration.id]))
            for end, source in self._records.ends(integrations, wanted.get("state"), below, since_ms)
        ]
        return merge_newest(streams, attrgetter("place"))

    def _look_through(
        self, source: Source, end: Place, below: Place | None, since_ms: int, wanted: Wanted
    ) -> Iterator[_Seen]:
        source = self._records.with_flight(source)
        for entry_id, values in self._records.entries(source, end, since_ms):
            for seen in _look_at(source, entry_id, values, wanted):
                if below is None or seen.place < below:
                    yield seen


def _look_at(source: Source, entry_id: str, values: dict[bytes, bytes], wanted: Wanted) -> Iterator[_Seen]:
    """What is wanted in one entry of a stream, and its end."""
    of_record = source.name == "settled"
    if wanted.may_be_in(values):
        bodies = Bodies(values[b"b"], of_record=of_record)
        for found in unpack(source, entry_id, values):
            if wanted.is_met(found, bodies):
                yield _Seen(found.place, (found, bodies), 0)
    ms, number = map(int, entry_id.split("-"))
    yield _Seen(Place(ms, number, source.stream, 0), None, int(values.get(b"n", b"1")) if of_record else 1)
