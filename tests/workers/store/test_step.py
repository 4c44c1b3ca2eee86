from dataclasses import replace
from typing import Any

import pytest
import redis

from schemas.batch import Batch, Settlement
from schemas.integration import BrazeTarget, Integration
from schemas.person import Person, lane_of
from tests.factories import BRAZE, an_arrival, an_integration
from tests.workers.store.test_inbox import Rig, all_delivered, people
from workers.errors import LeaseLost
from workers.store.inbox import FLIGHT_MS, Limits, Rest
from workers.store.keys import own


@pytest.fixture
def rig(store_connection: redis.Redis) -> Rig:
    return Rig(store_connection)


@pytest.fixture
def hub(rig: Rig) -> Integration:
    return rig.known(an_integration())


def put_back(batch: Batch, **more: Any) -> Settlement:
    return Settlement(batch, verdicts="b" * len(batch.entries), results=[None] * len(batch.entries), **more)


def paused_for(rig: Rig, hub: Integration) -> str:
    return (rig.redis.hget(f"{own(hub)}:state", "paused") or b"").decode()  # type: ignore[union-attr]


def refused(batch: Batch) -> Settlement:
    """Braze does not know the key."""
    return Settlement(batch, retry_after_ms=900_000, pause="the key", flight_state="clean")


def pass_by(rig: Rig, ms: int) -> None:
    rig.now += ms


def test_what_braze_has_taken_of_one_is_not_held_against_another_lane(rig: Rig, hub: Integration) -> None:
    """Streams number their entries each for itself, by the millisecond: two lanes have the same ids."""
    rig.inbox.limits = Limits(lanes=2)
    members = {lane_of(Person("external_id", f"p{n}").key, 2): f"p{n}" for n in range(20)}
    rig.accept(hub, members[0], members[1])
    batch = rig.take(hub)
    rig.step(hub, "a", put_back(batch, done={batch.entries[0].id: '{"a":["first_name"],"e":["komo_entry"]}'}))

    other = rig.inbox.step(hub, 1, "b", now_ms=rig.now)

    assert isinstance(other, Batch)
    assert other.entries[0].done is None


def test_what_a_person_has_paused_no_answer_of_braze_resumes(rig: Rig, hub: Integration) -> None:
    """A pause by Braze ends by itself, a person's does not: the one must not take the place of the other."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    rig.redis.hset(f"{own(hub)}:state", "paused", "person")

    rig.step(hub, "a", refused(batch))

    assert paused_for(rig, hub) == "person"
    pass_by(rig, 900_000)
    assert rig.step(hub, "b") == Rest("paused")


def test_an_answer_to_a_key_that_was_replaced_meanwhile_pauses_nothing(rig: Rig, hub: Integration) -> None:
    """The new key is tried at once, not after a quarter of an hour."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    hub = rig.known(replace(hub, version=2))
    rig.step(hub, "a", refused(batch))

    pass_by(rig, 2000)

    assert paused_for(rig, hub) == ""
    assert people(rig.take(hub, "b")) == ["ann"]


def test_a_lane_that_can_not_send_just_now_does_not_use_up_the_trial(rig: Rig, hub: Integration) -> None:
    """After a save the new key is tried at once, also if the first to come has to wait for a second."""
    rig.accept(hub, "ann")
    rig.step(hub, "a", refused(rig.take(hub)))
    pass_by(rig, 500)
    rig.inbox.kick(hub, now_ms=rig.now)

    rest = rig.step(hub, "b")
    assert isinstance(rest, Rest)
    assert (rest.why, rest.wait_ms) == ("wait", 1500)
    pass_by(rig, 1500)

    assert people(rig.take(hub, "b")) == ["ann"]
    assert rig.step(hub, "c") == Rest("busy")


@pytest.mark.parametrize("verdict", ["x", "b"])
def test_whoever_says_something_about_the_data_knows_the_key(rig: Rig, hub: Integration, verdict: str) -> None:
    """A trial whose submission is refused has shown that the setting is right."""
    rig.accept(hub, "ann", "bob")
    rig.step(hub, "a", refused(rig.take(hub)))
    pass_by(rig, 900_000)
    batch = rig.take(hub)
    dead = {entry.id: {"why": "refused", "details": "{}"} for entry in batch.entries} if verdict == "x" else {}

    rig.step(hub, "a", Settlement(batch, verdicts=verdict * 2, results=[None] * 2, dead=dead))

    assert paused_for(rig, hub) == ""


def test_a_stray_call_does_not_shorten_the_wait_after_a_failure(rig: Rig, hub: Integration) -> None:
    """Braze is not well, and calls may come at any time; only a person's save or resume counts more."""
    rig.accept(hub, "ann")
    rig.step(hub, "a", Settlement(rig.take(hub), retry_after_ms=60_000, flight_state="clean"))
    pass_by(rig, 10_000)

    early = rig.step(hub, "b")
    assert isinstance(early, Rest)
    assert (early.why, early.wait_ms) == ("wait", 50_000)
    rig.inbox.kick(hub, now_ms=rig.now)

    assert people(rig.take(hub, "b")) == ["ann"]


def test_what_a_dead_drain_had_in_flight_waits_while_the_integration_is_paused(rig: Rig, hub: Integration) -> None:
    """Otherwise it could not be moved to another workspace: Braze would seem to be called for ever."""
    rig.accept(hub, "ann")
    lost = rig.take(hub)
    rig.redis.delete(f"{own(hub)}:lease:0")
    rig.redis.hset(f"{own(hub)}:state", "paused", "person")

    assert rig.step(hub, "b") == Rest("paused")

    assert rig.numbers(hub, "waiting", "in_flight") == [1, 0]
    with pytest.raises(LeaseLost):
        rig.deliver(hub, lost)
    rig.redis.hset(f"{own(hub)}:state", "paused", "")
    assert rig.take(hub, "b").sent_before == "unknown"


def test_unfolding_ends_with_what_was_folded(rig: Rig, hub: Integration) -> None:
    """Somebody who submits more often than one a spacing time would fall behind for ever."""
    rig.accept(hub, "ann", "ann")
    rig.step(hub, "a", put_back(rig.take(hub), cut="0"))
    rig.accept(hub, "ann", "ann", "ann", first=10)

    orders = []
    for _ in range(8):
        pass_by(rig, 1000)
        step = rig.step(hub)
        if isinstance(step, Batch):
            orders.append([1 + entry.order % 1000 for entry in step.entries])  # all in one millisecond
            rig.deliver(hub, step)

    assert orders == [[1], [2], [3, 4, 5]]
    assert not rig.redis.exists(f"{own(hub)}:cut")


@pytest.mark.parametrize(("spacing", "sent"), [(2000, False), (0, True)])
def test_who_waits_in_part_goes_on_as_soon_as_may_be(store_connection: redis.Redis, spacing: int, sent: bool) -> None:
    """Nothing was sent about them, or no spacing is wanted: then there is nothing to wait for."""
    rig = Rig(store_connection, person_spacing_ms=spacing)
    hub = rig.known(an_integration(braze=BrazeTarget(BRAZE, "acme", max_objects_per_request=3)))
    rig.accept(hub, *["ann"] * 5)
    first = rig.take(hub)
    rig.step(hub, "a", put_back(first))
    pass_by(rig, spacing)
    second = rig.take(hub)
    assert len(second.entries) == 2
    settled = replace(all_delivered(second), sent=sent)

    third = rig.step(hub, "a", settled)

    assert people(third) == ["ann", "ann"]


def test_a_late_answer_leaves_the_marks_of_others_alone(rig: Rig, hub: Integration) -> None:
    """Whoever took a person over after the time of a frozen process still has a request about them out."""
    winter, spring = rig.known(an_integration(id="winter-hub")), rig.known(an_integration(id="spring-hub"))
    for one in (hub, winter, spring):
        rig.accept(one, "ann")
    frozen = rig.take(hub)
    pass_by(rig, FLIGHT_MS + 2001)
    rig.take(winter)

    rig.deliver(hub, frozen)
    pass_by(rig, 2001)

    assert isinstance(rig.step(spring), Rest)


def test_a_batch_that_goes_again_is_not_kept_waiting_by_others(rig: Rig, hub: Integration) -> None:
    """It needs all its people at once; others take them one by one, and could go on with that for ever."""
    other = rig.known(an_integration(id="winter-hub"))
    rig.accept(hub, "ann", "bob")
    rig.step(hub, "a", Settlement(rig.take(hub), retry_after_ms=2000, flight_state="clean"))
    pass_by(rig, 2000)
    for turn in range(20):
        rig.accept(other, ("ann", "bob")[turn % 2], first=10 + turn)
        theirs = rig.step(other, "b")
        if isinstance(theirs, Batch):
            rig.deliver(other, theirs, "b")
        if turn > 4 and isinstance(rig.step(hub), Batch):
            return
        pass_by(rig, 1100)
    pytest.fail("another integration always comes first")


def test_two_batches_that_go_again_do_not_wait_for_each_other(rig: Rig, hub: Integration) -> None:
    """Each keeps its people free, but gives way to the other's request."""
    other = rig.known(an_integration(id="winter-hub"))
    for one, order in ((hub, ("ann", "bob")), (other, ("bob", "ann"))):
        rig.accept(one, *order)
        rig.step(one, "a", Settlement(rig.take(one), retry_after_ms=100, flight_state="clean"))
        pass_by(rig, 2000)
    delivered = set[str]()
    for _ in range(20):
        pass_by(rig, 500)
        for one in (hub, other):
            step = rig.step(one, "a")
            if isinstance(step, Batch):
                delivered.add(one.id)
                rig.deliver(one, step)

    assert delivered == {"summer-hub", "winter-hub"}


def test_a_long_spacing_counts_from_the_end_of_a_dead_drain_too(store_connection: redis.Redis) -> None:
    """When its request ended nobody knows; that it was none any more ten seconds ago is known."""
    rig = Rig(store_connection, person_spacing_ms=60_000)
    hub, other = rig.known(an_integration()), rig.known(an_integration(id="winter-hub"))
    rig.accept(hub, "ann")
    rig.accept(other, "ann")
    rig.take(hub)
    pass_by(rig, 30_000)
    rig.redis.delete(f"{own(hub)}:lease:0")

    rest = rig.step(hub, "b")

    assert isinstance(rest, Rest)
    assert (rest.why, rest.wait_ms) == ("wait", 50_000)
    pass_by(rig, 49_000)
    assert isinstance(rig.step(other), Rest)


def test_a_clock_that_is_set_back_holds_nobody_up(rig: Rig, hub: Integration) -> None:
    """What was to come in two seconds would come in an hour and two seconds."""
    rig.accept(hub, "ann")
    first = rig.take(hub)
    rig.accept(hub, "ann", first=5)
    rig.deliver(hub, first)
    pass_by(rig, -3_600_000)

    for _ in range(3):
        step = rig.step(hub)
        if isinstance(step, Batch):
            return
        assert step.wait_ms <= 3000
        pass_by(rig, step.wait_ms)
    pytest.fail("still waiting")


def test_marks_of_people_do_not_stay_for_ever(rig: Rig, hub: Integration) -> None:
    """A mark that nobody takes away, of a removed integration say, goes with its key."""
    rig.accept(hub, "ann")
    rig.take(hub)

    assert FLIGHT_MS < rig.redis.pttl("{acme}:busy") <= 3 * FLIGHT_MS


def test_of_a_removed_integration_nothing_is_written_again(rig: Rig, hub: Integration) -> None:
    """A drain that comes back with its answer would leave a ledger behind for the next of this name."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    keys: list[bytes] = rig.redis.keys("*summer-hub*")  # type: ignore[assignment]
    rig.redis.delete(*keys)

    with pytest.raises(LeaseLost):
        rig.deliver(hub, batch)
    assert rig.step(hub, "b") == Rest("gone")

    assert rig.redis.keys("*summer-hub*") == []


def test_a_full_store_can_still_be_emptied(redis_server: str) -> None:
    """It refuses what may grow it, deliveries too unless asked in the right way: it would stay full for ever."""
    connection = redis.Redis.from_url(redis_server, protocol=2)
    connection.flushall()
    rig = Rig(connection)
    hub = rig.known(an_integration())
    rig.accept(hub, "ann", "bob")
    batch = rig.take(hub)
    connection.config_set("maxmemory", 1)
    try:
        assert rig.deliver(hub, batch) == Rest("empty")
    finally:
        connection.config_set("maxmemory", 0)

    assert rig.numbers(hub, "delivered", "waiting") == [2, 0]
    connection.close()


def test_an_arrival_after_the_end_calls_again(rig: Rig, hub: Integration) -> None:
    """Whatever flags a lane has been through, an empty one must hear of the next submission."""
    rig.accept(hub, "ann")
    rig.deliver(hub, rig.take(hub))

    assert rig.inbox.accept(hub, [an_arrival("bob", 7)], now_ms=rig.now).wake == [0]
