"""What the store tells of itself."""

import time

import pytest

from workers.store.connect import connect
from workers.store.facts import read_facts


def test_a_store_tells_how_it_is_set_up(redis_server: str) -> None:
    """The tests' own: a file, synced every second, nothing evicted."""
    facts = read_facts(connect(redis_server), wall=lambda: time.time() - 30)

    assert facts.kind in {"redis", "valkey"}
    assert (facts.appends, facts.fsync, facts.save, facts.policy) == (True, "everysec", "", "noeviction")
    assert (facts.replicas, facts.min_replicas) == (0, 0)
    assert facts.used_bytes > 100_000
    assert 29 < facts.ahead_s < 32


def test_what_is_forbidden_can_t_be_looked_at(redis_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosted stores forbid CONFIG; what INFO tells is told all the same."""
    client = connect(redis_server)
    client.acl_setuser("guest", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-config"])
    try:
        guest = connect(redis_server, check=False)
        guest.connection_pool.connection_kwargs |= {"username": "guest", "password": "x"}
        facts = read_facts(guest)
    finally:
        client.acl_deluser("guest")

    assert (facts.fsync, facts.save, facts.min_replicas) == (None, None, None)
    assert (facts.appends, facts.policy) == (True, "noeviction")
