import contextlib
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from schemas.dead_letter import LetterFilter, ReplayOptions
from tests.factories import a_document
from tests.letters import DAY, bury
from tests.workers.test_drain import PowerCut, World, cut_after, form
from workers.braze.reply import Accepted, Refusal
from workers.jobs import advance
from workers.redo import redo
from workers.replay import advance as replay
from workers.replay import dry_run
from workers.store.jobs import Job
from workers.store.keys import own

EVERYTHING = LetterFilter()


class Calls:
    """In place of the broker: remembers who was called."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, int]] = []
        self.away = False

    def __call__(self, step: str, about: str, lane: int) -> None:
        if self.away:
            raise OSError("the broker is away")
        self.made.append((step, about, lane))


class Graveyard(World):
    """A hub with letters, and jobs about them."""

    def __init__(self, connection: redis.Redis, **document: Any) -> None:
        super().__init__(connection, **document)
        self.wake = Calls()

    def bury(self, member: str | None, number: int, **facts: Any) -> str:
        fields = {"first_name": f"{member}{number}"} | facts
        return bury(self.stores.connection, self.integration, member, number, **fields)

    def ask(self, options: ReplayOptions | None = None, kind: Any = "replay") -> Job:
        options = options or ReplayOptions(filter=EVERYTHING)
        return self.stores.jobs.create(kind, options.to_json(), by="test")

    def work(self, job: Job) -> Job:
        """Until the job is over."""
        for _ in range(100):
            if not self.go_on(job):
                return self.job(job)
        raise AssertionError(f"never over: {self.job(job)}")

    def go_on(self, job: Job, budget_s: float = 5) -> bool:
        """One call, as if its time had come. Returns: whether the job has to be called again."""
        self.stores.connection.delete(f"komo:job:{job.id}:lease")
        return advance(job.id, self.stores, self.wake, budget_s=budget_s) is not None

    def job(self, job: Job) -> Job:
        found = self.stores.jobs.get(job.id)
        assert found is not None
        return found

    def replay(self, options: ReplayOptions | None = None) -> Job:
        return self.work(self.ask(options))

    def sent_numbers(self) -> list[int]:
        """The numbers of the submissions whose events reached Braze, in their order."""
        ids = [event["properties"]["komo_submission_id"] for one in self.braze.sent for event in one.get("events", [])]
        return [int(one.partition(":")[0][-16:], 16) for one in ids]


@pytest.fixture
def world(store_connection: redis.Redis) -> Graveyard:
    return Graveyard(store_connection)


def test_dead_letters_are_delivered_after_a_replay(world: Graveyard) -> None:
    """That is what somebody mended the mapping for."""
    for number in (1, 2, 3):
        world.bury(f"m{number}", number)

    job = world.replay()
    world.drain_until_quiet()

    assert (job.state, job.matched, job.done, job.skipped, job.result) == ("done", 3, 3, 0, {})
    assert world.wake.made == [("drain", "summer-hub", 0)]
    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (3, 0)
    assert sorted(world.sent_numbers()) == [1, 2, 3]
    assert world.stores.connection.keys(f"{{acme}}:*{job.id}") == []


def test_letters_go_back_in_the_order_of_their_acceptance(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in that of their death: a person's older data must not come after the newer."""
    monkeypatch.setattr("workers.replay.PAGE", 2)
    for number in (5, 2, 4, 1, 3):
        world.bury("ann", number)

    world.replay()
    world.drain_until_quiet()

    assert world.sent_numbers() == [1, 2, 3, 4, 5]
    assert world.braze.sent[0]["attributes"][0]["first_name"] == "ann5"


def test_a_replay_runs_under_the_rules_that_are_current(world: Graveyard) -> None:
    """The person is found again too."""
    world.bury(None, 1, why="bad_identifier", email="Ann@Example.com ")
    rules = [{"kind": "user_alias", "field": "email", "alias_label": "email"}]
    world.stores.integrations.save(a_document(identifiers=rules), by="test")
    redo("summer-hub", world.stores)

    world.replay()
    world.drain_until_quiet()

    [attributes] = world.braze.sent[0]["attributes"]
    assert attributes["user_alias"] == {"alias_label": "email", "alias_name": "ann@example.com"}


def test_what_braze_has_accepted_is_not_sent_again(world: Graveyard) -> None:
    """Only the rest of the submission was refused."""
    world.bury("ann", 1, team="red", done={"a": ["first_name"], "e": ["komo_entry"]})

    world.replay()
    world.drain_until_quiet()

    assert world.braze.sent == [{"attributes": [{"external_id": "ann", "team": "red"}]}]


def test_letters_that_still_go_nowhere_stay_dead_and_say_why(store_connection: redis.Redis) -> None:
    """Trying them would only bury them again."""
    rules = [{"field": "first_name", "attribute": "age", "type": "number"}]
    accept = {"events": ["CompetitionEntrySuccess"]}
    world = Graveyard(store_connection, attributes=rules, events=[], accept=accept)
    world.bury(None, 1, member_id="", first_name="31")
    world.bury(None, 2, member_id=True)
    world.bury("ann", 3, event="SiteViewed")
    world.bury("ann", 4, first_name="not a number")
    world.bury("ann", 5, first_name="")
    world.bury("ann", 6, first_name="31")
    world.bury("ann", 7, raw=b'{"event": 1, "timestamp": [')

    job = world.replay()

    assert (job.matched, job.done, job.skipped) == (7, 1, 6)
    assert job.result == {
        "skipped": {
            "no_identifier": 1, "bad_identifier": 1, "not_accepted": 1, "no_usable_value": 1, "nothing_mapped": 1,
            "mapping_failed": 1,
        }
    }  # fmt: skip
    assert (world.ledger()["dead"], world.ledger()["waiting"]) == (6, 1)


def test_a_letter_that_only_sends_a_message_is_replayed(store_connection: redis.Redis) -> None:
    """A message is something to send, too."""
    sends = [{"kind": "campaign", "id": "4d8a-1f"}]
    world = Graveyard(store_connection, attributes=[], events=[], sends=sends)
    world.bury("ann", 1)

    assert world.replay().done == 1


def test_only_what_was_asked_for_is_replayed(world: Graveyard) -> None:
    """By ids, or by a filter."""
    ids = [world.bury("ann", number, why="too_big" if number > 3 else "refused") for number in range(1, 6)]

    assert world.replay(ReplayOptions(ids=(ids[1], "nonsense"))).matched == 1
    assert world.replay(ReplayOptions(filter=LetterFilter(reason="too_big"))).matched == 2
    assert world.replay(ReplayOptions(filter=LetterFilter(integration="nobody"))).matched == 0
    world.drain_until_quiet()

    assert sorted(world.sent_numbers()) == [2, 4, 5]
    assert world.ledger()["dead"] == 2


def test_a_letter_that_dies_after_the_job_was_made_is_not_part_of_it(world: Graveyard) -> None:
    """A replay of everything that is refused again would run for ever."""
    world.bury("ann", 1)
    job = world.ask()
    world.bury("ann", 2, died_ms=job.created_ms + 1)

    assert world.work(job).matched == 1
    assert world.ledger()["dead"] == 1


def test_a_letter_that_is_gone_meanwhile_is_counted_as_gone(world: Graveyard) -> None:
    """Two people may ask for the same."""
    for number in (1, 2):
        world.bury("ann", number)
    first, second = world.ask(), world.ask()
    for job in (first, second):
        replay(world.job(job), world.stores, lambda: True, world.wake)  # only the list

    assert (world.work(first).done, world.work(second).done) == (2, 0)
    assert world.job(second).result == {"skipped": {"gone": 2}}
    assert world.ledger()["waiting"] == 2


def test_letters_of_a_deleted_integration_are_gone_too(world: Graveyard) -> None:
    """The job ends all the same."""
    world.bury("ann", 1)
    job = world.ask()
    for _ in range(2):
        replay(world.job(job), world.stores, lambda: True, world.wake)  # only the list
    world.stores.integrations.delete("summer-hub", discard=True)

    assert world.work(job).result == {"skipped": {"gone": 1}}


def test_a_replay_waits_for_room(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own submissions come first."""
    for number in range(1, 6):
        world.bury("ann", number)
    monkeypatch.setattr(world.stores.dead_letters.moves, "_limits", world.stores.inbox.limits.__class__(1, 2))
    job = world.ask()

    assert world.go_on(job)
    assert (world.job(job).state, world.job(job).done, world.ledger()["waiting"]) == ("running", 2, 2)
    world.drain_until_quiet()
    assert world.go_on(job)
    world.drain_until_quiet()

    assert world.work(job).done == 5


def test_a_replay_waits_for_what_is_judged_again(world: Graveyard) -> None:
    """The lanes are being rebuilt meanwhile."""
    world.bury("ann", 1)
    world.stores.connection.hset(f"{own(world.integration)}:state", "redo", 1)
    job = world.ask()

    assert world.go_on(job)
    assert world.ledger()["dead"] == 1
    world.stores.connection.hdel(f"{own(world.integration)}:state", "redo")

    assert world.work(job).done == 1


def test_a_replay_keeps_to_its_rate(world: Graveyard) -> None:
    """Somebody wants to look at the first ones before the rest arrives."""
    for number in range(1, 61):
        world.bury("ann", number)
    job = world.ask(ReplayOptions(filter=EVERYTHING, rate=4))
    done = []
    for seconds in (0, 0.1, 1, 1.5, 2, 60):
        replay(world.job(job), world.stores, lambda: False, world.wake, clock=lambda: 1000 + seconds)  # noqa: B023
        done.append(world.job(job).done)

    assert done == [4, 4, 8, 10, 12, 32]


def test_a_replay_says_when_it_is_worth_while_to_call_it(world: Graveyard) -> None:
    """Neither five times a second, nor later than its rate allows."""
    for number in range(1, 61):
        world.bury("ann", number)

    def rest_s(rate: float) -> float | None:
        job = world.ask(ReplayOptions(filter=EVERYTHING, rate=rate))
        return replay(world.job(job), world.stores, lambda: False, world.wake, clock=lambda: 1000)

    assert [rest_s(rate) for rate in (10, 0.5, 0.01)] == [2.0, 2.0, pytest.approx(100)]


def test_letters_that_are_gone_do_not_use_up_the_rate(world: Graveyard) -> None:
    """Nothing was sent for them."""
    for number in range(1, 7):
        world.bury("ann", number)
    first, second = world.ask(), world.ask(ReplayOptions(filter=EVERYTHING, rate=1))
    for job in (first, second):
        replay(world.job(job), world.stores, lambda: True, world.wake)  # only the list
    world.work(first)

    replay(world.job(second), world.stores, lambda: False, world.wake, clock=lambda: 1000)

    assert (world.job(second).state, world.job(second).skipped) == ("done", 6)


def test_ids_of_no_letter_are_named(world: Graveyard) -> None:
    """Somebody may have mistyped them."""
    wanted = world.bury("ann", 1)

    job = world.replay(ReplayOptions(ids=("nonsense", wanted, "0" * 20)))

    assert (job.matched, job.done, job.skipped) == (1, 1, 2)
    assert job.result == {"gone": ["nonsense", "0" * 20], "skipped": {"gone": 2}}


def test_a_slow_rate_gets_on_too(world: Graveyard) -> None:
    """One letter in ten seconds is a rate."""
    for number in range(1, 4):
        world.bury("ann", number)
    job = world.ask(ReplayOptions(filter=EVERYTHING, rate=0.1))
    done = []
    for seconds in (0, 5, 10, 20):
        replay(world.job(job), world.stores, lambda: False, world.wake, clock=lambda: 1000 + seconds)  # noqa: B023
        done.append(world.job(job).done)

    assert done == [1, 1, 2, 3]


def test_events_that_are_too_old_are_marked_to_be_left_out(world: Graveyard) -> None:
    """They would set off what is long over; the attributes are still true."""
    world.bury("ann", 1)
    job = world.replay(ReplayOptions(filter=EVERYTHING, events_not_older_than_hours=2))

    entries: Any = world.stores.connection.xrange(f"{own(world.integration)}:in:0")
    assert entries[0][1][b"c"] == str(job.created_ms - 2 * 3_600_000).encode()
    world.drain_until_quiet()

    assert [[*request] for request in world.braze.sent] == [["attributes"]]


def test_without_a_broker_the_sweep_finds_what_was_put_back(world: Graveyard) -> None:
    """The letters are in their lanes, whoever could not be told."""
    world.bury("ann", 1)
    world.wake.away = True

    assert world.replay().done == 1
    assert world.stores.inbox.sweep(world.integration).lanes == [0]


def test_a_replay_goes_on_in_small_parts(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has other things to do."""
    monkeypatch.setattr("workers.replay.PAGE", 2)
    monkeypatch.setattr("workers.store.dead_letters.FIRST_PAGE", 2)
    monkeypatch.setattr("workers.store.dead_letters.LAST_PAGE", 2)
    for number in range(1, 10):
        world.bury("ann", number)
    job = world.ask()

    calls = 1
    while world.go_on(job, 0):
        calls += 1
        assert calls < 50
        # Without a budget only the list gets on.
        if world.job(job).progress.get("chosen"):
            break
    assert calls >= 5
    assert world.work(job).done == 9


@pytest.mark.parametrize("answered", [False, True])
def test_a_replay_may_die_at_any_command(answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run finishes: nothing is lost, nothing is twice, and the numbers are right."""
    monkeypatch.setattr("workers.replay.PAGE", 4)
    monkeypatch.setattr("workers.store.dead_letters.FIRST_PAGE", 5)
    monkeypatch.setattr("workers.store.dead_letters.LAST_PAGE", 5)
    commands, cut = 0, True
    while cut:
        commands += 1
        server = FakeServer()
        world = Graveyard(FakeRedis(server=server))
        for number in range(1, 13):
            world.bury(f"m{number % 3}", number, **({"member_id": True} if number % 6 == 0 else {}))
        job = world.ask()
        cut_after(world.stores.connection, commands, answered=answered)
        with contextlib.suppress(PowerCut):
            cut = world.go_on(job)
        world.reopen(FakeRedis(server=server))
        world.stores.connection.delete(*world.stores.connection.keys("*:lease*") or ["none"])
        told = world.job(job) if not cut else world.work(job)
        world.drain_until_quiet()

        assert (told.state, told.matched, told.done, told.skipped) == ("done", 12, 10, 2)
        assert told.result == {"skipped": {"bad_identifier": 2}}
        assert sorted(world.sent_numbers()) == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
        assert (world.ledger()["delivered"], world.ledger()["dead"]) == (10, 2)
        of_one_person = [number for number in world.sent_numbers() if number % 3 == 1]
        assert of_one_person == sorted(of_one_person)
    assert commands > 20


def test_a_dry_run_changes_nothing(world: Graveyard) -> None:
    """People look before they leap."""
    wanted = world.bury("ann", 1, team="red", done={"a": ["team"]})
    world.bury(None, 2, member_id=True)
    before = world.ledger()

    job = world.replay(ReplayOptions(filter=EVERYTHING, dry_run=True))

    assert (job.state, world.ledger(), world.wake.made) == ("done", before, [])
    assert job.result is not None
    assert job.result["outcomes"] == {"delivered": 1, "bad_identifier": 1}
    assert "requests" not in job.result  # they hold what people typed
    [request] = dry_run(ReplayOptions(filter=EVERYTHING), world.stores)["requests"]
    assert (request["submission"], request["left_out"]) == (wanted, ["team"])


def test_a_dry_run_tells_exactly_what_a_replay_sends(world: Graveyard) -> None:
    """Otherwise nobody could rely on it."""
    world.bury("ann", 1, team="red", done={"a": ["team"]})
    asked = ReplayOptions(filter=EVERYTHING)
    [request] = dry_run(asked, world.stores)["requests"]

    world.replay(asked)
    world.drain_until_quiet()

    assert [orjson.loads(orjson.dumps(request["body"]))] == world.braze.sent


def refused(request: dict[str, Any]) -> Accepted:
    """Braze takes nothing but the events."""
    return Accepted(201, refused=[Refusal("attributes", 0, "'team' is of the wrong type")])


def test_what_is_refused_again_is_a_dead_letter_again(world: Graveyard) -> None:
    """With its attempts, and how often it was replayed; what was accepted of it is never sent twice."""
    [wanted] = world.accept(form("ann", 1, team="red"))
    for replays in range(3):
        world.braze.answers = [refused]
        world.drain_until_quiet()
        [letter] = world.stores.dead_letters.list(LetterFilter())[0]
        assert (letter["id"], letter["reason"], letter["replays"]) == (wanted, "refused", replays)
        assert world.stores.connection.hgetall(f"{own(world.integration)}:open") == {f"{DAY}".encode(): b"1"}
        world.now += 60_000
        assert world.replay().done == 1
    world.braze.answers = []
    world.drain_until_quiet()

    assert (world.ledger()["delivered"], world.ledger()["dead"]) == (1, 0)
    assert set(world.braze.events().values()) == {1}
    assert not world.stores.connection.exists(f"{own(world.integration)}:open", "{acme}:open", "{acme}:times")
    assert world.ledger()["received"] == 1


def test_a_replay_never_goes_back_in_time(world: Graveyard) -> None:
    """What a later submission has set stands; what it did not set is filled in."""
    world.accept(form("ann", 1, team="red"))
    world.braze.answers = [refused]
    world.drain_until_quiet()
    world.accept(form("ann", 2))
    world.now += 60_000
    world.drain_until_quiet()
    world.replay()
    world.now += 60_000
    world.drain_until_quiet()

    assert world.braze.sent[-2]["attributes"] == [{"external_id": "ann", "first_name": "ann2"}]
    assert world.braze.sent[-1] == {"attributes": [{"external_id": "ann", "team": "red"}]}


def test_what_was_said_again_counts_as_set(store_connection: redis.Redis) -> None:
    """It is not sent, as Braze has it already, and still nothing older may take its place."""
    rule = {"field": "team", "attribute": "team", "type": "number"}
    world = Graveyard(store_connection, attributes=[rule], events=[])
    for number, team in enumerate(("7", "red", "7"), 1):
        world.accept(form("ann", number, team=team))
        world.now += 60_000
        world.drain_until_quiet()
    document = a_document(attributes=[{**rule, "type": "string"}], events=[])
    world.stores.integrations.save(document, by="test")
    assert world.replay().done == 1
    world.now += 60_000
    world.drain_until_quiet()

    sent = [one for request in world.braze.sent for one in request["attributes"]]
    assert sent == [{"external_id": "ann", "team": 7}]
    assert world.ledger()["dead"] == 0
