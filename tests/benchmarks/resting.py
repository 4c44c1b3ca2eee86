"""A system that has nothing to do: what each process uses of a core, and what they ask of the store."""

import time
from collections import Counter

import redis

from tests.benchmarks.delivering import SWEPT, Stub, start_web
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import document, environment, settings_of
from tests.benchmarks.table import Target
from workers.store import open_stores

#: Not counted: processes start, connections are made.
SETTLE_S = 10.0
SHARE, COMMANDS = 0.5, 3.0


def measure(machine: Machine, *, seconds: float) -> tuple[list[Target], list[str]]:
    """
    The Procfile's processes with one integration and no submission.

    Returns: Targets, and the commands behind them.
    """
    server = StoreServer(machine, "resting", fsync="always")
    stub = Stub(machine)
    environ = environment(server.url, stub.url)
    open_stores(settings_of(environ)).integrations.save(document(stub.url), by="benchmark")
    web, _ = start_web(machine, environ)
    worker = machine.start("worker", procfile("worker"), environ)
    clock = machine.start("clock", procfile("clock"), environ)
    worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
    time.sleep(SETTLE_S)
    them = {"web": web, "worker": worker, "clock": clock, "store": server.running}
    before, commands = {name: one.cpu_s() for name, one in them.items()}, calls(server.connection)
    started = time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - started
    used = {name: (one.cpu_s() - before[name]) / took_s * 100 for name, one in them.items()}
    asked = calls(server.connection) - commands
    machine.end(web, worker, clock)
    # The store does what it is asked; its own share is told, and is not ours to promise.
    targets = [Target(f"resting, {name}", SHARE, used[name], "% of a core", at_most=True) for name in them]
    targets.append(Target("resting, store commands", COMMANDS, asked.total() / took_s, "a second", at_most=True))
    told = ", ".join(f"{name} {many / took_s:.2f}" for name, many in asked.most_common())
    return targets, [f"Store commands a second at rest: {told}."]


def calls(connection: redis.Redis) -> Counter[str]:
    """How often each command was carried out, without those of scripts and of this count, which nobody sends."""
    stats = connection.info("commandstats")
    return Counter(
        {name.removeprefix("cmdstat_"): int(of["calls"]) for name, of in stats.items() if "info" not in name}
    )
