"""Submissions as the pages list them."""

from datetime import UTC, datetime

import redis

from schemas.person import Person
from tests.factories import NOON_MS, an_arrival
from tests.workers.store.test_timeline import Hub, dead, filtered
from tests.workers.test_drain import World, form
from workers.braze.reply import Unavailable
from workers.store.search import Search


def test_a_row_tells_who_did_what_where(store_connection: redis.Redis) -> None:
    """One look has to be enough to know whose submission it is, and what became of it."""
    hub = Hub(store_connection)
    [delivered] = hub.accept(an_arrival("ann", 1))
    hub.deliver()
    [died] = hub.accept(dead(2))
    [left_out] = hub.accept(filtered(3))

    [last, second, first], _ = Search(hub.connection, lambda: hub.integrations).find_rows()

    assert first[:5] == (delivered, "summer-hub", "CompetitionEntrySuccess", "delivered", None)
    assert first.received_at == datetime.fromtimestamp(NOON_MS / 1000, UTC)
    assert first.settled_at is not None
    assert first[7:] == (Person("external_id", "ann", None), "SUM26 quiz", "Harbourside Summer Hub", 1)
    assert (second.id, second.state, second.reason, second.attempts) == (died, "dead", "bad_identifier", 0)
    assert (last.id, last.state, last.reason, last.person) == (left_out, "filtered", "no_identifier", None)


def test_what_waits_tells_how_often_it_was_tried(store_connection: redis.Redis) -> None:
    """Waiting for the first time and for the tenth are two things."""
    world = World(store_connection)
    [tried] = world.accept(form("ann", 1))
    world.braze.answers = [Unavailable(503, "away")]
    world.drain()
    [new] = world.accept(form("bob", 2))

    rows, _ = world.stores.search.find_rows(state="waiting")

    assert {one.id: one.attempts for one in rows} == {tried: 1, new: 0}
