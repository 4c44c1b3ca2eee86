"""Erasing a person: what waits, is dead or settled, while drains are at work, and through every crash."""

import contextlib
import itertools
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from ingest.arrive import arrive
from schemas.body import read_body
from schemas.person import Person
from tests.factories import NOON, NOON_MS, a_document
from tests.fakes import PowerCut, copy_of, power_cut_after
from tests.letters import bury
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, AllRefused, BadRequest, NoAnswer, Refusal
from workers.forget import advance
from workers.redo import redo
from workers.store.jobs import Job
from workers.store.keys import own
from workers.store.letters import iso

ANN = {"kind": "external_id", "value": "ann.lee", "alias_label": None}
ANN_KEY = Person("external_id", "ann.lee")
BY_EMAIL = [{"kind": "email", "field": "email"}]


def yesterday(connection: redis.Redis) -> World:
    """A world whose clock is not ahead of the store's."""
    world = World(connection)
    world.now = int(time.time() - 86_400) * 1000
    return world


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return yesterday(store_connection)


def ask(world: World, asked: dict[str, Any] = ANN) -> str:
    world.now += 1
    return world.stores.jobs.create("forget", asked, by="test").id


def go_on(world: World, job_id: str, *, in_parts: bool = False) -> bool:
    """What a worker does when it is called; the job was created when the world's clock says it is now."""
    jobs = world.stores.jobs
    assert jobs.take(job_id, "a-worker")
    try:
        job = replace(read(world, job_id), created_at=iso(world.now))
        return advance(job, world.stores, lambda: in_parts, lambda *_: None)
    finally:
        jobs.let_go(job_id, "a-worker")


def forget(world: World, asked: dict[str, Any] = ANN, *, in_parts: bool = False) -> Job:
    job_id = ask(world, asked)
    for _ in range(100):
        if go_on(world, job_id, in_parts=in_parts):
            return read(world, job_id)
    raise AssertionError(f"never done: {read(world, job_id)}")


def read(world: World, job_id: str) -> Job:
    job = world.stores.jobs.get(job_id)
    assert job is not None
    return job


def traces(world: World, person: Person) -> list[bytes]:
    """Keys that still name somebody, wherever it stands; not those that are gone in a few seconds."""
    connection: Any = world.stores.connection
    readers = {b"hash": connection.hgetall, b"stream": connection.xrange, b"set": connection.smembers}
    readers |= {b"list": lambda key: connection.lrange(key, 0, -1), b"zset": lambda key: connection.zrange(key, 0, -1)}
    told = {key: repr((key, readers.get(connection.type(key), connection.get)(key))) for key in connection.scan_iter()}
    return [key for key, text in told.items() if b":cool:" not in key and (person.value in text or person.key in text)]


def open_letters(world: World) -> dict[bytes, bytes]:
    return world.stores.connection.hgetall(f"{own(world.integration)}:open")  # type: ignore[return-value]


def replay_all(world: World) -> None:
    """Every dead letter of the integration, as it is."""
    connection: Any = world.stores.connection
    prefix = own(world.integration)
    for entry_id, letter in connection.xrange(f"{prefix}:dlq"):
        entry = {
            b"b": letter[b"b"],
            b"h": letter[b"h"],
            b"p": letter[b"p"],
            b"a": 1,
            b"e": 1,
            b"n": 1,
            b"t": world.now,
            b"c": b"",
        }
        connection.xadd(f"{prefix}:in:0", entry)
        connection.xdel(f"{prefix}:dlq", entry_id)
        for name, amount in (("dead", -1), ("waiting", 1), ("bytes", len(letter[b"b"]) + len(letter[b"h"]))):
            connection.hincrby(f"{prefix}:ledger", name, amount)


def everywhere(world: World) -> None:
    """Ann and Bob, each delivered, dead, unfolded, set aside and waiting; and who visited as Ann, settled and held."""
    world.accept(form("ann.lee", 1), form("bob", 2))
    world.drain_until_quiet()
    world.accept(form("ann.lee", 3), form("bob", 4))
    world.braze.answers = [Accepted(201, refused=[Refusal("attributes", 0, "no"), Refusal("attributes", 1, "no")])]
    world.drain_until_quiet()
    world.accept(form("", 5, user_session_id="session-of-ann"), form("", 6, user_session_id="session-of-bob"))
    world.stores.retention.trim(world.integration, now_ms=world.now + 25 * 3_600_000)
    world.now += 60_000
    world.accept(form("ann.lee", 7, user_session_id="session-of-ann"), form("ann.lee", 8), form("bob", 9))
    world.braze.answers = [AllRefused(400, refused=[Refusal("attributes", 0, "no")])]
    world.drain()
    world.accept(*(form("ann.lee", 10 + n) for n in range(5)), form("bob", 20))
    world.accept(form("", 21, user_session_id="session-of-ann"), form("", 22, user_session_id="session-of-bob"))


def test_everything_kept_about_a_person_goes_and_nothing_else(world: World) -> None:
    """Waiting and dead become discarded; what was settled stays counted as what it was."""
    everywhere(world)
    before, sent = world.ledger(), len(world.braze.sent)

    job = forget(world)

    after, gone = world.ledger(), job.result or {}
    assert traces(world, ANN_KEY) == []
    assert (job.state, job.asked, job.done, job.matched) == ("done", None, sum(gone.values()), sum(gone.values()))
    assert gone == {"waiting": 7, "held": 1, "dead": 1, "settled": 2}
    assert (after["discarded"], after["expired"], after["held"]) == (9, 2, 1)
    assert (after["delivered"], after["filtered"]) == (before["delivered"], before["filtered"])
    assert world.stores.search.find(text="session-of-bob")[0] != []
    world.drain_until_quiet()
    people = {one["external_id"] for request in world.braze.sent[sent:] for one in request["attributes"]}
    assert people == {"bob"}
    assert world.ledger()["waiting"] == 0


def test_what_names_nobody_goes_if_it_carries_an_id_of_the_person(world: World) -> None:
    """A visit before the form was filled in is theirs; somebody else's, or an unknown one, is not."""
    world.accept(form("", 1, user_session_id="s1"), form("", 2, user_session_id="s2"))
    world.stores.retention.trim(world.integration, now_ms=world.now + 25 * 3_600_000)
    world.accept(form("bob", 3, user_session_id="s1"), form("ann.lee", 4, user_session_id="s1"))
    world.accept(form("", 5, user_session_id="s1"), form("", 6, user_session_id="s2"))

    assert forget(world).result == {"waiting": 1, "held": 1, "dead": 0, "settled": 1}

    assert [one["state"] for one in world.stores.search.find(text="s1")[0]] == ["waiting"]
    assert {one["state"] for one in world.stores.search.find(text="s2")[0]} == {"held", "filtered"}


def test_what_is_held_under_another_id_of_the_person_goes_as_well(world: World) -> None:
    """A visit may carry more ids than the one under which it is held."""
    world.accept(form("ann.lee", 1, user_session_id="s1"))
    world.accept(form("", 2, user_session_id="s1", user_profile_id="p1"), form("", 3, user_profile_id="p2"))

    assert forget(world).result == {"waiting": 1, "held": 1, "dead": 0, "settled": 0}
    assert (world.ledger()["held"], world.stores.ledger.waiting_bytes(world.integration) > 0) == (1, True)


def test_what_is_held_waits_until_everything_is_judged_again(world: World) -> None:
    """It lies elsewhere meanwhile."""
    world.accept(form("ann.lee", 1, user_session_id="s1"))
    world.accept(form("", 2, user_session_id="s1"))
    world.stores.integrations.save(a_document(default_region="AU"), by="test")
    job_id = ask(world)

    assert [go_on(world, job_id) for _ in range(3)] == [False] * 3
    assert redo("summer-hub", world.stores).why == "empty"
    assert go_on(world, job_id)
    assert (read(world, job_id).result or {})["held"] == 1


def test_what_the_rules_of_today_find_goes_as_well(world: World) -> None:
    """It was settled under another identifier, and holds their address all the same."""
    world.accept(form("m1", 1, email=" Ann@Example.com"), form("m2", 2, email="bob@example.com"))
    world.drain_until_quiet()
    world.stores.integrations.save(a_document(identifiers=BY_EMAIL), by="test")
    assert redo("summer-hub", world.stores).why == "empty"

    job = forget(world, {"kind": "email", "value": "ANN@example.com ", "alias_label": None})

    assert job.result == {"waiting": 0, "held": 0, "dead": 0, "settled": 1}
    assert [one["id"] for one in world.stores.search.find(text="example")[0]] == [
        one["id"] for one in world.stores.search.find(text="bob@example")[0]
    ]


def test_each_integration_is_searched_under_its_own_region(world: World) -> None:
    """One number is written in many ways."""
    document = a_document(id="winter-hub", identifiers=[{"kind": "phone", "field": "mobile"}], default_region="AU")
    world.stores.integrations.save(document, by="test")
    winter = world.stores.integrations.get("winter-hub").integration
    world.accept(form("ann.lee", 1))
    body = read_body(orjson.dumps(form("", 2, mobile="+61412345678")))[0]
    world.stores.inbox.accept(
        winter, [arrive(body, winter, received_at=NOON, delivery_id=None, place=0)], now_ms=NOON_MS
    )

    job = forget(world, {"kind": "phone", "value": "0412 345 678", "alias_label": None})

    assert job.result == {"waiting": 1, "held": 0, "dead": 0, "settled": 0}
    assert world.stores.ledger.read(winter)["discarded"] == 1
    assert world.ledger()["waiting"] == 1


def test_what_is_in_flight_finishes_first(world: World) -> None:
    """Nobody can take back a request; what came of it is erased afterwards."""
    world.accept(form("ann.lee", 1), form("bob", 2))
    told: list[Any] = []

    def meanwhile() -> None:
        told.append(ask(world))
        told.append(go_on(world, told[0]))
        told.append(world.ledger()["in_flight"])

    world.braze.on_call = meanwhile
    world.drain()

    assert told[1:] == [False, 2]
    assert go_on(world, told[0])
    assert world.ledger()["delivered"] == 2
    assert (world.ledger()["expired"], traces(world, ANN_KEY)) == (1, [])


@pytest.mark.parametrize("applied", ["no", "unknown"])
def test_a_batch_that_waits_for_its_next_attempt_loses_the_person(world: World, applied: Any) -> None:
    """Braze may be away for days; the others in the batch go on as before."""
    world.accept(form("ann.lee", 1), form("bob", 2), form("ann.lee", 3))
    world.braze.answers = [NoAnswer(0, applied=applied)]
    world.drain()

    assert forget(world).result == {"waiting": 2, "held": 0, "dead": 0, "settled": 0}

    assert (world.ledger()["waiting"], world.ledger()["in_flight"]) == (1, 0)
    world.drain_until_quiet()
    assert [one["external_id"] for one in world.braze.sent[-1]["attributes"]] == ["bob"]
    assert (world.ledger()["delivered"], world.stores.ledger.waiting_bytes(world.integration)) == (1, 0)


def test_a_batch_whose_drain_is_dead_is_not_waited_for(world: World) -> None:
    """A paused integration may see no other drain for months; a frozen one that comes back has lost its lane."""
    world.accept(form("ann.lee", 1), form("bob", 2))

    def meanwhile() -> None:
        world.stores.connection.delete(f"{own(world.integration)}:lease:0")
        assert forget(world).result == {"waiting": 1, "held": 0, "dead": 0, "settled": 0}

    world.braze.on_call = meanwhile
    assert world.drain().why == "busy"

    world.braze.on_call = lambda: None
    assert (world.ledger()["waiting"], world.ledger()["in_flight"]) == (1, 0)
    world.now += 60_000
    world.drain_until_quiet()
    assert (world.ledger()["delivered"], world.ledger()["discarded"]) == (1, 1)
    assert world.ledger()["possible_duplicates"] == 1
    assert world.stores.ledger.waiting_bytes(world.integration) == 0


def test_a_batch_of_nobody_else_is_no_batch_any_more(world: World) -> None:
    """The lane goes on with what waits behind it."""
    world.accept(form("ann.lee", 1), form("ann.lee", 2))
    world.braze.answers = [NoAnswer(0, applied="unknown")]
    world.drain()
    world.accept(form("bob", 3))

    forget(world)

    world.drain_until_quiet()
    assert (world.ledger()["delivered"], world.ledger()["discarded"]) == (1, 2)
    assert world.stores.ledger.waiting_bytes(world.integration) == 0


def test_whoever_is_being_unfolded_is_forgotten_with_it(world: World) -> None:
    """What is noted about their queue must not meet what they send next year."""
    world.accept(*(form("ann.lee", n) for n in range(4)))
    world.braze.answers = [BadRequest(400, "Bad Request")]
    world.drain()
    assert traces(world, ANN_KEY) != []

    forget(world)

    assert traces(world, ANN_KEY) == []
    world.accept(form("ann.lee", 9), form("ann.lee", 10))
    world.now += 60_000
    world.drain_until_quiet()
    assert world.ledger()["delivered"] == 2


def test_whoever_comes_back_meanwhile_is_kept(world: World) -> None:
    """They asked for what was there when they asked."""
    world.accept(form("ann.lee", 1))
    job_id = ask(world)
    asked_at = world.now
    world.now += 1000
    world.accept(form("ann.lee", 2))
    world.now = asked_at

    assert go_on(world, job_id)

    assert (world.ledger()["discarded"], world.ledger()["waiting"]) == (1, 1)


def test_it_waits_until_everything_is_judged_again(world: World) -> None:
    """Meanwhile entries move from one stream to another."""
    world.accept(form("ann.lee", 1))
    prefix = own(world.integration)
    world.stores.connection.hset(f"{prefix}:state", "redo", "2")
    job_id = ask(world)
    assert not go_on(world, job_id)

    world.stores.connection.hdel(f"{prefix}:state", "redo")

    assert go_on(world, job_id)
    assert world.ledger()["discarded"] == 1


def test_letters_of_the_person_count_as_open_no_more(world: World) -> None:
    """What is remembered for a replay goes with the last letter that could be replayed."""
    world.accept(form("ann.lee", 1), form("bob", 2))
    world.braze.answers = [Accepted(201, refused=[Refusal("attributes", k, "no") for k in (0, 1)])]
    world.drain_until_quiet()
    world.stores.connection.hset("{acme}:times", ANN_KEY.key, "{}")
    assert sum(map(int, open_letters(world).values())) == 2

    forget(world)

    assert sum(map(int, open_letters(world).values())) == 1
    assert traces(world, ANN_KEY) == []
    forget(world, ANN | {"value": "bob"})
    assert world.stores.connection.exists("{acme}:open", "{acme}:times") == 0


def test_a_letter_that_is_replayed_meanwhile_is_found_in_its_lane(world: World) -> None:
    """It left the letters before they were looked through, and came to the lane after that was."""
    world.accept(form("ann.lee", 1))
    world.braze.answers = [Accepted(201, refused=[Refusal("attributes", 0, "no")])]
    world.drain_until_quiet()
    job_id = ask(world)
    while read(world, job_id).progress.get("stage") != 1 or read(world, job_id).progress["walk"] != "erase":
        assert not go_on(world, job_id, in_parts=True)
    replay_all(world)

    while not go_on(world, job_id, in_parts=True):
        pass

    assert read(world, job_id).result == {"waiting": 1, "held": 0, "dead": 0, "settled": 0}
    assert (traces(world, ANN_KEY), open_letters(world)) == ([], {})
    assert world.ledger()["discarded"] == 1


def refused(_: Any) -> Accepted:
    return Accepted(201, refused=[Refusal("attributes", 0, "no"), Refusal("events", 0, "no")])


def step_until(world: World, job_id: str, stage: int) -> None:
    """Part by part, up to a stage of the second walk."""
    for _ in range(100):
        place = read(world, job_id).progress
        if (place.get("walk"), place.get("stage")) == ("erase", stage):
            return
        assert not go_on(world, job_id, in_parts=True)
    raise AssertionError(f"never there: {read(world, job_id)}")


def test_a_letter_that_is_replayed_and_dies_again_is_found(world: World) -> None:
    """It is in the lane while the letters are looked through, and a letter while the lane is."""
    world.accept(form("ann.lee", 1))
    world.braze.answers = [refused, refused]
    world.drain_until_quiet()
    job_id = ask(world)
    created_at = world.now
    step_until(world, job_id, 2)
    replay_all(world)
    step_until(world, job_id, 3)
    world.now += 60_000
    world.drain_until_quiet()
    assert len(world.dead()) == 1
    world.now = created_at

    while not go_on(world, job_id, in_parts=True):
        pass

    assert read(world, job_id).result == {"waiting": 0, "held": 0, "dead": 1, "settled": 0}
    assert (traces(world, ANN_KEY), open_letters(world), world.ledger()["discarded"]) == ([], {}, 1)


def test_what_was_out_is_looked_for_after_everything_was_judged_again(world: World) -> None:
    """It may have become a letter while the lanes were out of reach."""
    world.accept(form("ann.lee", 1))
    job_id = ask(world)
    created_at = world.now

    def meanwhile() -> None:
        assert not go_on(world, job_id)

    world.braze.on_call = meanwhile
    world.braze.answers = [refused]
    world.drain()
    world.stores.integrations.save(a_document(default_region="AU"), by="test")
    assert not go_on(world, job_id)
    assert redo("summer-hub", world.stores).why == "empty"
    world.now = created_at

    assert go_on(world, job_id)
    assert read(world, job_id).result == {"waiting": 0, "held": 0, "dead": 1, "settled": 0}
    assert traces(world, ANN_KEY) == []


def test_it_ends_although_somebody_dies_all_the_time(world: World) -> None:
    """A mapping that is broken for a day must not put an erasure off for as long."""
    world.accept(form("ann.lee", 1))
    job_id = ask(world)
    for number in range(100):
        bury(world.stores.connection, world.integration, "bob", number)
        if go_on(world, job_id, in_parts=True):
            break

    assert read(world, job_id).result == {"waiting": 1, "held": 0, "dead": 0, "settled": 0}
    assert number < 60
    assert len(world.dead()) == number + 1


def test_a_request_that_never_came_back_leaves_no_name(world: World) -> None:
    """Its mark keeps others away, and every other request of the workspace keeps it."""
    world.accept(form("ann.lee", 1))
    connection: Any = world.stores.connection

    def killed() -> None:
        raise PowerCut

    world.braze.on_call = killed
    with contextlib.suppress(PowerCut):
        world.drain()
    connection.delete(f"{own(world.integration)}:lease:0")
    assert ANN_KEY.key.encode() in connection.hgetall("{acme}:busy")

    forget(world)

    assert traces(world, ANN_KEY) == []


def test_somebody_who_came_back_is_still_kept_free(world: World) -> None:
    """Two requests about one person at once may arrive in any order."""
    world.accept(form("bob", 1))
    job_id = ask(world)
    created_at = world.now
    world.now += 1000
    world.accept(form("ann.lee", 2))
    told: list[Any] = []

    def meanwhile() -> None:
        world.now = created_at
        told.append(go_on(world, job_id))
        told.append(ANN_KEY.key.encode() in world.stores.connection.hgetall("{acme}:busy"))

    world.braze.on_call = meanwhile
    world.drain()

    assert told == [True, True]
    assert traces(world, ANN_KEY) != []


def test_a_clock_that_was_set_back_hides_nothing(world: World) -> None:
    """Orders go on rising from where they were, so what was there already is ordered behind the job."""
    now, world.now = world.now, int(time.time() + 3600) * 1000
    world.accept(form("ann.lee", 1))
    world.now = now
    world.accept(form("ann.lee", 2))
    job_id = ask(world)
    step_until(world, job_id, 0)
    world.accept(form("ann.lee", 3))

    assert go_on(world, job_id)

    assert read(world, job_id).result == {"waiting": 2, "held": 0, "dead": 0, "settled": 0}
    assert world.ledger()["waiting"] == 1


@pytest.mark.parametrize("value", ["not an address", "  "])
def test_a_value_that_can_name_nobody_is_said_to_be_unusable(world: World, value: str) -> None:
    """An answer of nothing found would pass for an erasure."""
    job = forget(world, {"kind": "email", "value": value, "alias_label": None})

    assert (job.state, job.asked) == ("failed", None)
    assert "not usable" in job.why


def test_a_drain_may_be_at_work_all_along(world: World) -> None:
    """What a script takes away, another may be about to hand out."""
    world.accept(*(form(("ann.lee", f"p{n % 90}")[n % 2], n) for n in range(400)))
    partly = Accepted(201, refused=[Refusal("events", 1, "no")])
    world.braze.answers = [NoAnswer(0, applied="unknown"), BadRequest(400, "Bad Request"), partly]
    job_id, over = ask(world), False
    created_at = world.now
    while not over:
        moment, world.now = world.now, created_at
        over = go_on(world, job_id, in_parts=True)
        world.now = moment + 700
        world.drain()
    world.drain_until_quiet()

    told = world.ledger()
    assert traces(world, ANN_KEY) == []
    assert told["delivered"] + told["dead"] + told["discarded"] == 400
    assert (read(world, job_id).result or {})["waiting"] > 0
    assert world.stores.ledger.waiting_bytes(world.integration) == 0


def test_it_goes_on_where_it_was(world: World) -> None:
    """A budget is short beside a large store."""
    everywhere(world)

    job = forget(world, in_parts=True)

    assert (job.result, job.progress) == ({"waiting": 7, "held": 1, "dead": 1, "settled": 2}, {})
    assert traces(world, ANN_KEY) == []


@pytest.mark.parametrize("answered", [False, True])
def test_it_may_die_between_any_two_commands(answered: bool) -> None:
    """The next run finishes it, and the ledger adds up whatever was done before."""
    begun = FakeServer()
    world = yesterday(FakeRedis(server=begun))
    everywhere(world)
    job_id, before = ask(world), world.ledger()
    for commands in itertools.count():
        server = copy_of(begun)
        world.reopen(power_cut_after(FakeRedis(server=server), commands, answered=answered))
        over = False
        with contextlib.suppress(PowerCut):
            over = go_on(world, job_id)

        world.reopen(FakeRedis(server=server))
        world.stores.connection.delete(f"komo:job:{job_id}:lease")
        if not read(world, job_id).finished:
            assert go_on(world, job_id)

        after = world.ledger()
        assert read(world, job_id).result == {"waiting": 7, "held": 1, "dead": 1, "settled": 2}, commands
        assert (after["discarded"], after["expired"]) == (9, 2)
        assert (after["delivered"], after["filtered"]) == (before["delivered"], before["filtered"])
        assert traces(world, ANN_KEY) == []
        assert open_letters(world) != {}
        if over:
            break
    assert commands > 30


BY_ALIAS = {"kind": "user_alias", "value": "Ann@Example.com", "alias_label": "email"}
DRAFT = {"id": "winter-hub", "name": "Winter hub"}


def kept_by_the_draft(world: World, *bodies: dict[str, Any], **members: Any) -> None:
    integration = world.stores.integrations.save_draft(DRAFT | members, by="test").stored.integration
    arrivals = [
        arrive(read_body(orjson.dumps(body))[0], integration, received_at=NOON, delivery_id=None, place=0)
        for body in bodies
    ]
    world.stores.inbox.accept(integration, arrivals, now_ms=world.now)


def draft_ledger(world: World) -> dict[str, int]:
    return world.stores.ledger.read(world.stores.integrations.get("winter-hub").integration)


@pytest.mark.parametrize("in_parts", [False, True])
def test_what_a_draft_keeps_goes_by_its_identifiers_so_far(world: World, in_parts: bool) -> None:
    """Nobody was found yet when it was accepted, but the rules may be there already."""
    mine, other = form("ann.lee", 1, user_session_id="s1"), form("bob", 2, user_session_id="s2")
    visit = form("", 3, user_session_id="s1")
    kept_by_the_draft(world, mine, other, visit, identifiers=[{"kind": "external_id", "field": "member_id"}])

    job = forget(world, in_parts=in_parts)

    assert job.result is not None
    assert job.result["waiting"] == 2
    told = draft_ledger(world)
    assert (told["received"], told["waiting"], told["discarded"]) == (3, 1, 2)
    assert traces(world, ANN_KEY) == []
    world.stores.integrations.delete("winter-hub", discard=True)
    assert world.stores.connection.keys("{~draft}*") == []


def test_what_a_draft_keeps_goes_by_what_others_know_of_the_person(world: World) -> None:
    """The same contact stands in what another integration has sent."""
    world.accept(form("ann.lee", 1, contact_id="c1", user_session_id="s1"))
    world.drain_until_quiet()
    kept_by_the_draft(world, form("", 2, user_session_id="s1"), form("", 3, user_session_id="s2"))

    forget(world)

    assert (draft_ledger(world)["waiting"], draft_ledger(world)["discarded"]) == (1, 1)


def test_what_a_draft_keeps_goes_by_an_address_in_the_form(world: World) -> None:
    """Which field says who somebody is may be the last thing that is set up."""
    mine = form("m1", 1, your_email=" ANN@example.com ", user_session_id="s1")
    other = form("m2", 2, your_email="bob@example.com", friends="ann@example.com and more", user_session_id="s2")
    kept_by_the_draft(world, mine, other)

    forget(world, BY_ALIAS)

    assert (draft_ledger(world)["waiting"], draft_ledger(world)["discarded"]) == (1, 1)


def test_other_ids_are_not_guessed_in_a_draft(world: World) -> None:
    """Half the forms hold a 7 somewhere, and what goes is lost."""
    kept_by_the_draft(world, form("7", 1), form("m2", 2, score="7"))

    forget(world, {"kind": "external_id", "value": "7", "alias_label": None})

    assert draft_ledger(world)["waiting"] == 2


def test_a_draft_that_is_set_up_meanwhile_is_gone_through_as_what_it_is_then(world: World) -> None:
    """Its entries have moved, and got their people."""
    mine, other = form("ann.lee", 1, user_session_id="s1"), form("bob", 2, user_session_id="s2")
    kept_by_the_draft(world, mine, other)
    job_id = ask(world)
    for _ in range(3):
        assert not go_on(world, job_id, in_parts=True)
    world.stores.integrations.save(a_document(id="winter-hub"), by="test")
    redo("winter-hub", world.stores)

    for _ in range(100):
        if go_on(world, job_id, in_parts=True):
            break

    told = draft_ledger(world)
    assert (told["waiting"], told["discarded"]) == (1, 1)
    assert traces(world, ANN_KEY) == []
