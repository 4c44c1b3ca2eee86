import contextlib
from typing import Any

import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from tests.factories import a_document
from tests.workers.test_drain import PowerCut, World, cut_after, form
from workers.braze.reply import Accepted, NoAnswer
from workers.redo import _judge, redo
from workers.store.keys import own
from workers.transform import compile_mapping

BY_EMAIL = [{"kind": "user_alias", "field": "email", "alias_label": "email"}]


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def change_identifiers(world: World, identifiers: list[dict[str, Any]] = BY_EMAIL) -> None:
    world.stores.integrations.save(a_document(identifiers=identifiers), by="test")


def both(member: str, number: int, email: str | None) -> dict[str, Any]:
    return form(member, number, **({"email": email} if email else {}))


def test_what_waits_is_judged_again_before_sending_goes_on(world: World) -> None:
    """Whoever corrects how people are matched means the entries that wait, too."""
    world.accept(both("m1", 1, "ann@example.com"), both("m2", 2, "ann@example.com"), both("m3", 3, None))
    change_identifiers(world)
    assert world.drain().why == "paused"

    assert redo("summer-hub", world.stores).why == "empty"
    assert world.stores.inbox.sweep(world.integration).lanes == [0]
    world.drain_until_quiet()

    [request] = world.braze.sent
    assert [one["user_alias"]["alias_name"] for one in request["attributes"]] == ["ann@example.com"]
    assert request["attributes"][0]["first_name"] == "m22"
    assert (world.ledger()["delivered"], world.ledger()["filtered"]) == (2, 1)


def test_what_comes_in_meanwhile_goes_behind_what_is_older(world: World) -> None:
    """Order per person holds through the change."""
    world.accept(both("m1", 1, "ann@example.com"))
    change_identifiers(world)
    world.accept(both("m2", 2, "ann@example.com"))
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    names = [one["first_name"] for request in world.braze.sent for one in request["attributes"]]
    assert names == ["m22"]
    events = [event["properties"]["komo_submission_id"] for event in world.braze.sent[0]["events"]]
    assert len(events) == 2


def test_an_identifier_that_is_unusable_by_the_new_rules_is_a_dead_letter(world: World) -> None:
    """It can be mended and replayed; sending it nowhere silently would be worse."""
    world.accept(both("m1", 1, "not an address"))
    change_identifiers(world)
    redo("summer-hub", world.stores)

    assert [letter[b"why"] for letter in world.dead()] == [b"bad_identifier"]
    assert world.ledger()["waiting"] == 0


def test_it_waits_for_the_drain_that_is_at_work(world: World) -> None:
    """Two people in one lane's hands would be one too many."""
    world.accept(both("m1", 1, "ann@example.com"))
    change_identifiers(world)
    world.stores.connection.set(f"{own(world.integration)}:lease:0", "a-drain")

    assert redo("summer-hub", world.stores).why == "wait"


def test_a_batch_that_nobody_heard_of_again_is_counted_as_possibly_doubled(world: World) -> None:
    """Under another name its events could not be recognised otherwise."""
    world.accept(both("m1", 1, "ann@example.com"))
    world.braze.answers = [NoAnswer(0, applied="unknown"), Accepted(201)]
    world.drain()
    change_identifiers(world)
    redo("summer-hub", world.stores)
    world.now += 10_000
    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["possible_duplicates"]) == (1, 1)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("commands", range(1, 14))
def test_it_may_die_between_any_two_commands(commands: int, answered: bool) -> None:
    """The next run finishes, and everything is there once."""
    server = FakeServer()
    world = World(FakeRedis(server=server))
    world.accept(*(both(f"m{n}", n, f"p{n % 7}@example.com" if n % 5 else None) for n in range(40)))
    change_identifiers(world)
    cut_after(world.stores.connection, commands, answered=answered)
    with contextlib.suppress(PowerCut):
        redo("summer-hub", world.stores)

    heir = world
    heir.reopen(FakeRedis(server=server))
    heir.stores.connection.delete(*heir.stores.connection.keys("*:lease:*") or ["none"])
    redo("summer-hub", heir.stores)
    heir.drain_until_quiet()

    assert (heir.ledger()["delivered"], heir.ledger()["filtered"]) == (32, 8)
    assert set(heir.braze.events().values()) == {1}
    assert len(heir.braze.events()) == 32


def test_rules_that_change_once_more_meanwhile_count_for_everything(world: World) -> None:
    """What has been judged by the rules in between is judged again."""
    world.accept(*(both(f"m{n}", n, f"p{n}@example.com") for n in range(3)))
    change_identifiers(world)
    stores, integration = world.stores, world.integration
    stores.redo.begin(integration, "died-halfway")
    mapping = compile_mapping(integration)
    judged = [(one, _judge(one, integration, mapping)) for one in stores.redo.oldest(integration)[:2]]
    stores.redo.move(integration, "died-halfway", judged)
    stores.connection.delete(*stores.connection.keys("*:lease:*"))
    change_identifiers(world, [{"kind": "external_id", "field": "member_id"}])

    assert redo("summer-hub", stores).why == "empty"
    world.drain_until_quiet()

    people = [one.get("external_id") for request in world.braze.sent for one in request["attributes"]]
    assert people == ["m0", "m1", "m2"]


def test_where_nothing_was_ever_accepted_nothing_is_to_be_done(world: World) -> None:
    """Otherwise every sweep would call for it, for ever."""
    change_identifiers(world)

    assert redo("summer-hub", world.stores).why == "empty"
    assert not world.stores.redo.wanted(world.integration)
