"""Submissions over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from ingest.arrive import arrive
from schemas.body import OneBody
from workers.store import Stores

URL = "/api/v1/submissions"


@pytest.fixture
def submission_id(api: FlaskClient, stores: Stores, a_document: Callable[..., dict[str, Any]]) -> str:
    """One that waits."""
    api.post("/api/v1/integrations", json=a_document())
    body = {"event": "CompetitionEntrySuccess", "id": "e1", "member_id": "m1", "first_name": "Ada"}
    integration = stores.integrations.get("summer").integration
    one = OneBody(body, orjson.dumps(body))
    arrival = arrive(one, integration, received_at=datetime.now(UTC), delivery_id=None, place=0)
    return stores.inbox.accept(integration, [arrival]).submissions[0][0]


def test_a_submission_is_listed_and_shown(api: FlaskClient, submission_id: str) -> None:
    """From the list to its timeline."""
    listed = api.get(URL, query_string={"integration": "summer", "state": "waiting"}).get_json()
    shown = api.get(f"{URL}/{submission_id}").get_json()

    assert [one["id"] for one in listed["items"]] == [submission_id]
    assert shown["raw"]["first_name"] == "Ada"
    assert shown["timeline"][0]["what"] == "received"


@pytest.mark.parametrize(
    "filters", [{"state": "delivered"}, {"event": "PrizeAwarded"}, {"since": "2999-01-01T00:00:00Z"}]
)
def test_filters_leave_out_the_rest(api: FlaskClient, submission_id: str, filters: dict[str, str]) -> None:
    """Each one alone."""
    assert api.get(URL, query_string=filters).get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "filters", [{"state": "lost"}, {"since": "yesterday"}, {"since": "0001-01-01T00:00:00+14:00"}, {"cursor": "x"}]
)
def test_a_filter_that_means_nothing_is_refused(api: FlaskClient, filters: dict[str, str]) -> None:
    """An empty list would look like an answer."""
    answer = api.get(URL, query_string=filters)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [f"/{name}" for name in filters]


@pytest.mark.parametrize("name", ["text", "identifier", "until"])
def test_a_parameter_that_is_none_is_refused(api: FlaskClient, name: str) -> None:
    """And the answer says where to search, or which ones there are."""
    answer = api.get(URL, query_string={name: "Ada"})

    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["pointer"] == f"/{name}"
    assert ("event, integration" if name == "until" else "/submissions/search") in error["detail"]


def test_what_is_not_there_is_404(api: FlaskClient) -> None:
    """A submission past retention, or an integration nobody made."""
    assert api.get(f"{URL}/nothing").status_code == 404
    assert api.get(URL, query_string={"integration": "nobody"}).status_code == 404


def test_a_past_submission_can_be_previewed(
    api: FlaskClient, submission_id: str, a_document: Callable[..., dict[str, Any]]
) -> None:
    """What would the new rules have made of it?"""
    document = a_document(attributes=[{"field": "first_name", "attribute": "nickname"}])
    asked = {"document": document, "submission_id": submission_id}

    shown = api.post("/api/v1/integrations/summer/preview", json=asked).get_json()

    assert shown["requests"][0]["body"]["attributes"] == [{"external_id": "m1", "nickname": "Ada"}]
    missing = api.post("/api/v1/integrations/summer/preview", json={"submission_id": "nothing"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"identifier": {"value": " m1 "}},
        {"identifier": {"kind": "external_id", "value": "m1"}, "integration": "summer", "state": "waiting"},
        {"text": "aDa"},
        {"text": "Ada", "identifier": {"value": "m1"}, "since": "2001-01-01T00:00:00Z", "limit": 1},
    ],
)
def test_a_submission_is_found_by_its_person_or_by_its_words(
    api: FlaskClient, submission_id: str, asked: dict[str, Any]
) -> None:
    """In the body of the question, so that no log of addresses holds them."""
    answer = api.post(f"{URL}/search", json=asked)

    assert answer.status_code == 200
    assert [one["id"] for one in answer.get_json()["items"]] == [submission_id]


@pytest.mark.parametrize(
    "asked", [{"text": "Bo"}, {"identifier": {"kind": "email", "value": "m1"}}, {"text": "Ada", "state": "dead"}]
)
def test_a_search_leaves_out_the_rest(api: FlaskClient, submission_id: str, asked: dict[str, Any]) -> None:
    """Every condition counts."""
    assert api.post(f"{URL}/search", json=asked).get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({}, ""),
        ({"state": "dead"}, ""),
        ({"text": ""}, "/text"),
        ({"text": "a", "cursor": "x"}, "/cursor"),
        ({"text": "a", "limit": 0}, "/limit"),
        ({"identifier": "m1"}, "/identifier"),
        ({"identifier": {"kind": "email", "value": "a", "alias_label": "b"}}, "/identifier/alias_label"),
    ],
)
def test_a_search_for_nothing_is_refused(api: FlaskClient, asked: dict[str, Any], place: str) -> None:
    """Every submission there is would look like an answer."""
    answer = api.post(f"{URL}/search", json=asked)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [place]


def test_a_search_in_an_integration_nobody_made_is_404(api: FlaskClient) -> None:
    """An empty list would say that nobody has submitted anything."""
    assert api.post(f"{URL}/search", json={"text": "a", "integration": "nobody"}).status_code == 404
