"""The control API for tests."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}


@pytest.fixture
def client() -> FlaskClient:
    client = create_app(Sandbox(Settings(delay_ms=(0, 0)))).test_client()
    for number in range(3):
        who = {"external_id": f"p{number}"}
        properties = {"komo_submission_id": f"s-{number}:1"}
        client.post("/users/track", headers=HEADERS, json={
            "attributes": [{**who, "email": f"p{number}@example.com", "score": number, "country": "Atlantis"}],
            "events": [{**who, "name": "komo_entry", "time": "2020-01-01T00:00:00Z", "properties": properties}],
        })  # fmt: skip
    return client


def get(client: FlaskClient, path: str) -> Any:
    answer = client.get(f"/sandbox/api/{path}")
    assert answer.status_code == 200
    return answer.json


def test_the_state_sums_up_a_run(client: FlaskClient) -> None:
    """What a soak checks at its end."""
    told = get(client, "state")
    assert (told["requests"], told["objects"], told["profiles"], told["events"]) == (3, 6, 3, 3)
    assert (told["biggest_request"], told["smallest_request"], told["mean_fill"]) == (2, 2, 2.0)
    assert (told["max_in_flight_per_person"], told["pending"], told["violations"]) == (1, 0, {})
    assert told["silent_drops"] == {"unknown_country": 3}
    assert told["event_ids"]["distinct"] == 3


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=2", ["p2", "p1"]),
        ("limit=2&offset=2", ["p0"]),
        ("external_id=p1", ["p1"]),
        ("external_id=nobody", []),
        ("email=p0@example.com", ["p0"]),
        ("attribute=score&operator=more+than&value=0", ["p2", "p1"]),
    ],
)
def test_profiles_can_be_found_and_paged(client: FlaskClient, query: str, ids: list[str]) -> None:
    """A soak reads twenty thousand of them, a test wants one."""
    assert [one["external_id"] for one in get(client, f"profiles?{query}")["items"]] == ids


def test_one_profile_shows_everything(client: FlaskClient) -> None:
    """Values, when they changed, and the events with their properties."""
    (one,) = get(client, "profiles?external_id=p1")["items"]
    assert one["custom_attributes"] == {"score": 1}
    assert one["standard"] == {"email": "p1@example.com"}
    assert one["event_counts"] == {"komo_entry": 1}
    assert one["events"][0]["properties"] == {"komo_submission_id": "s-1:1"}
    assert set(one["changed_at"]) == {"score", "email"}


def test_events_books_and_requests_can_be_read(client: FlaskClient) -> None:
    """Everything that the pages show, as JSON."""
    assert [one["properties"]["komo_submission_id"] for one in get(client, "events?limit=2")["items"]] == [
        "s-2:1",
        "s-1:1",
    ]
    assert get(client, "events?name=other")["items"] == []
    assert get(client, "silent-drops")["counts"] == {"unknown_country": 3}
    assert get(client, "violations")["total"] == 0
    (seen,) = get(client, "requests?limit=1")["items"]
    assert (seen["path"], seen["status"], seen["objects"]) == ("/users/track", 201, 2)
    assert seen["body"]["attributes"][0]["external_id"] == "p2"
    assert seen["answer"]["message"] == "success"


def test_event_ids_can_be_compared_exactly(client: FlaskClient) -> None:
    """Lost and doubled events show here."""
    assert get(client, "event-ids") == {
        "total": 3, "distinct": 3, "repeated": 0, "extra": 0, "not_kept": 0, "examples": {},
    }  # fmt: skip
    assert get(client, "event-ids?limit=2")["ids"] == {"s-0:1": 1, "s-1:1": 1}
    assert get(client, "event-ids?after=s-1:1")["ids"] == {"s-2:1": 1}


def test_settings_change_and_mistakes_are_told(client: FlaskClient) -> None:
    """A mistyped setting must not pass for a changed one."""
    assert client.post("/sandbox/api/settings", json={"header_mode": "seconds"}).status_code == 200
    assert get(client, "settings")["header_mode"] == "seconds"
    assert client.post("/sandbox/api/settings", json={"colour": 1}).status_code == 400
    assert client.post("/sandbox/api/settings", data=b"[").status_code == 400
    assert client.post("/sandbox/api/faults", json={"kind": "flood"}).status_code == 400
    assert client.post("/sandbox/api/faults", json=[1]).status_code == 400


def test_faults_can_be_ordered_read_and_dropped(client: FlaskClient) -> None:
    """A list is one order."""
    assert client.post("/sandbox/api/faults", json=[{"kind": "slow"}, {"status": 500}]).json == {"waiting": 2}
    assert [one["status"] for one in get(client, "faults")["items"]] == [None, 500]
    assert client.delete("/sandbox/api/faults").json == {"waiting": 0}


def test_a_reset_forgets_everything_but_the_settings(client: FlaskClient) -> None:
    """The next test starts from nothing."""
    client.post("/sandbox/api/settings", json={"latency_ms": 1})
    assert client.post("/sandbox/api/reset").status_code == 200
    told = get(client, "state")
    assert (told["requests"], told["profiles"], told["events"], told["silent_drops"]) == (0, 0, 0, {})
    assert get(client, "settings")["latency_ms"] == 1
    assert client.post("/sandbox/api/settle").json == {"settled": True}
