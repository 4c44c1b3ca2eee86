import heapq
import itertools
import random
import threading
from dataclasses import dataclass

import pytest

from workers.slots import FORGET_S, NEAR, WAIT_MS, Slots


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slots(clock: Clock) -> Slots:
    return Slots(16, clock=clock)


def taken(slots: Slots, *names: str) -> int:
    return sum(slots.take(name, lane) for lane, name in enumerate(names))


@pytest.mark.parametrize(
    ("calls", "standing"),
    [
        ([], "unknown"),
        ([(0.03, True)], "trusted"),
        ([(0.03, True), (2.0, True)], "trusted"),
        ([(2.0, True)], "slow"),
        ([(0.03, False)], "slow"),
        ([(0.03, False), (0.03, True)], "trusted"),
        ([(30.0, False), (0.03, True)], "slow"),
        ([(30.0, False)] * 10 + [(0.03, True)] * 9, "trusted"),
        ([(0.9, True)] * 20, "trusted"),
        ([(1.1, True)] * 20, "slow"),
    ],
)
def test_an_integration_is_known_by_its_last_calls(
    slots: Slots, calls: list[tuple[float, bool]], standing: str
) -> None:
    """One slow answer is no sign; a failure is, until an answer comes; who was away for long has to show more."""
    for seconds, ok in calls:
        slots.note("hub", seconds, ok)

    assert slots.standing("hub") == standing


def test_a_call_that_is_out_for_long_counts_before_it_ends(slots: Slots, clock: Clock) -> None:
    """It may take half a minute to end, and until then all slots would be gone."""
    slots.note("hub", 0.03, ok=True)

    with slots.calling("hub"):
        clock.now += 0.9
        assert slots.standing("hub") == "trusted"
        clock.now += 0.2
        assert slots.standing("hub") == "slow"

    assert slots.standing("hub") == "trusted"


def test_the_unknown_the_slow_and_the_failing_share_a_quarter(slots: Slots) -> None:
    """A call of theirs may hold its slot for half a minute."""
    for name in ("slow", "failing"):
        slots.note(name, 5.0, ok=name == "slow")

    assert taken(slots, *["slow"] * 4) == 3
    assert taken(slots, *["failing"] * 4) == 0
    assert taken(slots, "new", "newer", "newest") == 1


def test_the_last_slot_of_the_quarter_is_for_somebody_who_has_none(slots: Slots) -> None:
    """A quiet integration of which nothing is known any more must not wait for a Braze that hangs."""
    slots.note("hanging", 30.0, ok=False)
    assert taken(slots, *["hanging"] * 2) == 2
    assert taken(slots, *["quiet"] * 4) == 1

    assert slots.take("another")
    assert not slots.take("one more")


def test_slots_taken_while_all_was_well_do_not_keep_a_new_integration_out(slots: Slots, clock: Clock) -> None:
    """Four lanes fill the quarter at the moment when their Braze begins to hang."""
    slots.note("hub", 0.03, ok=True)
    assert taken(slots, *["hub"] * 4) == 4
    with slots.calling("hub"):
        clock.now += 2

        assert not slots.take("hub")
        assert slots.take("new")


def test_a_trusted_integration_is_not_held_back_by_the_others(slots: Slots) -> None:
    """The slots that they may not have are there for it."""
    for name in "abcd":
        slots.note(name, 30.0, ok=False)
        slots.take(name)
    slots.note("hub", 0.03, ok=True)

    assert taken(slots, *["hub"] * 12) == 12


def test_who_is_trusted_leaves_a_quarter_to_who_has_none(slots: Slots) -> None:
    """Several busy hubs behind one Braze would otherwise have all slots at the moment when it begins to hang."""
    for name in ("busy", "also busy", "quiet"):
        slots.note(name, 0.03, ok=True)
    assert taken(slots, *["busy"] * 16) == 16  # alone
    for _ in range(8):
        slots.give_back("busy")

    assert taken(slots, *["also busy"] * 8) == 4
    assert slots.take("quiet")


@pytest.mark.parametrize("total", [1, 2, 3, 4])
def test_few_slots_leave_at_least_one(total: int, clock: Clock) -> None:
    """A worker with one thread still has to find out whether Braze is back."""
    slots = Slots(total, clock=clock)
    slots.note("failing", 0.1, ok=False)

    assert slots.take("failing")
    assert not slots.take("failing")


def test_the_first_good_answer_ends_the_probation(slots: Slots) -> None:
    """Nothing more is known of a healthy integration either when a process starts."""
    assert taken(slots, *["hub"] * 4) == 3
    slots.note("hub", 0.03, ok=True)

    assert taken(slots, *["hub"] * 4) == 4
    assert taken(slots, *["new"] * 4) == 3


def test_an_integration_that_was_quiet_for_long_is_unknown_again(slots: Slots, clock: Clock) -> None:
    """What its Braze did ten minutes ago says little."""
    slots.note("hub", 0.03, ok=True)
    clock.now += FORGET_S - 1
    slots.take("hub")
    assert slots.standing("hub") == "trusted"

    clock.now += 2
    assert slots.standing("hub") == "unknown"


def test_who_keeps_coming_is_not_forgiven_by_waiting(slots: Slots, clock: Clock) -> None:
    """Where hundreds fail, each has its turn only now and then."""
    slots.note("failing", 30.0, ok=False)
    for _ in range(20):
        clock.now += FORGET_S / 2
        slots.take("failing")
        slots.give_back("failing")

    assert slots.standing("failing") == "slow"


def test_memory_is_bounded_by_who_came_in_the_last_ten_minutes(slots: Slots, clock: Clock) -> None:
    """A worker runs for months."""
    for number in range(1000):
        clock.now += 10
        name = f"hub-{number}"
        slots.note(name, 30.0, ok=False)
        with slots.calling(name):
            slots.take(name)
        slots.wants_alarm(name)
        slots.give_back(name)
        for _ in range(4):
            slots.take("stuck")

    assert len(slots._known) < 2 * FORGET_S / 10
    assert sum(map(len, slots._queues.values())) < 20


def test_what_was_given_back_twice_is_not_given_twice(slots: Slots) -> None:
    """A slot more than there are threads would be a promise nobody keeps."""
    slots.note("failing", 0.1, ok=False)
    slots.take("failing")
    for _ in range(3):
        slots.give_back("failing")

    assert taken(slots, *["failing"] * 4) == 3


def test_slow_ones_are_served_in_the_order_in_which_they_came(slots: Slots, clock: Clock) -> None:
    """Who gives a slot back is called again at once, and would always be the first to ask."""
    for name in "abcde":
        slots.note(name, 5.0, ok=True)
    assert taken(slots, "a", "b", "c") == 3
    assert not slots.take("d")
    slots.give_back("a")

    assert not slots.take("a")
    assert slots.take("d")
    slots.give_back("d")
    assert slots.take("a")


def test_who_does_not_come_back_loses_the_place(slots: Slots, clock: Clock) -> None:
    """Another worker may have served the lane meanwhile."""
    for name in "abcde":
        slots.note(name, 5.0, ok=True)
    taken(slots, "a", "b", "c", "d")
    slots.give_back("a")
    clock.now += 60

    assert slots.take("e")


def test_a_lane_has_one_alarm_however_often_it_is_called(slots: Slots, clock: Clock) -> None:
    """Every call that sets another would be a chain of its own: the sweep starts one every few seconds."""
    slots.note("slow", 5.0, ok=True)
    taken(slots, "slow", "slow", "slow")

    alarms = 0
    for _ in range(100):  # ten calls a second
        alarms += not slots.take("slow", 3) and slots.wants_alarm("slow", 3)
        clock.now += 0.1

    assert 17 <= alarms <= 10_000 / WAIT_MS


def test_where_many_wait_only_the_next_ones_are_called_by_alarm(slots: Slots) -> None:
    """The rest are called by the sweep: a thousand lanes would otherwise be two thousand calls a second."""
    asked = 0
    for number in range(200):
        slots.note(f"hub-{number}", 30.0, ok=False)
        asked += not slots.take(f"hub-{number}") and slots.wants_alarm(f"hub-{number}")

    assert asked == NEAR


@pytest.mark.parametrize("seed", range(5))
def test_a_quiet_integration_finds_a_slot_at_once_beside_twenty_that_hang(seed: int) -> None:
    """Their calls take half a minute each; its one every eleven minutes must not wait for any of them."""
    rng, clock = random.Random(seed), Clock()
    slots = Slots(16, clock=clock)
    hanging = [(f"hanging-{number}", lane) for number in range(20) for lane in range(4)]
    numbers = itertools.count()
    todo: list[tuple[float, int, str, str, int]] = []

    def at(seconds: float, what: str, name: str, lane: int) -> None:
        heapq.heappush(todo, (clock.now + seconds, next(numbers), what, name, lane))

    for name, lane in hanging:
        at(rng.random(), "ask", name, lane)
    at(600.0, "ask", "quiet", 0)
    calls = {}
    refused, most, served = 0, 0, 0
    while todo and clock.now < 9000:
        clock.now, _, what, name, lane = heapq.heappop(todo)
        if what == "ask" and slots.take(name, lane):
            calls[name, lane] = slots.calling(name)
            calls[name, lane].__enter__()
            at(0.03 if name == "quiet" else 30.0, "end", name, lane)
            most = max(most, sum(name != "quiet" for name, _ in calls))
        elif what == "ask":
            refused += name == "quiet"
            at(WAIT_MS / 1000 if slots.wants_alarm(name, lane) else 5.0, "ask", name, lane)
        else:
            calls.pop((name, lane)).__exit__(None, None, None)
            slots.note(name, 0.03 if name == "quiet" else 30.0, ok=name == "quiet")
            slots.give_back(name)
            served += name == "quiet"
            at(660.0 if name == "quiet" else rng.random() * 10, "ask", name, lane)

    assert served >= 10
    assert refused == 0
    assert most <= 4


def test_threads_never_hold_more_than_their_share() -> None:
    """Every drain of the process asks, at the same moment."""
    slots, held, most = Slots(16), 0, 0
    counting = threading.Lock()
    slots.note("failing", 1.0, ok=False)

    def drain(lane: int) -> None:
        nonlocal held, most
        for _ in range(500):
            if not slots.take("failing", lane):
                slots.wants_alarm("failing", lane)
                continue
            with counting:
                held += 1
                most = max(most, held)
            with slots.calling("failing"):
                slots.note("failing", 1.0, ok=False)
            with counting:
                held -= 1
            slots.give_back("failing")

    threads = [threading.Thread(target=drain, args=(lane,)) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert most <= 3
    assert slots.take("failing", 0)
