"""
A person is put everywhere where something is kept, and then time goes by: nothing of them may be left.

Redis' own expiry is not waited for: what has one counts as gone once it is over.
"""

import time
from typing import Any

import orjson
import pytest
import redis

from ingest.arrive import arrive
from schemas.body import read_body
from schemas.dead_letter import LetterFilter, ReplayOptions, SoughtPerson
from schemas.outgoing import Calls, CallSettlement
from schemas.person import Person
from tests.factories import NOON, a_document
from tests.messages import CANVAS, a_message, put
from tests.workers.test_drain import SECRET, World, form
from workers.braze.reply import AllRefused, BadRequest, RateLimited, Refusal
from workers.drain import drain_lane
from workers.jobs import advance, stop
from workers.notice import notice
from workers.redo import redo
from workers.store.alive import Alive
from workers.store.sessions import Sessions
from workers.store.wrong_guesses import WrongGuesses
from workers.store.wrong_passwords import WrongPasswords

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: The longest that docs/privacy.md names, of what Braze has, and a day for the clock to come by.
PAST_EVERYTHING_MS = 61 * DAY_MS
CANARY, ADDRESS, HOST = "zz-canary-member", "203.0.113.77", "canary-host:7"
PERSON = Person("external_id", CANARY)
#: What documents say of a key with an expiry, at most: docs/privacy.md.
EXPIRIES = {
    "komo:session:": 12 * HOUR_MS, "komo:wrong-": HOUR_MS, "komo:alive:": HOUR_MS, "komo:job:": 7 * DAY_MS,
    ":once:": 600_000, ":known:": 60 * DAY_MS, ":cool:": 60_000, ":lease:": 60_000, ":wake:": 2 * HOUR_MS,
    ":busy": 120_000,
}  # fmt: skip

#: Where the person, or who looked after it, has to be before time goes by.
PLACES = {
    "{~draft}:begun:in:", ":summer-hub:in:", ":dlq", ":settled", ":held", ":done:", ":times", ":known:", ":cool:",
    ":cut", ":sends:campaign", ":sends:troubles", ":lane:sends:canvas", "komo:job:", "komo:wrong-passwords",
    "komo:wrong-guesses", "komo:alive:",
}  # fmt: skip


def contents(connection: redis.Redis) -> dict[str, str]:
    """Every key with everything in it."""
    store: Any = connection
    readers = {b"hash": store.hgetall, b"stream": store.xrange, b"set": store.smembers, b"string": store.get}
    readers |= {b"list": lambda key: store.lrange(key, 0, -1), b"zset": lambda key: store.zrange(key, 0, -1)}
    return {key.decode("latin-1"): repr(readers[store.type(key)](key)) for key in store.scan_iter()}


def traces(connection: redis.Redis) -> list[str]:
    """Keys that name the person, or who signed in, or what was told of them, by name or in what they hold."""
    canaries = (CANARY, PERSON.key, ADDRESS, HOST)
    return sorted(key for key, held in contents(connection).items() if any(one in key + held for one in canaries))


def let_expire(connection: redis.Redis, passed_ms: int) -> None:
    """Remove what Redis would have removed by then."""
    store: Any = connection
    for key in store.scan_iter():
        if 0 <= store.pttl(key) <= passed_ms:
            store.delete(key)


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    world = World(store_connection)
    world.now = int(time.time() * 1000)  # records are named by the store's clock
    return world


def everywhere(world: World) -> None:
    """Delivered, dead, held, waiting, in outboxes, jobs and a draft; and whoever looks after it."""
    stores, connection, hub = world.stores, world.stores.connection, world.integration
    stores.integrations.save_draft({"id": "begun", "name": "Begun"}, by="test")
    accept(world, stores.integrations.get("begun").integration, form(CANARY, 1))
    world.accept(form(CANARY, 2), form("bob", 3))
    world.drain_until_quiet()
    world.accept(form(CANARY, 4))
    world.braze.answers = [AllRefused(400, refused=[Refusal("attributes", 0, f"{CANARY} is unknown")])]
    world.drain_until_quiet()
    world.accept(form(CANARY, 5))
    world.drain_until_quiet()
    world.now += 10_000
    world.accept(form("bob", 6), form(CANARY, 8))
    world.braze.answers = [BadRequest(400, f"{CANARY} is too much"), RateLimited(429, reset_s=120)]
    world.drain()
    world.accept(form("", 7, user_session_id=f"session-of-{CANARY}"), {"event": "Seen", "note": CANARY})
    refuse_a_message(world)
    put(connection, hub, a_message(CANARY, prize="a boat"), now_ms=world.now)
    notice(hub, stores, now_ms=world.now)
    stores.flow.sample([hub])
    for letters in (LetterFilter(identifier=SoughtPerson(None, CANARY, None)), LetterFilter(text=CANARY)):
        stores.jobs.create("replay", ReplayOptions(filter=letters).to_json(), by="test")
    Sessions(connection, password="password", secret_keys=[SECRET]).open()
    WrongPasswords(connection).count(ADDRESS)
    WrongGuesses(connection).count(ADDRESS, hub.id)
    Alive(connection, runs={"host": HOST}).beat(f"worker {HOST}")


def accept(world: World, integration: Any, body: dict[str, Any]) -> None:
    arrival = arrive(read_body(orjson.dumps(body))[0], integration, received_at=NOON, delivery_id=None, place=0)
    world.stores.inbox.accept(integration, [arrival], now_ms=world.now)


def refuse_a_message(world: World) -> None:
    """Braze says why, and may name whom it was for."""
    outbox, hub = world.stores.outbox, world.integration
    put(world.stores.connection, hub, a_message(CANARY, kind="canvas", braze_id=CANVAS), now_ms=world.now)
    world.now += 10_000
    calls = outbox.step(hub, "canvas", "token", now_ms=world.now)
    assert isinstance(calls, Calls)
    refused = CallSettlement(calls.number, calls.version, "dead", 400, f"{CANARY} is none of ours")
    outbox.step(hub, "canvas", "token", refused, release=True, now_ms=world.now)


def work_off(world: World) -> None:
    """What waits is delivered, and jobs come to their ends: as long as that lasts, it is kept."""
    stores = world.stores
    stopped, *others = stores.jobs.open()
    stop(stopped, stores)
    for job_id in others:
        while advance(job_id, stores, lambda *_: None, budget_s=1) is not None:
            job = stores.jobs.get(job_id)
            assert job
            assert not job.failures
    stores.integrations.save(a_document(id="begun"), by="test")
    while redo("begun", stores).why != "empty":
        world.now += 500
    for hub in ("summer-hub", "begun"):
        for _ in range(100):
            rest = drain_lane(hub, 0, world.pipeline, now_ms=world.now)
            world.now += max(rest.wait_ms, 1)


def let_time_pass(world: World, passed_ms: int) -> None:
    """What the sweep does in its slow turns."""
    stores = world.stores
    for hub_id in stores.integrations.ids():
        hub = stores.integrations.get(hub_id).integration
        for _ in range(3):
            stores.retention.trim(hub, now_ms=world.now + passed_ms)
        stores.outbox.trim(hub, now_ms=world.now + passed_ms)
    Alive(stores.connection, wall=lambda: (world.now + passed_ms) / 1000).beat("worker another:1")
    let_expire(stores.connection, passed_ms)


def adds_up(world: World) -> bool:
    outcomes = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
    hubs = [world.stores.integrations.get(one).integration for one in world.stores.integrations.ids()]
    told = [world.stores.ledger.read(hub) for hub in hubs]
    return all(one["received"] == sum(one[name] for name in outcomes) > 0 for one in told)


def test_nothing_of_a_person_outlives_its_time(world: World) -> None:
    """Neither readable nor as a digest, wherever it was put; what went is counted."""
    everywhere(world)
    before = traces(world.stores.connection)
    assert {one for one in PLACES if not any(one in key for key in before)} == set(), "they must be there first"
    work_off(world)

    let_time_pass(world, PAST_EVERYTHING_MS)

    assert traces(world.stores.connection) == []
    assert adds_up(world)
    told = world.ledger()
    assert (told["waiting"], told["held"], told["dead"]) == (0, 0, 0)
    assert told["received"] == told["expired"]


def test_each_goes_at_its_own_time(world: World) -> None:
    """By the times of docs/privacy.md, as they are without settings."""
    everywhere(world)
    work_off(world)
    for hours, gone in ((25, (":held", ":hold")), (73, (":settled",)), (721, (":dlq", ":sends:", ":times", ":lane:"))):
        before = traces(world.stores.connection)

        let_time_pass(world, hours * HOUR_MS)

        assert any(name in key for key in before for name in gone), "it must be there first"
        assert not [key for key in traces(world.stores.connection) if any(name in key for name in gone)]


def test_nothing_that_redis_removes_stays_for_longer_than_the_documents_say(world: World) -> None:
    """An expiry of a year would be as good as none, and no other test waits for it."""
    everywhere(world)
    connection: Any = world.stores.connection

    for key in traces(world.stores.connection):
        left_ms = connection.pttl(key)
        longest = next((most for name, most in EXPIRIES.items() if name in key), None)
        assert left_ms < 0 or (longest is not None and left_ms <= longest), (key, left_ms)
