"""Everything that the whole system is measured by."""

import pytest
import redis

from tests.factories import a_document
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, NotAllowed, RateLimited, Unavailable
from workers.store.counted import counted_key
from workers.store.keys import own
from workers.store.metrics import UNCOUNTED, GateMeasures, Measures, Reading


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def read(world: World) -> Reading:
    return world.stores.metrics.read(now_ms=world.now)


def only(world: World) -> Measures:
    [one] = read(world).integrations
    return one


def test_what_was_never_used_is_all_nothing(world: World) -> None:
    """From the first scrape on, so that a rise can be seen."""
    one = only(world)

    assert set(one.counts.values()) == {0}
    assert (one.latency, one.letters, one.paused, one.rejudged, one.oldest_s, one.due_s) == ({}, {}, "", False, 0, 0)


def test_it_agrees_with_the_ledger(world: World) -> None:
    """There is one truth."""
    world.accept(form("ann", 1), form("bob", 2), form("ann", 1))
    world.drain_until_quiet()
    world.accept(form("eve", 3))
    one, ledger = only(world), world.ledger()

    assert {name: one.counts[name] for name in ledger} == ledger
    assert sum(one.latency.values()) == one.counts["delivered"] == 2
    assert (one.counts["waiting"], one.counts["duplicates"]) == (1, 1)


def test_it_tells_how_long_the_oldest_waits_and_how_long_work_is_due(world: World) -> None:
    """The one grows while Braze is away, the other while nobody comes."""
    world.accept(form("ann", 1))
    world.now += 600_000
    assert (only(world).oldest_s, only(world).due_s) == (600, 600)
    world.braze.answers = [Unavailable(503, "away")]
    world.drain()

    assert (only(world).oldest_s, only(world).due_s) == (600, 0)


def test_latencies_have_their_sum(world: World) -> None:
    """Without it there is no mean."""
    world.accept(form("ann", 1), form("bob", 2))
    world.now += 30_000
    world.drain()

    assert 60_000 <= only(world).counts["latency_ms"] < 62_000


def test_dead_letters_add_up_though_their_reasons_were_not_always_counted(world: World) -> None:
    """Those of an early version have none in the counts."""
    world.stores.connection.xadd(f"{own(world.integration)}:dlq", {"why": "refused"})

    assert only(world).letters == {UNCOUNTED: 1}


def test_it_tells_who_has_paused(world: World) -> None:
    """A person knows already; Braze's answer is news."""
    world.accept(form("ann", 1))
    world.braze.answers = [NotAllowed(401, "Invalid API Key")]
    world.drain()
    assert only(world).paused == "braze"
    world.stores.integrations.pause("summer-hub", by="test")

    assert only(world).paused == "person"


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Accepted(201, limit=1000, remaining=400, reset_s=60), "open"),
        (Accepted(201, limit=1000, remaining=0, reset_s=60), "limited"),
        (RateLimited(429, "slow", reset_s=60), "limited"),
        (Unavailable(503, "away"), "closed"),
    ],
)
def test_a_gate_says_why_nothing_goes_through(world: World, reply: Accepted, state: str) -> None:
    """A limit is waited for, an outage is asked about."""
    world.accept(form("ann", 1))
    for _ in range(50):
        world.braze.answers = [reply]
        rest = world.drain()
        if read(world).gates[0].state != "open" or rest.why == "empty":
            break
        world.now += rest.wait_ms

    [gate] = read(world).gates
    assert gate.state == state
    if state == "closed":
        world.now += 60_000
        assert read(world).gates[0].state == "half_open"


def test_a_limit_is_told_as_braze_said_it_and_what_is_left_until_its_window_ends(world: World) -> None:
    """After that nobody knows what is left."""
    world.accept(form("ann", 1))
    world.braze.answers = [Accepted(201, limit=1000, remaining=400, reset_s=60)]
    world.drain()
    [gate] = read(world).gates
    assert gate == GateMeasures(world.integration.braze.workspace, "track", "open", 1000, 400)
    world.now += 61_000

    assert read(world).gates == [gate._replace(left=None)]


def test_messages_are_told_of_integrations_that_ask_for_any(world: World) -> None:
    """Three kinds in each of a thousand integrations would be three thousand times nothing."""
    assert only(world).messages == []
    sends = [{"kind": "campaign", "id": "c-1", "when": {"submission.event": "Nothing"}}]
    world.stores.integrations.save(a_document(sends=sends), by="test")
    world.stores.integrations.get_cached("summer-hub", max_age_s=0)

    assert [tuple(one) for one in only(world).messages] == [("campaign", 0, False)]


def test_each_has_its_own_figures_however_many_there_are(world: World) -> None:
    """They are read some at a time."""
    for number in range(60):
        world.stores.integrations.save(a_document(id=f"hub-{number}"), by="test")
    world.accept(form("ann", 1))
    world.stores.tally.call("hub-7", "track", 201, 0.1)
    world.stores.alive.carry()
    found = {one.integration.id: one for one in read(world).integrations}

    assert len(found) == 61
    assert {name for name, one in found.items() if one.counts["received"]} == {"summer-hub"}
    assert {name for name, one in found.items() if one.counted} == {"hub-7"}


def test_who_is_removed_takes_their_counts_along(world: World) -> None:
    """An id may be used again, and names that nobody needs would gather."""
    world.stores.tally.call("summer-hub", "track", 201, 0.1)
    world.stores.alive.carry()
    assert only(world).counted == {"call track 201": 1}
    world.stores.integrations.delete("summer-hub")

    assert world.stores.connection.exists(counted_key("summer-hub")) == 0
    assert read(world).integrations == []
