"""Work that is done later."""

import logging
import threading

import pytest

from ingest.sandbox.braze.schedule import Schedule


def test_without_delay_the_work_is_done_at_once() -> None:
    """Tests that do not care for races stay simple."""
    done: list[str] = []
    Schedule(done.append).add("a", (0, 0))
    assert done == ["a"]


def test_what_is_due_first_comes_first() -> None:
    """Requests overtake each other in Braze, whatever came first."""
    done: list[str] = []
    schedule = Schedule(done.append)
    schedule.add("late", (40, 40))
    schedule.add("soon", (1, 1))
    assert schedule.pending() == 2
    assert schedule.settle(5)
    assert done == ["soon", "late"]
    assert schedule.pending() == 0


def test_work_that_fails_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    """One broken object must not end a soak."""
    done = threading.Event()

    def do(work: str) -> None:
        if work == "bad":
            raise ValueError(work)
        done.set()

    schedule = Schedule(do)
    with caplog.at_level(logging.ERROR):
        schedule.add("bad", (0.1, 0.1))
        schedule.add("good", (1, 1))
        assert schedule.settle(5)
    assert done.is_set()
    assert "work_failed" in caplog.text


def test_settling_gives_up_in_time() -> None:
    """A test that waits must end."""
    schedule = Schedule(lambda _: None)
    schedule.add("a", (60_000, 60_000))
    assert not schedule.settle(0.01)
    schedule.clear()
    assert schedule.settle(1)
