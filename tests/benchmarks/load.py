"""A load generator that costs little: prepared requests over raw keep-alive connections, in one thread."""

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Load:
    """What sending a list of requests came to."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)


def request(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Connection:
    """One keep-alive connection; `ask` waits for the answer."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def ask(self, sent: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self.sock.sendall(sent)
        while (answer := self.receive()) is None:
            pass
        return answer

    def receive(self) -> tuple[int, bytes] | None:
        """Read once; the answer if it is whole. Raises: ConnectionError if the other side hung up."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("hung up in the middle of an answer")
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._read, 0, end)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._read) < whole:
            return None
        status, body = int(self._read[9:12]), self._read[end + 4 : whole]
        self._read = self._read[whole:]
        return status, body


def drive(port: int, requests: Sequence[bytes], *, connections: int = 16) -> Load:
    """Send all requests, at least one for each connection; each connection sends its next when it has an answer."""
    load, waiting = Load(), iter(requests)
    lines = [Connection(port) for _ in range(connections)]
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for number, line in enumerate(lines):
            selector.register(line.sock, selectors.EVENT_READ, number)
            line.sock.sendall(next(waiting))
        unanswered = connections
        while unanswered:
            for key, _ in selector.select(30):
                number = key.data
                answer = lines[number].receive()
                if answer is None:
                    continue
                load.statuses[answer[0]] += 1
                following = next(waiting, None)
                if following is None:
                    unanswered -= 1
                else:
                    lines[number].sock.sendall(following)
    load.seconds = time.perf_counter() - started
    for line in lines:
        line.sock.close()
    return load
