"""What every measurement has in common: the environment, one integration, and what Komo posts."""

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from schemas.settings import NEEDED_BY_WEB, Settings, load_settings

INTEGRATION_ID = "bench-hub"
WORKSPACE = "bench"
API_KEY = "bench-rest-key"
TOKEN = "bench-token-0123456789"


def environment(store_url: str, braze_url: str, **changes: object) -> dict[str, str]:
    """The environment of web, worker and clock."""
    return {
        "REDIS_URL": store_url, "EXTRA_BRAZE_HOSTS": braze_url, "HOST": "127.0.0.1", "ADMIN_PASSWORD": "bench-password",
        "SECRET_KEY": "bench-0123456789-abcdefghijklmnopqrstuvwxyz-secret", "API_TOKEN": TOKEN,
        "PUBLIC_URL": "http://127.0.0.1:8000",
    } | {name: str(value) for name, value in changes.items()}  # fmt: skip


def settings_of(environ: Mapping[str, str]) -> Settings:
    """As the processes read it."""
    return load_settings(environ, need=NEEDED_BY_WEB)


def document(braze_url: str, **changes: Any) -> dict[str, Any]:
    """An integration with six attributes and one event, as a customer would have them."""
    return {
        "id": INTEGRATION_ID,
        "name": "Benchmark hub",
        "default_region": "AU",
        "braze": {"rest_endpoint": braze_url, "api_key": API_KEY, "workspace": WORKSPACE,
                  "rate_limit": {"requests": 30000, "per_seconds": 3}},
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
        "attributes": [
            {"field": "first_name", "attribute": "first_name"},
            {"field": "last_name", "attribute": "last_name"},
            {"field": "team", "attribute": "favourite_team"},
            {"field": "beach", "attribute": "favourite_beach"},
            {"field": "step", "attribute": "last_step", "type": "number"},
            {"field": "optin", "attribute": "komo_optin", "type": "boolean"},
        ],
        "events": [
            {"name": "komo_entry", "when": {"submission.event": "CompetitionEntrySuccess"},
             "properties": {"card": "card.name", "score": {"field": "result.score", "type": "number"}}},
        ],
    } | changes  # fmt: skip


def body(member: str, step: int, number: int) -> dict[str, Any]:
    """
    What Komo posts when somebody enters a competition.

    Args:
        step: Counts what this member has submitted; becomes an attribute.
        number: Makes it a submission of its own.

    Source: https://developers.komo.tech/webhook-events/cards
    """
    digits = f"{number:012d}"
    return {
        "id": f"543df196-94a7-4eac-8d9c-{digits}", "event": "CompetitionEntrySuccess",
        "timestamp": "2026-03-01T10:00:00.000Z", "site_id": "b1cb1816-7d85-457c-9f32-2a1422d00e17",
        "site_name": "Harbourside Summer Hub", "user_session_id": f"8a1e6f91-0951-4549-a823-{digits}",
        "card_id": "5bb7fb0f-d8d9-415b-8725-460b8ce504db", "card_name": "Summer quiz", "card_type": "Quiz",
        "score": str(number % 10), "correct": "7", "competition_entry_id": f"35d1990a-8d83-482a-9840-{digits}",
        "submission_id": f"c5693eee-b791-4378-8103-{digits}", "member_id": member, "first_name": "Alex",
        "last_name": f"Sample {member}", "email": f"{member}@example.com", "team": "Harbour Sharks",
        "beach": "Long Beach", "step": step, "optin": "true",
    }  # fmt: skip


def signed(secret: str, data: bytes, rng: random.Random) -> dict[str, str]:
    """The headers of a Standard Webhooks signature: https://github.com/standard-webhooks/standard-webhooks"""
    message_id, sent_at = f"msg_{UUID(int=rng.getrandbits(128))}", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{sent_at}.".encode() + data, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": sent_at, "webhook-signature": signature}


def submissions(count: int, people: int, *, start: int = 0) -> Iterable[bytes]:
    """Bodies of `people` members in turn, so that as many others as possible lie between two of one."""
    for number in range(start, start + count):
        yield orjson.dumps(body(f"m{number % people}", number // people, number))
