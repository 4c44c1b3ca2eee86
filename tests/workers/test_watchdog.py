import threading
from dataclasses import dataclass, field

import pytest

from workers.watchdog import GRACE_S, LONGEST_S, Seen, Stuck, Watchdog, watch

SECONDS = 60.0
#: Slots.
ALL = 4


@dataclass
class Worker:
    """A worker and its broker, as the watchdog sees them; time passes as told."""

    now: float = 1000.0
    seconds: float = SECONDS
    begun: int = 0
    at_work: dict[str, str] = field(default_factory=dict)
    in_hand: int = 0
    loops: bool = True
    looped_at: float | None = 1000.0
    #: In the broker; None: it does not answer.
    calls: int | None = 0
    asked: int = 0

    def __post_init__(self) -> None:
        self.dog = Watchdog(self.seconds, self.look, self.waiting, clock=lambda: self.now)

    def look(self) -> Seen:
        has_room = len(self.at_work) < ALL
        return Seen(self.begun, dict(self.at_work), has_room, self.in_hand, self.looped_at)

    def waiting(self) -> int | None:
        self.asked += 1
        return self.calls

    def works(self, seconds: float, *, takes: bool = False) -> Stuck | None:
        """For so long, or until the watchdog finds it stuck."""
        until = self.now + seconds
        while self.now < until:
            self.now += self.dog.every_s
            self.begun += takes
            if self.loops and self.looped_at is not None:
                self.looped_at = self.now
            if stuck := self.dog.check():
                return stuck
        return None


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.works(30, takes=True)
    worker.asked = 0
    return worker


def test_a_worker_that_takes_nothing_while_calls_wait_is_stuck(worker: Worker) -> None:
    """Known of Celery after a broken connection: it lives, and submissions wait for ever."""
    worker.calls = 3
    began = worker.now
    stuck = worker.works(600)

    assert stuck == Stuck("calls wait and none is taken", SECONDS)
    assert worker.now - began <= SECONDS + 2 * worker.dog.every_s
    assert not worker.dog.is_well


def test_calls_that_lie_in_the_process_itself_count_as_well(worker: Worker) -> None:
    """Its threads are gone, and the broker is empty."""
    worker.in_hand = 1

    assert worker.works(600) == Stuck("calls wait and none is taken", SECONDS)


def test_whoever_takes_calls_asks_the_broker_nothing(worker: Worker) -> None:
    """At rest every command counts: the clock calls every two seconds, and that is sign enough."""
    assert worker.works(6000, takes=True) is None
    assert worker.asked == 0


def test_a_worker_that_has_nothing_to_do_is_well(worker: Worker) -> None:
    """The clock is away, or others are quicker."""
    assert worker.works(6000) is None
    assert worker.dog.is_well


def test_a_queue_that_others_empty_between_two_looks_is_no_sign(worker: Worker) -> None:
    """What waits must have waited at every look."""
    for _ in range(20):
        worker.calls = 5
        assert worker.works(45) is None
        worker.calls = 0
        worker.works(15)
    assert worker.dog.is_well


def test_a_broker_that_is_away_is_no_fault_of_the_worker(worker: Worker) -> None:
    """Ended and started again it would wait just the same; and its return is a new beginning."""
    worker.calls, worker.looped_at = None, None
    assert worker.works(3600) is None
    worker.calls = 40
    assert worker.works(45) is None
    assert worker.works(15, takes=True) is None


def test_a_worker_with_every_slot_taken_is_well(worker: Worker) -> None:
    """A slow Braze keeps them all, and calls pile up."""
    worker.at_work = {f"job {number}": "job" for number in range(ALL)}
    worker.calls, worker.in_hand = 500, 16

    assert worker.works(3600) is None


def test_a_frozen_machine_begins_anew(worker: Worker) -> None:
    """Whoever closes a laptop must not find its worker killed in the morning."""
    worker.calls, worker.at_work = 3, {"a": "drain"}
    assert worker.works(45) is None
    worker.now += 8 * 3600
    assert worker.dog.check() is None
    assert worker.works(45) is None
    worker.at_work, worker.begun = {}, worker.begun + 1
    assert worker.works(60, takes=True) is None


def test_a_machine_that_freezes_while_the_broker_is_asked_begins_anew(worker: Worker) -> None:
    """The question takes no time by the worker's own reckoning."""
    worker.calls = 3
    worker.works(75)

    def freezes() -> int:
        worker.now += 3600
        return 3

    worker.dog._waiting = freezes
    worker.now += 1

    assert worker.dog.check() is None
    assert worker.dog.is_well


@pytest.mark.parametrize("name", sorted(LONGEST_S))
def test_a_task_that_does_not_end_is_stuck(worker: Worker, name: str) -> None:
    """Its lane would wait for ever: while it is served, nobody else may serve it here."""
    worker.at_work = {"a": name, "b": "drain"}
    worker.works(30, takes=True)
    worker.at_work["b2"] = worker.at_work.pop("b")
    for _ in range(100):
        worker.at_work = {"a": name, f"b{worker.now}": "drain"}
        if stuck := worker.works(15, takes=True):
            break

    assert stuck is not None
    assert (stuck.why, [*stuck.tasks]) == (f"{name} does not end", ["a"])
    assert LONGEST_S[name] < stuck.seconds < LONGEST_S[name] + 60


@pytest.mark.parametrize("name", ["job", "redo"])
def test_what_a_person_asked_for_may_take_as_long_as_it_likes(worker: Worker, name: str) -> None:
    """A hundred thousand letters are replayed, a million submissions judged again."""
    worker.at_work = {"a": name}

    assert worker.works(6 * 3600, takes=True) is None


def test_a_loop_that_hangs_is_stuck_though_nothing_waits(worker: Worker) -> None:
    """The next call would."""
    worker.loops = False

    stuck = worker.works(600)

    assert stuck is not None
    assert stuck.why == "the loop that takes calls hangs"
    assert 2 * SECONDS <= stuck.seconds <= 2 * SECONDS + worker.dog.every_s


def test_a_loop_that_says_now_and_then_that_it_is_well_does_not_hang() -> None:
    """It says so every 15 seconds: with a short WATCHDOG_S every worker at rest ended itself, again and again."""
    worker = Worker(seconds=4, loops=False)

    for _ in range(4):
        worker.looped_at = worker.now
        assert worker.works(15) is None


def test_a_loop_that_waits_for_the_broker_does_not_hang(worker: Worker) -> None:
    """It has not noticed yet that the broker is away."""
    worker.loops, worker.calls = False, None

    assert worker.works(3600) is None


def test_the_watch_ends_a_stuck_process_once() -> None:
    """And is a thread that keeps nobody from ending."""
    ended: list[Stuck] = []
    stopped = threading.Event()
    dog = Watchdog(0.04, lambda: Seen(0), lambda: 1)
    thread = watch(dog, ended.append, stopped)
    thread.join(10)

    assert [one.why for one in ended] == ["calls wait and none is taken"]
    assert thread.daemon


def test_the_watch_leaves_whoever_is_told_to_end_alone() -> None:
    """A last call to Braze may take half a minute."""
    ended: list[Stuck] = []
    stopped = threading.Event()
    stopped.set()
    watch(Watchdog(0.04, lambda: Seen(0), lambda: 1), ended.append, stopped).join(10)

    assert ended == []
    assert GRACE_S > 30


def test_a_watchdog_that_fails_ends_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is there for the worker, not the other way round."""
    ended: list[Stuck] = []
    stopped = threading.Event()
    fails = iter(range(3))

    def look() -> Seen:
        if next(fails) == 2:
            stopped.set()
        raise RuntimeError("anna@example.com")

    watch(Watchdog(0.04, look, lambda: 1), ended.append, stopped).join(10)

    assert ended == []
    assert {record.message for record in caplog.records} == {"watchdog.failed"}
