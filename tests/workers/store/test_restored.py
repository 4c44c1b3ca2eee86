"""A store out of a backup: what waited in it may have been sent since, and nobody here knows."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import redis

from ingest.arrive import arrive
from schemas.body import read_body
from tests.factories import NOON_MS, a_body
from tests.messages import CAMPAIGN, a_message, put
from tests.workers.test_drain import World
from workers.store.connect import connect
from workers.store.restored import Restored

RULES = {
    "attributes": [
        {"field": "points", "attribute": "points", "type": "number", "operation": "increment"},
        {"field": "team", "attribute": "team"},
    ],
    "sends": [{"kind": "campaign", "id": CAMPAIGN}],
}


class Later(World):
    """Where submissions come in at the time that the clock shows."""

    def accept(self, *bodies: dict[str, Any]) -> list[str]:
        at = datetime.fromtimestamp(self.now / 1000, UTC)
        arrivals = [
            arrive(read_body(orjson.dumps(body))[0], self.integration, received_at=at, delivery_id=None, place=0)
            for body in bodies
        ]
        return [one for one, _ in self.stores.inbox.accept(self.integration, arrivals, now_ms=self.now).submissions]


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return Later(store_connection, **RULES)


def restore(world: World) -> dict[str, int]:
    return Restored(world.stores.connection).note([world.integration], now_ms=int(world.now))


def test_what_waited_is_sent_again_without_what_must_not_happen_twice(world: World) -> None:
    """Values end right and events can be told by their id; an increment or an e-mail can't be taken back."""
    [submission] = world.accept(a_body("ann", number=1, points="5", team="red"))

    restore(world)
    world.drain_until_quiet()

    [request] = world.braze.sent
    assert request["attributes"] == [{"external_id": "ann", "team": "red"}]
    ledger = world.ledger()
    assert (ledger["delivered"], ledger["operations_left_out"], ledger["send_unknown"]) == (1, 1, 1)
    assert ledger["possible_duplicates"] == len(request.get("events", []))
    told = world.stores.timeline.show(submission)
    assert told is not None
    warnings = next(step["warnings"] for step in told["timeline"] if step["what"] == "mapped")
    assert {"points: may_have_been_done", "sends.1: may_have_been_done"} <= set(warnings)


def test_what_comes_afterwards_is_whole(world: World) -> None:
    """Nobody can have sent it before."""
    restore(world)
    world.now += 1000
    world.accept(a_body("bob", number=2, points="5", team="blue"))

    world.drain_until_quiet()

    [request] = world.braze.sent
    assert request["attributes"] == [{"external_id": "bob", "points": {"inc": 5}, "team": "blue"}]
    assert world.ledger()["operations_left_out"] == 0


def test_what_was_remembered_is_forgotten(world: World) -> None:
    """Braze may have a newer value, which a submission that is lost has set."""
    world.accept(a_body("ann", number=1, team="red"))
    world.drain_until_quiet()
    world.now += 10_000
    restore(world)
    world.now += 1000

    world.accept(a_body("ann", number=2, team="red"))
    world.drain_until_quiet()

    assert [request["attributes"][0]["team"] for request in world.braze.sent] == ["red", "red"]


def test_messages_that_waited_are_not_asked_for_again(world: World) -> None:
    """They count as unknown, each with its submission, so that a person can see whom to ask."""
    put(world.stores.connection, world.integration, a_message("m1"), a_message("m2", number=2), now_ms=NOON_MS)

    assert restore(world) == {"summer-hub": 2}
    assert restore(world) == {"summer-hub": 0}

    assert world.ledger()["send_unknown"] == 2
    assert [one.waiting for one in world.stores.outbox.look(world.integration)] == [0, 0, 0]


def test_everybody_signs_in_again(redis_server: str) -> None:
    """Who was signed in at the backup may have signed out, or been shut out, since."""
    with connect(redis_server) as client:
        client.flushall()
        client.set("komo:session:abc", "1")

        Restored(client).note([], now_ms=NOON_MS)

        assert client.keys("komo:session:*") == []
