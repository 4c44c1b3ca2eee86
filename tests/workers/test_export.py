"""Telling everything that is kept about a person, against what was posted."""

from collections import Counter
from typing import Any

import pytest
import redis

from tests.factories import a_document
from tests.messages import a_message, put
from tests.workers.test_drain import World, form
from tests.workers.test_forget import ANN, BY_EMAIL, everywhere, forget, traces, yesterday
from tests.workers.test_forget import ANN_KEY as ANN_LEE
from workers.errors import Conflict
from workers.export import export, is_usable
from workers.redo import redo
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


@pytest.mark.parametrize("is_finished", [False, True])
def test_rules_that_change_on_the_way_leave_it_incomplete(world: World, is_finished: bool) -> None:
    """What waits is moved from lane to lane meanwhile, and may have passed the walk; so `end` would be a lie."""
    everywhere(world)
    lines = []
    for line in export(ANN, world.stores):
        lines.append(line)
        if len(lines) == 2:  # in the middle of the second walk
            world.stores.integrations.save(a_document(identifiers=BY_EMAIL), by="test")
            while is_finished and redo("summer-hub", world.stores).why != "empty":
                world.now += 500

    assert {line["what"] for line in lines} >= {"about", "submission"}
    assert lines[-1]["what"] == "incomplete"
    assert lines[-1]["changed"] == ["summer-hub"]
    assert "end" not in {line["what"] for line in lines}


def test_rules_that_change_before_anything_is_told_are_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There still is an answer for it: nobody has to read what is told to the end."""
    everywhere(world)

    def save_meanwhile(*_: object) -> str:
        world.stores.integrations.save(a_document(identifiers=BY_EMAIL), by="test")
        return ""

    monkeypatch.setattr(world.stores.people, "last_death", save_meanwhile)
    lines = export(ANN, world.stores)
    assert next(lines)["what"] == "about"

    with pytest.raises(Conflict, match="changed meanwhile"):
        next(lines)


def test_what_is_removed_on_the_way_is_no_longer_kept(world: World) -> None:
    """So nothing is missing."""
    everywhere(world)
    lines = export(ANN, world.stores)
    told = [next(lines), next(lines)]
    world.stores.integrations.delete("summer-hub", discard=True)

    assert [*told, *lines][-1]["what"] == "end"


def test_a_value_that_is_no_identifier_is_known_as_such(world: World) -> None:
    """An empty answer would say that nothing is kept."""
    assert is_usable(ANN, world.stores)
    assert not is_usable({"kind": "email", "value": "nobody"}, world.stores)
