import pytest
import redis

from tests.factories import an_integration
from workers.store.keys import own
from workers.store.pressure import Pressure


@pytest.fixture
def memory(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the store says of its memory; the tests change it."""
    told = {"used_memory": 10, "maxmemory": 100}
    monkeypatch.setattr(store_connection, "info", lambda *_: told)
    return told


def test_new_work_is_refused_before_the_memory_is_gone(store_connection: redis.Redis, memory: dict[str, int]) -> None:
    """Settling needs memory too: a store that is full to the brim could not even be emptied."""
    memory["used_memory"] = 81
    Pressure(store_connection, list, max_waiting_bytes=None).measure()

    assert Pressure(store_connection, list, max_waiting_bytes=None).too_high()


def test_waiting_bodies_are_bounded_over_all_integrations(
    store_connection: redis.Redis, memory: dict[str, int]
) -> None:
    """Each integration alone may be within its number."""
    hubs = [an_integration(id="a"), an_integration(id="b")]
    for hub in hubs:
        store_connection.hset(f"{own(hub)}:ledger", "bytes", 30)
    Pressure(store_connection, lambda: hubs, max_waiting_bytes=None).measure()

    told = [Pressure(store_connection, list, max_waiting_bytes=limit).too_high() for limit in (None, 60, 61)]
    assert told == [True, True, False]  # by default half of maxmemory


def test_a_store_without_limit_refuses_nothing(store_connection: redis.Redis, memory: dict[str, int]) -> None:
    """There is nothing to compare with; the doctor complains instead."""
    memory |= {"used_memory": 10**12, "maxmemory": 0}
    Pressure(store_connection, list, max_waiting_bytes=None).measure()

    assert not Pressure(store_connection, list, max_waiting_bytes=None).too_high()


def test_memory_alone_is_looked_at_in_between(store_connection: redis.Redis, memory: dict[str, int]) -> None:
    """A flood fills it within seconds; counting every integration's bytes can wait."""
    hub = an_integration()
    store_connection.hset(f"{own(hub)}:ledger", "bytes", 30)
    Pressure(store_connection, lambda: [hub], max_waiting_bytes=None).measure()
    memory["used_memory"] = 81
    Pressure(store_connection, list, max_waiting_bytes=None).measure_memory()

    assert Pressure(store_connection, list, max_waiting_bytes=None).too_high()
    assert store_connection.hget("komo:pressure", "waiting_bytes") == b"30"
