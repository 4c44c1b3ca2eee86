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
    assert (world.ledger()["delivered"], world.ledger()["held"]) == (2, 1)


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
    bodies = (both(f"m{n}", n, f"p{n % 7}@example.com" if n % 5 else None) for n in range(40))
    world.accept(*(body | {"user_session_id": f"s{n}"} for n, body in enumerate(bodies)))
    change_identifiers(world)
    cut_after(world.stores.connection, commands, answered=answered)
    with contextlib.suppress(PowerCut):
        redo("summer-hub", world.stores)

    heir = world
    heir.reopen(FakeRedis(server=server))
    heir.stores.connection.delete(*heir.stores.connection.keys("*:lease:*") or ["none"])
    redo("summer-hub", heir.stores)
    heir.drain_until_quiet()

    assert (heir.ledger()["delivered"], heir.ledger()["held"]) == (32, 8)
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


def visit(number: int, session: str = "s1", email: str | None = None) -> dict[str, Any]:
    return both("", number, email) | {"user_session_id": session}


def people(world: World) -> list[str]:
    """Whose events left, in order, and the number of each submission."""
    events = [event for request in world.braze.sent for event in request.get("events", [])]
    shown = [world.stores.timeline.show(one["properties"]["komo_submission_id"].split(":")[0]) for one in events]
    names = [one.get("external_id") or one.get("email") or one["user_alias"]["alias_name"] for one in events]
    return [f"{name} {int(one['raw']['id'][-12:])}" for name, one in zip(names, shown, strict=True) if one]


def held(world: World) -> list[Any]:
    found: list[Any] = world.stores.connection.xrange(f"{own(world.integration)}:held")  # type: ignore[assignment]
    return found


def test_what_is_held_goes_out_if_the_new_rules_know_whose_it_is(world: World) -> None:
    """In the order of acceptance, among what waited."""
    world.accept(visit(1, "s1", "ann@example.com"), visit(2, "s2", "not an address"), visit(3, "s3"))
    world.accept(both("m4", 4, "ann@example.com"), visit(5, "s1", "ann@example.com"))
    assert (world.ledger()["held"], world.ledger()["waiting"]) == (4, 1)
    change_identifiers(world)
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    assert people(world) == ["ann@example.com 1", "ann@example.com 4", "ann@example.com 5"]
    told = world.ledger()
    assert (told["held"], told["dead"], told["delivered"], told["waiting"]) == (1, 1, 3, 0)


def test_what_waits_is_held_if_the_new_rules_know_nobody(world: World) -> None:
    """Whoever says later who they are gets it, also what was held before and came between."""
    ids = world.accept(both("m1", 1, None) | {"user_session_id": "s1"}, visit(2), both("m3", 3, None))
    change_identifiers(world)
    redo("summer-hub", world.stores)
    assert world.ledger()["held"] == 3
    assert [one["state"] for one in world.stores.timeline.list()[0]] == ["held"] * 3

    ids += world.accept(visit(4, "s1", "ann@example.com"))
    world.drain_until_quiet()

    assert people(world) == [f"ann@example.com {n}" for n in (1, 2, 4)]
    assert (world.ledger()["held"], world.ledger()["delivered"]) == (1, 3)


def test_who_is_known_by_the_new_rules_gets_what_was_held_before(world: World) -> None:
    """As if they had been the rules all along: what they did later is still held."""
    world.accept(visit(1), visit(2, "s1", "ann@example.com"), visit(3))
    world.accept(both("m4", 4, "ann@example.com"), visit(5, "s2"))
    change_identifiers(world)
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    assert people(world) == [f"ann@example.com {n}" for n in (1, 2, 4)]
    assert world.ledger()["held"] == 2


def test_what_is_held_too_long_by_the_new_rules_joins_nobody(world: World) -> None:
    """The time is counted between the two, however long both have waited."""
    world.accept(visit(1))
    world.now += 25 * 3_600_000
    world.accept(visit(2), visit(3, "s1", "ann@example.com"))
    world.now += 25 * 3_600_000
    change_identifiers(world)
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    assert people(world) == ["ann@example.com 2", "ann@example.com 3"]
    world.stores.retention.trim(world.integration, now_ms=world.now)
    assert (world.ledger()["held"], world.ledger()["filtered"]) == (0, 1)


def test_who_comes_while_everything_is_judged_again_is_judged_last(world: World) -> None:
    """What is held lies in two places meanwhile; nobody is joined, and nothing ends, before it is over."""
    world.accept(visit(1), visit(2, "s2"))
    change_identifiers(world)
    world.accept(visit(3), visit(4, "s1", "ann@example.com"), visit(5, "s2"))
    world.stores.retention.trim(world.integration, now_ms=world.now + 25 * 3_600_000)
    assert (world.ledger()["held"], world.ledger()["waiting"]) == (2, 3)
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    assert people(world) == [f"ann@example.com {n}" for n in (1, 3, 4)]
    assert world.ledger()["held"] == 2


def test_a_save_that_changes_nothing_about_people_leaves_what_is_held_alone(world: World) -> None:
    """It goes out under the mapping of then, like everything else."""
    world.accept(visit(1))
    before = held(world)
    world.stores.integrations.save(a_document(events=[{"name": "other"}]), by="test")

    assert redo("summer-hub", world.stores).why == "empty"
    assert held(world) == before
    world.accept(both("m1", 2, None) | {"user_session_id": "s1"})
    world.drain_until_quiet()
    assert [event["name"] for event in world.braze.sent[0]["events"]] == ["other"] * 2


def test_what_was_perhaps_sent_under_another_name_remembers_it_while_it_is_held(world: World) -> None:
    """Its events may be there already."""
    world.accept(both("m1", 1, None) | {"user_session_id": "s1"})
    world.braze.answers = [NoAnswer(0, applied="unknown"), Accepted(201)]
    world.drain()
    change_identifiers(world)
    redo("summer-hub", world.stores)
    assert world.ledger()["held"] == 1
    redo_once_more = [{"kind": "email", "field": "email"}]
    change_identifiers(world, redo_once_more)
    redo("summer-hub", world.stores)

    world.accept(visit(2, "s1", "ann@example.com"))
    world.now += 10_000
    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["possible_duplicates"]) == (2, 1)


def test_too_many_under_one_id_are_too_many_here_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that knows nobody makes one session of everything that waits."""
    monkeypatch.setattr("workers.store.redo.MAX_HELD", 4)
    world.accept(*(both(f"m{n}", n, None) for n in range(10)))
    change_identifiers(world)
    redo("summer-hub", world.stores)

    assert (world.ledger()["held"], world.ledger()["filtered"], world.ledger()["waiting"]) == (4, 6, 0)


def test_a_replayed_letter_that_names_nobody_any_more_is_not_held(world: World) -> None:
    """It had its time; whoever asked for the replay is told that it was filtered."""
    world.accept(both("m1", 1, None))
    entries: Any = world.stores.connection.xrange(f"{own(world.integration)}:in:0")
    for entry_id, values in entries:
        world.stores.connection.xadd(f"{own(world.integration)}:in:0", values | {"n": 1, "t": 0, "c": ""})
        world.stores.connection.xdel(f"{own(world.integration)}:in:0", entry_id)
    change_identifiers(world)
    redo("summer-hub", world.stores)

    assert (world.ledger()["held"], world.ledger()["filtered"]) == (0, 1)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("commands", range(1, 14))
def test_what_is_held_survives_the_power_cut(commands: int, answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is there once, in order, whoever it turns out to be of."""
    monkeypatch.setattr("workers.store.redo.PAGE", 8)
    server = FakeServer()
    world = World(FakeRedis(server=server))
    for n in range(10):
        world.accept(visit(3 * n, f"s{n % 3}"), both(f"m{n}", 3 * n + 1, None) | {"user_session_id": f"s{n % 3}"})
        if n % 2:
            world.accept(visit(3 * n + 2, f"s{n % 3}", f"p{n % 3}@example.com"))
    change_identifiers(world)
    cut_after(world.stores.connection, commands, answered=answered)
    with contextlib.suppress(PowerCut):
        redo("summer-hub", world.stores)
    world.reopen(FakeRedis(server=server))
    world.ledger()
    world.stores.connection.delete(*world.stores.connection.keys("*:lease:*") or ["none"])
    redo("summer-hub", world.stores)
    world.drain_until_quiet()

    sent: dict[str, list[int]] = {}
    for one in people(world):
        name, number = one.split()
        sent.setdefault(name, []).append(int(number))
    # Each person's sessions go on until they last said who they are.
    assert sent == {
        f"p{p}@example.com": [
            number
            for n in range(last + 1)
            if n % 3 == p
            for number in (3 * n, 3 * n + 1, *((3 * n + 2,) if n % 2 else ()))
        ]
        for p, last in ((0, 9), (1, 7), (2, 5))
    }
    assert world.ledger()["held"] == 20 + 5 - sum(map(len, sent.values()))
