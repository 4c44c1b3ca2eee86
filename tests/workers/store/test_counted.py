"""Counts of single processes, added up in the store."""

from typing import Any

import pytest
import redis
from redis.client import Pipeline

from workers.store.alive import KEY as ALIVE
from workers.store.alive import Alive
from workers.store.connect import connect
from workers.store.counted import counted_key, read_counts
from workers.tally import BATCH, Tally

ONE = BATCH.field("", 1)


def counted(connection: redis.Redis, whose: str = "") -> dict[str, int]:
    return read_counts(connection.hgetall(counted_key(whose)))


def test_processes_add_up_and_outlive_themselves(store_connection: redis.Redis) -> None:
    """Any of them tells for all, and a restart is no fall."""
    for name in ("worker a:1", "worker b:1", "worker a:2"):
        tally = Tally()
        tally.batch(1)
        tally.webhook("summer-hub", 202, 0.01)
        Alive(store_connection, tally).beat(name)

    assert counted(store_connection)[ONE] == 3
    assert counted(store_connection, "summer-hub") == {"webhook 202": 3}


def test_counts_travel_with_the_heartbeat(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """One round trip for both; and where nothing was counted, one command as ever."""
    tally = Tally()
    alive = Alive(store_connection, tally)
    alive.beat("worker a:1")
    trips: list[int] = []
    execute = Pipeline.execute

    def noting(pipe: Pipeline, raise_on_error: bool = True) -> Any:
        trips.append(len(pipe.command_stack))
        return execute(pipe, raise_on_error)

    monkeypatch.setattr(Pipeline, "execute", noting)
    tally.batch(1)
    alive.beat("worker a:1")
    alive.beat("worker a:1")

    assert trips == [3, 1]
    assert store_connection.zcard(ALIVE) == 1


def test_who_ends_carries_its_last_counts(store_connection: redis.Redis) -> None:
    """Or every deployment would lose some seconds of them."""
    tally = Tally()
    alive = Alive(store_connection, tally)
    alive.beat("worker a:1")
    tally.batch(1)
    alive.leave("worker a:1")

    assert counted(store_connection)[ONE] == 1


def test_what_was_counted_while_the_store_was_away_is_carried_later(store_connection: redis.Redis) -> None:
    """That the webhook answered 503 then is what a person wants to know."""
    tally = Tally()
    tally.webhook("", 503, 0.01)
    Alive(connect("redis://127.0.0.1:1/0", check=False), tally).carry()
    assert tally.has_news
    Alive(store_connection, tally).carry()

    assert counted(store_connection)["webhook 503"] == 1
    assert not tally.has_news


def test_a_process_at_rest_asks_for_nothing(store_connection: redis.Redis) -> None:
    """A scrape of an idle process writes nothing."""
    Alive(store_connection).carry()

    assert store_connection.keys() == []


def test_a_full_store_takes_none_of_it_and_all_of_it_later(redis_server: str) -> None:
    """Half of them taken would count twice."""
    connection, tally, now = connect(redis_server), Tally(), [0.0]
    connection.flushall()
    alive = Alive(connection, tally, clock=lambda: now[0])
    tally.webhook("summer-hub", 503, 0.01)
    connection.config_set("maxmemory", 1)
    try:
        alive.beat("worker a:1")
    finally:
        connection.config_set("maxmemory", 0)
    assert tally.has_news
    assert counted(connection, "summer-hub") == {}
    now[0] += 60
    alive.beat("worker a:1")

    assert counted(connection, "summer-hub") == {"webhook 503": 1}
    connection.close()
