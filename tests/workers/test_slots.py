import random
import threading
from collections.abc import Callable

import pytest

from tests.workers.crowd import Clock, Crowd
from workers.slots import ALONE_S, FORGET_S, MOST_ALARMS, MOST_WAITING, WAIT_MS, Slots

B = "https://rest.iad-01.braze.com"


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def slots(clock: Clock) -> Slots:
    return Slots(16, clock=clock)


def taken(slots: Slots, name: str, endpoint: str = B, *, lanes: int = 16) -> int:
    """How many of its lanes are served; the others do not wait."""
    served = sum(slots.take((name, lane), endpoint) is not None for lane in range(lanes))
    slots._queue.clear()
    return served


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
        slots.note("hub", B, seconds, ok)

    assert slots.standing("hub", B) == standing


def test_a_call_that_is_out_for_long_counts_before_it_ends(slots: Slots, clock: Clock) -> None:
    """It may take half a minute to end, and until then all slots would be gone."""
    slots.note("hub", B, 0.03, ok=True)

    with slots.calling("hub", B):
        clock.now += 0.9
        assert slots.standing("hub", B) == "trusted"
        clock.now += 0.2
        assert slots.standing("hub", B) == "slow"

    assert slots.standing("hub", B) == "trusted"


def test_a_new_integration_is_trusted_where_its_endpoint_answers_others(slots: Slots) -> None:
    """After a start nothing is known of hundreds that speak to the same Braze."""
    slots.note("hub", B, 0.03, ok=True)

    assert slots.standing("new", B) == "trusted"


def test_an_endpoint_that_hangs_makes_all_its_integrations_suspect(slots: Slots, clock: Clock) -> None:
    """When a whole Braze is away, each of them would otherwise find out by itself, with slots of its own."""
    for name in ("hub", "other"):
        slots.note(name, B, 0.03, ok=True)
    with slots.calling("hub", B):
        clock.now += 1.1

        assert slots.standing("other", B) == "suspect"


def test_an_endpoint_that_answers_others_is_not_to_blame(slots: Slots, clock: Clock) -> None:
    """One workspace with a long call must not slow down all who share the Braze."""
    with slots.calling("hub", B):
        clock.now += 5
        slots.note("other", B, 0.03, ok=True)
        clock.now += 5

        assert slots.standing("hub", B) == "slow"
        assert slots.standing("other", B) == "trusted"


def test_a_busy_endpoint_leaves_a_quarter_to_others(slots: Slots) -> None:
    """It would otherwise have all slots at the moment when it begins to hang."""
    for name, endpoint in (("busy", B), ("also busy", B), ("quiet", "other"), ("quiet too", "third")):
        slots.note(name, endpoint, 0.03, ok=True)

    assert taken(slots, "busy", lanes=8) == 8
    assert taken(slots, "also busy") == 4
    assert taken(slots, "quiet", "other", lanes=1) == 1
    assert taken(slots, "quiet too", "third", lanes=1) == 1


def test_an_unknown_endpoint_has_one_call_out_until_it_answers(slots: Slots) -> None:
    """Nothing tells a Braze that hangs from others when a process starts."""
    assert taken(slots, "hub") == 1
    slots.note("hub", B, 0.03, ok=True)

    assert taken(slots, "hub", lanes=8) == 7  # and one is still being served


def test_slow_ones_share_a_quarter_where_others_come(slots: Slots) -> None:
    """A call of theirs may hold its slot for half a minute; the last slot is for who may be well again."""
    for name in ("slow", "failing"):
        slots.note(name, name, 5.0, ok=name == "slow")

    assert taken(slots, "slow", "slow") + taken(slots, "failing", "failing") == 3
    assert taken(slots, "other", "slow") == 1


def test_slow_ones_are_not_held_back_where_nobody_else_comes(slots: Slots, clock: Clock) -> None:
    """A Braze that takes two seconds for everything may have all lanes; whoever comes then still finds a slot."""
    slots.note("slow", B, 2.0, ok=True)
    clock.now += ALONE_S + 1

    assert taken(slots, "slow") == 12
    assert taken(slots, "new", "other") == 1


@pytest.mark.parametrize("total", [1, 2, 3, 4])
def test_few_slots_leave_at_least_one(total: int, clock: Clock) -> None:
    """A worker with one thread still has to find out whether Braze is back."""
    slots = Slots(total, clock=clock)
    slots.note("failing", B, 0.1, ok=False)

    assert taken(slots, "failing") == 1


def test_an_endpoint_that_was_quiet_for_long_is_unknown_again(slots: Slots, clock: Clock) -> None:
    """What it did ten minutes ago says little."""
    slots.note("hub", B, 0.03, ok=True)
    clock.now += FORGET_S - 1
    assert slots.standing("hub", B) == "trusted"

    clock.now += 2
    assert slots.standing("hub", B) == "unknown"


def test_who_keeps_coming_is_not_forgiven_by_waiting(slots: Slots, clock: Clock) -> None:
    """Where hundreds fail, each has its turn only now and then."""
    slots.note("failing", B, 30.0, ok=False)
    for _ in range(20):
        clock.now += FORGET_S / 2
        with slots.turn(("failing", 0), B) as served:
            assert served

    assert slots.standing("failing", B) == "slow"


def test_lanes_are_served_in_the_order_in_which_they_came(slots: Slots) -> None:
    """Who gives a slot back is called again at once, and would always be the first to ask."""
    slots.note("slow", B, 5.0, ok=True)
    held = [slots.take(("slow", lane), B) for lane in range(5)]
    assert held == [("slow", 0), ("slow", 1), ("slow", 2), None, None]

    slots.give_back(("slow", 0))
    assert slots.take(("slow", 0), B) == ("slow", 3)
    slots.give_back(("slow", 1))
    assert slots.take() == ("slow", 4)


def test_who_has_a_slot_hears_of_another_lane_with_room(slots: Slots, clock: Clock) -> None:
    """Many wait for the first answer; then there is room for all of them."""
    assert [slots.take(("hub", lane), B) for lane in range(3)] == [("hub", 0), None, None]
    assert slots.whom_to_call() == (("hub", 1), WAIT_MS)
    slots.note("hub", B, 0.03, ok=True)

    assert slots.whom_to_call() == (("hub", 1), 0)


def test_alarms_are_few_however_many_wait(slots: Slots, clock: Clock) -> None:
    """A thousand lanes would otherwise be two thousand calls a second."""
    slots.note("slow", B, 5.0, ok=True)
    alarms = 0
    for number in range(1000):
        clock.now += 0.01
        slots.take(("slow", number), B)
        alarms += slots.whom_to_call() is not None

    assert alarms <= MOST_ALARMS * (10_000 / WAIT_MS + 1)


def test_a_lane_that_is_being_served_is_not_served_twice(slots: Slots) -> None:
    """Its second slot would only find the lane taken."""
    slots.note("hub", B, 0.03, ok=True)
    with slots.turn(("hub", 0), B) as served:
        assert served == ("hub", 0)
        assert slots.take(("hub", 0), B) is None

    assert slots.take() == ("hub", 0)


def test_a_drain_that_breaks_gives_its_slot_back(slots: Slots) -> None:
    """A slot that is lost is lost until the process ends."""
    with pytest.raises(ZeroDivisionError), slots.turn(("hub", 0), B):
        raise ZeroDivisionError

    assert slots.take(("hub", 0), B) == ("hub", 0)


def test_memory_is_bounded_by_who_came_in_the_last_ten_minutes(slots: Slots, clock: Clock) -> None:
    """A worker runs for months."""
    for number in range(600):
        clock.now += 10
        name = f"hub-{number}"
        slots.note(name, name, 30.0, ok=False)
        with slots.calling(name, name):
            slots.take((name, 0), name)
        slots.whom_to_call()

    assert len(slots._known) < 5 * FORGET_S / 10
    assert len(slots._queue) <= MOST_WAITING / 2
    assert len(slots._alarms) <= MOST_ALARMS


def by_first_letter(name: str) -> str:
    return name[0]


def itself(name: str) -> str:
    return name


@pytest.mark.parametrize("endpoint", [by_first_letter, itself])
@pytest.mark.parametrize(("hanging", "within_s"), [(0, 2.5), (10, 3.0)])
def test_after_a_start_healthy_integrations_are_served_quickly(
    endpoint: Callable[[str], str], hanging: int, within_s: float
) -> None:
    """Nobody is known then, and 240 calls of 0.1 s take 16 slots 1.5 s at least. Nobody waits for a sweep."""
    crowd = Crowd(lambda name, _: 30.0 if name[0] == "x" else 0.1, endpoint)
    healthy = [(f"h{number}", lane) for number in range(30 if hanging else 60) for lane in range(4)]
    lanes = healthy + [(f"x{number}", lane) for number in range(hanging) for lane in range(4)]
    random.Random(1).shuffle(lanes)
    for lane in lanes:
        crowd.want(lane)
    crowd.run(100)

    served = [at for name, waits in crowd.waits.items() if name[0] == "h" for at, _ in waits]
    assert len(served) == len(healthy)
    assert max(served) < within_s


@pytest.mark.parametrize(
    ("hanging", "endpoint"), [(6, by_first_letter), (10, by_first_letter), (1, itself), (4, itself), (6, itself)]
)
@pytest.mark.parametrize("seed", range(2))
def test_those_who_begin_to_hang_together_leave_slots(hanging: int, endpoint: Callable[[str], str], seed: int) -> None:
    """All were trusted until then: this is what the outage of a Braze looks like."""
    crowd = Crowd(lambda name, now: 30.0 if name[0] == "x" and now > 10 else 0.1, endpoint)
    rng = random.Random(seed)
    for lane in [(f"x{number}", lane) for number in range(hanging) for lane in range(4)]:
        crowd.at(rng.random(), lambda lane=lane: crowd.want(lane, every_s=0.4))  # type: ignore[misc]
    crowd.at(0.5, lambda: crowd.want(("quiet", 0), every_s=1.0))
    crowd.run(110)

    assert crowd.longest_wait("quiet", after=10) <= 0.11
    assert max(stuck for at, stuck in crowd.stuck if at > 75) <= 4


def test_threads_never_hold_more_than_their_share() -> None:
    """Every drain of the process asks, at the same moment."""
    slots, held, most = Slots(16), 0, 0
    counting = threading.Lock()
    slots.note("failing", B, 1.0, ok=False)

    def drain(lane: int) -> None:
        nonlocal held, most
        for _ in range(300):
            with slots.turn(("failing", lane), B) as served:
                if served is None:
                    continue
                with counting:
                    held += 1
                    most = max(most, held)
                with slots.calling("failing", B):
                    slots.note("failing", B, 1.0, ok=False)
                with counting:
                    held -= 1

    threads = [threading.Thread(target=drain, args=(lane,)) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert most <= 3
    assert not slots._busy
