import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis

from schemas.integration import Integration
from schemas.settings import load_settings
from tests.factories import NOON, NOON_MS, a_document, an_arrival, an_integration
from tests.letters import bury
from workers.store import Stores, open_stores
from workers.store.flow import KEY, RINGS, Flow
from workers.store.inbox import Inbox, Limits
from workers.store.keys import own

MINUTE = 60_000


@pytest.fixture
def hub(store_connection: redis.Redis) -> Integration:
    return known(store_connection, an_integration())


@pytest.fixture
def flow(store_connection: redis.Redis) -> Flow:
    """One that has looked once, when there was nothing."""
    flow = Flow(store_connection)
    flow.sample([], now_ms=NOON_MS)
    return flow


@pytest.fixture
def stores(store_connection: redis.Redis) -> Stores:
    return open_stores(load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}), store_connection)


def known(connection: redis.Redis, integration: Integration) -> Integration:
    connection.hset(f"{own(integration)}:state", "version", 1)
    return integration


def count(connection: redis.Redis, integration: Integration, **more: int) -> None:
    """What the scripts do when something happens."""
    for name, amount in more.items():
        connection.hincrby(f"{own(integration)}:ledger", name, amount)


def lengths(connection: redis.Redis, integration: Integration) -> list[int]:
    return [int(connection.xlen(f"{own(integration)}:flow:{ring.name}")) for ring in RINGS.values()]


@pytest.mark.parametrize("span", RINGS)
def test_a_span_is_told_in_equal_parts(store_connection: redis.Redis, hub: Integration, flow: Flow, span: Any) -> None:
    """Each with the time at which it began; charts need no gaps to be filled in."""
    ring = RINGS[span]
    for step in range(1, 4):
        count(store_connection, hub, received=step, delivered=1)
        flow.sample([hub], now_ms=NOON_MS + step * ring.step_ms)

    series = flow.read(hub, span, NOON_MS + 3 * ring.step_ms + 1)

    starts = [point.start_ms for point in series.points]
    assert (len(starts), starts[-1]) == (ring.points, NOON_MS + 3 * ring.step_ms)
    assert {later - start for start, later in pairwise(starts)} == {ring.step_ms}
    assert series.line("received")[-4:] == [1, 2, 3, 0]
    assert (series.totals["received"], series.totals["delivered"]) == (6, 3)


def test_what_happened_since_the_last_sample_is_told_too(
    store_connection: redis.Redis, hub: Integration, flow: Flow
) -> None:
    """Whoever sends a test submission looks at the chart at once."""
    count(store_connection, hub, received=3, waiting=3)

    [series] = flow.read_many([hub], "hour", NOON_MS + 5000)

    assert series.line("received")[-1] == 3
    assert series.points[-1].gauges["waiting"] == 3


def test_an_integration_of_which_nothing_is_new_makes_no_sample(
    store_connection: redis.Redis, hub: Integration, flow: Flow
) -> None:
    """A thousand idle ones must cost nothing; what never had anything has no keys at all."""
    never = known(store_connection, an_integration(id="never"))
    count(store_connection, hub, received=1, waiting=1)

    added = [flow.sample([hub, never], now_ms=NOON_MS + minute * MINUTE) for minute in range(1, 40)]

    assert added == [1] * 1 + [0] * 13 + [1] + [0] * 24  # of the minutes at once, of the quarters when their turn came
    assert lengths(store_connection, hub) == [1, 1, 0]
    assert not store_connection.keys(f"{own(never)}:flow:*")


def test_two_sweeps_in_one_minute_sample_once(store_connection: redis.Redis, hub: Integration, flow: Flow) -> None:
    """Every worker sweeps, and each would like to."""
    other = Flow(store_connection)
    for second in (0, 1, 30, 59):
        count(store_connection, hub, received=1)
        for one in (flow, other):
            one.sample([hub], now_ms=NOON_MS + MINUTE + 1000 * second)

    assert lengths(store_connection, hub)[0] == 1


def test_a_gap_is_no_tower(store_connection: redis.Redis, hub: Integration, flow: Flow) -> None:
    """While no worker ran, submissions came evenly, as far as anybody knows."""
    count(store_connection, hub, received=10)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)
    count(store_connection, hub, received=100)
    flow.sample([hub], now_ms=NOON_MS + 11 * MINUTE)

    assert flow.read(hub, "hour", NOON_MS + 11 * MINUTE + 1).line("received")[-12:] == [10, *[10] * 10, 0]


def test_what_there_was_before_the_first_sample_is_not_new(store_connection: redis.Redis, hub: Integration) -> None:
    """The first chart after an upgrade would show everything as of this minute."""
    flow = Flow(store_connection)
    count(store_connection, hub, received=10**6)
    assert flow.read(hub, "day", NOON_MS).totals["received"] == 0
    flow.sample([hub], now_ms=NOON_MS)
    count(store_connection, hub, received=2)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)

    assert [flow.read(hub, span, NOON_MS + MINUTE).totals["received"] for span in RINGS] == [2, 2, 2]


def test_what_a_new_integration_has_came_since_it_was_made(store_connection: redis.Redis) -> None:
    """The first minute of a demo is what a newcomer looks at."""
    made_at = NOON - timedelta(minutes=5)
    hub = known(store_connection, an_integration(created_at=made_at))
    count(store_connection, hub, received=60)

    told = Flow(store_connection).read(hub, "hour", NOON_MS)

    assert told.totals["received"] == 60
    assert sum(told.line("received")[:54]) == 0


@pytest.mark.parametrize(
    "store_connection", ["redis-server"], indirect=True
)  # thousands of scripts: an imitation is slow
def test_rings_stay_within_bounds_and_tell_the_whole_span(
    store_connection: redis.Redis, hub: Integration, flow: Flow
) -> None:
    """A week of a busy integration, and of ten thousand samples, is as long as any other."""
    for minute in range(1, 10_001):
        store_connection.hincrby(f"{own(hub)}:ledger", "received", 1)
        flow.sample([hub], now_ms=NOON_MS + minute * MINUTE)
    end = NOON_MS + 10_000 * MINUTE

    assert lengths(store_connection, hub) == [RINGS["hour"].length, RINGS["day"].length, 83]
    assert flow.read(hub, "hour", end).line("received") == [1] * 59 + [0]
    assert set(flow.read(hub, "day", end).line("received")[:-1]) == {15}
    assert set(flow.read(hub, "week", end).line("received")[1:-1]) == {120}


def test_an_integration_made_anew_begins_anew(stores: Stores, store_connection: redis.Redis) -> None:
    """Nothing of the one before is left, and nothing is below zero."""
    flow, hub = stores.flow, stores.integrations.save(a_document(), by="test").stored.integration
    flow.sample([], now_ms=NOON_MS)
    count(store_connection, hub, received=50)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)
    stores.integrations.delete(hub.id, discard=True)
    flow.sample([hub], now_ms=NOON_MS + 2 * MINUTE)  # by a sweep that has not heard of it yet
    assert store_connection.keys(f"{own(hub)}:*") == []

    again = stores.integrations.save(a_document(), by="test").stored.integration
    count(store_connection, again, received=3)
    flow.sample([again], now_ms=NOON_MS + 3 * MINUTE)

    assert flow.read(again, "hour", NOON_MS + 3 * MINUTE + 1).line("received")[-4:] == [0, 0, 3, 0]


def test_figures_move_with_their_integration(stores: Stores, store_connection: redis.Redis) -> None:
    """Its history is its own, whatever Braze workspace it sends to."""
    flow, hub = stores.flow, stores.integrations.save(a_document(), by="test").stored.integration
    flow.sample([], now_ms=NOON_MS)
    count(store_connection, hub, received=5, delivered=5)
    store_connection.hset(f"{own(hub)}:latency", "10", 5)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)
    document = a_document()
    document["braze"] |= {"workspace": "elsewhere"}

    moved = stores.integrations.save(document, by="test").stored.integration
    flow.sample([hub], now_ms=NOON_MS + 2 * MINUTE)  # by a sweep that has not heard of it yet

    assert store_connection.keys(f"{own(hub)}:flow:*") == []
    series = flow.read(moved, "hour", NOON_MS + 2 * MINUTE)
    assert (series.line("received")[-3:], series.totals["delivered"]) == ([5, 0, 0], 5)
    assert series.p50_ms is not None
    assert flow.read(hub, "hour", NOON_MS + 2 * MINUTE).totals["received"] == 0


def test_a_clock_that_was_set_back_far_does_not_end_the_figures(
    store_connection: redis.Redis, hub: Integration, flow: Flow
) -> None:
    """What was written under a wrong time is let go, as nothing can be written before it."""
    count(store_connection, hub, received=5)
    flow.sample([hub], now_ms=NOON_MS + 86_400_000)
    count(store_connection, hub, received=2)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)
    count(store_connection, hub, received=3)
    flow.sample([hub], now_ms=NOON_MS + 2 * MINUTE)

    assert flow.read(hub, "hour", NOON_MS + 2 * MINUTE).line("received")[-2:] == [3, 0]


def test_what_waits_tells_how_old_it_is(store_connection: redis.Redis, hub: Integration, flow: Flow) -> None:
    """Age is the first sign that something is stuck, and it grows while nothing else changes."""
    Inbox(store_connection, Limits()).accept(hub, [an_arrival("ann")], now_ms=NOON_MS)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)

    points = flow.read(hub, "hour", NOON_MS + 3 * MINUTE).points
    assert [point.oldest_ms for point in points[-2:]] == [3 * MINUTE, 3 * MINUTE]
    assert points[-3].oldest_ms == 2 * MINUTE


def test_deaths_stay_counted_when_a_letter_is_gone(store_connection: redis.Redis, hub: Integration, flow: Flow) -> None:
    """`dead` falls with every replay; whoever looks later wants to see what happened at the time."""
    arrival = an_arrival("ann")
    buried = arrival._replace(judgement=arrival.judgement._replace(destination="dead", reason="bad_identifier"))
    Inbox(store_connection, Limits()).accept(hub, [buried], now_ms=NOON_MS)
    flow.sample([hub], now_ms=NOON_MS + MINUTE)
    count(store_connection, hub, dead=-1, discarded=1)

    point = flow.read(hub, "hour", NOON_MS + MINUTE).points
    assert [point[-2].counts["died"], point[-1].gauges["dead"]] == [1, 0]


def test_a_chart_of_nothing_is_flat(store_connection: redis.Redis, flow: Flow) -> None:
    """Also of an integration that was removed a moment ago."""
    series = flow.read(an_integration(id="gone"), "hour", NOON_MS)

    assert set(series.totals.values()) == {0}
    assert (series.p50_ms, len(series.points)) == (None, 60)


def test_many_integrations_are_sampled_in_a_moment(redis_server: str) -> None:
    """The sweep has other duties; idle ones are only read."""
    from workers.store.connect import connect

    connection = connect(redis_server)
    connection.flushall()
    hubs = [known(connection, an_integration(id=f"hub-{number}")) for number in range(1000)]
    for hub in hubs:
        bury(connection, hub)
    flow = Flow(connection)
    flow.sample(hubs, now_ms=NOON_MS)

    best = min(_timed(flow, hubs, NOON_MS + minute * MINUTE) for minute in (1, 2, 3))

    assert best < 0.5
    assert not any(lengths(connection, hub) != [1, 1, 1] for hub in hubs[:20])
    connection.close()


def _timed(flow: Flow, hubs: list[Integration], now_ms: int) -> float:
    started = time.perf_counter()
    flow.sample(hubs, now_ms=now_ms)
    return time.perf_counter() - started


def test_the_turn_is_remembered_for_each_ring(store_connection: redis.Redis, flow: Flow) -> None:
    """An idle minute costs one look at this."""
    flow.sample([], now_ms=NOON_MS + 16 * MINUTE)

    turns: Any = store_connection.hgetall(KEY)
    assert {name.decode(): (int(at) - NOON_MS) // MINUTE for name, at in turns.items()} == {
        "minute": 16, "quarter": 16, "two_hours": 0,
    }  # fmt: skip


def test_between_turns_nobody_asks_the_store(store_connection: redis.Redis, hub: Integration) -> None:
    """A store is often shared, and slow turns of the sweep come more often than once a minute."""
    now = 0.0
    flow = Flow(store_connection, clock=lambda: now)
    flow.sample([hub])
    store_connection.delete(KEY)
    flow.sample([hub])
    assert not store_connection.exists(KEY)
    now = 60.0
    flow.sample([hub])

    assert store_connection.exists(KEY)
