from dataclasses import replace
from typing import Any

import pytest
import redis

from schemas.batch import Batch, Settlement
from schemas.integration import BrazeTarget, Integration
from tests.factories import BRAZE, NOON_MS, an_arrival, an_integration
from workers.errors import LeaseLost, StaleRules
from workers.store.inbox import Full, Inbox, Limits, Rest
from workers.store.keys import own
from workers.store.ledger import Ledger

SECOND = 1000


class Rig:
    """An inbox with one lane, a clock that only moves when told, and short ways to say what happens."""

    def __init__(self, connection: redis.Redis, **limits: int) -> None:
        self.redis = connection
        self.inbox = Inbox(connection, Limits(**{"lanes": 1} | limits))
        self.ledger = Ledger(connection)
        self.now = NOON_MS

    def known(self, integration: Integration) -> Integration:
        self.redis.hset(f"{own(integration)}:state", "version", integration.version)
        return integration

    def accept(self, integration: Integration, *people: str, first: int = 0) -> list[str]:
        arrivals = [an_arrival(person, first + number) for number, person in enumerate(people)]
        return [one for one, _ in self.inbox.accept(integration, arrivals, now_ms=self.now).submissions]

    def step(self, integration: Integration, by: str = "a", settled: Settlement | None = None) -> Batch | Rest:
        return self.inbox.step(integration, 0, by, settled, now_ms=self.now)

    def take(self, integration: Integration, by: str = "a") -> Batch:
        batch = self.step(integration, by)
        assert isinstance(batch, Batch), batch
        return batch

    def deliver(self, integration: Integration, batch: Batch, by: str = "a") -> Batch | Rest:
        return self.step(integration, by, all_delivered(batch))

    def numbers(self, integration: Integration, *names: str) -> list[int]:
        told = self.ledger.read(integration)
        outcomes = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
        assert told["received"] == sum(told[name] for name in outcomes), told
        return [told[name] for name in names]


@pytest.fixture
def rig(store_connection: redis.Redis) -> Rig:
    return Rig(store_connection)


@pytest.fixture
def hub(rig: Rig) -> Integration:
    return rig.known(an_integration())


def all_delivered(batch: Batch) -> Settlement:
    count = len(batch.entries)
    return Settlement(batch, verdicts="d" * count, results=[["delivered", []]] * count, counts={"requests": 1})


def people(batch: Batch | Rest) -> list[str]:
    assert isinstance(batch, Batch), batch
    return [entry.person.value for entry in batch.entries]


def test_what_comes_twice_is_kept_once_under_the_same_id(rig: Rig, hub: Integration) -> None:
    """Komo may send again what it got no answer for: the second answer has to be the first one."""
    first = rig.inbox.accept(hub, [an_arrival("ann", 1)], now_ms=rig.now)
    second = rig.inbox.accept(hub, [an_arrival("ann", 1), an_arrival("ann", 2), an_arrival("ann", 2)], now_ms=rig.now)

    assert second.submissions[0] == (first.submissions[0][0], True)
    assert [again for _, again in second.submissions] == [True, False, True]
    assert rig.numbers(hub, "received", "duplicates", "waiting") == [2, 2, 2]


def test_a_repeat_is_recognised_days_later_while_it_waits(rig: Rig, hub: Integration) -> None:
    """Each day has a set of its own; all of them are looked at until they are let go."""
    rig.accept(hub, "ann")
    rig.now += 3 * 86_400 * SECOND

    again = rig.inbox.accept(hub, [an_arrival("ann", 0)], now_ms=rig.now)

    assert again.submissions[0][1]


def test_a_body_without_id_and_time_may_come_again_after_a_while(rig: Rig, hub: Integration) -> None:
    """Two people may say the same; only what comes within minutes is taken for a repeat."""
    short = an_arrival("ann")._replace(short_lived=True)

    answers = [rig.inbox.accept(hub, [short], now_ms=rig.now).submissions[0][1] for _ in range(2)]
    rig.redis.delete(*rig.redis.keys("*:once:*"))
    answers.append(rig.inbox.accept(hub, [short], now_ms=rig.now).submissions[0][1])

    assert answers == [False, True, False]


def test_an_array_is_kept_whole_or_not_at_all(rig: Rig, hub: Integration) -> None:
    """A sender that gets 429 sends everything again."""
    rig.inbox.limits = Limits(lanes=1, max_waiting=3)
    rig.accept(hub, "ann", "bob")

    with pytest.raises(Full):
        rig.accept(hub, "cid", "dan", first=10)

    assert rig.numbers(hub, "received", "waiting") == [2, 2]


def test_a_repeat_needs_no_room(rig: Rig, hub: Integration) -> None:
    """It changes nothing, so a full inbox is no reason to refuse it."""
    rig.inbox.limits = Limits(lanes=1, max_waiting=1)
    rig.accept(hub, "ann")

    assert rig.inbox.accept(hub, [an_arrival("ann", 0)], now_ms=rig.now).submissions[0][1]


def test_what_was_judged_by_rules_of_yesterday_is_not_kept(rig: Rig, hub: Integration) -> None:
    """A web process knows a saved or removed document for another second; it has to look again."""
    with pytest.raises(StaleRules):
        rig.accept(replace(hub, version=2), "ann")
    with pytest.raises(StaleRules):
        rig.accept(an_integration(id="removed"), "ann")


def test_only_the_first_of_a_busy_lane_wants_a_wake_up_call(rig: Rig, hub: Integration) -> None:
    """Under load the broker is asked once, not once per submission."""
    wanted = [rig.inbox.accept(hub, [an_arrival("ann", n)], now_ms=rig.now).wake for n in range(3)]

    assert wanted == [[0], [], []]


def test_a_batch_holds_as_many_objects_as_braze_takes(rig: Rig) -> None:
    """One attributes object per person and one per event, counted before anything is transformed."""
    hub = rig.known(an_integration(braze=BrazeTarget(BRAZE, "acme", max_objects_per_request=6)))
    rig.accept(hub, "ann", "bob", "ann", "cid", "dan")

    assert people(rig.take(hub)) == ["ann", "bob", "ann"]  # 2 objects of attributes, 3 events; cid would make 7


def test_a_person_is_left_alone_for_the_spacing_after_the_answer(rig: Rig, hub: Integration) -> None:
    """Braze applies what follows quickly in any order; others do not wait for that."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    rig.accept(hub, "ann", "bob", "ann", first=10)
    rig.now += 100
    second = rig.deliver(hub, batch)
    assert people(second) == ["bob"]
    assert isinstance(second, Batch)
    rest = rig.deliver(hub, second)
    assert isinstance(rest, Rest)
    assert (rest.why, rest.wait_ms) == ("wait", 2000)

    rig.now += 2000

    assert people(rig.take(hub)) == ["ann", "ann"]


def test_new_work_for_somebody_else_calls_at_once_while_a_person_cools(rig: Rig, hub: Integration) -> None:
    """A lane that waits for one person must not make the next one wait with them."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    rig.accept(hub, "ann", first=5)
    rig.deliver(hub, batch)

    assert rig.inbox.accept(hub, [an_arrival("bob", 9)], now_ms=rig.now).wake == [0]


def test_nobody_overtakes_their_own_parked_submissions(rig: Rig, hub: Integration) -> None:
    """What is set aside for a person is older than anything that still stands in the stream."""
    rig.accept(hub, "ann")
    first = rig.take(hub)
    rig.accept(hub, "ann", first=1)
    rig.deliver(hub, first)
    rig.now += 2000
    rig.accept(hub, "ann", first=2)

    batch = rig.take(hub)

    older, newer = [entry.order for entry in batch.entries]
    assert first.entries[0].order < older < newer


def test_two_integrations_of_a_workspace_never_write_to_a_person_at_once(rig: Rig, hub: Integration) -> None:
    """Braze does not know that they are two."""
    other = rig.known(an_integration(id="winter-hub"))
    rig.accept(hub, "ann")
    rig.accept(other, "ann", "bob")
    mine = rig.take(hub)

    assert people(rig.take(other, "b")) == ["bob"]

    rig.deliver(hub, mine)
    rig.now += 1000
    assert isinstance(rig.deliver(other, rig_batch(rig, other), "b"), Rest)
    rig.now += 1500
    assert people(rig.take(other, "b")) == ["ann"]


def rig_batch(rig: Rig, integration: Integration) -> Batch:
    """What the integration's lane has in flight, handed out again to its own holder."""
    batch = rig.step(integration, "b")
    assert isinstance(batch, Batch)
    return batch


def test_a_successor_gets_exactly_what_was_in_flight(rig: Rig, hub: Integration) -> None:
    """Nobody knows whether the dead worker's request was applied: the same again doubles the least."""
    rig.accept(hub, "ann", "bob")
    lost = rig.take(hub, "a")
    rig.accept(hub, "cid", first=10)
    rig.redis.delete(f"{own(hub)}:lease:0")

    batch = rig.take(hub, "b")

    assert [entry.id for entry in batch.entries] == [entry.id for entry in lost.entries]
    assert batch.sent_before == "unknown"
    assert rig.numbers(hub, "waiting", "in_flight") == [1, 2]


def test_who_lost_the_lane_settles_nothing(rig: Rig, hub: Integration) -> None:
    """A worker that was frozen wakes up with an answer for a batch that is somebody else's by now."""
    rig.accept(hub, "ann")
    frozen = rig.take(hub, "a")
    rig.redis.delete(f"{own(hub)}:lease:0")
    rig.take(hub, "b")

    with pytest.raises(LeaseLost):
        rig.deliver(hub, frozen, "a")

    assert rig.numbers(hub, "delivered", "in_flight") == [0, 1]


def test_a_lane_serves_one_drain_at_a_time(rig: Rig, hub: Integration) -> None:
    """A doubled wake-up call is harmless."""
    rig.accept(hub, "ann", "bob")
    rig.take(hub, "a")

    assert rig.step(hub, "b") == Rest("busy")


def test_after_a_postponed_attempt_the_same_batch_comes_first(rig: Rig, hub: Integration) -> None:
    """Nothing moves while Braze is down, so nothing can be lost or reordered."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    rest = rig.step(hub, "a", Settlement(batch, retry_after_ms=5000, flight_state="clean"))
    assert rest == Rest("wait", wait_ms=5000, alarm=True)
    assert rig.numbers(hub, "waiting", "in_flight") == [1, 0]
    rig.accept(hub, "bob", first=5)
    rig.now += 5000

    again = rig.take(hub, "b")

    assert (people(again), again.sent_before, again.tries) == (["ann"], "clean", 1)


def test_a_closed_gate_stops_every_lane_of_the_workspace(rig: Rig, hub: Integration) -> None:
    """The limit is the workspace's, so a 429 tells everybody at once."""
    other = rig.known(an_integration(id="winter-hub"))
    rig.accept(hub, "ann")
    rig.accept(other, "bob")
    batch = rig.take(hub)
    rig.step(hub, "a", Settlement(batch, retry_after_ms=3000, flight_state="clean", gate={"closed_for": 3000}))

    rest = rig.step(other, "b")

    assert isinstance(rest, Rest)
    assert (rest.why, rest.wait_ms) == ("wait", 3000)


def test_no_window_of_the_period_holds_more_requests_than_the_limit(rig: Rig) -> None:
    """Wherever Braze's own window begins, ours must fit into it."""
    target = BrazeTarget(BRAZE, "acme", max_objects_per_request=2, rate_limit_requests=20, rate_limit_per_seconds=1)
    hub = rig.known(an_integration(braze=target))
    rig.accept(hub, *(f"p{number}" for number in range(100)))
    sent_at: list[int] = []
    settled: Settlement | None = None
    while len(sent_at) < 60:
        step = rig.step(hub, "a", settled)
        settled = None
        if isinstance(step, Rest):
            rig.now += step.wait_ms
            continue
        sent_at.append(rig.now)
        settled = all_delivered(step)

    busiest = max(sum(start <= at < start + SECOND for at in sent_at) for start in sent_at)
    assert busiest <= 20
    assert sent_at[-1] - sent_at[0] < 3.6 * SECOND  # and the limit is nearly used


def test_a_refused_submission_becomes_a_dead_letter_alone(rig: Rig, hub: Integration) -> None:
    """Its neighbours in the batch are delivered."""
    rig.accept(hub, "ann", "bob", "cid")
    batch = rig.take(hub)
    bad = batch.entries[1].id
    settled = Settlement(
        batch, verdicts="dxd", results=[["delivered", []], None, ["delivered", []]],
        dead={bad: {"why": "refused", "details": '{"answer":"no"}'}},
    )  # fmt: skip

    rig.step(hub, "a", settled)

    assert rig.numbers(hub, "delivered", "dead", "waiting") == [2, 1, 0]
    letters: Any = rig.redis.xrange(f"{own(hub)}:dlq")
    [(_, letter)] = letters
    assert letter[b"why"] == b"refused"
    assert b'"member_id":"bob"' in letter[b"b"]


def test_what_is_put_back_keeps_its_place_before_newer_work(rig: Rig, hub: Integration) -> None:
    """A batch that is halved comes again in the order in which it was accepted."""
    rig.accept(hub, "ann", "bob", "ann")
    batch = rig.take(hub)
    rig.accept(hub, "ann", first=10)
    rig.step(hub, "a", Settlement(batch, verdicts="bbb", results=[None] * 3, cut="1"))
    assert rig.numbers(hub, "waiting", "in_flight") == [4, 0]
    rig.now += 2000

    batches = []
    step: Batch | Rest = rig.take(hub)
    while isinstance(step, Batch):
        batches.append([(entry.person.value, 1 + entry.order % 1000) for entry in step.entries])  # in one millisecond
        step = rig.deliver(hub, step)

    assert sorted(batches, key=len) == [[("bob", 2)], [("ann", 1), ("ann", 3), ("ann", 4)]]


def test_a_cut_of_nought_hands_out_one_submission_at_a_time(rig: Rig, hub: Integration) -> None:
    """An object that was folded and refused is unfolded before anything of it is called dead."""
    rig.accept(hub, "ann", "ann", "ann")
    batch = rig.take(hub)
    rig.step(hub, "a", Settlement(batch, verdicts="bbb", results=[None] * 3, cut="0"))

    orders = []
    for _ in range(6):
        rig.now += 2000
        step = rig.step(hub)
        if isinstance(step, Batch):
            orders.append([1 + entry.order % 1000 for entry in step.entries])  # all in one millisecond
            rig.deliver(hub, step)

    assert orders == [[1], [2], [3]]


def test_what_braze_has_taken_of_a_submission_comes_back_with_it(rig: Rig, hub: Integration) -> None:
    """Otherwise its events would be doubled when the rest is sent."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    entry = batch.entries[0].id
    rig.step(hub, "a", Settlement(batch, verdicts="b", results=[None], done={entry: '{"a":["first_name"],"e":["1"]}'}))
    rig.now += 2000

    assert rig.take(hub).entries[0].done == {"a": ["first_name"], "e": ["1"]}


def test_a_paused_integration_keeps_everything_and_sends_nothing(rig: Rig, hub: Integration) -> None:
    """The marketing team switches it off for an hour, not the competition."""
    rig.redis.hset(f"{own(hub)}:state", "paused", "person")
    assert rig.inbox.accept(hub, [an_arrival("ann", 1)], now_ms=rig.now).wake == []
    assert rig.step(hub) == Rest("paused")
    assert rig.inbox.sweep(hub, now_ms=rig.now).lanes == []

    rig.redis.hset(f"{own(hub)}:state", "paused", "")

    assert rig.inbox.kick(hub, now_ms=rig.now) == [0]
    assert people(rig.take(hub)) == ["ann"]


def test_a_pause_by_braze_probes_with_real_work_and_ends_with_its_success(rig: Rig, hub: Integration) -> None:
    """Nobody should have to get up at night for a key that was mended in Braze."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    rig.step(hub, "a", Settlement(batch, retry_after_ms=900_000, flight_state="clean", pause="wrong key"))
    rig.now += 60_000
    assert rig.step(hub) == Rest("paused")
    rig.now += 840_000

    probe = rig.take(hub)
    rig.deliver(hub, probe)

    assert rig.redis.hget(f"{own(hub)}:state", "paused") == b""
    assert rig.numbers(hub, "delivered") == [1]


def test_the_sweep_finds_a_lane_whose_wake_up_call_was_lost(rig: Rig, hub: Integration) -> None:
    """A broker may forget; the store does not."""
    rig.accept(hub, "ann")
    assert rig.inbox.sweep(hub, now_ms=rig.now).lanes == []  # somebody has just been called

    rig.redis.delete(f"{own(hub)}:wake:0")

    assert rig.inbox.sweep(hub, now_ms=rig.now).lanes == [0]
    assert rig.inbox.sweep(hub, now_ms=rig.now).lanes == []


def test_an_empty_lane_leaves_nothing_due(rig: Rig, hub: Integration) -> None:
    """An idle system has to be quiet."""
    rig.accept(hub, "ann")
    assert rig.deliver(hub, rig.take(hub)) == Rest("empty")

    assert rig.inbox.sweep(hub, now_ms=rig.now).lanes == []
    assert rig.inbox.active() == []
    assert rig.inbox.accept(hub, [an_arrival("bob", 5)], now_ms=rig.now).wake == [0]


def test_a_changed_number_of_lanes_waits_until_the_old_ones_are_empty(rig: Rig, hub: Integration) -> None:
    """Otherwise a person would wait in two lanes, and could overtake themselves."""
    rig.accept(hub, "ann")
    rig.inbox.limits = Limits(lanes=8)
    rig.accept(hub, *(f"p{n}" for n in range(20)), first=10)
    assert len(rig.redis.keys(f"{own(hub)}:in:*")) == 1
    step: Batch | Rest = rig.take(hub)
    while isinstance(step, Batch):
        step = rig.deliver(hub, step)

    rig.accept(hub, *(f"q{n}" for n in range(20)), first=50)

    assert len(rig.redis.keys(f"{own(hub)}:in:*")) > 2


def test_a_person_with_very_much_waiting_does_not_hide_the_others(rig: Rig, hub: Integration) -> None:
    """What the cursor passes is looked at once, a bounded number at a time."""
    rig.accept(hub, "ann")
    first = rig.take(hub)
    rig.accept(hub, *["ann"] * 700, "bob", first=10)
    step = rig.deliver(hub, first)
    while isinstance(step, Rest) and step.why == "again":
        step = rig.step(hub)

    assert people(step) == ["bob"]
    assert rig.numbers(hub, "waiting", "in_flight") == [700, 1]


def test_bytes_that_wait_are_counted_down_to_nothing(rig: Rig, hub: Integration) -> None:
    """They bound the store's memory; a drift would close the door for ever."""
    rig.accept(hub, "ann", "bob", "cid")
    batch = rig.take(hub)
    rig.step(hub, "a", Settlement(batch, verdicts="dbd", results=[["delivered", []], None, ["delivered", []]]))
    assert rig.ledger.waiting_bytes(hub) > 0
    rig.now += 2000
    rig.deliver(hub, rig.take(hub))

    assert rig.ledger.waiting_bytes(hub) == 0
