"""From the inbox into a Braze that answers at once: the worker, a Celery task per submission, a hand-tuned loop."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from tests.benchmarks import load, profiles, task_per_submission
from tests.benchmarks.processes import Machine, Running, StoreServer, free_port, listens, procfile
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of, submissions
from tests.benchmarks.table import Row, Run, Target
from workers.store import Stores, open_stores
from workers.store.connect import broker_url

#: The spacing of people, and the record of what was settled: what may be switched off.
FEATURES_OFF = {"PERSON_SPACING_MS": "0", "KEEP_SETTLED": "0"}
#: No submission can be looked up once it is settled; dead letters and counters stay.
NO_TIMELINE = {"KEEP_SETTLED": "0"}
#: Several lanes are for a Braze that takes its time; against one that answers at once they only share a processor.
ONE_LANE = {"LANES": "1"}
#: A mapping that makes one object of a submission, so that 75 travel together; otherwise two, and 37.
ONE_OBJECT: dict[str, Any] = {"attributes": []}
TASKS = (
    "exec celery --app tests.benchmarks.task_per_submission worker --pool {pool} --loglevel WARNING"
    " --without-gossip --without-mingle"
)
TWO_PROCESSES = "prefork --concurrency 2"
#: What is published into the pen waits there.
CELERY_QUEUE, PEN = "celery", "bench.pen"
#: Written by a worker's first sweep.
SWEPT = "komo:pressure"
PATIENCE_S = 120.0
ARRAY = 100


class Stub:
    """The stand-in Braze, in a process of its own, whose processor time is nobody's."""

    def __init__(self, machine: Machine) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        running = machine.start("stub", [sys.executable, "-m", "tests.benchmarks.stub_braze", str(port)], {})
        running.wait_for(lambda: listens(port), "listening")
        self._line = load.Connection(port)

    def count(self) -> int:
        """Requests so far."""
        return int(self._ask("GET /count"))

    def report(self) -> dict[str, Any]:
        """What came: `sizes`, `ids` with how often, and when each came `first_at`."""
        report: dict[str, Any] = orjson.loads(self._ask("GET /report"))
        return report

    def refused(self) -> int:
        """Requests so far that were not taken."""
        return int(self._ask("GET /refused"))

    def reset(self) -> None:
        self._ask("POST /reset")

    def answers(self, **how: Any) -> None:
        """From now on, with this `status` and these `headers`, after `delay_ms`; 201 at once where nothing is said."""
        self._ask("POST /answer", orjson.dumps(how))

    def _ask(self, line: str, body: bytes = b"") -> bytes:
        return self._line.ask(f"{line} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)[1]


class Copied(Protocol):
    """A store that was stopped while so many waited in it."""

    @property
    def count(self) -> int: ...

    def copy(self, machine: Machine, name: str) -> StoreServer:
        """A running store with all of it."""


class Backlog:
    """
    A stopped store in which submissions wait in one lane, to be copied for every run.

    Args:
        changes: To the integration's document.
    """

    def __init__(self, machine: Machine, stub: Stub, count: int, **changes: Any) -> None:
        self.count = count
        self.changes = changes
        server = StoreServer(machine, f"backlog-{len(changes)}", fsync="everysec")
        environ = environment(server.url, stub.url, LOG_LEVEL="WARNING", **ONE_LANE)
        stores = open_stores(settings_of(environ))
        saved = stores.integrations.save(document(stub.url, **changes), by="benchmark")
        secret = saved.secrets["webhook_secret"]
        stores.integrations.pause(INTEGRATION_ID, by="benchmark")
        web, port = start_web(machine, environ)
        bodies = list(submissions(count, max(1, count // 2)))
        headers = {"Authorization": f"Bearer {secret}"}
        path = f"/webhooks/komo/{INTEGRATION_ID}"
        requests = [
            load.request(port, path, headers, b"[" + b",".join(bodies[i : i + ARRAY]) + b"]")
            for i in range(0, count, ARRAY)
        ]
        result = load.drive(port, requests, connections=1)
        if set(result.statuses) != {202}:
            raise RuntimeError(f"the backlog was not accepted: {dict(result.statuses)}")
        machine.end(web)
        self.directory = server.stop()

    def copy(self, machine: Machine, name: str) -> StoreServer:
        """A running store with the backlog in it."""
        return StoreServer(machine, name, fsync="everysec", copy_of=self.directory)


def start_web(machine: Machine, environ: dict[str, str]) -> tuple[Running, int]:
    """The Procfile's web process, and its port."""
    port = free_port()
    web = machine.start("web", procfile("web"), environ | {"PORT": str(port)})
    web.wait_for(lambda: listens(port), "listening")
    return web, port


class Deliveries:
    """The rows about delivery, one method each."""

    def __init__(self, machine: Machine, stub: Stub, backlog: Copied) -> None:
        self._machine, self._stub, self._backlog = machine, stub, backlog
        #: Where the samples are, once a run was profiled.
        self.profile: Path | None = None
        #: Objects per request, in the order of arrival, of the last run with everything on.
        self.sizes: list[int] = []
        self._turns = 0

    def ours(self, changes: dict[str, str], *, profile: bool = False) -> Run:
        """The Procfile's worker and clock: from the first batch handed out to the last one settled."""
        server = self._copy()
        environ = environment(server.url, self._stub.url, **ONE_LANE | changes)
        stores = open_stores(settings_of(environ))
        worker = self._machine.start("worker", procfile("worker"), environ)
        clock = self._machine.start("clock", procfile("clock"), environ)
        worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
        integration = stores.integrations.resume(INTEGRATION_ID, by="benchmark").integration
        cpu_s, store_cpu_s = worker.cpu_s(), server.running.cpu_s()
        stores.inbox.kick(integration)
        self._wait(lambda: _ledger(stores)["waiting"] < self._backlog.count, worker)
        started = time.perf_counter()
        if profile:
            self.profile = profiles.record(self._machine, worker)
        self._wait(lambda: _ledger(stores)["delivered"] >= self._backlog.count, worker)
        seconds = time.perf_counter() - started
        run = Run(self._backlog.count, seconds, worker.cpu_s() - cpu_s, server.running.cpu_s() - store_cpu_s)
        self._check(self._backlog.count)
        self._machine.end(worker, clock)
        server.drop()
        return run

    def hand_tuned(self, mode: str, changes: dict[str, str]) -> Run:
        """The same backlog, by the least code."""
        server = self._copy()
        store_cpu_s = server.running.cpu_s()
        environ = environment(server.url, self._stub.url, **ONE_LANE | changes)
        loop = self._machine.start("hand_tuned", [sys.executable, "-m", "tests.benchmarks.hand_tuned", mode], environ)
        code = loop.popen.wait(PATIENCE_S)
        if code:
            raise RuntimeError(loop.last_words())
        told = orjson.loads(loop.log.read_bytes())
        self._check(self._backlog.count)
        run = Run(told["done"], told["seconds"], told["cpu_s"], server.running.cpu_s() - store_cpu_s)
        server.drop()
        return run

    def tasks(self, count: int, *, pool: str = TWO_PROCESSES) -> Run:
        """Messages that wait already when the worker may begin."""
        server = self._copy()
        environ = environment(server.url, self._stub.url)
        broker = broker_url(settings_of(environ))
        warm_up = 40
        worker = self._machine.start("tasks", TASKS.format(pool=pool), environ)
        task_per_submission.publish(broker, submissions(warm_up, warm_up, start=10_000_000), CELERY_QUEUE)
        self._wait(lambda: self._stub.count() >= warm_up, worker)
        task_per_submission.publish(broker, submissions(count, count), PEN)
        self._stub.reset()
        cpu_s, store_cpu_s = worker.cpu_s(), server.running.cpu_s()
        started = time.perf_counter()
        server.connection.rename(PEN, CELERY_QUEUE)
        self._wait(lambda: self._stub.count() >= count, worker)
        seconds = time.perf_counter() - started
        run = Run(count, seconds, worker.cpu_s() - cpu_s, server.running.cpu_s() - store_cpu_s)
        self._check(count)
        self._machine.end(worker)
        server.drop()
        return run

    def _copy(self) -> StoreServer:
        self._stub.reset()
        self._turns += 1
        return self._backlog.copy(self._machine, f"delivery-{self._turns}")

    def _wait(self, ready: Callable[[], bool], worker: Running) -> None:
        worker.wait_for(ready, "the end of the work", PATIENCE_S)

    def _check(self, count: int) -> None:
        """Raises: RuntimeError unless every submission's event came exactly once."""
        report = self._stub.report()
        self.sizes = report["sizes"]
        times = set(report["ids"].values())
        if len(report["ids"]) != count or times != {1}:
            raise RuntimeError(f"{len(report['ids'])} of {count} events came, these many times: {sorted(times)}")


def measure(
    machine: Machine, *, rounds: int, count: int, tasks: int, profile: bool
) -> tuple[list[Row], list[Target], list[str]]:
    """All rows by turns; also what is worth knowing beside them."""
    stub = Stub(machine)
    deliveries = Deliveries(machine, stub, Backlog(machine, stub, count))
    single = Deliveries(machine, stub, Backlog(machine, stub, count, **ONE_OBJECT))
    turns: list[tuple[Row, Callable[[], Run]]] = [
        (Row("one object each: a Celery task per submission, prefork 2"), lambda: single.tasks(tasks)),
        (Row("one object each: worker, features off"), lambda: single.ours(FEATURES_OFF)),
        (Row("one object each: worker, all on"), lambda: single.ours({})),
        (Row("a Celery task per submission, prefork 2"), lambda: deliveries.tasks(tasks)),
        (Row("worker, features off"), lambda: deliveries.ours(FEATURES_OFF)),
        (Row("hand-tuned loop, features off"), lambda: deliveries.hand_tuned("off", FEATURES_OFF)),
        (Row("hand-tuned loop, all on"), lambda: deliveries.hand_tuned("on", {})),
        (Row("worker, all on but the timeline"), lambda: deliveries.ours(NO_TIMELINE)),
        (Row("worker, all on"), lambda: deliveries.ours({})),
    ]
    for _ in range(rounds):
        for row, run in turns:
            row.runs.append(run())
    rows = [row for row, _ in turns]
    task_1, off_1, on_1, task, off, hand_off, hand_on, untold, on = rows
    targets = [
        Target("delivery vs a task per submission, one object each, off", 40, off_1.rate / task_1.rate),
        Target("delivery vs a task per submission, one object each, on", 25, on_1.rate / task_1.rate),
        Target("the same by processor time, off", 40, task_1.cpu_us / off_1.cpu_us),
        Target("the same by processor time, on", 25, task_1.cpu_us / on_1.cpu_us),
        Target("delivery vs hand-tuned, features off", 0.4, off.rate / hand_off.rate),
        Target("delivery vs hand-tuned, all on", 0.45, on.rate / hand_on.rate),
        Target("worker CPU vs hand-tuned, features off", 3, off.cpu_us / hand_off.cpu_us, at_most=True),
        Target("worker CPU vs hand-tuned, all on", 2, on.cpu_us / hand_on.cpu_us, at_most=True),
        Target("store CPU per submission, all on", 30, on.store_us, "us", at_most=True),
        Target("objects in a request under backlog", 70, mean_fill(deliveries.sizes), "of 75"),
    ]
    ceiling, ceiling_on = hand_off.rate / task.rate, hand_on.rate / task.rate
    two = (
        "With two objects each a request holds 37 submissions: the worker is"
        f" {off.rate / task.rate:.1f} times a task per submission, {on.rate / task.rate:.1f} times with all on;"
        f" the hand-tuned loop {ceiling:.1f} and {ceiling_on:.1f}."
    )
    worker_us, store_us = on.cpu_us - untold.cpu_us, on.store_us - untold.store_us
    timeline = (
        f"A submission's timeline costs {worker_us:.1f} us of the worker and {store_us:.1f} us of the store;"
        f" delivery is {untold.rate / on.rate:.2f} times as fast without."
    )
    notes = [two, timeline]
    if profile:
        deliveries.ours({}, profile=True)
        notes.append("The worker, all on:\n" + profiles.top_functions(deliveries.profile))
    return rows, targets, notes


def mean_fill(sizes: Sequence[int]) -> float:
    """Of the requests made while there was plenty: the first nine tenths."""
    full = sizes[: len(sizes) * 9 // 10] or sizes
    return sum(full) / len(full)


def _ledger(stores: Stores) -> dict[str, int]:
    return stores.ledger.read(stores.integrations.get_cached(INTEGRATION_ID, max_age_s=60).integration)
