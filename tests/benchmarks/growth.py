"""Whether a submission costs more where many others wait: its delivery, and its acceptance."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from schemas.integration import Integration
from tests.benchmarks.delivering import PATIENCE_S, SWEPT, Stub
from tests.benchmarks.filling import ROOM, arrivals_of, fill
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of
from tests.benchmarks.table import Target, markdown
from workers.store import open_stores

#: Others that still wait when all that is measured has been delivered.
OTHERS = (1_000, 100_000, 1_000_000)
#: Delivered before anything is measured: code is loaded, connections are there.
WARM_UP = 2_000
#: Accepted one by one: so many at a time, as often in a round.
SINGLES, TURNS = 500, 10
#: How often the counters are looked at, seconds.
LOOK_EVERY_S = 0.01
MOST = 1.3


@dataclass(slots=True)
class _Cost:
    """Processor microseconds of one submission, sample by sample."""

    worker: list[float] = field(default_factory=list)
    store: list[float] = field(default_factory=list)
    #: In the store, and in the process that accepts.
    accepting: list[float] = field(default_factory=list)

    @property
    def delivered_us(self) -> float:
        return median(map(sum, zip(self.worker, self.store, strict=True)))

    @property
    def accepted_us(self) -> float:
        return median(self.accepting)


class _Backlog:
    """A store of its own in which so many wait all the time; each is of somebody else."""

    def __init__(self, machine: Machine, stub: Stub, others: int, count: int) -> None:
        self._machine, self._stub, self._count = machine, stub, count
        self.others, self.cost = others, _Cost()
        self._server = StoreServer(machine, f"growth-{others}", fsync="everysec")
        # A file is written anew each time it has doubled: rarely, and not in the middle of one run out of many.
        self._server.connection.config_set("auto-aof-rewrite-percentage", 0)
        self._environ: Mapping[str, str] = environment(self._server.url, stub.url, LOG_LEVEL="WARNING", **ROOM)
        self._stores = open_stores(settings_of(self._environ))
        saved = self._stores.integrations.save(document(stub.url, enabled=False), by="benchmark")
        self._accepted = 0
        self._fill(saved.stored.integration, others + WARM_UP + count)

    def run(self) -> None:
        """Deliver so many, and let as many others come."""
        stores, server = self._stores, self._server
        self._stub.reset()
        server.connection.delete(SWEPT)
        worker = self._machine.start("worker", procfile("worker"), self._environ)
        clock = self._machine.start("clock", procfile("clock"), self._environ)
        worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
        begun = self._delivered()
        stores.inbox.kick(stores.integrations.resume(INTEGRATION_ID, by="benchmark").integration)
        self._wait_for(begun + WARM_UP)
        first, cpu_s, store_cpu_s = self._delivered(), worker.cpu_s(), server.running.cpu_s()
        self._wait_for(first + self._count - 1_000)
        worker_s, store_s = worker.cpu_s() - cpu_s, server.running.cpu_s() - store_cpu_s
        many = self._delivered() - first
        paused = stores.integrations.pause(INTEGRATION_ID, by="benchmark").integration
        self._machine.end(worker, clock)
        self.cost.worker.append(worker_s / many * 1e6)
        self.cost.store.append(store_s / many * 1e6)
        self._fill(paused, self._delivered() - begun)

    def end(self) -> None:
        self._server.drop()

    def accept(self) -> None:
        """Some more, one by one; they stay."""
        integration = self._stores.integrations.get_cached(INTEGRATION_ID, max_age_s=60).integration
        arrivals = list(arrivals_of(integration, range(self._accepted, self._accepted + SINGLES), 10**9))
        self._accepted += SINGLES
        cpu_s = time.process_time() + self._store_cpu_s()
        for one in arrivals:
            self._stores.inbox.accept(integration, [one])
        used_s = time.process_time() + self._store_cpu_s() - cpu_s
        self.cost.accepting.append(used_s / SINGLES * 1e6)

    def _store_cpu_s(self) -> float:
        """As the store tells it: finer than the ticks in which the machine counts."""
        told = self._server.connection.info("cpu")
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])

    def _fill(self, integration: Integration, many: int) -> None:
        if many > 0:
            fill(self._stores, integration, range(self._accepted, self._accepted + many), people=10**9)
            self._accepted += many

    def _delivered(self) -> int:
        integration = self._stores.integrations.get_cached(INTEGRATION_ID, max_age_s=60).integration
        return self._stores.ledger.read(integration)["delivered"]

    def _wait_for(self, many: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while (delivered := self._delivered()) < many:
            if time.monotonic() > until:
                raise RuntimeError(f"{delivered} of {many} were delivered with {self.others} waiting")
            time.sleep(LOOK_EVERY_S)


def measure(
    machine: Machine, *, rounds: int, count: int, others: tuple[int, ...] = OTHERS
) -> tuple[list[Target], list[str]]:
    """
    All backlogs by turns.

    Args:
        count: Delivered in one run.
        others: How many wait all the while, the smallest first.

    Returns: Targets about the ratios to the smallest backlog, and the figures behind them.
    """
    stub = Stub(machine)
    backlogs = [_Backlog(machine, stub, many, count) for many in others]
    for _ in range(rounds):
        for one in backlogs:
            one.run()
        for _ in range(TURNS):
            for one in backlogs:
                one.accept()
    least = backlogs[0].cost
    targets = []
    for one in backlogs[1:]:
        words = f"with {one.others:,} waiting vs {others[0]:,}"
        delivered, accepted = one.cost.delivered_us / least.delivered_us, one.cost.accepted_us / least.accepted_us
        targets.append(Target(f"cost of a delivery {words}", MOST, delivered, at_most=True))
        targets.append(Target(f"cost of accepting one {words}", MOST, accepted, at_most=True))
    rows = [
        [f"{one.others:,}", *(f"{median(us):.1f}" for us in (one.cost.worker, one.cost.store, one.cost.accepting))]
        for one in backlogs
    ]
    for one in backlogs:
        one.end()
    heads = ("waiting", "delivery: worker us", "store us", "accepting one: us")
    return targets, ["Processor time of one submission:\n\n" + markdown(heads, rows)]
