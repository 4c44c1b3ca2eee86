"""
`make overload`: a thousand connections for two minutes, a Braze that is slow, a backlog and a store that get full.

Everything is real but Braze. In the middle Braze slows down until the backlog is full, then the store's memory passes
its mark; in the end all is well again, and what was answered with 202 has to arrive. Exit status 1 if a promise was
broken.

The senders share one event loop, so they use one core at most; how much of it is told at the end, and near the whole of
it the times are the senders' own.
"""

import argparse
import asyncio
import random
import resource
import sys
import time
from collections import Counter

from tests.benchmarks.delivering import SWEPT, Stub, start_web
from tests.benchmarks.idle import percentile
from tests.benchmarks.processes import Machine, Running, StoreServer, procfile
from tests.benchmarks.setting import document, environment, settings_of
from tests.benchmarks.soak_checks import does_not_add_up
from tests.benchmarks.table import markdown
from tests.overload.crowd import Book, Crowd, health
from workers.store import open_stores

MAX_WAITING = 15_000
STORE_BYTES = 1 << 30
#: What a process may take beside what it has at rest: a body of 1 MiB is there several times while it is read.
MOST_MIB = {"web": 600, "worker": 500, "clock": 150, "store": 1200}
#: Until all has arrived.
PATIENCE_S = 240.0


class System:
    """Everything started, one integration connected."""

    def __init__(self, machine: Machine) -> None:
        self.stub, self.store = Stub(machine), StoreServer(machine, "store", fsync="always")
        self.store.connection.config_set("maxmemory", STORE_BYTES)
        environ = environment(
            self.store.url, self.stub.url, WEB_WORKERS=2, MAX_WAITING=MAX_WAITING, KEEP_SETTLED=500, LOG_LEVEL="WARNING"
        )
        self.stores = open_stores(settings_of(environ))
        saved = self.stores.integrations.save(document(self.stub.url), by="overload")
        self.secret, self.integration = saved.secrets["webhook_secret"], saved.stored.integration
        self.web, self.port = start_web(machine, environ)
        self.worker = machine.start("worker", procfile("worker"), environ)
        self.clock = machine.start("clock", procfile("clock"), environ)
        self.worker.wait_for(lambda: bool(self.store.connection.exists(SWEPT)), "the first sweep")
        self.most: Counter[str] = Counter()

    def processes(self) -> dict[str, Running]:
        return {"web": self.web, "worker": self.worker, "clock": self.clock, "store": self.store.running}

    def look(self, book: Book) -> None:
        """At everybody's memory, and whether they live."""
        for name, process in self.processes().items():
            self.most[name] = max(self.most[name], process.memory_bytes() >> 20)
            if not process.runs():
                book.breaks(f"{name} has ended")

    def ledger(self) -> dict[str, int]:
        return self.stores.ledger.read(self.integration)


async def trouble(system: System, seconds: float) -> None:
    """What happens meanwhile, each for a fifth of the time."""
    fifth = seconds / 5
    await asyncio.sleep(fifth)
    say("Braze takes 3 s for every answer")
    await asyncio.to_thread(system.stub.answers, delay_ms=3000)
    await asyncio.sleep(fifth)
    used = int(system.store.connection.info("memory")["used_memory"])
    say(f"the store holds {used >> 20} MiB, and may hold little more")
    system.store.connection.config_set("maxmemory", int(used * 1.2))
    await asyncio.sleep(fifth)
    say("the store has room again")
    system.store.connection.config_set("maxmemory", STORE_BYTES)
    await asyncio.sleep(fifth)
    say("Braze answers at once")
    await asyncio.to_thread(system.stub.answers)


async def watch(system: System, book: Book, until: float) -> None:
    """Note how much everybody takes."""
    while time.monotonic() < until:
        await asyncio.to_thread(system.look, book)
        await asyncio.sleep(1)


async def story(system: System, args: argparse.Namespace) -> tuple[Crowd, list[float]]:
    """The crowd, and what happens beside it."""
    crowd = Crowd(system.port, system.secret, connections=args.connections, seed=args.seed)
    began_s = time.process_time()
    until = time.monotonic() + args.seconds
    _, _, _, asked = await asyncio.gather(
        crowd.come(args.seconds), trouble(system, args.seconds), watch(system, crowd.book, until),
        health(system.port, crowd.book, until),
    )  # fmt: skip
    say(f"the senders used {(time.process_time() - began_s) / args.seconds:.0%} of a core")
    return crowd, asked


def check(system: System, book: Book) -> None:
    """That what was accepted has arrived, once, and that nobody has grown too much."""
    until = time.monotonic() + PATIENCE_S
    while (ledger := system.ledger())["waiting"] + ledger["in_flight"] and time.monotonic() < until:
        system.look(book)
        time.sleep(0.5)
    say("ledger: " + ", ".join(f"{name} {number:,}" for name, number in ledger.items() if number))
    came = Counter(system.stub.report()["ids"])
    wanted = {f"{one}:1" for one in book.accepted}
    if does_not_add_up(ledger):
        book.breaks(f"the ledger does not add up: {ledger}")
    if lost := wanted - came.keys():
        book.breaks(f"{len(lost)} accepted submissions never arrived")
    extra = came.total() - len(came)
    if extra > ledger["possible_duplicates"]:
        book.breaks(f"{extra} events came again, {ledger['possible_duplicates']} are counted as possible duplicates")
    for name, most in system.most.items():
        if most > MOST_MIB[name]:
            book.breaks(f"{name} took {most} MiB, not {MOST_MIB[name]}")
    # What a sender gave up on before it heard the answer may have arrived all the same.
    say(f"accepted {len(wanted):,}, arrived {len(came):,}, of these unheard of {len(came.keys() - wanted):,}")


def tell(system: System, crowd: Crowd, asked: list[float]) -> None:
    """The tables."""
    kinds: dict[str, list[str]] = {}
    for (kind, status), number in sorted(crowd.book.answers.items()):
        kinds.setdefault(kind, []).append(f"{status or 'none'}: {number:,}")
    print("\n" + markdown(("senders", "answers"), [[kind, ", ".join(told)] for kind, told in kinds.items()]))
    times = {"small posts, until 202": crowd.book.took_s, "healthz and readyz": asked}
    rows = [
        [name, *(f"{percentile(sorted(took), share) * 1000:.0f}" for share in (50, 99)), f"{max(took) * 1000:.0f}"]
        for name, took in times.items()
        if took
    ]
    print("\n" + markdown(("ms", "p50", "p99", "most"), rows))
    sizes = [[name, str(most), str(MOST_MIB[name])] for name, most in system.most.items()]
    print("\n" + markdown(("MiB", "most", "allowed"), sizes) + "\n", flush=True)


def say(line: str) -> None:
    """One line of the report."""
    print(line, flush=True)


def main() -> int:
    """Run it, end everything, and say whether all promises were kept."""
    args = _arguments()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, args.connections * 2 + 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    say(f"{args.connections:,} connections for {args.seconds:g} s, up to {max(soft, wanted):,} open files")
    with Machine() as machine:
        system = System(machine)
        crowd, asked = asyncio.run(story(system, args))
        check(system, crowd.book)
        tell(system, crowd, asked)
        if crowd.book.broken:
            machine.keep_logs = True
            say(f"logs: {machine.directory}")
    for one in crowd.book.broken:
        say(f"BROKEN: {one}")
    say("FAILED" if crowd.book.broken else "passed")
    return 1 if crowd.book.broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make overload", description="A thousand connections, slow ones among them.")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
