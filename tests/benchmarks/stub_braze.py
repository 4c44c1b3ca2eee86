"""
The cheapest Braze there can be: answers 201 at once and only keeps what came, to be counted afterwards.

    python -m tests.benchmarks.stub_braze PORT

GET /count answers how many requests came, GET /report what was in them, POST /reset forgets it all.
"""

import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

_CREATED = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"message":"success"}'


@dataclass(slots=True)
class Stub:
    """What came: when, and the body as it was."""

    came: list[tuple[float, bytes]] = field(default_factory=list)

    def answer(self, start: bytes, body: bytes) -> bytes:
        """The whole answer to one request."""
        if start.startswith(b"POST /users/track"):
            self.came.append((time.time(), body))
            return _CREATED
        if start.startswith(b"GET /count"):
            return _ok(len(self.came))
        if start.startswith(b"GET /report"):
            return _ok(self.report())
        self.came.clear()
        return _ok("forgotten")

    def report(self) -> dict[str, Any]:
        """Objects per request in the order of arrival, how often each event id came, and when first."""
        sizes: list[int] = []
        ids: Counter[str] = Counter()
        first_at: dict[str, float] = {}
        for at, body in self.came:
            request = orjson.loads(body)
            events = request.get("events", [])
            sizes.append(len(request.get("attributes", [])) + len(events))
            for event in events:
                name = event["properties"]["komo_submission_id"]
                ids[name] += 1
                first_at.setdefault(name, at)
        return {"sizes": sizes, "ids": ids, "first_at": first_at}


def _ok(value: Any) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class _Caller:
    """One connection, and what of its next request has been read."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.read = bytearray()

    def take(self, stub: Stub) -> bool:
        """Read once and answer what is whole; False if the caller hung up."""
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
            self.sock.setblocking(True)
            self.sock.sendall(stub.answer(head, bytes(self.read[end + 4 : whole])))
            self.sock.setblocking(False)
            del self.read[:whole]
        return bool(data)


def serve(port: int) -> None:
    """Answer for ever, in one thread."""
    stub = Stub()
    with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", port)) as listener:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                caller: _Caller | None = key.data
                if caller is None:
                    sock, _ = listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setblocking(False)
                    selector.register(sock, selectors.EVENT_READ, _Caller(sock))
                elif not caller.take(stub):
                    selector.unregister(caller.sock)
                    caller.sock.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
