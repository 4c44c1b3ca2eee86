from datetime import timedelta
from typing import Any

import orjson
import pytest
import redis

from schemas.dead_letter import LetterFilter, ReplayOptions
from schemas.person import Person
from tests.factories import BRAZE, NOON, NOON_MS
from tests.letters import bury
from tests.messages import CAMPAIGN
from tests.workers.test_drain import World
from workers import prepare
from workers.changes import Mark, pack_marks
from workers.rehearse import dry_run
from workers.store.keys import MEMORY_MS, memory_keys

EVERYTHING = ReplayOptions(filter=LetterFilter())


class Stage(World):
    """A hub with letters."""

    def bury(self, member: str | None, number: int, **facts: Any) -> str:
        fields = {"first_name": f"{member}{number}"} | facts
        return bury(self.stores.connection, self.integration, member, number, **fields)


@pytest.fixture
def stage(store_connection: redis.Redis) -> Stage:
    return Stage(store_connection)


def test_the_exact_requests_are_told(stage: Stage) -> None:
    """Without the key, as everywhere."""
    wanted = stage.bury("ann", 1)

    told = dry_run(EVERYTHING, stage.stores)

    assert (told["outcomes"], told["complete"]) == ({"delivered": 1}, True)
    [request] = told["requests"]
    assert request["body"]["attributes"] == [{"external_id": "ann", "first_name": "ann1"}]
    assert request["body"]["events"][0]["properties"]["komo_submission_id"] == f"{wanted}:1"
    del request["body"]
    assert request == {
        "integration": "summer-hub", "submission": wanted, "method": "POST", "url": f"{BRAZE}/users/track",
        "left_out": [],
    }  # fmt: skip


def test_what_braze_has_is_left_out(stage: Stage) -> None:
    """As the replay would."""
    stage.bury("ann", 1, team="red", done={"a": ["team"], "e": ["komo_entry"]})

    [request] = dry_run(EVERYTHING, stage.stores)["requests"]

    assert request["body"] == {"attributes": [{"external_id": "ann", "first_name": "ann1"}]}
    assert request["left_out"] == ["team", "komo_entry"]


def test_what_a_later_submission_has_set_is_left_out(stage: Stage) -> None:
    """A replay never goes back in time."""
    stage.bury(None, 5, team="red", member_id="ann", first_name="ann5")  # nobody knew whose it was
    times = orjson.dumps({"first_name": 9, "team": 3})
    stage.stores.connection.hset("{acme}:times", Person("external_id", "ann").key, times)

    [request] = dry_run(EVERYTHING, stage.stores)["requests"]

    assert request["body"]["attributes"] == [{"external_id": "ann", "team": "red"}]
    assert request["left_out"] == ["first_name"]


def test_what_braze_has_as_it_is_is_left_out(stage: Stage) -> None:
    """The replay would not pay for it."""
    stage.bury("ann", 5, team="red")
    names = stage.stores.memory.names("acme", ["first_name", "team"])
    marks = pack_marks({"first_name": Mark(NOON_MS * 1000, "ann5"), "team": Mark(1, "blue")}, names)
    key = f"{memory_keys(stage.integration.braze)}{NOON_MS // MEMORY_MS}"
    stage.stores.connection.hset(key, Person("external_id", "ann").key, orjson.dumps(marks))

    [request] = dry_run(EVERYTHING, stage.stores, now=NOON)["requests"]

    assert request["body"]["attributes"] == [{"external_id": "ann", "team": "red"}]
    assert request["left_out"] == ["first_name"]


def test_messages_that_would_be_asked_for_are_told(store_connection: redis.Redis) -> None:
    """A replay of last week's prizes would write to people: better to know before."""
    stage = Stage(store_connection, sends=[{"kind": "campaign", "id": CAMPAIGN, "trigger_properties": {"t": "team"}}])
    letter = stage.bury("ann", 1, team="red")

    track, send = dry_run(EVERYTHING, stage.stores)["requests"]

    assert track["url"] == f"{BRAZE}/users/track"
    assert send == {
        "integration": "summer-hub", "submission": letter, "method": "POST", "url": f"{BRAZE}/campaigns/trigger/send",
        "body": {
            "campaign_id": CAMPAIGN,
            "recipients": [{"external_user_id": "ann", "trigger_properties": {"t": "red"}}],
        },
        "left_out": [],
    }  # fmt: skip


def test_old_events_are_left_out(stage: Stage) -> None:
    """The option is tried out here first."""
    stage.bury("ann", 1)
    stage.bury("ann", 2, first_name="")
    asked = ReplayOptions(filter=LetterFilter(), events_not_older_than_hours=2)

    told = dry_run(asked, stage.stores, now=NOON + timedelta(hours=3))

    assert told["outcomes"] == {"delivered": 1, "events_too_old": 1}
    assert [[*one["body"]] for one in told["requests"]] == [["attributes"]]
    assert dry_run(asked, stage.stores, now=NOON + timedelta(hours=1))["outcomes"] == {"delivered": 2}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"member_id": ""}, "no_identifier"),
        ({"member_id": True}, "bad_identifier"),
        ({"event": "SiteViewed"}, "not_accepted"),
        ({"first_name": "no number"}, "no_usable_value"),
        ({"first_name": ""}, "nothing_mapped"),
        ({"raw": b"not json"}, "mapping_failed"),
        ({"first_name": "31"}, "delivered"),
        ({"first_name": "31", "done": {"a": ["age"]}}, "delivered"),
    ],
)
def test_what_would_stay_dead_is_told_with_its_reason(
    store_connection: redis.Redis, facts: dict[str, Any], outcome: str
) -> None:
    """That is what has to be mended before."""
    rules = [{"field": "first_name", "attribute": "age", "type": "number"}]
    stage = Stage(store_connection, attributes=rules, events=[], accept={"events": ["CompetitionEntrySuccess"]})
    stage.bury("ann", 1, **facts)

    assert dry_run(EVERYTHING, stage.stores)["outcomes"] == {outcome: 1}


def test_a_superseded_letter_has_nothing_left_to_send(store_connection: redis.Redis) -> None:
    """It would be settled without a request."""
    stage = Stage(store_connection, events=[])
    stage.bury("ann", 5)
    stage.stores.connection.hset("{acme}:times", Person("external_id", "ann").key, '{"first_name":9}')

    assert dry_run(EVERYTHING, stage.stores)["outcomes"] == {"superseded": 1}


def test_a_submission_that_no_request_holds_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would die again."""
    monkeypatch.setattr(prepare, "MAX_REQUEST_BYTES", 50)
    stage.bury("ann", 1)

    assert dry_run(EVERYTHING, stage.stores)["outcomes"] == {"too_big": 1}


def test_the_first_letters_are_shown_and_a_bounded_number_is_counted(stage: Stage) -> None:
    """The web process answers this itself."""
    for number in range(1, 31):
        stage.bury(f"m{number}", number, died_ms=NOON_MS + number)

    told = dry_run(EVERYTHING, stage.stores, most=25)

    assert (len(told["requests"]), told["outcomes"], told["complete"]) == (20, {"delivered": 25}, False)


def test_it_ends_when_its_time_is_up(stage: Stage) -> None:
    """Also while it has found nothing: somebody looks for a rare reason among many letters."""
    for number in range(1, 4):
        stage.bury(f"m{number}", number)
    calls = iter([False, False, True])

    told = dry_run(EVERYTHING, stage.stores, until=lambda: next(calls))
    rare = dry_run(ReplayOptions(filter=LetterFilter(reason="too_old")), stage.stores, until=lambda: True)

    assert (told["outcomes"], told["complete"]) == ({"delivered": 2}, False)
    assert (rare["outcomes"], rare["complete"]) == ({}, False)


def test_only_what_was_asked_for_is_told(stage: Stage) -> None:
    """By ids, too."""
    ids = [stage.bury(f"m{number}", number) for number in range(1, 4)]

    told = dry_run(ReplayOptions(ids=(ids[2], ids[0], "nonsense")), stage.stores)

    assert [one["submission"] for one in told["requests"]] == [ids[0], ids[2]]
    assert told["gone"] == ["nonsense"]
    assert dry_run(ReplayOptions(), stage.stores)["requests"] == []
