"""
What the same work costs at least in Python: one process, a raw socket, one pipelined round trip to the store per batch.

    python -m tests.benchmarks.hand_tuned on|off

It reads the same inbox with the same mapping and keeps the same counters; `on` adds the spacing of people (in its own
memory) and a record per batch. It has no lease, no gate, no record of what is in flight, and loses what it holds when
it dies. Prints a JSON line.
"""

import os
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import orjson
import redis

from schemas.komo import read_submission
from schemas.person import Person
from tests.benchmarks.route import Route, load_route
from tests.benchmarks.setting import settings_of
from workers.store import open_stores
from workers.store.keys import own

MAX_OBJECTS = 75
_Entry = tuple[bytes, dict[bytes, bytes]]


class _Braze:
    """One keep-alive connection."""

    def __init__(self, route: Route) -> None:
        host, _, port = route.integration.braze.rest_endpoint.rpartition("//")[2].partition(":")
        self._sock = socket.create_connection((host, int(port)))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /users/track HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {route.api_key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def send(self, body: bytes) -> bytes:
        self._sock.sendall(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
        answer = self._sock.recv(65536)
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            answer += self._sock.recv(65536)
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(answer[:200])
        return answer


class _Loop:
    """All lanes by turns."""

    def __init__(self, connection: redis.Redis, route: Route, *, spacing_s: float, records: bool) -> None:
        self._redis, self._route, self._braze = connection, route, _Braze(route)
        self._prefix = own(route.integration)
        self._spacing_s, self._records = spacing_s, records
        self._cool: dict[str, float] = {}
        #: Entries of people who must not be written to yet: until when, and in which lane.
        self._parked: deque[tuple[float, str, _Entry]] = deque()
        self._empty: set[str] = set()
        self.done = 0

    def run(self, lanes: Sequence[str]) -> None:
        """Until nothing is left."""
        cursors = dict.fromkeys(lanes, b"-")
        settle = self._redis.pipeline(transaction=False)
        for lane in cycle(lanes):
            cursor = cursors[lane]
            if lane in self._empty and not self._parked and len(self._empty) == len(lanes):
                settle.execute()
                return
            settle.xrange(lane, b"(" + cursor if cursor != b"-" else b"-", count=MAX_OBJECTS // 2)
            found: list[_Entry] = settle.execute()[-1]
            settle = self._redis.pipeline(transaction=False)
            if found:
                cursors[lane] = found[-1][0]
            else:
                self._empty.add(lane)
            entries = list(self._ready(lane, found))
            if entries:
                self._deliver(entries, settle)
            elif self._parked and len(self._empty) == len(lanes):
                time.sleep(0.001)

    def _ready(self, lane: str, found: list[_Entry]) -> Iterator[tuple[str, _Entry]]:
        """Those whose person may be written to, a request full at most; the others are set aside."""
        if not self._spacing_s:
            yield from ((lane, entry) for entry in found)
            return
        now, room = time.monotonic(), MAX_OBJECTS // 2
        while room and self._parked and self._parked[0][0] <= now:
            yield self._parked.popleft()[1:]
            room -= 1
        for entry in found:
            until = self._cool.get(entry[1][b"p"].decode(), 0.0)
            if until > now or not room:
                self._parked.append((until, lane, entry))
            else:
                yield lane, entry
                room -= 1

    def _deliver(self, entries: list[tuple[str, _Entry]], settle: Any) -> None:
        attributes: dict[str, dict[str, Any]] = {}
        events: list[dict[str, Any]] = []
        results: list[list[str]] = []
        for _, (_, fields) in entries:
            _, day, digest, packed, received_ms, _, _ = orjson.loads(fields[b"h"])
            submission = read_submission(
                orjson.loads(fields[b"b"]), id=f"{day:x}{digest}",
                received_at=datetime.fromtimestamp(received_ms / 1000, UTC),
            )  # fmt: skip
            person = Person(*packed)
            mapped = self._route.mapping.apply(submission, person)
            attributes.setdefault(person.value, person.identifier()).update(mapped.attributes)
            events += mapped.events
            results.append(["delivered", *mapped.warnings])
        self._braze.send(orjson.dumps({"attributes": list(attributes.values()), "events": events}))
        self._settle(entries, len(attributes) + len(events), settle, results)

    def _settle(self, entries: list[tuple[str, _Entry]], objects: int, settle: Any, results: list[list[str]]) -> None:
        """Queued, to travel with the next read."""
        count = len(entries)
        ids: dict[str, list[bytes]] = {}
        for lane, (entry_id, _) in entries:
            ids.setdefault(lane, []).append(entry_id)
        for lane, gone in ids.items():
            settle.xdel(lane, *gone)
        for name, amount in (("waiting", -count), ("delivered", count), ("requests", 1), ("objects", objects)):
            settle.hincrby(f"{self._prefix}:ledger", name, amount)
        if self._spacing_s:
            until = time.monotonic() + self._spacing_s
            self._cool.update((fields[b"p"].decode(), until) for _, (_, fields) in entries)
        if self._records:
            heads = b"[" + b",".join(fields[b"h"] for _, (_, fields) in entries) + b"]"
            bodies = b"[" + b",".join(fields[b"b"] for _, (_, fields) in entries) + b"]"
            record = {"n": count, "h": heads, "b": bodies, "r": orjson.dumps(results), "at": int(time.time() * 1000)}
            settle.xadd(f"{self._prefix}:settled", record)
        self.done += count


def main(mode: str) -> None:
    """Empty every lane, and say how long it took."""
    settings = settings_of(os.environ)
    stores = open_stores(settings)
    route = load_route(stores)
    on = mode == "on"
    loop = _Loop(stores.connection, route, spacing_s=settings.person_spacing_ms / 1000 if on else 0, records=on)
    started, cpu_started = time.perf_counter(), time.process_time()
    loop.run([f"{own(route.integration)}:in:{lane}" for lane in range(settings.lanes)])
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    sys.stdout.write(orjson.dumps({"done": loop.done, "seconds": seconds, "cpu_s": cpu_s}).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
