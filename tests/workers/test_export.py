"""Telling everything that is kept about a person, against what was posted."""

from collections import Counter
from typing import Any

import pytest
import redis

from tests.messages import a_message, put
from tests.workers.test_drain import World, form
from tests.workers.test_forget import ANN, everywhere, forget, traces, yesterday
from tests.workers.test_forget import ANN_KEY as ANN_LEE
from workers.errors import Conflict
from workers.export import export, is_usable
from workers.store.keys import own


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return yesterday(store_connection)


def told(world: World, what: str = "submission", asked: dict[str, Any] = ANN) -> list[dict[str, Any]]:
    return [line for line in export(asked, world.stores) if line["what"] == what]


def test_everything_that_was_posted_about_a_person_is_told_once_and_nothing_else(world: World) -> None:
    """Waiting, out, held, dead and settled, and the visits that only carry an id of theirs."""
    everywhere(world)

    found = told(world)

    assert sorted(line["raw"]["id"] for line in found) == sorted(posted_by_ann())
    assert Counter(line["state"] for line in found).keys() >= {"waiting", "dead", "delivered"}
    assert "bob" not in str(found)
    assert all(line["integration"] == world.integration.id for line in found)


def posted_by_ann() -> list[str]:
    """As `everywhere` posts them: her forms, and what was done in her session."""
    numbers = [1, 3, 5, 7, 8, *range(10, 15), 21]
    return [form("", number)["id"] for number in numbers]


def test_what_is_told_is_what_forgetting_removes(world: World) -> None:
    """Whoever was told everything, and then forgotten, must not be there any more."""
    everywhere(world)
    world.drain_until_quiet()
    assert traces(world, ANN_LEE)
    count = len(told(world))

    job = forget(world)

    assert job.done == count
    assert told(world) == []
    assert told(world, "remembered") == []


def test_remembered_values_and_messages_are_told(world: World) -> None:
    """They are personal data like the submissions that they come from."""
    everywhere(world)
    world.drain_until_quiet()
    put(world.stores.connection, world.integration, a_message("ann.lee", prize="a boat"), now_ms=world.now)
    put(world.stores.connection, world.integration, a_message("bob", prize="a duck"), now_ms=world.now)

    assert any(line["attributes"] for line in told(world, "remembered"))
    sends = told(world, "send")
    assert len(sends) == 1
    assert "a boat" in str(sends)
    assert ANN_LEE.key not in str(sends)


def test_the_last_line_says_that_it_is_complete(world: World) -> None:
    """A connection that breaks off in the middle looks like an end otherwise."""
    everywhere(world)
    lines = list(export(ANN, world.stores))

    assert lines[0] == {"what": "about", **ANN}
    assert lines[-1] == {"what": "end", "submissions": len(posted_by_ann())}


def test_nothing_is_told_while_what_waits_lies_elsewhere(world: World) -> None:
    """Half of it would look like all of it."""
    everywhere(world)
    world.stores.connection.hset(f"{own(world.integration)}:state", "redo", "1")

    with pytest.raises(Conflict, match="judged again"):
        list(export(ANN, world.stores))


def test_a_value_that_is_no_identifier_is_known_as_such(world: World) -> None:
    """An empty answer would say that nothing is kept."""
    assert is_usable(ANN, world.stores)
    assert not is_usable({"kind": "email", "value": "nobody"}, world.stores)
