import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
import redis

from schemas.settings import load_settings
from tests.factories import NOON, NOON_MS
from tests.fakes import FakeBraze
from workers.alerts import MOST_SENT, send_alerts
from workers.store import Stores, open_stores
from workers.store.alerts import Alert

SECRET = "a-secret-in-the-address"


class Receiver:
    """An HTTP server on this machine that keeps what it gets, and answers as it was told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        #: Answers nothing until this is set.
        self.speaks = threading.Event()
        self.speaks.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append({"path": self.path} | orjson.loads(body))
                receiver.headers.append(dict(self.headers))
                receiver.speaks.wait(5)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key={SECRET}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.speaks.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def stores(store_connection: redis.Redis) -> Stores:
    return open_stores(load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}), store_connection)


def with_alerts(stores: Stores, count: int) -> None:
    """So many alerts in the outbox, numbered from 0."""
    for number in range(count):
        alert = Alert("backlog", f"hub-{number}", {"alert": "backlog", "number": number})
        stores.alerts.raise_("backlog", f"hub-{number}", was="", becomes="50", alert=alert, now_ms=NOON_MS)


def noon() -> float:
    return NOON.timestamp()


def test_alerts_are_posted_oldest_first_and_leave_the_outbox(stores: Stores, receiver: Receiver) -> None:
    """A receiver sees things in the order in which they happened."""
    with_alerts(stores, 3)

    assert send_alerts(stores, receiver.url, now=noon) == 3
    assert send_alerts(stores, receiver.url, now=noon) == 0
    path = f"/hook?key={SECRET}"
    assert receiver.got == [{"path": path, "alert": "backlog", "number": number} for number in range(3)]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["User-Agent"] == "komo-braze"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_what_is_refused_is_kept_and_tried_again_later(stores: Stores, receiver: Receiver, status: int) -> None:
    """A redirect leads to a place that nobody has named."""
    with_alerts(stores, 2)
    receiver.answers = [200, status]

    assert send_alerts(stores, receiver.url, now=noon) == 1
    assert send_alerts(stores, receiver.url, now=lambda: noon() + 0.9) == 0
    assert send_alerts(stores, receiver.url, now=lambda: noon() + 1) == 1
    assert [(one["path"].partition("?")[0], one["number"]) for one in receiver.got] == [
        ("/hook", 0), ("/hook", 1), ("/hook", 1),
    ]  # fmt: skip


def test_a_receiver_that_is_not_there_costs_nothing_but_time(
    stores: Stores, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """And its address, which may hold a secret, stands in no line of the log."""
    with_alerts(stores, 1)
    receiver.close()

    assert send_alerts(stores, receiver.url, now=noon) == 0
    assert len(stores.alerts.oldest(10)) == 1
    [line] = [record for record in caplog.records if record.message == "alert.failed"]
    assert vars(line)["error"] == "ConnectionError"
    assert vars(line)["wait_s"] == 1
    assert not [record for record in caplog.records if SECRET in str(vars(record))]


def test_a_receiver_that_says_nothing_is_left_in_time(
    stores: Stores, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dripping answer would otherwise hold the worker for ever."""
    monkeypatch.setattr("workers.alerts.DEADLINE_S", 0.2)
    with_alerts(stores, 1)
    receiver.speaks.clear()

    assert send_alerts(stores, receiver.url, now=noon) == 0
    assert len(stores.alerts.oldest(10)) == 1


def test_one_call_sends_a_bounded_number(stores: Stores) -> None:
    """The queue also carries what people have asked for."""
    with_alerts(stores, MOST_SENT + 2)
    fake = FakeBraze()

    sent = [send_alerts(stores, "https://alerts.example.com", fake.session(), now=noon) for _ in range(3)]

    assert sent == [MOST_SENT, 2, 0]


def test_one_call_ends_in_time(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow receiver gets the rest in the next call."""
    monkeypatch.setattr("workers.alerts.BUDGET_S", 0.0)
    with_alerts(stores, 2)

    assert send_alerts(stores, "https://alerts.example.com", FakeBraze().session(), now=noon) == 1


def test_nothing_is_sent_twice_by_two_senders(stores: Stores) -> None:
    """Two sweeps may have called for it."""
    with_alerts(stores, 1)
    stores.alerts.take("another")

    assert send_alerts(stores, "https://alerts.example.com", FakeBraze().session(), now=noon) == 0
    stores.alerts.let_go("another")
    assert send_alerts(stores, "https://alerts.example.com", FakeBraze().session(), now=noon) == 1


def test_an_address_that_makes_no_sense_is_a_failure_like_any_other(stores: Stores) -> None:
    """The settings can't foresee everything."""
    with_alerts(stores, 1)

    assert send_alerts(stores, "http://[broken", now=noon) == 0
    assert len(stores.alerts.oldest(10)) == 1
