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


@pytest.mark.parametrize("filters", [{"state": "lost"}, {"since": "yesterday"}, {"cursor": "nonsense"}])
def test_a_filter_that_means_nothing_is_refused(api: FlaskClient, filters: dict[str, str]) -> None:
    """An empty list would look like an answer."""
    answer = api.get(URL, query_string=filters)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [f"/{name}" for name in filters]


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
