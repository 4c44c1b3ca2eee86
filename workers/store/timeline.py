"""
Where each submission stands, and what happened to it.

P:in:<lane>  stream  those that wait (inbox.py)
P:dlq        stream  dead letters: b body, h head, p person, why, details, done, at
P:settled    stream  one record per batch: n how many, h heads, b bodies, r results, v version, m attempt, at (ms)

Nothing is indexed: a record per batch costs a tenth of one per submission, so looking something up reads records,
newest first, and each call reads a bounded number of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.inbox import submission_id
from workers.store.keys import own

#: Records or entries read in one go, and in one call at most.
PAGE, MOST_PAGES = 100, 200
#: The streams, in the order in which a listing shows them.
STATES = ("waiting", "dead", "settled")


@dataclass(frozen=True, slots=True)
class Found:
    """One submission in one of the streams."""

    place: str
    head: list[Any]
    body: bytes
    state: str
    notes: Sequence[str]
    at_ms: int
    extra: dict[str, Any]

    @property
    def id(self) -> str:
        return submission_id(self.head[1], self.head[2])


class Timeline:
    """
    Listings and single submissions.

    Args:
        integrations: Every integration, for listings that name none.
    """

    def __init__(self, connection: redis.Redis, integrations: Callable[[], list[Integration]]) -> None:
        self._redis = connection
        self._integrations = integrations

    def list(
        self,
        integration_id: str | None = None,
        *,
        state: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """
        Submissions in short, newest first within each state: waiting, dead, then delivered and filtered.

        Args:
            since: Only those received at or after this time.
            cursor: As returned by the call before; raises ValueError if it is not one.

        Returns: The items, and the cursor of the next page or None.
        """
        sources = list(self._sources(integration_id))
        start, before = _read_cursor(cursor, len(sources))
        since_ms = since.timestamp() * 1000 if since else 0
        items: list[dict[str, Any]] = []
        for number in range(start, len(sources)):
            integration, kind, key = sources[number]
            places = self._read(key, kind, before if number == start else None)
            for read, found in enumerate(places, start=1):
                wanted = state in (None, found.state) and event in (None, found.head[6]) and found.head[4] >= since_ms
                if wanted:
                    items.append(_short(found, integration))
                if len(items) >= limit or read >= PAGE * MOST_PAGES:
                    return items, f"{number}.{found.place}"
        return items, None

    def show(self, wanted_id: str) -> dict[str, Any] | None:
        """One submission with its timeline and its raw body; None if it is not here or no longer kept."""
        for integration, kind, key in self._sources(None):
            for found in self._read(key, kind, None):
                if found.id == wanted_id:
                    return _whole(found, integration, self._last_attempt(integration, kind, key))
        return None

    def _sources(self, integration_id: str | None) -> Iterator[tuple[Integration, str, str]]:
        for integration in self._integrations():
            if integration_id not in (None, integration.id):
                continue
            with reaching_the_store():
                lanes = int(self._redis.hget(f"{own(integration)}:state", "lanes") or 0)
            for lane in range(lanes):
                yield integration, "waiting", f"{own(integration)}:in:{lane}"
            yield integration, "dead", f"{own(integration)}:dlq"
            yield integration, "settled", f"{own(integration)}:settled"

    def _last_attempt(self, integration: Integration, kind: str, key: str) -> bytes | None:
        if kind != "waiting":
            return None
        with reaching_the_store():
            return self._redis.hget(f"{own(integration)}:lane:{key.rpartition(':')[2]}", "last")  # type: ignore[return-value]

    def _read(self, key: str, kind: str, before: str | None) -> Iterator[Found]:
        """Newest first; `before` is the place of the last one seen: an entry id, and for records also a number."""
        entry_id, _, place = (before or "").partition(":")
        upper = entry_id if place else f"({entry_id}" if entry_id else "+"
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrevrange(key, upper, "-", count=PAGE)
            for raw_id, values in page:
                for found in _unpack(_text(raw_id), values, kind):
                    if not place or not found.place.startswith(f"{entry_id}:") or found.place > before:  # type: ignore[operator]
                        yield found
            if len(page) < PAGE:
                return
            upper = f"({_text(page[-1][0])}"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def _unpack(entry_id: str, values: dict[bytes, bytes], kind: str) -> list[Found]:
    at_ms = int(float(values.get(b"at", b"0")))
    if kind != "settled":
        reason = values.get(b"why", b"").decode()
        details = orjson.loads(values.get(b"details") or b"{}")
        head = orjson.loads(values[b"h"])
        state = "dead" if kind == "dead" else "waiting"
        return [Found(entry_id, head, values[b"b"], state, [reason] if reason else [], at_ms, details)]
    heads, bodies, results = (orjson.loads(values[name]) for name in (b"h", b"b", b"r"))
    attempt = orjson.loads(values.get(b"m") or b"{}")
    extra = {"attempt": attempt, "version": int(values.get(b"v", b"0"))}
    return [
        Found(f"{entry_id}:{i:04d}", head, orjson.dumps(body), result[0], result[1], at_ms, extra)
        for i, (head, body, result) in enumerate(zip(heads, bodies, results, strict=True))
    ]


def _read_cursor(cursor: str | None, sources: int) -> tuple[int, str | None]:
    if not cursor:
        return 0, None
    number, _, place = cursor.partition(".")
    if not number.isdecimal() or int(number) >= sources or not place:
        raise ValueError("the cursor is not one of ours, or an integration was removed meanwhile")
    return int(number), place


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(found: Found, integration: Integration) -> dict[str, Any]:
    return {
        "id": found.id,
        "integration": integration.id,
        "event": found.head[6],
        "state": found.state,
        "reason": found.notes[0] if found.state in ("dead", "filtered") and found.notes else None,
        "received_at": _time(found.head[4]),
        "settled_at": _time(found.at_ms) if found.at_ms else None,
    }


def _whole(found: Found, integration: Integration, last_attempt: bytes | None) -> dict[str, Any]:
    person = found.head[3]
    steps: list[dict[str, Any]] = [{"what": "received", "at": _time(found.head[4]), "version": found.head[5]}]
    if found.state in ("delivered", "filtered"):
        steps.append({"what": "mapped", "version": found.extra["version"], "warnings": list(found.notes)})
        if found.extra["attempt"] and found.state == "delivered":
            steps.append({"what": "attempt", **found.extra["attempt"]})
        steps.append({"what": found.state, "at": _time(found.at_ms)})
    elif found.state == "dead":
        steps.append({"what": "dead", "at": _time(found.at_ms), "reason": found.notes[0], **found.extra})
    elif last_attempt:
        steps.append({"what": "attempt", **orjson.loads(last_attempt)})
    identifier = None if person is None else {"kind": person[0], "value": person[1], "alias_label": person[2]}
    return _short(found, integration) | {"person": identifier, "timeline": steps, "raw": orjson.loads(found.body)}
