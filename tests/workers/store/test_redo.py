"""The first and the last of its moves: what was in flight, and who was set aside."""

from typing import Any

import orjson
import pytest
import redis

from schemas.attempts import Attempts
from schemas.integration import Integration
from tests.factories import an_integration
from workers.store.inbox import Limits
from workers.store.keys import own
from workers.store.redo import Redo

AT_MS = 1_795_176_000_000


@pytest.fixture
def hub(store_connection: redis.Redis) -> Integration:
    integration = an_integration()
    store_connection.hset(f"{own(integration)}:state", mapping={"version": 2, "lanes": 2, "redo": 2})
    return integration


def attempts(first: int, number: int) -> list[dict[str, Any]]:
    return [
        {"at": AT_MS + n, "status": 503, "answer": f'["{n}"] ', "duration_ms": 5, "objects": 2}
        for n in range(first, first + number)
    ]


def fly(connection: redis.Redis, integration: Integration, state: str, tried: Attempts | None, *ids: str) -> None:
    """A batch that was out in the first lane."""
    flight: dict[Any, Any] = {"flight": " ".join(ids), "flight_state": state, "tries": 3}
    told = {"tried": orjson.dumps(tried.packed())} if tried else {}
    connection.hset(f"{own(integration)}:lane:0", mapping=flight | told)


def done(connection: redis.Redis, integration: Integration) -> dict[str, Any]:
    kept: Any = connection.hgetall(f"{own(integration)}:done:0")
    return {key.decode(): orjson.loads(value) for key, value in kept.items()}


@pytest.mark.parametrize(("state", "unknown"), [("clean", {}), ("unknown", {"u": True})])
def test_what_was_tried_with_a_flight_stays_known_of_each_in_it(
    store_connection: redis.Redis, hub: Integration, state: str, unknown: dict[str, Any]
) -> None:
    """The flight is no more, and its submissions go their own ways."""
    before = {"a": [], "e": ["x"], "t": attempts(0, 2), "k": 2, "h": [[AT_MS, "refused", 1, 2, None]]}
    store_connection.hset(
        f"{own(hub)}:done:0", mapping={"2-0": orjson.dumps(before), "3-0": b"{}", "4-0": b'{"a":["n"]}'}
    )
    fly(store_connection, hub, state, Attempts(attempts(5, 3), 3), "1-0", "2-0", "3-0", "4-0")

    assert Redo(store_connection, Limits()).begin(hub, "token") == "begun"

    alone = {"t": attempts(5, 3), "k": 3} | unknown
    assert done(store_connection, hub) == {
        "1-0": alone,
        "2-0": before | unknown | {"t": attempts(0, 2) + attempts(5, 3), "k": 5},
        "3-0": alone,
        "4-0": alone | {"a": ["n"]},
    }
    assert Redo(store_connection, Limits()).begin(hub, "token") == "begun"
    assert done(store_connection, hub)["1-0"] == alone
    assert store_connection.hgetall(f"{own(hub)}:lane:0") == {}


@pytest.mark.parametrize(("earlier", "later"), [(2, 11), (13, 13), (13, 1), (1, 13), (4, 9), (4, 10)])
def test_of_many_attempts_the_first_and_the_last_stay(
    store_connection: redis.Redis, hub: Integration, earlier: int, later: int
) -> None:
    """As everywhere else where attempts follow others."""
    before, flown = Attempts(attempts(0, earlier), 40), Attempts(attempts(50, later), 60)
    store_connection.hset(f"{own(hub)}:done:0", "1-0", orjson.dumps({"t": before.kept, "k": before.number}))
    fly(store_connection, hub, "clean", flown, "1-0")

    Redo(store_connection, Limits()).begin(hub, "token")

    both = before.followed_by(flown)
    assert done(store_connection, hub) == {"1-0": {"t": both.kept, "k": both.number}}


def test_a_flight_that_was_never_tried_leaves_what_is_known(store_connection: redis.Redis, hub: Integration) -> None:
    """Whether it was applied, nobody knows; that is all."""
    store_connection.hset(f"{own(hub)}:done:0", "2-0", '{"e":["x"]}')
    fly(store_connection, hub, "sent", None, "1-0", "2-0")
    store_connection.hset(f"{own(hub)}:ledger", mapping={"received": 2, "in_flight": 2})

    Redo(store_connection, Limits()).begin(hub, "token")

    assert done(store_connection, hub) == {"1-0": {"u": True}, "2-0": {"e": ["x"], "u": True}}
    assert store_connection.hmget(f"{own(hub)}:ledger", ["in_flight", "waiting"]) == [b"0", b"2"]


def test_whoever_was_set_aside_is_let_go_of_in_parts(store_connection: redis.Redis, hub: Integration) -> None:
    """Each has a list of their own, there may be a million, and it may be cut off between any two parts."""
    redo, prefix = Redo(store_connection, Limits()), own(hub)
    redo.begin(hub, "token")
    pipe = store_connection.pipeline()
    for number in range(2500):
        pipe.zadd(f"{prefix}:parked:{number % 2}", {f"p{number}": 1})
        pipe.rpush(f"{prefix}:park:p{number}", "1-1")
    pipe.xadd(f"{prefix}:new:1", {"b": "{}"})
    pipe.execute()
    calls = 0
    while not redo.finish(hub, "token"):
        calls += 1
        assert store_connection.hget(f"{prefix}:state", "redo") == b"2"
        assert store_connection.exists(f"{prefix}:new:1")
        # As after a crash: another run takes it up.
        assert redo.begin(hub, "token") == "begun"

    assert calls == 2
    assert store_connection.keys(f"{prefix}:park*") == []
    assert store_connection.xlen(f"{prefix}:in:1") == 1
    assert not store_connection.hexists(f"{prefix}:state", "redo")
