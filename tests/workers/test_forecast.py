import pytest

from schemas.batch import Entry, Replay
from schemas.names import Names
from schemas.person import Person
from tests.factories import NOON_MS, a_body, an_integration
from workers.changes import UNKNOWN, Mark, pack_marks
from workers.forecast import Forecast, forecast
from workers.transform import compile_mapping

NAMES = Names.of({"first_name": 1, "team": 2})
ENTRY = Entry(
    "1-0", "s1", 5, Person("external_id", "m1"), NOON_MS, "CompetitionEntrySuccess",
    a_body(first_name="Ann", team="red"),
)  # fmt: skip


def foretold(entry: Entry = ENTRY, **more: object) -> Forecast:
    integration = an_integration()
    return forecast(entry, integration, compile_mapping(integration), names=NAMES, **more)  # type: ignore[arg-type]


def test_a_submission_comes_to_the_requests_of_its_delivery() -> None:
    """The exact bodies."""
    told = foretold()

    [(path, body)] = told.requests
    assert (told.outcome, told.reason, told.left_out, path) == ("delivered", None, [], "/users/track")
    assert body["attributes"] == [{"external_id": "m1", "first_name": "Ann", "team": "red"}]
    assert [event["name"] for event in body["events"]] == ["komo_entry"]


def test_only_what_is_known_for_sure_is_left_out() -> None:
    """Doubt sends again."""
    known = pack_marks({"first_name": Mark(9, "Ann"), "team": Mark(9, UNKNOWN)}, NAMES)

    assert foretold(known=known).left_out == ["first_name"]


def test_a_replay_leaves_out_what_was_taken_and_what_is_newer() -> None:
    """The same as the replay itself."""
    replayed = ENTRY._replace(done={"e": ["komo_entry"]}, replay=Replay(1, NOON_MS, None))

    told = foretold(replayed, times={"team": 9})

    assert told.left_out == ["team", "komo_entry"]
    assert told.requests == [("/users/track", {"attributes": [{"external_id": "m1", "first_name": "Ann"}]})]


@pytest.mark.parametrize(
    ("since", "times", "outcome", "reason"),
    [
        (NOON_MS + 1, {"first_name": 9, "team": 9}, "filtered", "superseded"),
        (None, {"first_name": 9, "team": 9}, "delivered", None),
    ],
)
def test_what_has_nothing_left_to_send_is_filtered(
    since: float | None, times: dict[str, int], outcome: str, reason: str | None
) -> None:
    """With its reason."""
    told = foretold(ENTRY._replace(replay=Replay(1, NOON_MS, since)), times=times)

    assert (told.outcome, told.reason) == (outcome, reason)
