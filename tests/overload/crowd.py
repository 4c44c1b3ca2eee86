"""A thousand senders in one event loop: most behave, some are slow, some talk nonsense. Each counts what it is told."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from tests.benchmarks.load import request
from tests.benchmarks.setting import INTEGRATION_ID, body

PATH = f"/webhooks/komo/{INTEGRATION_ID}"
PEOPLE = 5_000
ARRAY = 20
#: Of the biggest bodies; the webhook takes 1 MiB.
MOST_BYTES = 1_000_000
#: Nobody waits longer for an answer; the slowest honest one is a big body that waits for its turn.
PATIENCE_S = 40.0
#: Of 1,000 senders.
SHARES = {"small": 700, "array": 100, "big": 60, "wrong": 40, "drip": 60, "header": 20, "silent": 20}
WELL_BEHAVED = frozenset({"small", "array", "big"})
#: Kind -> seconds between two requests of one sender. All together they are more than two processors take.
PAUSE_S = {"small": 1.2, "array": 4.0, "big": 8.0, "wrong": 2.0}
ASKS_TO_WAIT = frozenset({429, 503})
#: What nonsense may be told. Who goes on sending a body that was refused for its size may not hear the answer.
DESERVED = frozenset({0, 400, 401, 404, 408, 413, 422, 429, 503})


@dataclass(slots=True)
class Book:
    """What was answered to whom."""

    #: (kind, status) -> how often; 0 is for a connection that ended without an answer.
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: Ids that were answered with 202.
    accepted: set[str] = field(default_factory=set)
    #: Seconds that small posts took until their 202.
    took_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def note(self, kind: str, status: int, head: bytes) -> None:
        """One answer."""
        self.answers[kind, status] += 1
        if status in ASKS_TO_WAIT and b"\r\nretry-after: " not in head.lower():
            self.breaks(f"{kind}: {status} without Retry-After")
        if kind in WELL_BEHAVED and status not in ASKS_TO_WAIT | {202}:
            self.breaks(f"{kind}: answered {status or 'nothing at all'}")
        if kind == "wrong" and status not in DESERVED:
            self.breaks(f"nonsense was answered {status or 'nothing at all'}")
        if kind in ("drip", "header") and status not in (0, 408, 503, 429):
            self.breaks(f"{kind}: answered {status}")

    def breaks(self, sentence: str) -> None:
        """A promise; the same one is told once."""
        if sentence not in self.broken:
            self.broken.append(sentence)


class Crowd:
    """All of them, until it is time to stop."""

    def __init__(self, port: int, secret: str, *, connections: int, seed: int) -> None:
        self.book = Book()
        self._port, self._secret, self._rng = port, secret, random.Random(seed)
        self._connections, self._numbers = connections, count(1)
        self._until = 0.0

    async def come(self, seconds: float) -> None:
        """Send for so long."""
        self._until = time.monotonic() + seconds
        doing: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = {
            "drip": self._drip, "header": self._drip, "silent": self._silent,
        }  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for kind, share in SHARES.items():
                for _ in range(max(1, share * self._connections // 1000)):
                    group.create_task(doing.get(kind, self._post)(kind))

    async def _post(self, kind: str) -> None:
        """One request after the other on one connection, as a sender with a queue of its own does."""
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        await asyncio.sleep(self._rng.random() * PAUSE_S[kind])
        while time.monotonic() < self._until:
            started = time.monotonic()
            try:
                line = line or await asyncio.open_connection("127.0.0.1", self._port)
                status, head, data = await self._ask(line, self._request(kind))
            except (OSError, EOFError, TimeoutError):
                status, head, data = 0, b"", b""
            self.book.note(kind, status, head)
            if status == 202:
                self.book.accepted.update(one["id"] for one in orjson.loads(data)["submissions"])
            if (kind, status) == ("small", 202):
                self.book.took_s.append(time.monotonic() - started)
            if line and (not status or b"\r\nconnection: close" in head.lower()):
                line[1].close()
                line = None
            await asyncio.sleep(PAUSE_S[kind] * (0.5 + self._rng.random()))
        if line:
            line[1].close()

    async def _ask(
        self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], sent: bytes
    ) -> tuple[int, bytes, bytes]:
        async with asyncio.timeout(PATIENCE_S):
            line[1].write(sent)
            with contextlib.suppress(ConnectionError):  # an answer may be there all the same
                await line[1].drain()
            return await _answer(line[0])

    async def _drip(self, kind: str) -> None:
        """A body, or a head, of one byte a second."""
        while time.monotonic() < self._until:
            status, words = 0, b""
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                whole = self._request("big" if self._rng.random() < 0.3 else "small")
                cut = whole.index(b"\r\n\r\n") + 10 if kind == "drip" else 20
                writer.write(whole[:cut])
                answer = asyncio.create_task(_answer(reader))
                for byte in whole[cut:]:
                    done, _ = await asyncio.wait({answer}, timeout=1)
                    if done or time.monotonic() > self._until:
                        break
                    writer.write(bytes([byte]))
                if not answer.done():
                    answer.cancel()
                    writer.close()
                    return
                status, words, _ = await answer
                writer.close()
            except (OSError, EOFError):
                pass
            self.book.note(kind, status, words)

    async def _silent(self, _: str) -> None:
        """Connects, and never says anything."""
        while time.monotonic() < self._until:
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                    await reader.read()
                writer.close()

    def _request(self, kind: str) -> bytes:
        data, headers, path = self._body(kind), {"Authorization": f"Bearer {self._secret}"}, PATH
        if kind == "wrong":
            match self._rng.randrange(5):
                case 0:
                    headers = {"Authorization": "Bearer wrong"}
                case 1:
                    path = f"/webhooks/komo/hub-{self._rng.randrange(100)}"
                case 2:
                    data = data[:-9]
                case 3:
                    data = b"[]"
                case _:
                    data = b" " * 2_000_000
        return request(self._port, path, headers, data)

    def _body(self, kind: str) -> bytes:
        some = [self._one() for _ in range(ARRAY if kind == "array" else 1)]
        if kind == "big":
            some[0]["filler"] = "x" * self._rng.randrange(50_000, MOST_BYTES)
        return orjson.dumps(some if kind == "array" else some[0])

    def _one(self) -> dict[str, Any]:
        number = next(self._numbers)
        return body(f"m{self._rng.randrange(PEOPLE)}", number, number)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Status, head and body. Raises: EOFError if the other side hung up before."""
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
    return int(head[9:12]), head, await reader.readexactly(length)


async def health(port: int, book: Book, until: float) -> list[float]:
    """Ask after it every second; returns the seconds that each answer took."""
    took = []
    while time.monotonic() < until:
        for path in ("/healthz", "/readyz"):
            started = time.monotonic()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                async with asyncio.timeout(10):
                    status = (await _answer(reader))[0]
                writer.close()
            except (OSError, EOFError, TimeoutError):
                status = 0
            took.append(time.monotonic() - started)
            if status != 200:
                book.breaks(f"{path} answered {status or 'nothing at all'}")
        await asyncio.sleep(1)
    return took
