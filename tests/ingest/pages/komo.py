"""Submissions at the door and what workers make of them, for tests of pages."""

from datetime import UTC, datetime
from typing import Any

import orjson

from ingest.arrive import arrive
from schemas.body import OneBody
from tests.factories import a_document
from workers import jobs
from workers.store import Stores

#: People are known by their e-mail address.
BY_EMAIL = [{"kind": "email", "field": "email"}]


def connect(stores: Stores, integration_id: str = "summer-hub", **changes: Any) -> None:
    """Save an integration."""
    rules = {"id": integration_id, "identifiers": BY_EMAIL} | changes
    stores.integrations.save(a_document(**rules), by="test")


def arrives(stores: Stores, number: int = 1, integration_id: str = "summer-hub", **fields: Any) -> str:
    """Accept a submission as the webhook would. Returns: its id."""
    integration = stores.integrations.get(integration_id).integration
    body = {
        "id": f"komo-{number}", "event": "CompetitionEntrySuccess", "card_id": "c-1", "card_name": "SUM26 quiz",
        "site_id": "s-1", "site_name": "Harbourside Summer Hub", "email": "mia@example.com", "first_name": "Mia",
    } | fields  # fmt: skip
    filled = {name: value for name, value in body.items() if value is not None}
    one = OneBody(filled, orjson.dumps(filled))
    arrival = arrive(one, integration, received_at=datetime.now(UTC), delivery_id=None, place=0)
    return stores.inbox.accept(integration, [arrival]).submissions[0][0]


def work(stores: Stores, job_id: str) -> None:
    """What a worker does with a job, until it is over."""
    for _ in range(200):
        stores.connection.delete(f"komo:job:{job_id}:lease")
        if jobs.advance(job_id, stores, lambda *_: None, budget_s=5) is None:
            return
    raise AssertionError("the job is never over")
