"""How the store itself is doing."""

import redis
from fakeredis import FakeRedis

from workers.store.connect import connect
from workers.store.vitals import read_vitals


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
