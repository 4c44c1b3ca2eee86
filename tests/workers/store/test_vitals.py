"""How the store itself is doing."""

import pytest
import redis
from fakeredis import FakeRedis

from workers.errors import StoreUnavailable
from workers.store.connect import connect
from workers.store.vitals import read_vitals, refusal


def test_a_store_tells_its_memory_and_whether_it_keeps(redis_server: str) -> None:
    """An operator sees here that a power cut would cost nothing."""
    told = read_vitals(connect(redis_server))

    assert told
    assert told.used_bytes > 100_000
    assert told.keeps is True
    assert told.writes_well


def test_a_store_that_does_not_tell_is_no_reason_to_fail() -> None:
    """Hosted stores forbid the question now and then."""
    silent: redis.Redis = FakeRedis()

    assert read_vitals(silent) is None


def test_asking_whether_writes_are_taken_leaves_nothing(store_connection: redis.Redis) -> None:
    """Probes ask every second, and each write would be forced to the disk."""
    assert refusal(store_connection) == ""
    assert store_connection.keys("*") == []


@pytest.mark.parametrize(
    ("name", "value", "usual", "why"),
    [("maxmemory", "1", "0", "OOM"), ("min-replicas-to-write", "1", "0", "NOREPLICAS")],
)
def test_a_store_that_takes_no_writes_says_why(redis_server: str, name: str, value: str, usual: str, why: str) -> None:
    """What it answers to reads is no sign of it."""
    client = connect(redis_server)
    client.config_set(name, value)
    try:
        assert refusal(client) == why
        assert client.ping()
    finally:
        client.config_set(name, usual)


def test_a_replica_is_known(redis_server: str) -> None:
    """After a failover an old address may lead to one."""
    client = connect(redis_server)
    client.replicaof("127.0.0.1", "1")
    try:
        assert refusal(client) in {"READONLY", "MASTERDOWN"}
    finally:
        client.replicaof("NO", "ONE")


def test_a_store_that_is_away_can_t_be_asked() -> None:
    """That is another trouble."""
    with pytest.raises(StoreUnavailable):
        refusal(connect("redis://127.0.0.1:1/0", check=False))
