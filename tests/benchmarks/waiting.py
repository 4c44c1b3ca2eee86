"""What a worker's memory grows by while submissions wait: for the end of a 429, and for a Braze that is down."""

import time
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.delivering import ARRAY, PATIENCE_S, SWEPT, Stub, start_web
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of, submissions
from tests.benchmarks.table import Target
from workers.store import open_stores

#: Delivered before anything is measured: code is loaded, threads and connections are there.
WARM_UP = 4000
MOST_BYTES = 5_000_000
STEP_S = 0.5


class _System:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.stub = Stub(machine)
        self.server = StoreServer(machine, "waiting", fsync="everysec")
        environ = environment(self.server.url, self.stub.url, LOG_LEVEL="WARNING")
        self.stores = open_stores(settings_of(environ))
        self.secret = self.stores.integrations.save(document(self.stub.url), by="benchmark").secrets["webhook_secret"]
        self.web, self.port = start_web(machine, environ)
        self.worker = machine.start("worker", procfile("worker"), environ)
        self.clock = machine.start("clock", procfile("clock"), environ)
        self.worker.wait_for(lambda: bool(self.server.connection.exists(SWEPT)), "the first sweep")
        self._sent = 0

    def send(self, count: int) -> None:
        """Bring submissions to the webhook, a new person each."""
        bodies = list(submissions(count, self._sent + count, start=self._sent))
        self._sent += count
        path, headers = f"/webhooks/komo/{INTEGRATION_ID}", {"Authorization": f"Bearer {self.secret}"}
        arrays = [b"[" + b",".join(bodies[i : i + ARRAY]) + b"]" for i in range(0, count, ARRAY)]
        result = load.drive(self.port, [load.request(self.port, path, headers, one) for one in arrays], connections=4)
        if set(result.statuses) != {202}:
            raise RuntimeError(f"not accepted: {dict(result.statuses)}")

    def wait_for_all(self) -> None:
        """Until everything sent so far is delivered, each once."""
        until = time.monotonic() + PATIENCE_S
        integration = self.stores.integrations.get(INTEGRATION_ID).integration
        while (ledger := self.stores.ledger.read(integration))["delivered"] < self._sent:
            if time.monotonic() > until:
                raise RuntimeError(f"not all of {self._sent} were delivered: {ledger}")
            time.sleep(STEP_S)
        times = set(self.stub.report()["ids"].values())
        if times != {1}:
            raise RuntimeError(f"events came these many times: {sorted(times)}")

    def growth_bytes(self, count: int, seconds: float) -> int:
        """By how much the worker grew at most while submissions come and wait for so long."""
        before, most, until = self.worker.memory_bytes(), 0, time.monotonic() + seconds
        self.send(count)
        while time.monotonic() < until:
            most = max(most, self.worker.memory_bytes())
            time.sleep(STEP_S)
        return most - before


def measure(machine: Machine, *, count: int, seconds: float) -> tuple[list[Target], list[str]]:
    """
    A 429 that lasts for so many seconds, then an outage that does; both times everything is delivered afterwards.

    Returns: Targets, and how often Braze was asked in vain.
    """
    system = _System(machine)
    system.send(WARM_UP)
    system.wait_for_all()
    targets, asked = [], []
    resets = {"X-RateLimit-Reset": str(int(time.time() + seconds))}
    answers: dict[str, dict[str, Any]] = {"429": {"status": 429, "headers": resets}, "outage": {"status": 503}}
    for name, answer in answers.items():
        system.stub.answers(**answer)
        refused = system.stub.refused()
        grown = system.growth_bytes(count, seconds)
        asked.append(f"{name}: {system.stub.refused() - refused}")
        system.stub.answers()
        system.stores.inbox.kick(system.stores.integrations.get(INTEGRATION_ID).integration)
        system.wait_for_all()
        label = f"{count:,} wait out {seconds:.0f} s of {name}: worker's growth"
        targets.append(Target(label, MOST_BYTES / 1e6, grown / 1e6, "MB", at_most=True))
    machine.end(system.web, system.worker, system.clock)
    system.server.drop()
    return targets, ["Requests made in vain meanwhile: " + ", ".join(asked) + "."]
