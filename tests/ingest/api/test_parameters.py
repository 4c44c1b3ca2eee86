"""Parameters in the address of a request that asks by its body."""

import pytest
from flask.testing import FlaskClient

from workers.store import Stores


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("dead-letters/replay?dry_run=true", {}),
        ("dead-letters/discard?dry_run=true", {}),
        ("people/forget?dry_run=true", {"kind": "email", "value": "sam@example.com"}),
        ("integrations/summer/pause?until=tomorrow", {}),
        ("integrations?dry_run=true", {}),
    ],
)
def test_they_are_refused_and_nothing_is_done(
    api: FlaskClient, stores: Stores, path: str, body: dict[str, str]
) -> None:
    """Whoever asked what a replay would send has sent it."""
    refused = api.post(f"/api/v1/{path}", json=body)

    name = path.partition("?")[2].partition("=")[0]
    assert (refused.status_code, [one["pointer"] for one in refused.get_json()["errors"]]) == (422, [f"/{name}"])
    assert api.get("/api/v1/jobs").get_json()["items"] == []
    assert stores.integrations.ids() == []


def test_who_has_no_token_is_told_that_alone(anybody: FlaskClient) -> None:
    """What the API takes is for those who may use it."""
    assert anybody.post("/api/v1/dead-letters/replay?dry_run=true", json={}).status_code == 401
