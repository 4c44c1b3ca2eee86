"""The endpoints that read."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
ALIAS = {"alias_label": "l", "alias_name": "n"}
FIELDS = ["external_id", "email", "custom_attributes", "custom_events", "user_aliases"]


@pytest.fixture
def client() -> FlaskClient:
    client = create_app(Sandbox(Settings(delay_ms=(0, 0)))).test_client()
    event = {"name": "komo_entry", "time": "2020-01-01T00:00:00Z"}
    client.post("/users/track", headers=HEADERS, json={
        "attributes": [
            {"external_id": "jo", "email": "jo@example.com", "score": 8},
            {"user_alias": ALIAS, "_update_existing_only": False, "score": 9},
        ],
        "events": [{"external_id": "jo", **event}, {"external_id": "jo", **event}],
    })  # fmt: skip
    return client


def export(client: FlaskClient, **asked: Any) -> Any:
    answer = client.post("/users/export/ids", headers=HEADERS, json={"fields_to_export": FIELDS, **asked})
    assert answer.status_code == 201
    return answer.json


def test_people_are_exported_with_the_fields_asked_for(client: FlaskClient) -> None:
    """Fields without a value are left out, unknown ids are listed."""
    told = export(client, external_ids=["jo", "nobody"])
    assert told["invalid_user_ids"] == ["nobody"]
    (jo,) = told["users"]
    assert jo["custom_attributes"] == {"score": 8}
    assert (jo["custom_events"][0]["name"], jo["custom_events"][0]["count"]) == ("komo_entry", 2)
    assert set(jo) == {"external_id", "email", "custom_attributes", "custom_events"}


def test_people_are_found_by_alias_and_address(client: FlaskClient) -> None:
    """Whatever the connector used as identifier, a test can read it back."""
    assert export(client, user_aliases=[ALIAS])["users"][0]["user_aliases"] == [ALIAS]
    assert export(client, email_address="jo@example.com")["users"][0]["external_id"] == "jo"
    assert export(client, phone="+61412345678")["users"] == []


@pytest.mark.parametrize(
    "asked", [{"external_ids": ["x"] * 51}, {"external_ids": ["x"], "fields_to_export": []}, {"external_ids": "x"}]
)
def test_an_export_that_braze_refuses(client: FlaskClient, asked: dict[str, Any]) -> None:
    """At most fifty people, and always the list of fields."""
    answer = client.post("/users/export/ids", headers=HEADERS, json={"fields_to_export": FIELDS, **asked})
    assert answer.status_code == 400


def test_lists_for_mapping_screens(client: FlaskClient) -> None:
    """Names and the types that Braze has fixed."""
    attributes = client.get("/custom_attributes", headers=HEADERS).json
    assert attributes is not None
    assert [(one["name"], one["data_type"]) for one in attributes["attributes"]] == [("score", "Number")]
    assert client.get("/events/list?page=0", headers=HEADERS).json == {"message": "success", "events": ["komo_entry"]}
    assert client.get("/campaigns/list", headers=HEADERS).json == {"message": "success", "campaigns": []}
    assert client.get("/campaigns/list", headers={"Authorization": "Bearer x"}).status_code == 401


def test_custom_attributes_come_fifty_a_page(client: FlaskClient) -> None:
    """The next page hides in the Link header."""
    fields = {f"a{number:02}": 1 for number in range(60)}
    client.post("/users/track", headers=HEADERS, json={"attributes": [{"external_id": "jo", **fields}]})
    first = client.get("/custom_attributes", headers=HEADERS)
    second = client.get("/custom_attributes?cursor=a49", headers=HEADERS)
    assert "cursor=a49" in first.headers["Link"]
    assert first.json is not None
    assert second.json is not None
    assert (len(first.json["attributes"]), len(second.json["attributes"])) == (50, 11)
