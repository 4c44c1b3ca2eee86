"""A crash in the web process and one in a worker, by the Procfile's own lines, with a made-up Sentry."""

import json
import signal
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
import redis

from tests.benchmarks.processes import Machine
from tests.flow.test_processes import TOKEN, System, _wait
from tests.workers.test_crashes import Sentry

CANARY = "canary"
JOB = "0" * 32


@pytest.fixture
def system() -> Iterator[System]:
    before = signal.getsignal(signal.SIGTERM)
    with Machine() as machine:
        yield System(machine)
    signal.signal(signal.SIGTERM, before)


def test_crashes_of_web_and_worker_arrive_and_all_their_lines_are_json(system: System) -> None:
    """The whole way, with keys in the store that are of no use to anybody."""
    sentry = Sentry()
    for one in (system.web, system.worker):
        one.end()
    system.environ["SENTRY_DSN"] = sentry.dsn
    system.web, system.worker = system.start("web"), system.start("worker")
    system.web.wait_for(system.answers, "an answer")
    store = redis.Redis(port=system.store_port, protocol=2)
    for key in ("komo:jobs:open", f"komo:job:{JOB}"):
        store.set(key, CANARY)

    connection = HTTPConnection("127.0.0.1", system.web_port, timeout=20)
    connection.request("GET", f"/api/v1/jobs/{JOB}?x={CANARY}", headers={
        "Authorization": f"Bearer {TOKEN}", "X-Request-ID": "req-9", "X-Canary": CANARY,
    })  # fmt: skip
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    _wait(lambda: {"web", "worker"} <= {one["tags"]["process"] for one in sentry.events()}, "both crashes", 12)
    sentry.server.shutdown()
    sentry.server.server_close()
    store.close()

    assert (answer.status, told["request_id"]) == (500, "req-9")
    names = {(one["tags"]["process"], one["message"]) for one in sentry.events()}
    assert {("web", "request.failed"), ("worker", "task.failed")} <= names
    assert any(one["tags"].get("request_id") == "req-9" for one in sentry.events())
    assert CANARY.encode() not in b"".join(sentry.kept)
    for process in (system.web, system.worker, system.clock):
        lines = process.log.read_text("utf-8").splitlines()
        # Celery warns whoever runs it as root, in plain text and before anything else.
        first = next((place for place, line in enumerate(lines) if line.startswith("{")), 0)
        assert [line for line in lines[first:] if not line.startswith("{")] == []
        assert CANARY not in "".join(lines)
