import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from ingest.arrive import arrive
from schemas.body import read_body
from schemas.latency import bounds_of
from schemas.settings import load_settings
from tests.factories import NOON, NOON_MS, a_body, a_document
from workers.braze.client import Attempt
from workers.braze.reply import Accepted, AllRefused, BadRequest, NoAnswer, NotAllowed, RateLimited, Refusal, Reply
from workers.drain import Pipeline, drain_lane
from workers.errors import StoreUnavailable
from workers.store import Stores, open_stores
from workers.store.inbox import Rest
from workers.store.keys import own

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


class StandIn:
    """In place of the client: answers from a script, and remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answers: list[Reply | Callable[[dict[str, Any]], Reply]] = []
        self.on_call: Callable[[], None] = lambda: None

    def track(self, endpoint: str, key: str, body: bytes, *, beat: Callable[[], object] | None = None) -> Attempt:
        self.on_call()
        request = orjson.loads(body)
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else Accepted(201, "success")
        return Attempt(answer(request) if callable(answer) else answer, duration_ms=1)

    def events(self) -> Counter[str]:
        """How often each submission's event was sent."""
        sent = (event for request in self.sent for event in request.get("events", []))
        return Counter(event["properties"]["komo_submission_id"] for event in sent)


class World:
    """A hub with one lane, a Braze that follows a script, and a clock that is only moved."""

    def __init__(self, connection: redis.Redis, **document: Any) -> None:
        self.braze = StandIn()
        self.now = NOON_MS
        self.reopen(connection)
        self.stores.integrations.save(a_document(**document), by="test")

    def reopen(self, connection: redis.Redis) -> None:
        """What a new process does."""
        self.stores: Stores = open_stores(load_settings({"SECRET_KEY": SECRET, "LANES": "1"}), connection)
        self.pipeline = Pipeline(
            self.stores,
            self.braze,  # type: ignore[arg-type]
            chance=lambda: 0.5,
            wall=lambda: self.now / 1000,
        )

    @property
    def integration(self) -> Any:
        return self.stores.integrations.get("summer-hub").integration

    def accept(self, *bodies: dict[str, Any]) -> list[str]:
        arrivals = [
            arrive(read_body(orjson.dumps(body))[0], self.integration, received_at=NOON, delivery_id=None, place=0)
            for body in bodies
        ]
        return [one for one, _ in self.stores.inbox.accept(self.integration, arrivals, now_ms=self.now).submissions]

    def drain(self) -> Rest:
        return drain_lane("summer-hub", 0, self.pipeline, now_ms=self.now)

    def drain_until_quiet(self, most: int = 200) -> None:
        """Come back whenever the lane wants it."""
        for _ in range(most):
            rest = self.drain()
            if rest.why in ("empty", "paused"):
                return
            self.now += max(rest.wait_ms, 1)
        raise AssertionError(f"never quiet: {self.ledger()}")

    def ledger(self) -> dict[str, int]:
        told = self.stores.ledger.read(self.integration)
        outcomes = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
        assert told["received"] == sum(told[name] for name in outcomes), told
        return told

    def dead(self) -> list[dict[bytes, bytes]]:
        return [letter for _, letter in self.stores.connection.xrange(f"{own(self.integration)}:dlq")]  # type: ignore[union-attr, misc]


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def form(member: str, number: int, **fields: Any) -> dict[str, Any]:
    return a_body(member, number=number, first_name=f"{member}{number}", **fields)


def test_what_waits_travels_together_and_is_delivered(world: World) -> None:
    """One request for everybody, one attributes object for each person."""
    world.accept(form("ann", 1), form("bob", 2), form("ann", 3))

    assert world.drain().why == "empty"

    [request] = world.braze.sent
    assert [(one["external_id"], one["first_name"]) for one in request["attributes"]] == [
        ("ann", "ann3"),
        ("bob", "bob2"),
    ]
    assert len(request["events"]) == 3
    assert world.ledger()["delivered"] == 3


def test_a_submission_with_nothing_to_send_is_filtered_without_a_request(store_connection: redis.Redis) -> None:
    """Only mapped fields are sent, and an empty object is not worth a request."""
    world = World(store_connection, events=[], attributes=[{"field": "shoe_size", "attribute": "shoe_size"}])
    world.accept(form("ann", 1))

    world.drain()

    assert world.braze.sent == []
    assert world.ledger()["filtered"] == 1


def test_a_submission_of_unusable_values_is_a_dead_letter(store_connection: redis.Redis) -> None:
    """Something was mapped, so a person has to see that none of it could be sent."""
    rules = [{"field": "first_name", "attribute": "age", "type": "number"}]
    world = World(store_connection, events=[], attributes=rules)
    world.accept(form("ann", 1))

    world.drain()

    assert [letter[b"why"] for letter in world.dead()] == [b"no_usable_value"]


def test_a_rate_limited_lane_waits_for_the_reset_that_braze_names(world: World) -> None:
    """Guessing a backoff would only meet the same closed gate again."""
    world.braze.answers = [RateLimited(429, reset_s=120)]
    world.accept(form("ann", 1))

    rest = world.drain()

    assert rest.why == "wait"
    assert 120_000 <= rest.wait_ms <= 132_000
    assert world.ledger()["waiting"] == 1


def test_a_refused_object_is_a_dead_letter_and_its_neighbours_are_delivered(world: World) -> None:
    """A bad object never costs its neighbours."""
    world.braze.answers = [Accepted(201, refused=[Refusal("attributes", 1, "no good")])]
    world.accept(form("ann", 1), form("bob", 2), form("cid", 3))

    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (2, 1)
    [letter] = world.dead()
    details = orjson.loads(letter[b"details"])
    assert b'"member_id":"bob"' in letter[b"b"]
    assert (details["answer"], orjson.loads(letter[b"done"])["e"]) == ("no good", ["komo_entry"])


def test_a_refused_object_of_several_submissions_is_unfolded_first(world: World) -> None:
    """Only one of the three is at fault; the other two must not die with it."""

    def picky(request: dict[str, Any]) -> Reply:
        bad = [k for k, one in enumerate(request.get("attributes", [])) if one.get("team") == "none"]
        alone = len(request.get("attributes", [])) == 1 and not request.get("events")
        refused = [Refusal("attributes", k, "bad team") for k in bad]
        return AllRefused(400, refused=refused) if bad and alone else Accepted(201, refused=refused)

    world.braze.answers = [picky] * 20
    world.accept(form("ann", 1, team="red"), form("ann", 2, team="none"), form("bob", 3), form("ann", 4, nick="x"))

    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (3, 1)
    assert b'"team":"none"' in world.dead()[0][b"b"]
    assert set(world.braze.events().values()) == {1}


def test_a_whole_batch_refused_without_a_name_is_halved_down_to_the_culprit(world: World) -> None:
    """Ten people in the batch, one of them poisonous: nine arrive."""

    def allergic(request: dict[str, Any]) -> Reply:
        people = {one["external_id"] for one in request["attributes"]}
        return BadRequest(400, "Bad Request") if "p6" in people else Accepted(201)

    world.braze.answers = [allergic] * 50
    world.accept(*(form(f"p{n}", n) for n in range(10)))

    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (9, 1)
    assert b'"member_id":"p6"' in world.dead()[0][b"b"]
    assert len(world.braze.sent) <= 10


def test_an_unknown_outcome_is_sent_again_and_counted(world: World) -> None:
    """Losing an entry is worse than an event that says it may be a double."""
    world.braze.answers = [NoAnswer(0, "cut", applied="unknown")]
    world.accept(form("ann", 1))

    world.drain_until_quiet()

    assert set(world.braze.events().values()) == {2}
    assert (world.ledger()["delivered"], world.ledger()["possible_duplicates"]) == (1, 1)


def test_what_certainly_was_not_applied_counts_as_no_duplicate(world: World) -> None:
    """A refused connection is no reason to doubt anything."""
    world.braze.answers = [NoAnswer(0, "refused", applied="no")] * 3
    world.accept(form("ann", 1))

    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["possible_duplicates"]) == (1, 0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_setting_pauses_and_keeps_everything(world: World, status: int) -> None:
    """A bad setting never burns queued data."""
    world.braze.answers = [NotAllowed(status)]
    world.accept(form("ann", 1), form("bob", 2))

    assert world.drain().why == "wait"
    assert world.drain().why == "paused"

    stored = world.stores.integrations.get("summer-hub")
    assert (stored.paused, str(status) in stored.paused_because) == ("braze", True)
    assert world.ledger()["waiting"] == 2


def test_after_the_key_is_mended_everything_arrives_once(world: World) -> None:
    """Rotating a key loses none and doubles none."""
    world.braze.answers = [NotAllowed(401)]
    world.accept(*(form(f"p{n}", n) for n in range(100)))
    world.drain()
    document = a_document()
    document["braze"]["api_key"] = "another-key-of-braze-0000"
    world.stores.integrations.save(document, by="test")
    world.stores.inbox.kick(world.integration, now_ms=world.now)
    world.now += 2000

    world.drain_until_quiet()

    assert world.ledger()["delivered"] == 100
    assert world.braze.sent[1] == world.braze.sent[0]


def test_values_are_mapped_under_the_version_that_is_current_at_delivery(world: World) -> None:
    """Whoever mends a mapping mends what waits."""
    world.accept(form("ann", 1))
    rules = [{"field": "first_name", "attribute": "nickname"}]
    world.stores.integrations.save(a_document(attributes=rules), by="test")

    world.drain()

    assert "nickname" in world.braze.sent[0]["attributes"][0]


def test_a_submission_of_more_events_than_fit_goes_in_several_requests(store_connection: redis.Redis) -> None:
    """Nothing of it is lost or doubled, and its attributes go first."""
    braze = a_document()["braze"] | {"max_objects_per_request": 10}
    events = [{"name": f"event_{n}", "properties": {}} for n in range(24)]
    world = World(store_connection, braze=braze, events=events)
    world.accept(form("ann", 1))

    world.drain_until_quiet()

    assert [len(request.get("attributes", [])) + len(request.get("events", [])) for request in world.braze.sent] == [
        10,
        10,
        5,
    ]
    assert set(world.braze.events().values()) == {1}
    assert world.ledger()["delivered"] == 1


def test_no_request_ever_holds_more_objects_than_braze_takes(store_connection: redis.Redis) -> None:
    """Even if the mapping yields more than was expected at acceptance."""
    world = World(store_connection, events=[])
    world.accept(*(form(f"p{n}", n) for n in range(70)))
    events = [{"name": f"event_{n}", "properties": {}} for n in range(3)]
    world.stores.integrations.save(a_document(events=events), by="test")

    world.drain_until_quiet()

    assert max(len(r.get("attributes", [])) + len(r.get("events", [])) for r in world.braze.sent) <= 75
    assert world.ledger()["delivered"] == 70
    assert len(world.braze.events()) == 210


class PowerCut(BaseException):
    """Nobody catches it."""


def cut_after(connection: redis.Redis, commands: int, *, answered: bool) -> None:
    """Let so many more commands reach the store, then die: before the next one, or after it but without its answer."""
    execute: Any = connection.execute_command
    left = [commands]

    def dying(*args: Any, **options: Any) -> Any:
        if left[0] == 0:
            if answered:
                execute(*args, **options)
            raise PowerCut
        left[0] -= 1
        return execute(*args, **options)

    connection.execute_command = dying  # type: ignore[method-assign]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("commands", range(8))
@pytest.mark.parametrize("outcome", ["accepted", "refused", "unavailable"])
def test_a_drain_may_die_between_any_two_commands(commands: int, outcome: str, answered: bool) -> None:
    """Its successor finishes from what the store holds: nothing is lost, and what may be doubled is counted."""
    server = FakeServer()
    world = World(FakeRedis(server=server))
    world.accept(*(form(f"p{n % 20}", n) for n in range(60)))
    if outcome == "refused":
        world.braze.answers = [Accepted(201, refused=[Refusal("events", 3, "no")])]
    if outcome == "unavailable":
        world.braze.answers = [NoAnswer(0, applied="unknown")]
    cut_after(world.stores.connection, commands, answered=answered)
    with contextlib.suppress(PowerCut):
        world.drain()
    before = world.braze.events()

    heir = world
    heir.reopen(FakeRedis(server=server))
    heir.now += 40_000
    heir.stores.connection.delete(f"{own(heir.integration)}:lease:0")
    heir.drain_until_quiet()

    told, sent = heir.ledger(), heir.braze.events()
    assert told["delivered"] + told["dead"] == 60
    assert told["dead"] <= 1
    assert len(sent) == 60
    doubled = sum(count - 1 for count in sent.values())
    # Whether a batch that was handed out was sent as well, nobody can know.
    assert doubled <= told["possible_duplicates"] <= 60 + sum(before.values())


def test_a_drain_that_lost_its_lane_sends_nothing_more(world: World) -> None:
    """A frozen process that wakes up must not overtake its successor."""
    world.accept(form("ann", 1), *(form(f"p{n}", n + 10) for n in range(100)))

    def taken_over() -> None:
        world.stores.connection.set(f"{own(world.integration)}:lease:0", "somebody-else")

    world.braze.on_call = taken_over

    assert world.drain().why == "busy"
    assert len(world.braze.sent) == 1
    assert world.ledger()["in_flight"] > 0


def test_only_those_who_shared_a_refused_object_go_one_by_one(world: World) -> None:
    """Thirty neighbours would make thirty requests, and those behind them would wait."""

    def strict(request: dict[str, Any]) -> Reply:
        bad = [k for k, one in enumerate(request["attributes"]) if one.get("team") == "none"]
        refused = [Refusal("attributes", k, "no") for k in bad]
        return AllRefused(400, refused=refused) if bad else Accepted(201)

    world.braze.answers = [strict] * 9
    world.accept(form("ann", 1, team="none"), form("ann", 2, nick="x"), *(form(f"p{n}", 10 + n) for n in range(30)))

    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (31, 1)
    assert len(world.braze.sent) <= 5


def test_an_integration_that_was_moved_is_found_in_its_new_workspace(world: World) -> None:
    """A worker knows a route for as long as it runs, and looked for work in the old place only."""
    world.accept(form("ann", 1))
    world.drain()
    braze = a_document()["braze"] | {"workspace": "elsewhere"}
    world.stores.integrations.save(a_document(braze=braze), by="test")
    world.accept(form("bob", 2))

    world.drain()

    assert world.ledger()["delivered"] == 2


def test_a_new_integration_under_an_old_name_gets_its_own_mapping(world: World) -> None:
    """Both begin with a first version: the workers must not take the one for the other."""
    world.accept(form("ann", 1))
    world.drain()
    world.stores.integrations.delete("summer-hub", discard=True)
    rules = [{"field": "first_name", "attribute": "nickname"}]
    world.stores.integrations.save(a_document(attributes=rules), by="test")
    world.accept(form("bob", 2))

    world.drain()

    assert "nickname" in world.braze.sent[-1]["attributes"][0]


def test_a_process_that_was_frozen_while_it_took_a_batch_does_not_send_it(world: World) -> None:
    """The lane is somebody else's by then, and so is the batch."""
    seconds = [0.0]
    execute: Any = world.stores.connection.execute_command
    world.pipeline.clock = lambda: seconds[0]
    world.accept(form("ann", 1))

    def frozen(*args: Any, **options: Any) -> Any:
        answer = execute(*args, **options)
        if args[0] == "EVALSHA":
            seconds[0] += 20
            execute("SET", f"{own(world.integration)}:lease:0", "somebody-else")
        return answer

    world.stores.connection.execute_command = frozen  # type: ignore[method-assign]

    assert world.drain().why == "busy"
    assert world.braze.sent == []


def test_setting_much_aside_takes_no_longer_than_a_turn(world: World) -> None:
    """A person with very much waiting would hold a worker up, and everybody else with it."""
    world.accept(form("ann", 0))
    world.drain()
    world.accept(*(form("ann", n) for n in range(1, 1000)))
    seconds = [0.0]

    def clock() -> float:
        seconds[0] += 1
        return seconds[0]

    world.pipeline.clock = clock

    assert world.drain().why == "more"
    world.pipeline.clock = lambda: 0.0
    assert world.drain().why == "wait"


def test_what_may_have_been_applied_is_remembered_where_only_a_part_goes_again(store_connection: redis.Redis) -> None:
    """Its other events may be doubled as well, whenever they leave."""
    events = [{"name": f"event_{n}", "properties": {}} for n in range(5)]
    world = World(store_connection, events=events)
    world.braze.answers = [NoAnswer(0, "cut", applied="unknown")]
    world.accept(form("ann", 1))
    world.drain()
    braze = a_document()["braze"] | {"max_objects_per_request": 2}
    world.stores.integrations.save(a_document(events=events, braze=braze), by="test")

    world.drain_until_quiet()

    assert len(world.braze.sent) == 4
    assert (world.ledger()["delivered"], world.ledger()["possible_duplicates"]) == (1, 5)


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("which", range(4))
def test_a_store_that_is_restarted_meanwhile_costs_no_entry_and_no_double(
    world: World, monkeypatch: pytest.MonkeyPatch, which: int, carried_out: bool
) -> None:
    """Whether the step before the silence was carried out can't be seen; asking again has to be harmless either way."""
    world.accept(*(form(f"p{n}", n) for n in range(100)))
    step, count = world.stores.inbox._step, itertools.count()

    def silent_once(*args: Any) -> Any:
        if next(count) != which:
            return step(*args)
        if carried_out:
            step(*args)
        raise StoreUnavailable("The store can't be reached.")

    monkeypatch.setattr(world.stores.inbox, "_step", silent_once)
    monkeypatch.setattr("workers.drain.time.sleep", lambda _: None)
    world.drain_until_quiet()

    told = world.ledger()
    assert (told["delivered"], told["possible_duplicates"]) == (100, 0)
    assert set(world.braze.events().values()) == {1}


def latency(world: World) -> dict[int, int]:
    """Upper bound of each bucket in ms -> how many."""
    found: Any = world.stores.connection.hgetall(f"{own(world.integration)}:latency")
    return {round(bounds_of(int(bucket))[1]): int(count) for bucket, count in found.items()}


def test_how_long_a_delivery_took_is_counted(world: World) -> None:
    """From acceptance to Braze's yes, also where that took several attempts; what is not delivered does not count."""
    world.accept(form("ann", 1), form("bob", 2))
    world.braze.answers = [NoAnswer(0, "refused", applied="no"), Accepted(201, "success")]
    world.drain()
    world.now += 60_000
    world.drain_until_quiet()
    world.accept(form("cid", 3))
    world.braze.answers = [BadRequest(400, "no")]
    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (2, 1)
    [(bound, count)] = latency(world).items()
    assert (bound >= 60_000 > bound / 2, count) == (True, 2)


def test_what_was_delivered_at_once_counts_as_quick(world: World) -> None:
    """Also where Braze had it all already, and no request was made."""
    world.accept(form("ann", 1), form("bob", 2))
    world.drain()

    assert sum(latency(world).values()) == 2
    assert max(latency(world)) < 5000
