"""
A Braze that takes 60 ms: how near one worker, two and four come to what the lanes allow, and what a submission costs.

A lane has one request of 75 objects in flight, so no more than lanes x 75 objects can travel in the time of an answer.
"""

import time
from collections.abc import Iterable

from schemas.integration import Integration
from tests.benchmarks.delivering import ONE_OBJECT, PATIENCE_S, SWEPT, Deliveries, Stub, mean_fill
from tests.benchmarks.filling import Filled, hub
from tests.benchmarks.processes import Machine, procfile
from tests.benchmarks.setting import environment, settings_of
from tests.benchmarks.table import Row, Run, Target
from workers.store import Stores, open_stores

ANSWER_MS = 60
#: Of each integration: so many requests are in flight at a time, as are those of the baseline.
LANES = 8
#: Of one worker process: it keeps a quarter of them free for others (workers/slots.py).
THREADS = 11
OBJECTS = 75
WORKERS = (1, 2, 4)
#: Everybody twice in a row of many, hot people in one of few; both in one lane, as a lane is what has to cope with it.
MANY_TIMES, HOT_TIMES = 2, 100
TASKS_POOL = f"threads --concurrency {LANES}"


class _Scaled:
    """So many worker processes with an integration each, of a Braze workspace each, on one store."""

    def __init__(self, machine: Machine, stub: Stub, workers: int, count: int) -> None:
        self._machine, self._stub, self._workers = machine, stub, workers
        self.row = Row(f"{workers} worker process{'es' * (workers > 1)}, {workers} x {LANES} lanes")
        self.bound = workers * LANES * OBJECTS / (ANSWER_MS / 1000)
        self._lanes = {"LANES": str(LANES)}
        documents = [hub(stub.url, number, **ONE_OBJECT) for number in range(workers)]
        self._ids = [one["id"] for one in documents]
        self._filled = Filled(
            machine, f"scale-{workers}", documents, count=count * workers, people=10**9, braze_url=stub.url,
            environ=self._lanes,
        )  # fmt: skip

    def run(self) -> None:
        """From the first batch settled until a tenth is left, when some lanes may be empty already."""
        server = self._filled.copy(self._machine, f"scale-{self._workers}-{len(self.row.runs)}")
        changes = {"WORKER_THREADS": str(THREADS), "LOG_LEVEL": "WARNING"} | self._lanes
        environ = environment(server.url, self._stub.url, **changes)
        stores = open_stores(settings_of(environ))
        self._stub.reset()
        self._stub.answers(delay_ms=ANSWER_MS)
        workers = [
            self._machine.start("worker", procfile("worker"), environ | {"WORKER_NAME": f"worker-{number}"})
            for number in range(self._workers)
        ]
        clock = self._machine.start("clock", procfile("clock"), environ)
        workers[0].wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
        time.sleep(2)  # the others are up as well
        for name in self._ids:
            stores.inbox.kick(stores.integrations.resume(name, by="benchmark").integration)
        integrations = [stores.integrations.get(name).integration for name in self._ids]
        first = _wait_for(stores, integrations, self._filled.count // 10)
        started, cpu_s = time.perf_counter(), sum(one.cpu_s() for one in workers)
        store_cpu_s = server.running.cpu_s()
        last = _wait_for(stores, integrations, self._filled.count * 9 // 10)
        seconds, cpu_s = time.perf_counter() - started, sum(one.cpu_s() for one in workers) - cpu_s
        self.row.runs.append(Run(last - first, seconds, cpu_s, server.running.cpu_s() - store_cpu_s))
        _wait_for(stores, integrations, self._filled.count)
        self._check()
        self._stub.answers()
        self._machine.end(*workers, clock)
        server.drop()

    def _check(self) -> None:
        report = self._stub.report()
        times = set(report["ids"].values())
        if len(report["ids"]) != self._filled.count or times != {1}:
            raise RuntimeError(f"{len(report['ids'])} of {self._filled.count} came, these many times: {sorted(times)}")


def measure(machine: Machine, *, rounds: int, count: int, tasks: int) -> tuple[list[Row], list[Target], list[str]]:
    """
    All rows by turns.

    Args:
        count: Submissions for each worker process.
        tasks: Of the baseline with a Celery task for each submission.

    Returns: Rows, targets, and how much of the bound was reached.
    """
    stub = Stub(machine)
    scaled = [_Scaled(machine, stub, workers, count) for workers in WORKERS]
    empty = Filled(machine, "scale-tasks", [hub(stub.url, 0, **ONE_OBJECT)], count=0, people=1,
                   braze_url=stub.url, environ={})  # fmt: skip
    baseline, alone = Deliveries(machine, stub, empty), Row(f"a Celery task per submission, threads {LANES}")
    for _ in range(rounds):
        stub.answers(delay_ms=ANSWER_MS)
        alone.runs.append(baseline.tasks(tasks, pool=TASKS_POOL))
        for one in scaled:
            one.run()
    first, second, *_ = scaled
    targets = [
        Target(f"Braze takes {ANSWER_MS} ms: vs a task per submission", 50, first.row.rate / alone.rate),
        Target(f"Braze takes {ANSWER_MS} ms: share of what the lanes allow", 0.8, first.row.rate / first.bound),
        Target("two workers and integrations vs one", 1.6, second.row.rate / first.row.rate),
    ]
    most = max(scaled, key=lambda one: one.bound)
    dearer = (most.row.cpu_us + most.row.store_us) / (first.row.cpu_us + first.row.store_us)
    targets.append(Target(f"processor time each, {WORKERS[-1]} workers vs one", 1.3, dearer, at_most=True))
    shares = [f"{one.row.name}: {one.row.rate / one.bound:.2f} of {one.bound:,.0f} a second" for one in scaled]
    return [alone, *(one.row for one in scaled)], targets, ["What the lanes allow: " + "; ".join(shares) + "."]


def measure_hot(machine: Machine, *, rounds: int, people: int) -> tuple[list[Row], list[Target], list[str]]:
    """
    The same number of submissions in one lane: of a few people again and again, and of many people twice.

    Args:
        people: Hot ones; each has a hundred submissions.
    """
    stub, count = Stub(machine), people * HOT_TIMES
    rows, sizes = [], []
    turns = []
    for name, those in (("hot", people), ("many", count // MANY_TIMES)):
        filled = Filled(machine, name, [hub(stub.url, 0)], count=count, people=those, braze_url=stub.url,
                        environ={"LANES": "1"})  # fmt: skip
        rows.append(Row(f"{those:,} people, {count // those} submissions each"))
        turns.append(Deliveries(machine, stub, filled))
    for _ in range(rounds):
        for row, delivery in zip(rows, turns, strict=True):
            row.runs.append(delivery.ours({}))
            sizes.append(mean_fill(delivery.sizes))
    hot, many = rows
    fills = sizes[::2]
    targets = [
        Target(f"{people:,} hot people vs {count // MANY_TIMES:,} others", 0.6, hot.rate / many.rate),
        Target(f"objects in a request, {people:,} hot people", 60, min(fills), f"of {OBJECTS}"),
    ]
    return rows, targets, []


def _wait_for(stores: Stores, integrations: Iterable[Integration], many: int) -> int:
    """Until so many are delivered, of all together; returns how many are."""
    until = time.monotonic() + PATIENCE_S
    while (delivered := sum(stores.ledger.read(one)["delivered"] for one in integrations)) < many:
        if time.monotonic() > until:
            raise RuntimeError(f"{delivered} of {many} were delivered")
        time.sleep(0.01)
    return delivered
