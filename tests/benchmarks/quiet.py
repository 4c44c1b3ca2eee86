"""A quiet integration beside one with a mountain of work, beside a slow one, and beside many whose Braze hangs."""

import time
from collections.abc import Sequence
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.delivering import ARRAY, PATIENCE_S, SWEPT, Stub, start_web
from tests.benchmarks.idle import percentile, send_singles
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import API_KEY, document, environment, settings_of, submissions
from tests.benchmarks.table import Target
from workers.store import open_stores

QUIET = "quiet-hub"
BRAZE_MS, SLOW_MS, HANGS_MS = 30, 2000, 29_000
#: Integrations whose Braze hangs, and what waits in each.
HANGING, WAITING = 20, 100
#: From webhook to Braze's door, on top of what Braze takes.
P99_MS = 100
WARM_UP = 10


class _Noisy:
    """A running system with integrations that have much to do, and a quiet one."""

    def __init__(self, machine: Machine, name: str, *, hubs: int, waiting: int) -> None:
        self.machine = machine
        self.stub, self.quiet_stub = Stub(machine), Stub(machine)
        self.server = StoreServer(machine, name, fsync="always")
        environ = environment(self.server.url, self.stub.url, LOG_LEVEL="WARNING")
        environ["EXTRA_BRAZE_HOSTS"] += f",{self.quiet_stub.url}"
        self.stores = open_stores(settings_of(environ))
        noisy = [_document(self.stub.url, f"noisy-{number}", "noisy") for number in range(hubs)]
        secrets = {document["id"]: self._save(document) for document in noisy}
        self.secret = self._save(_document(self.quiet_stub.url, QUIET, "quiet"))
        for hub in secrets:
            self.stores.integrations.pause(hub, by="benchmark")
        self.web, self.port = start_web(machine, environ)
        for hub, secret in secrets.items():
            _fill(self.port, hub, secret, waiting)
        self.quiet_stub.answers(delay_ms=BRAZE_MS)
        self.worker = machine.start("worker", procfile("worker"), environ)
        self.clock = machine.start("clock", procfile("clock"), environ)
        self.worker.wait_for(lambda: bool(self.server.connection.exists(SWEPT)), "the first sweep")
        self.hubs = list(secrets)

    def _save(self, document: dict[str, Any]) -> str:
        return self.stores.integrations.save(document, by="benchmark").secrets["webhook_secret"]

    def begin(self, delay_ms: float) -> None:
        """Let the noisy ones deliver, to a Braze that takes so long."""
        self.stub.answers(delay_ms=delay_ms)
        for hub in self.hubs:
            self.stores.inbox.kick(self.stores.integrations.resume(hub, by="benchmark").integration)
        self.worker.wait_for(lambda: self.stub.count() > 0, "the first delivery of the noisy ones")

    def times(self, count: int, *, start: int) -> list[float]:
        """Milliseconds from the webhook to Braze's door of single submissions of the quiet one, sorted."""
        self.quiet_stub.reset()
        sent_at = send_singles(self.port, QUIET, self.secret, count, start=start)
        self.worker.wait_for(
            lambda: len(self.quiet_stub.report()["ids"]) >= len(sent_at), "the last delivery", PATIENCE_S
        )
        first_at = self.quiet_stub.report()["first_at"]
        return sorted((first_at[name] - at) * 1000 for name, at in sent_at.items())

    def left(self) -> int:
        """What still waits of the noisy ones."""
        hubs = [self.stores.integrations.get(hub).integration for hub in self.hubs]
        return sum(self.stores.ledger.read(hub)["waiting"] for hub in hubs)

    def end(self) -> None:
        self.machine.end(self.web, self.worker, self.clock)
        self.server.drop()


def measure(machine: Machine, *, backlog: int, singles: int) -> tuple[dict[str, list[float]], list[Target], list[str]]:
    """
    Single submissions of the quiet integration, one after the other, while others are at work.

    Args:
        backlog: What waits in the busy integration.
        singles: How many of the quiet one, for each row.

    Returns: Times by row, in milliseconds and sorted; targets; notes.
    """
    times: dict[str, list[float]] = {}
    notes = []
    busy = _Noisy(machine, "quiet-busy", hubs=1, waiting=backlog)
    busy.times(WARM_UP, start=10_000_000)
    times["nobody else"] = busy.times(singles, start=20_000_000)
    busy.begin(BRAZE_MS)
    times[f"one with {backlog:,} waiting"] = busy.times(singles, start=30_000_000)
    notes.append(f"Of {backlog:,}, {busy.left():,} still waited when the quiet one's last had come.")
    busy.stub.answers(delay_ms=SLOW_MS)
    times[f"the same, answered after {SLOW_MS} ms"] = busy.times(singles, start=40_000_000)
    notes.append(f"After the slow answers {busy.left():,} still waited.")
    busy.end()
    hanging = _Noisy(machine, "quiet-hanging", hubs=HANGING, waiting=WAITING)
    hanging.times(WARM_UP, start=10_000_000)
    hanging.begin(HANGS_MS)
    times[f"{HANGING} whose Braze hangs"] = hanging.times(singles, start=50_000_000)
    hanging.end()
    worst = [
        Target(f"a quiet integration beside {name}, p99", P99_MS, percentile(found, 99), "ms", at_most=True)
        for name, found in times.items()
    ]
    return times, worst, notes


def _document(url: str, name: str, workspace: str) -> dict[str, Any]:
    braze = {"rest_endpoint": url, "api_key": API_KEY, "workspace": workspace}
    return document(url, id=name, braze=braze | {"rate_limit": {"requests": 30000, "per_seconds": 3}})


def _fill(port: int, hub: str, secret: str, count: int) -> None:
    bodies: Sequence[bytes] = list(submissions(count, max(1, count // 2)))
    headers = {"Authorization": f"Bearer {secret}"}
    requests = [
        load.request(port, f"/webhooks/komo/{hub}", headers, b"[" + b",".join(bodies[i : i + ARRAY]) + b"]")
        for i in range(0, count, ARRAY)
    ]
    started = time.monotonic()
    result = load.drive(port, requests, connections=min(4, len(requests)))
    if set(result.statuses) != {202}:
        raise RuntimeError(f"not accepted within {time.monotonic() - started:.0f} s: {dict(result.statuses)}")
