"""
What stands between granian and the views: a request is handed to a thread once all of it is here, and not before.

Bodies are read in an event loop, so a sender that is slow holds a connection and none of the threads. Threads of their
own serve the webhook, everything else, and the questions after our health, so that none of them waits for the others.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import lru_cache
from io import BytesIO
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

from ingest.receive import MAX_BODY_BYTES
from ingest.turned_away import CountWebhook, TurnedAway

log = logging.getLogger("komo_braze")

#: A body has to be here so soon: 1 MiB in this time is 50 KiB a second.
BODY_S = 20.0
#: A request that has waited this long for a thread is not begun any more: who sent it has probably gone.
QUEUE_S = 10.0
#: Up to this size a body is read at once; the connections that granian takes bound how many there are.
SMALL_BYTES = 65_536
#: Bigger ones, and those that do not say how big they are, that one process holds at a time; the others wait unread.
BIG_AT_ONCE = 16
#: Seconds between two looks at whose time is up.
LOOK_EVERY_S = 1.0
#: Seconds that a sender is asked to wait where all threads are busy.
RETRY_S = 5
#: Beginning of the path -> how many threads; the first one that fits.
THREADS = {"/webhooks/": 4, "/healthz": 1, "/readyz": 1, "/": 4}
#: Repeated headers become one, separated by a comma, but for this one.
_SEPARATORS = {"HTTP_COOKIE": "; "}
_ENVIRON: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Exchange(Protocol):
    """
    A request and its answer, as granian gives them.

    Source: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
    """

    def __call__(self) -> Any: ...
    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class _Whole(NamedTuple):
    """A request that a thread may begin."""

    scope: Any
    body: bytes
    exchange: Exchange
    #: Of `time.monotonic`.
    since: float
    answered: "asyncio.Future[None]"
    is_big: bool


_TOO_BIG = f"A body has at most {MAX_BODY_BYTES} bytes."


class _TooBig(Exception):
    """The body is, or says that it will be."""


class Front:
    """An RSGI application around a WSGI one. Made in one thread, served by the event loop that asks it first."""

    def __init__(
        self,
        wsgi: Wsgi,
        *,
        body_s: float = BODY_S,
        queue_s: float = QUEUE_S,
        look_every_s: float = LOOK_EVERY_S,
        count_webhook: CountWebhook | None = None,
    ) -> None:
        self._wsgi, self._body_s, self._queue_s, self._look_every_s = wsgi, body_s, queue_s, look_every_s
        self._turned_away = TurnedAway(count_webhook)
        self._queues: list[tuple[str, SimpleQueue[_Whole]]] = []
        for path, count in THREADS.items():
            queue: SimpleQueue[_Whole] = SimpleQueue()
            self._queues.append((path, queue))
            for _ in range(count):
                threading.Thread(target=self._serve, args=(queue,), name=f"serves {path}", daemon=True).start()
        #: Oldest first, as all have the same time.
        self._reading: dict[Exchange, tuple[float, asyncio.Task[Any]]] = {}
        #: Waking the loop for each answer would cost more than finding them with the next request.
        self._answered: deque[asyncio.Future[None]] = deque()
        self._big: asyncio.Semaphore | None = None
        self._looking: asyncio.Task[None] | None = None

    def __rsgi__(self, scope: Any, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Read the body, and wait until somebody has answered."""
        return self._take(scope, exchange)

    async def _take(self, scope: Any, exchange: Exchange) -> None:
        if self._big is None:
            self._big = asyncio.Semaphore(BIG_AT_ONCE)
            self._looking = asyncio.create_task(self._look())
        self._finish_answered()
        headers = scope.headers
        promised = headers.get("content-length")
        if promised in (None, "0") and "transfer-encoding" not in headers:
            await self._hand_over(scope, b"", exchange, is_big=False)
        elif promised is not None and int(promised) <= SMALL_BYTES:
            body = await self._read(scope, exchange, None)
            if body is not None:
                await self._hand_over(scope, body, exchange, is_big=False)
        else:
            await self._take_big(scope, exchange, promised)

    async def _take_big(self, scope: Any, exchange: Exchange, promised: str | None) -> None:
        if promised is not None and int(promised) > MAX_BODY_BYTES:
            self._refuse(scope, exchange, 413, _TOO_BIG)
            return
        body = await self._read(scope, exchange, self._big)
        if body is None:
            return
        assert self._big is not None  # noqa: S101 -- for the types alone
        try:
            await self._hand_over(scope, body, exchange, is_big=True)
        finally:
            self._big.release()

    async def _read(self, scope: Any, exchange: Exchange, place: asyncio.Semaphore | None) -> bytes | None:
        """The whole body; None if it did not come, and the sender has been told."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- for the types alone
        self._reading[exchange] = (time.monotonic() + self._body_s, task)
        has_place = False
        try:
            if place is None:
                return bytes(await exchange())
            has_place = await place.acquire()
            body = await _read_at_most(exchange, MAX_BODY_BYTES)
            has_place = False  # the caller gives it back
            return body
        except _TooBig:
            self._refuse(scope, exchange, 413, _TOO_BIG)
        except asyncio.CancelledError:
            if place is not None and not has_place:
                self._refuse(scope, exchange, 503, "Too many big bodies at present.", waited_s=self._body_s)
            else:
                self._refuse(scope, exchange, 408, "The body took too long.")
        except Exception:  # granian raises what it likes where the connection is lost in the middle of a body
            self._refuse(scope, exchange, 400, "The body ended before its time.")
        finally:
            del self._reading[exchange]
            if place is not None and has_place:
                place.release()
        return None

    async def _hand_over(self, scope: Any, body: bytes, exchange: Exchange, *, is_big: bool) -> None:
        answered = asyncio.get_running_loop().create_future()
        path = scope.path
        for beginning, queue in self._queues:
            if path.startswith(beginning):
                queue.put(_Whole(scope, body, exchange, time.monotonic(), answered, is_big))
                break
        else:
            self._refuse(scope, exchange, 400, "A path begins with a slash.")
            return
        del body
        await answered

    def _refuse(self, scope: Any, exchange: Exchange, status: int, detail: str, *, waited_s: float = 0.0) -> None:
        headers = {"Retry-After": str(RETRY_S)} if status == 503 else None
        self._turned_away.turn_away(scope, exchange, status, detail, headers=headers, waited_s=waited_s)

    async def _look(self) -> None:
        """End what takes too long, and tell who was turned away."""
        while True:
            await asyncio.sleep(self._look_every_s)
            self._finish_answered()
            self._turned_away.tell()
            now = time.monotonic()
            for until, task in list(self._reading.values()):
                if until > now:
                    break
                task.cancel()

    def _finish_answered(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                _finish(self._answered.popleft())

    def _serve(self, queue: "SimpleQueue[_Whole]") -> None:
        while True:
            whole = queue.get()
            try:
                waited_s = time.monotonic() - whole.since
                if waited_s > self._queue_s:
                    self._refuse(whole.scope, whole.exchange, 503, "Too much to do at present.", waited_s=waited_s)
                else:
                    answer(self._wsgi, whole.scope, whole.body, whole.exchange)
            except BaseException as error:  # Flask answers for its views; what is left would end this thread
                log.exception("request.failed", extra={"error": type(error).__name__})
                self._refuse(whole.scope, whole.exchange, 500, "Something unexpected happened.")
            if whole.is_big:
                with contextlib.suppress(RuntimeError):  # the loop has ended with the process
                    whole.answered.get_loop().call_soon_threadsafe(_finish, whole.answered)
            else:
                self._answered.append(whole.answered)
            del whole  # while nothing is to be done nobody's body stays


def answer(wsgi: Wsgi, scope: Any, body: bytes, exchange: Exchange) -> None:
    """Let a WSGI application answer."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        started[:] = (int(status[:3]), headers)

    parts = wsgi(environ_of(scope, body), start)
    try:
        data = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    exchange.response_bytes(started[0], started[1], data)


def environ_of(scope: Any, body: bytes) -> dict[str, Any]:
    """What WSGI wants to know of a request. Source: https://peps.python.org/pep-3333/#environ-variables"""
    path: str = scope.path
    server, _, port = scope.server.rpartition(":")
    environ = _ENVIRON | {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
    }
    for name, value in scope.headers.items():
        key = _key(name)
        if key in environ:
            value = f"{environ[key]}{_SEPARATORS.get(key, ',')}{value}"
        if key:
            environ[key] = value
    if "CONTENT_LENGTH" not in environ and body:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


@lru_cache(1024)
def _key(name: str) -> str:
    """Of a header; empty for those that could pass for another one, or for a setting of the process."""
    if "_" in name or name == "proxy":
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


async def _read_at_most(exchange: Exchange, most: int) -> bytes:
    parts, size = [], 0
    async for part in exchange:
        size += len(part)
        if size > most:
            raise _TooBig
        parts.append(part)
    return b"".join(parts)


def _finish(answered: "asyncio.Future[None]") -> None:
    if not answered.done():
        answered.set_result(None)


def from_environment() -> Front:
    """For granian: `granian --interface rsgi --factory ingest.front:from_environment`."""
    from ingest.app import from_environment as wsgi
    from ingest.context import context

    app = wsgi()
    with app.app_context():
        return Front(app, count_webhook=context().stores.tally.webhook)
