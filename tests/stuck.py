"""
What becomes of processes that live but do not work: `python -m tests.stuck`. Prints what happened, with times.

The Procfile's processes run with a watchdog of 60 s; here, too, somebody starts what has ended.
"""

import socket
import threading
import time
from collections.abc import Callable

from tests.benchmarks.processes import BIN, Machine, Running, procfile
from tests.flow.test_processes import System, submissions

PATIENCE_S = 420.0
#: Of a watchdog that is to find no reason, and for how long it is given none.
SHORT_WATCHDOG_S, QUIET_S = 4, 12


class Swallower:
    """A way to a port that can begin to swallow what travels over the connections of that moment; new ones are well."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._round = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def swallow(self) -> None:
        self._round += 1

    def _serve(self) -> None:
        while True:
            near = self._listener.accept()[0]
            far = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other, self._round), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, made_in: int) -> None:
        while True:
            try:
                data = one.recv(65536)
                if made_in == self._round:
                    other.sendall(data) if data else other.shutdown(socket.SHUT_WR)
            except OSError:
                return
            if not data:
                return


def _told(
    what: str,
    system: System,
    process: Running,
    name: str,
    again: Callable[[], Running],
    *,
    until_ended: bool = False,
) -> Running:
    """Post, wait until it is delivered, start the process again if it ends, and say how long that took."""
    began = time.monotonic()
    ended = ""
    count = system.accepted + 20
    system.post_all(submissions(what.split()[0], people=20))
    while (until_ended or system.ledger()["delivered"] < count) and time.monotonic() - began < PATIENCE_S:
        if not process.runs():
            why = [line for line in process.log.read_text("utf-8").splitlines() if "worker.stuck" in line]
            ended = f"ended after {time.monotonic() - began:.0f} s with {process.popen.returncode}: {''.join(why)}; "
            process, until_ended = again(), False
        time.sleep(0.25)
    took_s = time.monotonic() - began
    system.check_the_ledger()
    print(f"{what}: {name} {ended or 'went on by itself; '}all delivered after {took_s:.0f} s", flush=True)
    return process


def _left_alone(machine: Machine, system: System) -> None:
    """A worker at rest, with a slow Braze, and without its broker, for several times as long as it may be stuck."""
    worker = machine.start("worker", procfile("worker"), system.environ | {"WATCHDOG_S": str(SHORT_WATCHDOG_S)})
    time.sleep(QUIET_S)
    system.let_braze(latency_ms=1500)
    system.post_all(submissions("seals", people=150))
    system.wait_until_delivered(system.accepted)
    system.store.kill()
    time.sleep(QUIET_S)
    system.store = system.start_store()
    system.let_braze(latency_ms=0)
    system.post_all(submissions("whales", people=5))
    system.wait_until_delivered(system.accepted)
    if not worker.runs():
        raise RuntimeError(f"A worker that works has ended.\n{worker.last_words()}")
    worker.end()
    print("at rest, with a slow Braze, without its broker: left alone", flush=True)


def main() -> None:
    """Every kind, one after the other."""
    with Machine() as machine:
        system = System(machine)
        way = Swallower(system.store_port)
        hang = machine.directory / "hang"
        environ = system.environ | {"CELERY_BROKER_URL": f"redis://127.0.0.1:{way.port}/0", "HANG": str(hang)}
        line = procfile("worker") + " --include tests.hanging"

        def worker() -> Running:
            return machine.start("worker", line, environ)

        system.worker.end()
        _left_alone(machine, system)
        running = worker()
        running = _told("well", system, running, "worker", worker)
        way.swallow()
        running = _told("swallowed connection", system, running, "worker", worker)
        running.end()
        running = worker()
        running = _told("new", system, running, "worker", worker)
        control = [str(BIN / "celery"), "--quiet", "--app", "workers.app", "control", "cancel_consumer"]
        for queue in ("wake", "backlog", "ops"):
            machine.start("control", [*control, queue], environ).popen.wait(30)
        running = _told("cancelled queues", system, running, "worker", worker)
        running = _told("again well", system, running, "worker", worker)
        hang.touch()
        running = _told("hanging thread", system, running, "worker", worker, until_ended=True)


if __name__ == "__main__":
    main()
