"""POST /users/track, as a caller meets it."""

from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo", "Content-Type": "application/json"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(delay_ms=(0, 0)))


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    return create_app(sandbox).test_client()


def track(client: FlaskClient, body: Any, **headers: str) -> TestResponse:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post("/users/track", data=data, headers={**HEADERS, **headers})


def people(count: int) -> list[dict[str, Any]]:
    return [{"external_id": f"p{number}", "beach": "Bondi"} for number in range(count)]


def test_good_objects_are_counted_and_stored(client: FlaskClient, sandbox: Sandbox) -> None:
    """A counter stands for each array that was sent, and for no other."""
    answer = track(client, {"attributes": people(2), "events": []})
    assert (answer.status_code, answer.json) == (
        201,
        {"message": "success", "attributes_processed": 2, "events_processed": 0},
    )
    assert len(sandbox.workspace.profiles) == 2
    assert not sandbox.ledgers.violations.counts()


def test_refused_objects_are_named_by_their_place(client: FlaskClient, sandbox: Sandbox) -> None:
    """Five objects, three refused: the answer that was measured on the live service."""
    answer = track(
        client,
        {
            "attributes": [
                {"external_id": "u0", "first_name": "Ok"},
                {"external_id": "u1", "email_subscribe": "yes"},
                {"external_id": "u2", "first_name": "Fine"},
                {"external_id": "u3", "push_subscribe": 1},
                {"external_id": "u4", "user_alias": {"alias_name": "a", "alias_label": "l"}, "first_name": "Two"},
            ]
        },
    )
    assert answer.status_code == 201
    assert answer.json == {
        "message": "success",
        "attributes_processed": 2,
        "errors": [
            {
                "type": "'email_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'",
                "input_array": "attributes",
                "index": 1,
            },
            {
                "type": "'push_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'",
                "input_array": "attributes",
                "index": 3,
            },
            {
                "type": "You must specify only one of 'external_id', 'user_alias' or 'braze_id'",
                "input_array": "attributes",
                "index": 4,
            },
        ],
    }
    assert len(sandbox.workspace.profiles) == 2


def test_a_request_without_a_good_object_is_a_400_with_the_same_errors(client: FlaskClient) -> None:
    """The whole request fails, and still says which object failed for what."""
    answer = track(client, {"attributes": [{"email": "not an address"}, {"first_name": "No identifier"}]})
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].startswith("Valid data must be provided in the 'attributes'")
    assert [error["index"] for error in answer.json["errors"]] == [0, 1]


@pytest.mark.parametrize("body", [{}, {"attributes": []}])
def test_an_empty_request_is_a_400_without_errors(client: FlaskClient, body: dict[str, Any]) -> None:
    """What a connection test may rely on."""
    answer = track(client, body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert "errors" not in answer.json


def test_code_names_replace_prose_on_request(client: FlaskClient, sandbox: Sandbox) -> None:
    """The reference page lists these, the live service speaks prose."""
    sandbox.settings.code_names = True
    answer = track(client, {"attributes": [*people(1), {"email": "x"}]})
    assert answer.json is not None
    assert answer.json["errors"] == [{"type": "EMAIL_BAD_FORMAT", "input_array": "attributes", "index": 1}]


def test_the_limit_counts_all_arrays_together(client: FlaskClient, sandbox: Sandbox) -> None:
    """75 in all; nothing of a bigger request is stored."""
    events = [{"external_id": "p0", "name": "x", "time": "2020-01-01T00:00:00Z"}]
    assert track(client, {"attributes": people(74), "events": events}).status_code == 201
    answer = track(client, {"attributes": people(75), "events": events})
    assert (answer.status_code, answer.json) == (400, {"message": "Max Input Length Exceeded"})
    assert sandbox.workspace.event_counts.total() == 1


def test_older_contracts_count_each_array(client: FlaskClient, sandbox: Sandbox) -> None:
    """Those customers may send three times as much."""
    sandbox.settings.legacy_arrays = True
    events = [{"external_id": "p0", "name": "x", "time": "2020-01-01T00:00:00Z"}] * 75
    assert track(client, {"attributes": people(75), "events": events}).status_code == 201
    assert track(client, {"attributes": people(76)}).status_code == 400


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"attributes": [{"external_id": "a",}]}', "Error while parsing request body. Please check your syntax."),
        (b"[]", "Error while parsing request body. Please check your syntax."),
        (b'{"events": {}}', "'events' must be an array"),
    ],
)
def test_bodies_that_cannot_be_read(client: FlaskClient, body: bytes, text: str) -> None:
    """These point to a mistake of the caller."""
    answer = track(client, body)
    assert (answer.status_code, answer.json) == (400, {"message": text})


def test_unknown_members_are_noted_and_not_refused(client: FlaskClient, sandbox: Sandbox) -> None:
    """Another connector sends `partner` and is not refused."""
    assert track(client, {"attributes": people(1), "partner": "komo"}).status_code == 201
    assert sandbox.ledgers.violations.counts() == {"unknown_member": 1}


def test_a_blocked_external_id_is_refused(client: FlaskClient, sandbox: Sandbox) -> None:
    """Braze blocks profiles that grow beyond all measure."""
    sandbox.settings.blocked_external_ids = frozenset({"p0"})
    answer = track(client, {"attributes": people(2)})
    assert answer.json is not None
    assert answer.json["errors"][0]["type"] == "provided external_id is blacklisted and disallowed"


def test_work_is_applied_after_the_answer(client: FlaskClient, sandbox: Sandbox) -> None:
    """A 201 means queued, not stored."""
    sandbox.settings.delay_ms = (50, 50)
    track(client, {"attributes": people(1)})
    assert len(sandbox.workspace.profiles) == 0
    assert sandbox.settle(5)
    assert len(sandbox.workspace.profiles) == 1


@pytest.mark.parametrize(
    ("kind", "status", "applied"),
    [
        ("unavailable", 503, 0),
        ("gateway_timeout_applied", 504, 1),
        ("rate_limited", 429, 0),
        ("unreadable", 201, 1),
        ("queued", 202, 1),
        ("forbidden", 403, 0),
        ("unplaceable", 201, 1),
        ("unplaceable_null", 201, 1),
    ],
)
def test_ordered_faults_answer_and_apply_as_ordered(
    client: FlaskClient, sandbox: Sandbox, kind: str, status: int, applied: int
) -> None:
    """Whether the call took effect is what a caller cannot see, and the test must know."""
    client.post("/sandbox/api/faults", json={"kind": kind})
    answer = track(client, {"attributes": people(1)})
    assert answer.status_code == status
    assert len(sandbox.workspace.profiles) == applied
    if kind.startswith("unplaceable"):
        assert answer.json is not None
        assert answer.json["errors"] == (None if kind.endswith("null") else ["some minor problem"])
    assert track(client, {"attributes": people(1)}).status_code == 201


def test_requests_in_a_row_show_their_spacing(client: FlaskClient, sandbox: Sandbox) -> None:
    """What a soak proves with it: nobody is written to twice in quick succession."""
    for _ in range(2):
        track(client, {"attributes": people(3)})
    told = sandbox.traffic.as_json()
    assert told["fill"] == {"3": 2}
    assert told["spacings_ms"] == {"<100": 3}
    assert told["max_in_flight_per_person"] == 1
