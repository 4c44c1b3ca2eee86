"""Real processes that live but do not work, and what becomes of them."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.benchmarks.processes import BIN, Machine, procfile
from tests.flow.test_processes import System, submissions

#: Seconds.
WATCHDOG_S = 4


@pytest.fixture
def system() -> Iterator[System]:
    before = signal.getsignal(signal.SIGTERM)
    with Machine() as machine:
        yield System(machine)
    signal.signal(signal.SIGTERM, before)


def control(system: System, *words: str) -> None:
    """Tell the worker something through Celery's own remote control."""
    command = [str(BIN / "celery"), "--quiet", "--app", "workers.app", "control", *words]
    told = system.machine.start("control", command, system.environ)
    assert told.popen.wait(30) == 0, told.last_words()


def test_a_worker_that_takes_nothing_any_more_ends_itself(system: System) -> None:
    """Whoever supervises it starts another, and work flows again; without that, it would have waited for a person."""
    system.worker.end()
    system.worker = system.machine.start("worker", procfile("worker"), system.environ | {"WATCHDOG_S": str(WATCHDOG_S)})
    system.post_all(submissions("sharks", people=5))
    system.wait_until_delivered(5)

    cancelled = time.monotonic()
    control(system, "cancel_consumer", "wake")
    system.post_all(submissions("rays", people=5))
    status = system.worker.popen.wait(40)
    took_s, said = time.monotonic() - cancelled, system.worker.log.read_text("utf-8")
    system.worker = system.start("worker")
    system.wait_until_delivered(system.accepted)

    assert status == 70
    assert took_s > WATCHDOG_S
    assert '"event":"worker.stuck","why":"calls wait and none is taken"' in said
    system.check_the_ledger()
