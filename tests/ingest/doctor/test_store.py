"""Whether the store takes writes and keeps what it took."""

from typing import Any

import pytest

from ingest.doctor.store import check_store
from tests.ingest.doctor.conftest import troubles
from workers.store.connect import connect
from workers.store.facts import Facts, read_facts
from workers.store.vitals import refusal


def test_a_store_that_is_set_up_well_is_no_trouble(facts: Facts) -> None:
    """The settings that the documentation names."""
    assert troubles(check_store(facts, "")) == []


def test_replicas_that_are_wanted_and_missing_are_told(facts: Facts) -> None:
    """Everything else looks well, and Komo gets 503 for each post."""
    [(found, says)] = troubles(check_store(facts, "", 1))

    assert (found, says[:58]) == ("wrong", "STORE_REPLICAS is 1, and 0 replicas are connected: every s")
    assert troubles(check_store(facts._replace(replicas=1, min_replicas=1), "", 1)) == []


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        ({"appends": False}, "wrong", "Its append-only file is off (it keeps nothing on disk)"),
        ({"appends": False, "save": "60 1"}, "wrong", "Its append-only file is off (only snapshots are kept)"),
        ({"appends": None}, "warning", "Whether it keeps an append-only file can't be looked at."),
        ({"fsync": "everysec"}, "warning", "appendfsync is everysec: a power cut takes the last second"),
        ({"fsync": "no"}, "wrong", "appendfsync is no"),
        ({"fsync": None}, "warning", "It keeps an append-only file; when that reaches the disk can't be looked at"),
        ({"policy": "allkeys-lru"}, "wrong", "maxmemory-policy is allkeys-lru"),
        ({"policy": None}, "warning", "Its eviction policy can't be looked at."),
        ({"evicted": 1200}, "warning", "It has thrown away 1,200 keys"),
        ({"appends_well": False}, "wrong", "Its last writing to the append-only file failed"),
        ({"snapshots_well": False}, "warning", "Its last snapshot failed"),
        ({"replicas": 2}, "warning", "It has replicas, and min-replicas-to-write is 0"),
        ({"replicas": 2, "min_replicas": None}, "warning", "min-replicas-to-write can't be looked at."),
        ({"ahead_s": 30.0}, "warning", "Its clock is 30 seconds ahead of this machine's."),
        ({"ahead_s": -900.0}, "wrong", "Its clock is 900 seconds behind this machine's."),
    ],
)
def test_what_could_lose_submissions_is_told(facts: Facts, changes: dict[str, Any], level: str, said: str) -> None:
    """A promise that does not hold is wrong; what costs a second at a power cut is a warning."""
    [(found, says)] = troubles(check_store(facts._replace(**changes), ""))

    assert (found, says[: len(said)]) == (level, said)


@pytest.mark.parametrize("why", ["OOM", "MISCONF", "READONLY", "NOREPLICAS", "BUSY"])
def test_a_store_that_takes_no_writes_is_wrong(facts: Facts, why: str) -> None:
    """Each has a cure of its own."""
    assert troubles(check_store(facts, why)) == [
        ("wrong", f"It takes no writes ({why}): every submission is refused with 503.")
    ]


def test_a_badly_set_up_server_is_seen_through(redis_server: str) -> None:
    """As the server itself tells it."""
    client = connect(redis_server)
    usual = {
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "maxmemory": "0",
        "min-replicas-to-write": "0",
    }
    try:
        for name, value in (("appendfsync", "no"), ("maxmemory-policy", "allkeys-lru"), ("min-replicas-to-write", "1")):
            client.config_set(name, value)
        found = troubles(check_store(read_facts(client), refusal(client)))
    finally:
        for name, value in usual.items():
            client.config_set(name, value)

    assert [says.partition(":")[0] for _, says in found] == [
        "It takes no writes (NOREPLICAS)", "appendfsync is no", "maxmemory-policy is allkeys-lru",
    ]  # fmt: skip
