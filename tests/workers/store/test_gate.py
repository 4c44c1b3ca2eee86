from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import redis

from schemas.batch import Batch, Settlement
from schemas.integration import BrazeTarget, Integration
from tests.factories import BRAZE, an_arrival, an_integration
from tests.workers.store.test_inbox import Rig, all_delivered
from workers.store.inbox import Rest
from workers.store.keys import own, shared

SECOND = 1000


class Door(Rig):
    """A rig in which everybody submits once, so that nothing but the gate keeps anybody waiting."""

    def __init__(self, connection: redis.Redis, **limits: int) -> None:
        super().__init__(connection, **limits)
        self.people = 0

    def crowd(self, integration: Integration, count: int) -> None:
        """So many people submit something."""
        arrivals = [an_arrival(f"p{n}", n) for n in range(self.people, self.people + count)]
        self.people += count
        self.inbox.accept(integration, arrivals, now_ms=self.now)

    def knock(self, integration: Integration, by: str = "a") -> Batch | Rest:
        """Ask, until the answer is a batch or a wait."""
        for _ in range(100):
            step = self.step(integration, by)
            if isinstance(step, Batch) or step.why != "again":
                return step
        raise AssertionError("it never says anything")

    def settle(self, integration: Integration, by: str, settlement: Settlement) -> None:
        """Without taking the next batch."""
        self.inbox.step(integration, 0, by, settlement, release=True, now_ms=self.now)

    def opens_in(self, integration: Integration, by: str = "x") -> int:
        """For how long the gate stays closed, ms; an open one has let a batch through, which is put back."""
        step = self.knock(integration, by)
        if isinstance(step, Batch):
            self.settle(integration, by, Settlement(step, verdicts="b" * len(step.entries), sent=False,
                                                    results=[None] * len(step.entries)))  # fmt: skip
            return 0
        assert step.why == "wait"
        return step.wait_ms

    def tell(self, integration: Integration, by: str = "a", **news: float) -> None:
        """One request, and an answer from which the gate learns."""
        step = self.knock(integration, by)
        assert isinstance(step, Batch), step
        self.settle(integration, by, replace_gate(all_delivered(step), news))

    def fail(self, integration: Integration, by: str = "a", *, after_ms: float = 0, chance: float = 0) -> None:
        """One request that nobody answers."""
        step = self.knock(integration, by)
        assert isinstance(step, Batch), step
        self.step(integration, by, Settlement(step, retry_after_ms=after_ms, away=True, gate={"away": chance}))

    def gate(self, integration: Integration, name: str) -> Any:
        return self.redis.hget(f"{shared(integration.braze.workspace)}:gate:track", name)


def replace_gate(settlement: Settlement, news: dict[str, float]) -> Settlement:
    settlement.gate = news
    return settlement


@pytest.fixture
def door(store_connection: redis.Redis) -> Door:
    return Door(store_connection, person_spacing_ms=0)


def one_at_a_time(requests: int, per_seconds: float, **changes: Any) -> Integration:
    """Two objects in a request, which is one submission."""
    target = BrazeTarget(BRAZE, "acme", 2, requests, per_seconds)
    return an_integration(braze=replace(target, **changes.pop("braze", {})), **changes)


def served(door: Door, integrations: list[Integration], for_ms: int) -> list[int]:
    """Let everybody knock as soon as they may; when requests left us."""
    begun, sent = door.now, []
    while door.now < begun + for_ms:
        waits = []
        for number, one in enumerate(integrations):
            step = door.knock(one, f"drain-{number}")
            while isinstance(step, Batch):
                sent.append(door.now - begun)
                door.settle(one, f"drain-{number}", all_delivered(step))
                step = door.knock(one, f"drain-{number}")
            waits.append(step.wait_ms if step.why == "wait" else 1000)
        door.now += max(1, min(waits))
    return sent


@pytest.mark.parametrize(("requests", "seconds"), [(30, 3), (7, 2), (1, 0.5), (3000, 60)])
def test_no_window_sees_more_than_the_ceiling_and_little_is_left_unused(
    door: Door, requests: int, seconds: float
) -> None:
    """Braze's windows are aligned to the clock, and nobody tells where they begin: so it holds for all."""
    hub = door.known(one_at_a_time(requests, seconds))
    door.crowd(hub, 300)

    sent = served(door, [hub], int(4 * seconds * SECOND) if requests < 1000 else 6 * SECOND)

    period = seconds * SECOND
    for begin in sent:
        assert sum(begin <= at < begin + period for at in sent) <= requests
    windows = Counter(int(at // period) for at in sent)
    if requests == 30:
        assert all(windows[window] >= 27 for window in range(1, 3)), windows


def test_the_lowest_ceiling_of_a_workspace_counts_for_all(door: Door) -> None:
    """The limit is Braze's, and the workspace's: an integration that nobody limited must not use it up."""
    careful = door.known(one_at_a_time(10, 1, id="careful-hub"))
    careless = door.known(one_at_a_time(3000, 1, id="careless-hub"))
    for one in (careful, careless):
        door.redis.hset(f"{shared('acme')}:ceilings", one.id, one.braze.rates)
        door.crowd(one, 100)

    sent = served(door, [careless, careful], 3 * SECOND)

    assert len([at for at in sent if at < SECOND]) <= 10
    assert len(sent) >= 25


def test_an_hourly_limit_and_one_for_bursts_hold_together(door: Door) -> None:
    """Some contracts have both, and no header tells of the second."""
    limits = {"burst_limit_requests": 3, "burst_limit_per_seconds": 1.0}
    hub = door.known(one_at_a_time(20, 60, braze=limits))
    door.crowd(hub, 100)

    sent = served(door, [hub], 60 * SECOND)

    assert len(sent) <= 20
    assert len(sent) >= 18
    assert all(sum(begin <= at < begin + SECOND for at in sent) <= 3 for begin in sent)


def test_nothing_goes_when_braze_says_that_none_is_left(door: Door) -> None:
    """A 429 would be the answer, for everybody in the workspace."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 10)

    door.tell(hub, limit=100, left=0, reset=2500)

    assert door.opens_in(hub) == 2500
    door.now += 2500
    assert door.opens_in(hub) == 0


def test_what_is_left_is_counted_down_by_all_lanes_together(door: Door) -> None:
    """Answers tell of it late; until then those that are out count."""
    hubs = [door.known(one_at_a_time(3000, 3, id=name)) for name in ("one", "two", "three")]
    for hub in hubs:
        door.crowd(hub, 10)
    door.tell(hubs[0], limit=5, left=2, reset=600_000)
    assert isinstance(door.knock(hubs[1]), Batch)
    door.now += 300_000  # two were left for ten minutes, so the second waits for half of them
    assert isinstance(door.knock(hubs[2]), Batch)

    assert door.opens_in(hubs[0]) == 300_000


def test_few_that_are_left_are_spread_over_the_rest_of_the_window(door: Door) -> None:
    """Braze asks for that: else one of its customers' systems uses up what all of them need."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 10)
    door.tell(hub, limit=1000, left=100, reset=100_000)

    batch = door.knock(hub)

    assert isinstance(batch, Batch)
    door.settle(hub, "a", all_delivered(batch))
    assert 900 <= door.opens_in(hub) <= 1100


def test_a_late_answer_about_an_earlier_window_is_not_believed(door: Door) -> None:
    """It says that none is left, where a new window has begun."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 10)
    door.tell(hub, limit=1000, left=500, reset=60_000)
    door.tell(hub, limit=1000, left=0, reset=5_000)

    assert door.opens_in(hub) == 0


def test_a_new_window_begins_with_the_whole_limit(door: Door) -> None:
    """What was left of the last one says nothing about it."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 10)
    door.tell(hub, limit=50, left=0, reset=1000)
    door.now += 1000

    door.tell(hub)

    assert float(door.gate(hub, "left")) == 49


def test_a_rate_limit_closes_for_everybody_and_is_never_shortened(door: Door) -> None:
    """The last of several answers may name the nearest end."""
    hub, other = (door.known(one_at_a_time(3000, 3, id=name)) for name in ("one", "two"))
    for one in (hub, other):
        door.crowd(one, 5)
    first, second = door.knock(hub), door.knock(other, "b")
    assert isinstance(first, Batch)
    assert isinstance(second, Batch)
    door.step(hub, "a", Settlement(first, retry_after_ms=9000, flight_state="clean", gate={"closed_for": 9000}))
    door.step(other, "b", Settlement(second, retry_after_ms=1000, flight_state="clean", gate={"closed_for": 1000}))

    door.now += 5000

    assert door.opens_in(other, "b") == 4000
    # Both were out when it closed: that is one storm, however many answers it has.
    assert door.gate(hub, "limited") == b"1"


def test_after_failures_in_a_row_only_one_tries_at_a_time(door: Door) -> None:
    """All at once would only keep a Braze down that is getting up."""
    hubs = [door.known(one_at_a_time(3000, 3, id=f"hub-{n}")) for n in range(6)]
    for hub in hubs:
        door.crowd(hub, 5)
    for hub in hubs[:5]:
        door.fail(hub)
    assert door.opens_in(hubs[5], "b") == 500  # half of a second, with no chance added
    door.now += 500

    probe = door.knock(hubs[5], "b")

    assert isinstance(probe, Batch)
    waiting = [door.knock(hub) for hub in hubs[:5]]
    assert [(one.why, one.wait_ms) for one in waiting if isinstance(one, Rest)] == [("wait", 1000)] * 5


def test_who_tries_in_vain_closes_for_longer(door: Door) -> None:
    """Up to half a minute: a longer outage is not worth more attempts."""
    hub, other = (door.known(one_at_a_time(3000, 3, id=name)) for name in ("one", "two"))
    for one in (hub, other):
        door.crowd(one, 5)
    for _ in range(5):
        door.fail(hub)
    pauses = []
    for _ in range(9):
        pause = door.opens_in(other, "b")
        pauses.append(pause)
        door.now += pause
        door.fail(hub)

    assert pauses == [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]


def test_the_first_good_answer_lets_everybody_come_at_once(door: Door) -> None:
    """However long the others had meant to wait by themselves."""
    hubs = [door.known(one_at_a_time(3000, 3, id=f"hub-{n}")) for n in range(6)]
    for hub in hubs:
        door.redis.hset(f"{shared('acme')}:ceilings", hub.id, hub.braze.rates)
        door.crowd(hub, 5)
    for hub in hubs[:5]:
        door.fail(hub, after_ms=300_000)
    door.now += 500
    door.tell(hubs[5], "b")

    due = [door.redis.zscore(f"{own(hub)}:due", "0") for hub in hubs[:5]]
    assert all(float(at or 0) <= door.now for at in due)
    assert all(isinstance(door.knock(hub), Batch) for hub in hubs[:5])


def test_a_single_lane_tries_when_the_breaker_lets_it_not_when_its_own_backoff_ends(door: Door) -> None:
    """Else an outage of hours would be followed by five minutes of silence."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 5)
    for _ in range(4):
        door.fail(hub)
    door.fail(hub, after_ms=300_000)

    assert door.opens_in(hub) == 500


def test_a_failure_between_good_answers_breaks_nothing(door: Door) -> None:
    """Only a row of them says that nobody is there."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 30)
    for _ in range(10):
        door.fail(hub)
        door.tell(hub)

    assert door.opens_in(hub) == 0
    assert door.gate(hub, "fails") is None


def test_a_clock_that_was_set_back_takes_the_gate_along(door: Door) -> None:
    """Else it would stay closed for as long as the clock was wrong."""
    hub = door.known(one_at_a_time(3000, 3))
    door.crowd(hub, 5)
    door.tell(hub, limit=100, left=0, reset=2000)
    door.now -= 86_400_000

    assert 0 < door.opens_in(hub) <= 2000


def test_a_workspace_of_its_own_has_a_gate_of_its_own(door: Door) -> None:
    """What one brand uses up is nothing to another."""
    hub = door.known(one_at_a_time(3000, 3))
    other = door.known(one_at_a_time(3000, 3, id="two", braze={"workspace": "umbrella"}))
    for one in (hub, other):
        door.crowd(one, 5)
    door.tell(hub, limit=100, left=0, reset=2000)

    assert door.opens_in(other) == 0
