"""One submission at a time through processes that have nothing else to do: from the webhook to Braze's door."""

import time
from collections.abc import Sequence

import orjson

from tests.benchmarks import load
from tests.benchmarks.delivering import PATIENCE_S, SWEPT, Stub, start_web
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of, submissions
from tests.benchmarks.table import Target
from workers.store import open_stores

PAUSE_S = 0.1
#: Not counted: connections are made, and mappings compiled.
WARM_UP = 10


def measure(machine: Machine, *, count: int) -> tuple[list[float], list[Target]]:
    """
    The Procfile's processes, on a store that writes every change to disk before it answers.

    Returns: Milliseconds from sending a submission to its request's arrival at Braze, one by one, sorted.
    """
    stub = Stub(machine)
    server = StoreServer(machine, "idle", fsync="always")
    environ = environment(server.url, stub.url)
    stores = open_stores(settings_of(environ))
    secret = stores.integrations.save(document(stub.url), by="benchmark").secrets["webhook_secret"]
    web, port = start_web(machine, environ)
    worker = machine.start("worker", procfile("worker"), environ)
    clock = machine.start("clock", procfile("clock"), environ)
    worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
    sent_at = send_singles(port, INTEGRATION_ID, secret, count + WARM_UP)
    worker.wait_for(lambda: stub.count() >= count + WARM_UP, "the last delivery", PATIENCE_S)
    first_at = stub.report()["first_at"]
    if first_at.keys() != sent_at.keys():
        raise RuntimeError(f"{len(first_at)} of {len(sent_at)} events came")
    machine.end(web, worker, clock)
    times = sorted((first_at[name] - at) * 1000 for name, at in list(sent_at.items())[WARM_UP:])
    return times, [
        Target("idle, webhook to Braze, p50", 25, percentile(times, 50), "ms", at_most=True),
        Target("idle, webhook to Braze, p99", 60, percentile(times, 99), "ms", at_most=True),
    ]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value below which so many of them lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def send_singles(port: int, integration_id: str, secret: str, count: int, *, start: int = 0) -> dict[str, float]:
    """When each was sent, one after the other, by the id of the event that it becomes."""
    line, sent_at = load.Connection(port), {}
    for raw in submissions(count, count, start=start):
        sent = load.request(port, f"/webhooks/komo/{integration_id}", {"Authorization": f"Bearer {secret}"}, raw)
        started = time.time()
        status, answer = line.ask(sent)
        if status != 202:
            raise RuntimeError(f"answered {status}: {answer!r}")
        sent_at[orjson.loads(answer)["submissions"][0]["id"] + ":1"] = started
        time.sleep(max(0.0, PAUSE_S - (time.time() - started)))
    return sent_at
