"""Whatever a limit is, a submission that does not fit into one request gets through in some, or dies."""

from typing import Any

import orjson
import pytest
import redis

from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, BadRequest, Reply, Unavailable

ALIAS = [{"kind": "user_alias", "field": "member_id", "alias_label": "member"}]


def events(count: int) -> list[dict[str, Any]]:
    return [{"name": f"e{number}", "properties": {"text": "text"}} for number in range(count)]


def world_of(connection: redis.Redis, answer: Any, **document: Any) -> World:
    world = World(connection, identifiers=ALIAS, **document)
    world.braze.answers = [answer] * 1000
    return world


@pytest.mark.parametrize("attributes", [[], [{"field": "first_name", "attribute": "first_name"}]])
def test_a_request_that_is_too_big_for_braze_is_cut_until_it_is_not(
    store_connection: redis.Redis, attributes: list[dict[str, Any]]
) -> None:
    """The object that only creates an alias tells nothing by itself: sent alone, it would be sent for ever."""

    def answer(request: dict[str, Any]) -> Reply:
        return BadRequest(413, "too large") if len(orjson.dumps(request)) > 11_000 else Accepted(201, "success")

    world = world_of(store_connection, answer, events=events(5), attributes=attributes)
    world.accept(form("ann", 1, text="t" * 2500))

    world.drain_until_quiet(60)

    assert world.ledger()["delivered"] == 1
    assert set(world.braze.events().values()) <= {1, 2}
    assert len(world.braze.events()) == 5


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_small_number_of_objects_is_learned_and_kept_to(store_connection: redis.Redis, most: int) -> None:
    """Beside its alias an event is two objects; where Braze takes only one, nothing can be done."""

    def answer(request: dict[str, Any]) -> Reply:
        objects = sum(map(len, request.values()))
        return Accepted(201, "success") if objects <= most else BadRequest(400, "Max Input Length Exceeded")

    world = world_of(store_connection, answer, events=events(3))
    world.accept(*(form(f"p{number}", number) for number in range(8)))

    world.drain_until_quiet(400)

    ledger = world.ledger()
    assert ledger["delivered" if most > 1 else "dead"] == 8
    assert ledger["requests"] <= 8 * 20


def test_one_object_a_request_by_the_document_is_enough(store_connection: redis.Redis) -> None:
    """A person may want it, and the document allows it."""
    world = World(store_connection)
    document = world.stores.integrations.get("summer-hub").document
    braze = document["braze"] | {"api_key": "an-example-of-a-key-0000", "max_objects_per_request": 1}
    world.stores.integrations.save(document | {"braze": braze, "identifiers": document["identifiers"]}, by="test")
    world.accept(form("ann", 1), form("bob", 2))

    world.drain_until_quiet(40)

    assert world.ledger()["delivered"] == 2


def test_a_probe_that_has_nothing_to_send_lets_others_try(store_connection: redis.Redis) -> None:
    """Braze may be well again, and nobody would find out for half a minute."""
    world = World(store_connection)
    gate = "{acme}:gate:track"
    store_connection.hset(gate, mapping={"at": world.now, "open_until": world.now, "fails": 5, "opened": 1})
    rules = [{"field": "shoe_size", "attribute": "shoe_size"}]
    document = world.stores.integrations.get("summer-hub").document
    braze = document["braze"] | {"api_key": "an-example-of-a-key-0000"}
    world.stores.integrations.save(document | {"braze": braze, "events": [], "attributes": rules}, by="test")
    world.accept(form("ann", 1))

    world.drain()

    assert world.ledger()["filtered"] == 1
    assert store_connection.hget(gate, "probe_until") == b"0"


def test_a_clock_that_was_set_back_holds_nobody_up(store_connection: redis.Redis) -> None:
    """The wait was meant to be short, not to last until the clock has caught up."""
    world = World(store_connection)
    world.accept(form("ann", 1))
    world.braze.answers = [Unavailable(503)]
    assert world.drain().wait_ms > 0
    world.now -= 3_600_000

    assert 0 < world.drain().wait_ms <= 10_000
