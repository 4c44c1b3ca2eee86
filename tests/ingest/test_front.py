"""Slow and broken senders at the door, by raw sockets; and what granian says of a request, as views are told it."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.front import THREADS, Front, environ_of
from ingest.receive import MAX_BODY_BYTES
from tests.benchmarks.processes import Machine, free_port, listens

BODY_S, LOOK_EVERY_S = 2.0, 0.1
SERVED = ["granian", "--interface", "rsgi", "--factory", "--http", "1", "--no-ws", "--workers", "1"]
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PART = b"10000\r\n" + b"x" * 65536 + b"\r\n"


def echo() -> Front:
    """What granian serves here: says how long the body was."""

    def wsgi(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [str(len(environ["wsgi.input"].read())).encode()]

    return Front(wsgi, body_s=BODY_S, look_every_s=LOOK_EVERY_S)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    before = signal.getsignal(signal.SIGTERM)
    with Machine() as machine:
        port = free_port()
        web = machine.start("front", [*SERVED, "--port", str(port), "tests.ingest.test_front:echo"], {})
        web.wait_for(lambda: listens(port), "listening")
        yield port
    signal.signal(signal.SIGTERM, before)


def begin(port: int, sent: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=15)
    sock.sendall(sent)
    return sock


def head(length: int) -> bytes:
    return f"POST /webhooks/komo/a HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def whole_answer(sock: socket.socket) -> tuple[int, bytes]:
    """Until the other side hangs up. Status and everything."""
    read = b""
    with contextlib.suppress(ConnectionResetError), sock:
        while part := sock.recv(65536):
            read += part
    return int(read[9:12] or 0), read


def status(sock: socket.socket) -> int:
    """Of the answer, on a connection that stays."""
    with sock:
        return int(sock.recv(65536)[9:12])


@pytest.mark.parametrize("unfinished", [head(1000) + b"x", head(MAX_BODY_BYTES) + b"x" * 600_000])
def test_hundreds_of_slow_senders_hold_nobody_up(port: int, unfinished: bytes) -> None:
    """Each of them used to have a thread for as long as it liked, and eight of them everything."""
    slow = [begin(port, unfinished) for _ in range(100 if len(unfinished) < 100_000 else 20)]
    started = time.monotonic()

    answers = [status(begin(port, head(3) + b"abc")) for _ in range(10)]
    took_s = time.monotonic() - started
    late = [whole_answer(sock) for sock in slow]

    assert answers == [200] * 10
    assert took_s < BODY_S
    assert {told for told, _ in late} <= {408, 503}
    assert time.monotonic() - started < BODY_S + 8
    assert b"application/problem+json" in late[0][1]
    assert all(b"retry-after: 5" in words for told, words in late if told == 503)


def test_a_sender_of_one_byte_at_a_time_has_no_more_time_than_others(port: int) -> None:
    """The time is for the whole body, not for each part of it."""
    sock, started = begin(port, head(1000)), time.monotonic()

    with contextlib.suppress(OSError):
        while time.monotonic() - started < BODY_S + 3:
            sock.sendall(b"x")
            time.sleep(0.2)

    assert whole_answer(sock)[0] in (0, 408)
    assert time.monotonic() - started < BODY_S + 5


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (head(MAX_BODY_BYTES + 1) + b"x", 413),
        (CHUNKED + PART, 408),
        (CHUNKED + PART * 17, 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nabcde", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_a_body_that_lies_about_its_length_gets_one_answer(port: int, sent: bytes, told: int) -> None:
    """More than there may be, without an end, with two lengths, with none that can be."""
    assert whole_answer(begin(port, sent))[0] == told


@pytest.mark.parametrize(("length", "told"), [(MAX_BODY_BYTES + 1, 413), (1000, 408)])
def test_what_is_refused_at_the_door_bears_its_id_too(port: int, length: int, told: int) -> None:
    """These are the requests that somebody asks about."""
    named = head(length).replace(b"Host: x", b"Host: x\r\nX-Request-ID: edge-7")

    status, words = whole_answer(begin(port, named + b"x"))

    assert status == told
    assert b"\r\nx-request-id: edge-7\r\n" in words
    assert b'"request_id":"edge-7"' in words


def test_a_sender_that_closes_its_half_early_is_told(port: int) -> None:
    """Whatever can still be heard."""
    sock = begin(port, head(1000) + b"abc")
    sock.shutdown(socket.SHUT_WR)

    assert whole_answer(sock)[0] in (0, 400)
    assert status(begin(port, head(3) + b"abc")) == 200


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        (head(0), b"0"), (head(3) + b"abc", b"3"), (head(MAX_BODY_BYTES) + b"x" * MAX_BODY_BYTES, b"1048576"),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"3"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"0"),
    ],
)  # fmt: skip
def test_a_whole_body_arrives_as_it_was(port: int, sent: bytes, length: bytes) -> None:
    """Of every size, with and without its length."""
    with begin(port, sent) as sock:
        read = b""
        while not read.endswith(b"\r\n\r\n" + length):
            part = sock.recv(65536)
            assert part, read
            read += part
    assert read.startswith(b"HTTP/1.1 200")


class _Headers(list[tuple[str, str]]):
    def items(self) -> list[tuple[str, str]]:
        return self

    def get(self, name: str) -> str | None:
        return dict(self).get(name)


def a_scope(**members: Any) -> Any:
    return SimpleNamespace(
        method="POST", path="/a", query_string="key=1", server="127.0.0.1:8000", client="[2001:db8::1]:5000",
        scheme="http", http_version="1.1", **{"headers": _Headers(), **members},
    )  # fmt: skip


def test_views_are_told_what_a_wsgi_server_would_tell_them() -> None:
    """They know of nothing else; a header with an underscore could pass for one that a proxy has set."""
    headers = _Headers(
        [("host", "h"), ("x-forwarded-for", "1"), ("x_forwarded_for", "2"), ("x-forwarded-for", "3"), ("proxy", "p"),
         ("cookie", "a=1"), ("cookie", "b=2"), ("content-length", "3"), ("content-type", "text/plain")]
    )  # fmt: skip

    environ = environ_of(a_scope(headers=headers), b"abc")

    assert environ["REMOTE_ADDR"] == "2001:db8::1"
    assert environ["HTTP_X_FORWARDED_FOR"] == "1,3"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("3", "text/plain")
    assert "HTTP_PROXY" not in environ
    assert environ["wsgi.input"].read() == b"abc"


class _Exchange:
    def __init__(self) -> None:
        self.told: list[tuple[int, dict[str, str]]] = []

    def __call__(self) -> Any:
        raise AssertionError("there is no body to read")

    __aiter__ = __call__

    def response_bytes(self, status: int, headers: list[tuple[str, str]], _: bytes) -> None:
        self.told.append((status, dict(headers)))


@pytest.mark.parametrize(
    ("queue_s", "failure", "status"), [(-1.0, RuntimeError, 503), (10.0, RuntimeError, 500), (10.0, SystemExit, 500)]
)
def test_what_waited_too_long_or_fails_is_answered_all_the_same(
    queue_s: float, failure: type[BaseException], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread that died of a request would be missing for ever, and a failure that nobody reads of is never mended."""

    def broken(_: dict[str, Any], __: Callable[..., Any]) -> Iterable[bytes]:
        raise failure

    front = Front(broken, queue_s=queue_s, look_every_s=LOOK_EVERY_S)
    asked = [_Exchange() for _ in range(max(THREADS.values()) + 1)]
    first, second = asked[0], asked[-1]

    async def ask() -> None:
        for exchange in asked:
            await asyncio.wait_for(front.__rsgi__(a_scope(), exchange), 5)

    asyncio.run(ask())

    assert [one.told[0][0] for one in (first, second)] == [status] * 2
    assert first.told[0][1].get("Retry-After") == ("5" if status == 503 else None)
    assert first.told[0][1]["Cache-Control"] == "no-store"
    assert first.told[0][1]["X-Content-Type-Options"] == "nosniff"
    assert first.told[0][1]["X-Request-ID"] != second.told[0][1]["X-Request-ID"]
    assert ("request.failed" in caplog.text) is (status == 500)
