"""Listings and single submissions, over every stream that holds some."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from schemas.arrival import Arrival, Judgement
from schemas.attempts import Attempts
from schemas.batch import Batch, Settlement
from schemas.deaths import Death
from schemas.integration import Integration
from tests.factories import NOON_MS, a_document, an_arrival, an_integration
from tests.workers.test_drain import form
from tests.workers.test_replay import Graveyard
from workers.braze.reply import AllRefused, NoAnswer, NotAllowed, Refusal, Reply, Unavailable
from workers.redo import redo
from workers.store.inbox import Inbox, Limits
from workers.store.keys import own
from workers.store.records import OutOfTime
from workers.store.timeline import Timeline


class Hub:
    """Integrations, and what was accepted for them."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.integrations = [an_integration(), an_integration(id="winter-hub")]
        for one in self.integrations:
            connection.hset(f"{own(one)}:state", "version", 1)
        self.inbox = Inbox(connection, Limits(lanes=2, person_spacing_ms=0))
        self.timeline = Timeline(connection, lambda: self.integrations)

    @property
    def summer(self) -> Integration:
        return self.integrations[0]

    def accept(self, *arrivals: Arrival, to: Integration | None = None) -> list[str]:
        time.sleep(0.0015)  # two streams know the order of what came in one millisecond only for themselves
        receipt = self.inbox.accept(to or self.summer, arrivals)
        return [submission_id for submission_id, _ in receipt.submissions]

    def hand_out(self) -> list[tuple[int, Batch]]:
        """What every lane has, now in flight."""
        batches = [(lane, self.inbox.step(self.summer, lane, f"drain-{lane}")) for lane in range(2)]
        return [(lane, batch) for lane, batch in batches if isinstance(batch, Batch)]

    def deliver(self) -> None:
        for lane, batch in self.hand_out():
            settled = Settlement(
                batch, verdicts="d" * len(batch.entries), results=[["delivered", []]] * len(batch.entries),
                tried=Attempts([{"at": 0, "status": 201}], 1),
            )  # fmt: skip
            self.inbox.step(self.summer, lane, f"drain-{lane}", settled, release=True)

    def pages(self, limit: int, **filters: Any) -> list[list[dict[str, Any]]]:
        pages, cursor = [], None
        while True:
            items, cursor = self.timeline.list(cursor=cursor, limit=limit, **filters)
            pages.append(items)
            if cursor is None:
                return pages
            assert len(pages) < 1000

    def listed(self, **filters: Any) -> list[str]:
        return [one["id"] for page in self.pages(500, **filters) for one in page]


@pytest.fixture
def hub(store_connection: redis.Redis) -> Hub:
    return Hub(store_connection)


def dead(number: int) -> Arrival:
    return an_arrival(number=number)._replace(judgement=Judgement("dead", reason="bad_identifier"))


def filtered(number: int, **changes: Any) -> Arrival:
    judgement = Judgement("filtered", reason="no_identifier")
    return an_arrival(number=number)._replace(judgement=judgement, **changes)


def test_what_came_last_is_listed_first_wherever_it_lies(hub: Hub) -> None:
    """People look for what has just happened, whatever became of it."""
    delivered = hub.accept(an_arrival("ann", 1))
    hub.deliver()
    rest = hub.accept(dead(2)) + hub.accept(an_arrival("bob", 3)) + hub.accept(filtered(4))
    other = hub.accept(an_arrival("ann", 5), to=hub.integrations[1])

    assert hub.listed() == [*other, *reversed(rest), *delivered]
    assert hub.listed(integration_id="winter-hub") == other


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_every_page_goes_on_where_the_last_one_ended(hub: Hub, limit: int) -> None:
    """Nothing twice, nothing left out, also in the middle of a batch."""
    ids = hub.accept(*(an_arrival(f"m{number}", number) for number in range(30)))
    hub.deliver()
    ids += hub.accept(*(an_arrival(f"m{number}", number) for number in range(30, 45)), dead(100), filtered(101))

    listed = [one["id"] for page in hub.pages(limit) for one in page]

    assert len(listed) == len(ids)
    assert set(listed) == set(ids)
    assert all(len(page) <= limit for page in hub.pages(limit))


def test_a_cursor_survives_an_integration_that_was_removed(hub: Hub) -> None:
    """Somebody else may clean up while somebody reads."""
    hub.accept(*(an_arrival(number=number) for number in range(4)))
    hub.accept(*(an_arrival(number=number) for number in range(4)), to=hub.integrations[1])
    _, cursor = hub.timeline.list(limit=2)
    del hub.integrations[1]

    items, _ = hub.timeline.list(cursor=cursor)

    assert [one["integration"] for one in items] == ["summer-hub"] * 4


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "0.abc", "0.-", "1-1", "-1-1.0.a.in:0", "1-1.0.a.in:0\n", "9" * 30 + "-1.0.a.in:0", "1-1.0.A b.x"],
)
def test_what_is_no_cursor_is_refused(hub: Hub, cursor: str) -> None:
    """Taken for a place it would break, or show an arbitrary page."""
    with pytest.raises(ValueError, match="cursor"):
        hub.timeline.list(cursor=cursor)


def test_each_state_is_listed_alone(hub: Hub) -> None:
    """Nobody should have to page through a backlog to see the dead letters."""
    ids = {"delivered": hub.accept(an_arrival("ann", 1))}
    hub.deliver()
    ids |= {"in_flight": hub.accept(an_arrival("ann", 2))}
    hub.hand_out()
    ids |= {
        "waiting": hub.accept(an_arrival("ann", 3)),
        "dead": hub.accept(dead(4)),
        "filtered": hub.accept(filtered(5)),
    }

    assert {state: hub.listed(state=state) for state in ids} == ids
    assert hub.listed(state="held") == hub.listed(state="discarded") == []


def test_a_listing_looks_at_a_bounded_part(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that never occurs must not make anybody read a million submissions."""
    monkeypatch.setattr("workers.store.timeline.LOOKED_AT", 10)
    ids = hub.accept(*(an_arrival(f"m{number}", number) for number in range(25)))

    pages = hub.pages(50, event="PrizeAwarded")

    assert pages == [[], [], []]
    assert sorted(hub.listed()) == sorted(ids)


def test_older_ones_are_left_out(hub: Hub) -> None:
    """By the time of receipt, not by when they were settled."""
    old = an_arrival(number=1)._replace(received_ms=NOON_MS - 1000)
    new = an_arrival(number=2)._replace(received_ms=NOON_MS + 1000)
    _, newer = hub.accept(old, new)

    assert hub.listed(since=datetime.fromtimestamp(NOON_MS / 1000, UTC)) == [newer]


def test_a_submission_is_found_wherever_it_lies(hub: Hub) -> None:
    """From the door to its end under one id."""
    (submission_id,) = hub.accept(an_arrival("ann", 1))
    states = [_state_of(hub, submission_id)]
    hub.hand_out()
    states.append(_state_of(hub, submission_id))
    for lane in range(2):
        hub.connection.delete(f"{own(hub.summer)}:lease:{lane}")
    hub.deliver()
    states.append(_state_of(hub, submission_id))
    hub.accept(*(an_arrival(f"m{number}", number) for number in range(2, 40)))
    hub.deliver()

    assert states == ["waiting", "in_flight", "delivered"]
    shown = hub.timeline.show(submission_id)
    assert shown is not None
    assert shown["raw"]["member_id"] == "ann"
    assert shown["person"] == {"kind": "external_id", "value": "ann", "alias_label": None}
    assert [step["what"] for step in shown["timeline"]] == ["received", "mapped", "attempt", "delivered"]
    assert hub.timeline.show(hub.accept(dead(50))[0])["timeline"][-1]["reason"] == "bad_identifier"  # type: ignore[index]
    assert hub.timeline.show(hub.accept(filtered(51))[0])["timeline"][1]["version"] == 1  # type: ignore[index]


def _state_of(hub: Hub, submission_id: str) -> str:
    shown = hub.timeline.show(submission_id)
    assert shown is not None
    return str(shown["state"])


def test_what_waits_to_be_judged_again_is_not_lost_from_sight(hub: Hub) -> None:
    """While the rules change, submissions lie in streams of their own."""
    waiting = hub.accept(an_arrival("ann", 1))
    hub.connection.hset(f"{own(hub.summer)}:state", "redo", "1")
    waiting += hub.accept(an_arrival("bob", 2))
    hub.connection.rename(f"{own(hub.summer)}:in:{_lane_of_the_first(hub)}", f"{own(hub.summer)}:new:0")

    assert hub.listed(state="waiting") == waiting[::-1]
    assert [_state_of(hub, one) for one in waiting] == ["waiting", "waiting"]


def _lane_of_the_first(hub: Hub) -> int:
    return next(lane for lane in range(2) if hub.connection.exists(f"{own(hub.summer)}:in:{lane}"))


def test_what_a_person_typed_is_not_taken_for_an_id(hub: Hub) -> None:
    """Somebody may know how the store is written."""
    (wanted,) = hub.accept(an_arrival("ann", 1))
    digest, day = wanted[-16:], int(wanted[:-16], 16)
    hub.accept(an_arrival(f',{day},"{digest}",', 2))

    shown = hub.timeline.show(wanted)

    assert shown is not None
    assert shown["raw"]["member_id"] == "ann"


@pytest.mark.parametrize(
    "wanted", ["", "nothing", "*", "512c", "g" * 20, "512c" + "0" * 16, "f" * 22, "0" * 17, "f" * 5000]
)
def test_what_is_not_there_is_not_found(hub: Hub, wanted: str) -> None:
    """Whatever somebody writes behind the last slash of the address."""
    hub.accept(an_arrival("ann", 1))

    assert hub.timeline.show(wanted) is None


class Story(Graveyard):
    """An integration that lives now, whatever the other tests do with the clock."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self.now = int(time.time() * 1000)

    def steps(self, submission_id: str) -> list[dict[str, Any]]:
        shown = self.stores.timeline.show(submission_id)
        assert shown is not None
        steps: list[dict[str, Any]] = shown["timeline"]
        return steps

    def told(self, submission_id: str) -> list[str]:
        return [one["what"] for one in self.steps(submission_id)]

    def refuse(self) -> None:
        """Until everything that waits is dead."""
        refused = AllRefused(400, "no", refused=[Refusal("attributes", 0, "bad"), Refusal("events", 0, "bad")])
        self.braze.answers = [refused]
        self.drain_until_quiet()

    def save(self, **document: Any) -> None:
        self.stores.integrations.save(a_document(**document), by="test")


@pytest.fixture
def story(store_connection: redis.Redis) -> Story:
    return Story(store_connection)


@pytest.mark.parametrize(
    ("answer", "state", "flight_state"),
    [(Unavailable(502, "away"), "waiting", b"clean"), (NoAnswer(0, "lost"), "waiting", b"unknown"),
     (NotAllowed(401, "no key"), "waiting", b"clean")],
)  # fmt: skip
def test_what_was_put_off_waits(story: Story, answer: Reply, state: str, flight_state: bytes) -> None:
    """Nobody is sending it, and the ledger says so too."""
    (wanted,) = story.accept(form("ann", 1))
    story.braze.answers = [answer]
    story.drain()

    assert story.stores.connection.hget(f"{own(story.integration)}:lane:0", "flight_state") == flight_state
    for chosen, ids in (("waiting", [wanted]), ("in_flight", [])):
        assert [one["id"] for one in story.stores.timeline.list(state=chosen)[0]] == ids
    assert (story.ledger()["waiting"], story.ledger()["in_flight"]) == (1, 0)
    shown = story.stores.timeline.show(wanted)
    assert shown is not None
    assert (shown["state"], shown["attempts"]) == (state, 1)
    assert story.told(wanted) == ["received", "attempt", "waits"]
    assert story.steps(wanted)[1]["answer"] == answer.words


def test_what_waits_says_why_and_until_when(story: Story) -> None:
    """It is the first thing that anybody asks."""
    (first,) = story.accept(form("ann", 1))
    assert story.steps(first)[-1] == {"what": "waits", "because": "It waits for its turn.", "until": None}
    story.drain()
    (second,) = story.accept(form("ann", 2))
    story.drain()
    assert story.steps(second)[-1]["because"] == "Its person was written to a moment ago."
    assert story.steps(second)[-1]["until"] is not None
    story.stores.integrations.pause("summer-hub", by="test")
    assert story.steps(second)[-1]["because"] == "Paused by a person."
    story.save(identifiers=[{"kind": "external_id", "field": "email"}], enabled=True)
    story.stores.integrations.resume("summer-hub", by="test")
    assert "judged again" in story.steps(second)[-1]["because"]


def test_a_replay_shows_the_death_before_it(story: Story) -> None:
    """Under the rules of each time, with the attempts of each life."""
    (wanted,) = story.accept(form("ann", 1))
    story.refuse()
    assert story.told(wanted) == ["received", "mapped", "attempt", "dead"]
    story.save(name="Another name")
    story.replay()
    assert story.told(wanted) == ["received", "mapped", "attempt", "dead", "replayed", "waits"]
    story.now += 5000
    story.drain_until_quiet()

    steps = story.steps(wanted)

    assert [one["what"] for one in steps] == [
        "received", "mapped", "attempt", "dead", "replayed", "mapped", "attempt", "delivered",
    ]  # fmt: skip
    assert [one["version"] for one in steps if "version" in one] == [1, 1, 2]
    assert steps[3]["reason"] == "refused"
    assert [one["attempt"] for one in steps if one["what"] == "attempt"] == [1, 2]


def test_every_death_is_told_of_what_dies_again(story: Story) -> None:
    """Whoever looks at it wants to know what was tried already."""
    (wanted,) = story.accept(form("ann", 1))
    story.refuse()
    for _ in range(2):
        story.replay()
        story.now = int(time.time() * 1000) + 5000
        story.stores.connection.delete(f"{{acme}}:cool:{story.now // 2000}")
        story.refuse()

    steps = story.steps(wanted)

    life = ["mapped", "attempt", "dead"]
    assert [one["what"] for one in steps] == ["received", *life, "replayed", *life, "replayed", *life]
    assert [one["attempt"] for one in steps if one["what"] == "attempt"] == [1, 2, 3]
    assert steps[-1]["replays"] == 2


def test_what_was_put_off_between_its_deaths_keeps_them(story: Story) -> None:
    """A batch that is tried again carries what it knew before."""
    (wanted,) = story.accept(form("ann", 1))
    story.refuse()
    story.replay()
    story.now += 5000
    story.braze.answers = [Unavailable(503, "away")]
    story.drain()
    assert story.told(wanted)[3:] == ["dead", "replayed", "attempt", "waits"]
    story.drain_until_quiet()

    assert story.told(wanted)[3:] == ["dead", "replayed", "mapped", "attempt", "attempt", "delivered"]


def test_what_was_discarded_says_when_and_why_it_died(story: Story) -> None:
    """And when it was given up, and what happened before."""
    (wanted,) = story.accept(form("ann", 1))
    story.refuse()
    story.replay()
    story.now += 5000
    story.refuse()
    story.work(story.ask(kind="discard"))

    steps = story.steps(wanted)

    life = ["mapped", "attempt", "dead"]
    assert [one["what"] for one in steps] == ["received", *life, "replayed", *life, "discarded"]
    assert [one["reason"] for one in steps if one["what"] == "dead"] == ["refused", "refused"]


def test_one_that_died_at_the_door_is_told_like_the_others(story: Story) -> None:
    """Nothing was tried with it."""
    story.save(identifiers=[{"kind": "email", "field": "email"}])
    (wanted,) = story.accept(form("ann", 1, email="nonsense"))
    story.work(story.ask(kind="discard"))

    assert story.told(wanted) == ["received", "mapped", "dead", "discarded"]


def test_the_version_of_its_receipt_outlives_a_change_of_the_rules(story: Story) -> None:
    """What it was mapped under is told beside it; also of what nobody wants any more, and of what was tried before."""
    (kept, lost) = story.accept(form("ann", 1, email="ann@example.com"), form("bob", 2, user_session_id=""))
    story.braze.answers = [Unavailable(503, "away")]
    story.drain()
    story.save(identifiers=[{"kind": "email", "field": "email"}])
    redo("summer-hub", story.stores)
    story.now += 60_000
    story.drain_until_quiet()

    versions = [[one.get("version") for one in story.steps(wanted)[:2]] for wanted in (kept, lost)]

    assert versions == [[1, 2], [1, 2]]
    assert story.told(kept) == ["received", "mapped", "attempt", "attempt", "delivered"]
    assert story.told(lost) == ["received", "mapped", "attempt", "filtered"]


def test_what_is_filtered_after_a_replay_shows_the_death_before_it(story: Story) -> None:
    """The rules changed while it waited again."""
    (wanted,) = story.accept(form("ann", 1))
    story.refuse()
    story.replay()
    story.save(identifiers=[{"kind": "email", "field": "email"}])
    redo("summer-hub", story.stores)

    assert story.told(wanted) == ["received", "mapped", "attempt", "dead", "replayed", "mapped", "filtered"]


def test_deaths_of_another_shape_are_left_out(hub: Hub) -> None:
    """What an older version wrote, or nobody knows who, must not hide the submission."""
    (wanted,) = hub.accept(dead(1))
    found: Any = hub.connection.xrange(f"{own(hub.summer)}:dlq")
    [(_, letter)] = found
    hub.connection.delete(f"{own(hub.summer)}:dlq")
    hub.connection.xadd(f"{own(hub.summer)}:dlq", {**letter, "done": '{"h":[[1,"refused"],7,[1,"too_big",1,0,2]]}'})

    shown = hub.timeline.show(wanted)

    assert shown is not None
    assert [one["what"] for one in shown["timeline"]] == ["received", "mapped", "dead", "replayed", "mapped", "dead"]
    assert shown["timeline"][2]["reason"] == Death(1, "too_big", 1, 0, 2).reason


def test_a_submission_is_shown_though_nobody_remembers_that_it_was_accepted(hub: Hub) -> None:
    """What has neither id nor time is forgotten after ten minutes, and is there all the same."""
    [wanted] = hub.accept(an_arrival("ann", 1)._replace(short_lived=True))
    [other] = hub.accept(an_arrival("bob", 2), to=hub.integrations[1])
    for name in hub.connection.scan_iter("*:once:*"):
        hub.connection.delete(name)

    assert hub.timeline.show(wanted) is not None
    assert hub.timeline.show(other, "winter-hub") is not None
    assert hub.timeline.show(other, "summer-hub") is None


def test_a_look_for_an_id_ends_with_its_time(hub: Hub) -> None:
    """Nobody waits a second for a page to say that a mistyped id is unknown."""
    now = [0.0]

    def clock() -> float:
        now[0] += 0.03
        return now[0]

    [wanted] = hub.accept(an_arrival("ann", 1))
    hub.accept(an_arrival("ann", 2), to=hub.integrations[1])
    hub.accept(dead(3), filtered(4))
    hub.timeline = Timeline(hub.connection, lambda: hub.integrations, clock=clock)

    with pytest.raises(OutOfTime):
        hub.timeline.show(wanted[:-4] + "0000", seconds=0.1)
    assert hub.timeline.show(wanted[:-4] + "0000", seconds=1.0) is None
    assert hub.timeline.show(wanted, seconds=1.0) is not None
