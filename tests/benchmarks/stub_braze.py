"""
The cheapest Braze there can be: answers 201 at once and only keeps what came, to be counted afterwards.

    python -m tests.benchmarks.stub_braze PORT

GET /count answers how many requests came, GET /report what was in them, POST /reset forgets it all. POST /answer says
what comes from now on: {"status", "headers", "delay_ms"}, all optional. What is not answered with 201 is not kept.
"""

import heapq
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

#: Members of an attributes object that are no data points.
_WHOSE = {"external_id", "user_alias", "_update_existing_only"}
_BODY = b'{"message":"success"}'


def _track_answer(status: int = 201, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} So", "Content-Type: application/json", f"Content-Length: {len(_BODY)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + _BODY


_CREATED = _track_answer()


@dataclass(slots=True)
class Stub:
    """What came: when, and the body as it was."""

    came: list[tuple[float, bytes]] = field(default_factory=list)
    #: Requests that were not taken.
    refused: int = 0
    track: bytes = _CREATED
    delay_s: float = 0.0

    def answer(self, start: bytes, body: bytes) -> tuple[bytes, float]:
        """The whole answer to one request, and how many seconds it takes."""
        if start.startswith(b"POST /users/track"):
            if self.track is _CREATED:
                self.came.append((time.time(), body))
            else:
                self.refused += 1
            return self.track, self.delay_s
        return self._told(start, body), 0.0

    def _told(self, start: bytes, body: bytes) -> bytes:
        if start.startswith(b"POST /answer"):
            asked = orjson.loads(body)
            self.delay_s = asked.pop("delay_ms", 0.0) / 1000
            self.track = _track_answer(**asked) if asked else _CREATED
            return _ok("so be it")
        if start.startswith(b"GET /refused"):
            return _ok(self.refused)
        if start.startswith(b"GET /count"):
            return _ok(len(self.came))
        if start.startswith(b"GET /report"):
            return _ok(self.report())
        self.came.clear()
        self.refused = 0
        return _ok("forgotten")

    def report(self) -> dict[str, Any]:
        """
        Objects per request in the order of arrival, how often each event id came, and when first; and how many
        attributes were set, without the members that say of whom.
        """
        sizes: list[int] = []
        ids: Counter[str] = Counter()
        first_at: dict[str, float] = {}
        attributes = 0
        for at, body in self.came:
            request = orjson.loads(body)
            events = request.get("events", [])
            profiles = request.get("attributes", [])
            sizes.append(len(profiles) + len(events))
            attributes += sum(len(one.keys() - _WHOSE) for one in profiles)
            for event in events:
                name = event["properties"]["komo_submission_id"]
                ids[name] += 1
                first_at.setdefault(name, at)
        return {"sizes": sizes, "ids": ids, "first_at": first_at, "attributes": attributes}


def _ok(value: Any) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class _Caller:
    """One connection, and what of its next request has been read."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.read = bytearray()

    def take(self, stub: Stub, later: list[tuple[float, int, "_Caller", bytes]]) -> bool:
        """Read once and answer what is whole, or put the answer off; False if the caller hung up."""
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            return False
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.read[:end])
            place = head.lower().find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r", 1)[0]) if place >= 0 else 0
            whole = end + 4 + length
            if len(self.read) < whole:
                break
            answer, delay_s = stub.answer(head, bytes(self.read[end + 4 : whole]))
            if delay_s:
                heapq.heappush(later, (time.monotonic() + delay_s, next(_NUMBERS), self, answer))
            else:
                self.send(answer)
            del self.read[:whole]
        return bool(data)

    def send(self, answer: bytes) -> None:
        try:
            self.sock.setblocking(True)
            self.sock.sendall(answer)
            self.sock.setblocking(False)
        except OSError:  # gone meanwhile
            return


_NUMBERS = count()


def _send_due(later: list[tuple[float, int, _Caller, bytes]]) -> float | None:
    """Send what is due; returns the seconds until the next, None if nothing waits."""
    while later and later[0][0] <= time.monotonic():
        *_, caller, answer = heapq.heappop(later)
        caller.send(answer)
    return max(0.0, later[0][0] - time.monotonic()) if later else None


def serve(port: int) -> None:
    """Answer for ever, in one thread."""
    stub, later = Stub(), list[tuple[float, int, _Caller, bytes]]()
    with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", port)) as listener:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_send_due(later)):
                caller: _Caller | None = key.data
                if caller is None:
                    sock, _ = listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setblocking(False)
                    selector.register(sock, selectors.EVENT_READ, _Caller(sock))
                elif not caller.take(stub, later):
                    selector.unregister(caller.sock)
                    caller.sock.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
