"""A draft, an integration that is set up, and Komo posting to them."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask

from tests.factories import a_document
from workers.store import Stores

#: Every member that no step shows as it is, or that only the document has.
WHOLE = a_document(
    default_region="AU",
    accept={"site_ids": ["s1"], "card_ids": [], "events": [], "when": {"entry.qualified": [True, None]}},
    webhook={"methods": ["signature", "bearer"]},
    identifiers=[
        {"kind": "external_id", "field": "member_id"},
        {"kind": "user_alias", "field": "email", "alias_label": "email"},
    ],
    max_age_hours=12.5,
    subscriptions=[{"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None}],
)
WHOLE["braze"] |= {
    "max_objects_per_request": 50,
    "rate_limit": {"requests": 250, "per_seconds": 3},
    "burst_limit": {"requests": 20, "per_seconds": 0.5},
}


@pytest.fixture
def live(stores: Stores) -> str:
    """The id of one with something in every member."""
    return stores.integrations.save(WHOLE, by="api").stored.id


@pytest.fixture
def draft(stores: Stores) -> str:
    """The id of one that somebody has only named."""
    return stores.integrations.save_draft({"id": "winter-hub", "name": "Winter hub"}, by="page").stored.id


@pytest.fixture
def komo(app: Flask, stores: Stores) -> Callable[..., None]:
    """Posts bodies to an integration, as Komo would."""

    def post(integration_id: str, *bodies: dict[str, Any]) -> None:
        secret = stores.integrations.get(integration_id).webhook_secrets[0]
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        for body in bodies:
            answer = app.test_client().post(
                f"/webhooks/komo/{integration_id}", data=orjson.dumps(body), headers=headers
            )
            assert answer.status_code == 202, answer.text

    return post
