"""Where the newest entries of many integrations lie."""

from typing import Any

import pytest
import redis

from schemas.integration import BrazeTarget
from tests.factories import BRAZE, an_integration
from workers.store import keys
from workers.store.keys import own
from workers.store.newest import Newest

#: More workspaces than one, and more integrations in each than one call looks at.
MANY = [an_integration(id=f"hub-{n}", braze=BrazeTarget(BRAZE, f"workspace-{n % 3}")) for n in range(20)]


@pytest.fixture(autouse=True)
def _a_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "AT_ONCE", 2)


def look(connection: redis.Redis, names: list[str], **span: Any) -> list[tuple[str, str, int, int]]:
    return [(spot.integration.id, *spot[1:]) for spot in Newest(connection).look(MANY, names, **span)]


def test_every_stream_with_something_in_it_is_told_with_its_newest_entry(store_connection: redis.Redis) -> None:
    """What is not told is not read."""
    for number in (3, 7, 12):
        for ms in (10, 20):
            store_connection.xadd(f"{own(MANY[number])}:settled", {"b": "x"}, id=f"{ms}-{number}")
    store_connection.xadd(f"{own(MANY[7])}:held", {"b": "x"}, id="15-0")
    store_connection.hset(f"{own(MANY[7])}:ledger", "held", 1)
    store_connection.xdel(f"{own(MANY[12])}:settled", "10-12", "20-12")

    told = [("hub-3", "settled", 20, 3), ("hub-7", "held", 15, 0), ("hub-7", "settled", 20, 7)]
    assert look(store_connection, ["held", "settled"]) == told
    assert look(store_connection, ["settled"], newest="19-5") == [
        ("hub-3", "settled", 10, 3),
        ("hub-7", "settled", 10, 7),
    ]
    assert look(store_connection, ["settled"], newest="20", oldest="11") == [told[0], told[2]]
    assert look(store_connection, ["dlq"]) == []
    assert [*Newest(store_connection).look([], ["settled"])] == []


def test_the_lanes_are_those_that_the_integration_has(store_connection: redis.Redis) -> None:
    """Beside them lies what is accepted, or already judged, while everything is judged again."""
    prefix = own(MANY[4])
    for name in ("in:0", "in:1", "in:2", "annex", "new:1"):
        store_connection.xadd(f"{prefix}:{name}", {"b": "x"}, id="5-1")

    assert look(store_connection, ["waiting"]) == []
    store_connection.hset(f"{prefix}:state", "lanes", 2)
    store_connection.hset(f"{prefix}:ledger", "in_flight", 1)
    assert [name for _, name, *_ in look(store_connection, ["waiting"])] == ["in:0", "in:1"]
    store_connection.hset(f"{prefix}:state", "redo", 7)
    assert [name for _, name, *_ in look(store_connection, ["waiting"])] == ["in:0", "in:1", "annex", "new:1"]
