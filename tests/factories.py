"""Made-up integrations, people and submissions, as short as a test needs them."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from schemas.arrival import Arrival, Judgement
from schemas.integration import BrazeTarget, Integration
from schemas.mapping import AttributeRule, EventRule, IdentifierRule, Source
from schemas.person import Person

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
BRAZE = "https://rest.iad-03.braze.com"


def an_integration(**changes: Any) -> Integration:
    """One that knows people by e-mail alias, and maps a first name, a team and one event."""
    rules: dict[str, Any] = {
        "id": "summer-hub",
        "name": "Summer hub",
        "braze": BrazeTarget(BRAZE, "acme"),
        "identifiers": (IdentifierRule("external_id", ("fields", "member_id")),),
        "attributes": (
            AttributeRule("first_name", Source(field=("fields", "first_name"))),
            AttributeRule("team", Source(field=("fields", "team"))),
        ),
        "events": (EventRule("komo_entry", {"card": Source(field=("card", "name"))}),),
        "version": 1,
    }
    return Integration(**rules | changes)


def a_body(member: str = "m1", **fields: Any) -> dict[str, Any]:
    """What Komo posts when somebody submits a form."""
    number = fields.pop("number", 0)
    return {
        "id": f"543df196-94a7-4eac-8d9c-{number:012d}", "event": "CompetitionEntrySuccess",
        "timestamp": "2026-11-20T11:59:00.000Z", "site_id": "b1cb1816-7d85-457c-9f32-2a1422d00e17",
        "site_name": "Harbourside Summer Hub", "user_session_id": "8a1e6f91-0951-4549-a823-213cb38eb51c",
        "card_id": "5bb7fb0f-d8d9-415b-8725-460b8ce504db", "card_name": "SUM26 quiz", "card_type": "Quiz",
        "score": "7", "correct": "7", "competition_entry_id": f"35d1990a-8d83-482a-9840-{number:012d}",
        "submission_id": f"c5693eee-b791-4378-8103-{number:012d}", "member_id": member, "optin": "true",
    } | fields  # fmt: skip


def an_arrival(
    member: str = "m1", number: int = 0, *, attributes: bool = True, events: int = 1, **fields: Any
) -> Arrival:
    """One submission at the door, its person already known."""
    body = orjson.dumps(a_body(member, number=number, **fields))
    judgement = Judgement("lane", Person("external_id", member), attributes=attributes, events=events)
    return Arrival(blake2b(body, digest_size=8).digest(), False, body, NOON_MS, "CompetitionEntrySuccess", judgement)


def a_document(*, rest_endpoint: str = BRAZE, **changes: Any) -> dict[str, Any]:
    """The same integration as `an_integration`, as the JSON document that a person saves."""
    return {
        "id": "summer-hub",
        "name": "Summer hub",
        "braze": {"rest_endpoint": rest_endpoint, "api_key": "an-example-of-a-key-0000", "workspace": "acme"},
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
        "attributes": [
            {"field": "first_name", "attribute": "first_name"},
            {"field": "team", "attribute": "team"},
        ],
        "events": [{"name": "komo_entry", "properties": {"card": "card.name"}}],
    } | changes
