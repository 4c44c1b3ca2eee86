"""What a Sentry is told: a made-up one on the loopback listens."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sentry_sdk

from schemas.settings import SettingsError, load_settings
from workers import crashes
from workers.logs import REQUEST_ID

CANARY = "ann.canary@example.com"
log = logging.getLogger("komo_braze")


class Sentry:
    """Keeps the bytes that it is sent."""

    def __init__(self) -> None:
        kept = self.kept = list[bytes]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self.server.server_port}/1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[dict[str, Any]]:
        """Of the envelopes, the last line of each."""
        return [json.loads(one.splitlines()[-1]) for one in self.kept]


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    sentry = Sentry()
    yield sentry
    sentry.server.shutdown()
    sentry.server.server_close()


@pytest.fixture
def telling(sentry: Sentry) -> Iterator[Sentry]:
    root = logging.getLogger()
    before = root.handlers[:]
    crashes.start_telling(sentry.dsn, "worker")
    yield sentry
    root.handlers[:] = before
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def crash(words: str) -> None:
    secret = words
    raise ValueError(f"can't read {secret}")


def test_a_crash_arrives_without_what_anybody_typed(telling: Sentry) -> None:
    """Another company reads it."""
    sentry_sdk.add_breadcrumb(message=CANARY)
    before = REQUEST_ID.set("req-1")
    try:
        crash(CANARY)
    except ValueError:
        log.exception("mapping.failed", extra={"submission": "4f2c", "answer": CANARY})
    REQUEST_ID.reset(before)
    crashes.flush()

    [event] = telling.events()
    [error] = event["exception"]["values"]
    assert (error["type"], event["message"]) == ("ValueError", "mapping.failed")
    assert error["stacktrace"]["frames"][-1]["function"] == "crash"
    assert event["tags"] == {"submission": "4f2c", "request_id": "req-1", "process": "worker"}
    assert b"canary" not in b"".join(telling.kept)
    assert not {"server_name", "request", "user", "breadcrumbs", "extra", "modules"} & event.keys()


def test_a_failed_task_arrives_by_name_alone(telling: Sentry) -> None:
    """Celery's own line quotes the error and the arguments."""
    told = {"id": "1", "name": "drain", "exc": CANARY, "traceback": CANARY, "args": CANARY}
    try:
        crash(CANARY)
    except ValueError:
        logging.getLogger("celery.app.trace").error("Task %(name)s raised: %(exc)s", told, exc_info=True)
    logging.getLogger("kombu").error("Can't decode %s", CANARY)
    crashes.flush()

    failed, other = telling.events()
    assert failed["message"] == "task.failed"
    assert failed["tags"] == {"task": "drain", "task_id": "1", "process": "worker"}
    assert (other["message"], "exception" in other) == ("kombu", False)
    assert b"canary" not in b"".join(telling.kept)


def test_what_is_no_error_is_told_to_nobody(telling: Sentry) -> None:
    """A warning is for whoever reads the log."""
    log.warning("delivery.postponed")
    crashes.flush()

    assert telling.kept == []


def test_a_missing_library_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out at the first crash, it would be too late."""
    settings = load_settings({"SENTRY_DSN": "https://key@sentry.example.com/1"})
    monkeypatch.setattr(crashes, "find_spec", lambda _: None)

    with pytest.raises(SettingsError, match=r"pip install 'komo-braze\[sentry\]'"):
        crashes.look_for_the_library(settings)
    crashes.look_for_the_library(load_settings({}))
