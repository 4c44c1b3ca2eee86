"""
Every sample of what Komo sends, under a mapping that uses every feature, becomes the requests in its golden file.

To renew them after a change that is meant, and then to read each difference as a marketer would:

    RENEW_GOLDEN=1 python -m pytest tests/flow/test_golden.py
    git diff tests/data/golden
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from ingest.preview import preview
from schemas.integration import read_document
from schemas.mapping import Operation, SendKind, ValueType
from schemas.rule_documents import STATES

DATA = Path(__file__).parents[1] / "data"
SAMPLES = sorted((DATA / "komo").rglob("*.json"))
#: Set, and not empty: files are written instead of compared.
RENEW = "RENEW_GOLDEN"
RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)
SUBMISSION_ID = "5079c0ffee0123456789"

FORMS = ["CompetitionEntrySuccess", "Gameplay.DataCaptured", "Gameplay.DataCapturedQualified"]
PRIZES = ["PrizeAwarded", "Prize.Won"]

#: By e-mail where there is one, else by Komo's contact.
DOCUMENT: dict[str, Any] = {
    "id": "summer-hub",
    "name": "Harbourside summer hub",
    "default_region": "AU",
    "accept": {"site_ids": ["b1cb1816-7d85-457c-9f32-2a1422d00e17"], "when": {"entry.qualified": [True, None]}},
    "braze": {"rest_endpoint": "https://rest.au-01.braze.com", "api_key": "made-up"},
    "identifiers": [
        {"kind": "user_alias", "field": "email", "alias_label": "email"},
        {"kind": "user_alias", "field": "contact.id", "alias_label": "komo_contact"},
    ],
    "attributes": [
        # Standard attributes, each with its own normaliser; constants are read like anything else.
        {"field": "first_name", "attribute": "first_name"},
        {"field": "last_name", "attribute": "last_name"},
        {"field": "email", "attribute": "email"},
        {"field": "mobile", "attribute": "phone"},
        {"field": "country", "attribute": "country"},
        {"field": "date_of_birth", "attribute": "dob", "format": "YYYY-MM-DD"},
        {"value": "English", "attribute": "language"},
        {"value": "Australia/Sydney", "attribute": "time_zone", "when": {"country": "Australia"}},
        {"value": "-33.8568, 151.2153", "attribute": "current_location",
         "when": {"submission.event": "Coupon.Redeemed"}},
        # Every type; two rules for one attribute.
        {"field": "tracked.favourite_team", "attribute": "favourite_team"},
        {"field": "favourite_team", "attribute": "favourite_team"},
        {"field": "postcode", "attribute": "postcode", "type": "string"},
        {"field": "result.score", "attribute": "quiz_score", "type": "number",
         "when": {"submission.event": ["CompetitionEntrySuccess", "Gameplay.Ended"], "card.type": "Quiz"}},
        {"field": "optin", "attribute": "hub_optin", "type": "boolean"},
        {"field": "submission.occurred_at", "attribute": "last_seen_at", "type": "datetime"},
        {"field": "date_of_birth", "attribute": "born_on", "type": "date", "format": "YYYY-MM-DD"},
        {"field": "raw.eventData.languages", "attribute": "browser_languages", "type": "array"},
        {"field": "raw.prize", "attribute": "last_prize", "type": "object"},
        {"field": "raw.changes", "attribute": "last_changes", "type": "object_array"},
        # Members of objects.
        {"field": "preferred_boat", "attribute": "boat.kind"},
        {"field": "submission.occurred_at", "attribute": "boat.asked_at", "type": "datetime",
         "when": {"preferred_boat": "Dinghy"}},
        # Questions and results.
        {"question": "best beach of the bay?", "attribute": "favourite_beach"},
        {"question": "Which side of a boat is port?", "attribute": "port_is", "when": {"card.type": ["Quiz", "Poll"]}},
        {"field": "result.outcome", "attribute": "skipper_type", "when": {"card.type": "Personality"}},
        # Operations.
        {"value": 1, "attribute": "forms_sent", "operation": "increment", "when": {"submission.event": FORMS}},
        {"field": "card.name", "attribute": "cards_entered", "operation": "add", "when": {"submission.event": FORMS}},
        {"value": ["guest"], "attribute": "komo_lists", "operation": "remove",
         "when": {"submission.event": "Contact.Verified.Sso"}},
        {"field": "raw.list.name", "attribute": "komo_lists", "operation": "add"},
        {"field": "raw.verification", "attribute": "sso", "operation": "merge"},
        {"field": "answers", "attribute": "komo_answers", "type": "object_array", "operation": "add"},
        # A value that goes away when Komo says that it is empty.
        {"field": "raw.eventData.queryString", "attribute": "came_with", "on_null": "clear", "on_empty": "clear"},
        {"value": "komo", "attribute": "acquisition_source"},
    ],
    "subscriptions": [
        {"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None},
        {"field": "optin", "kind": "push", "when_yes": "subscribed", "when": {"card.type": "Quiz"}},
        {"field": "optin", "kind": "group", "group_id": "5ca1ab1e-aaaa-4bbb-8ccc-dddddddddddd",
         "when_yes": "subscribed", "when_no": "unsubscribed", "double_opt_in": True,
         "when": {"submission.event": "SignUpSuccess"}},
    ],
    "events": [
        {"name": "komo_seen",
         "when": {"submission.event": ["CardViewed", "card-viewed", "card-shared", "form-start", "survey-viewed"]},
         "properties": {"action": "submission.event", "card": "card.name", "survey": "survey.name",
                        "ref": "extension.loyalty_ref"}},
        {"name": "komo_entry", "when": {"submission.event": [*FORMS, "form-submission", "survey-submitted"]},
         "properties": {"card": "card.name", "score": {"field": "result.score", "type": "number"},
                        "entry": "entry.submission_id", "survey": "survey.name", "source": {"value": "komo"}}},
        {"name": "komo_answer", "for_each": "answers",
         "properties": {"question": "question", "answer": "answer", "kind": "kind",
                        "correct": {"field": "correct", "type": "boolean"}}},
        {"name": "komo_right_answer", "for_each": "answers", "when": {"correct": True}},
        {"name": "komo_result", "when": {"submission.event": "Gameplay.Ended"},
         "properties": {"outcome": "result.outcome", "seconds": {"field": "result.duration_s", "type": "number"}}},
        {"name": "komo_prize", "when": {"submission.event": PRIZES}, "properties": {"prize": "prize.name"}},
        {"name": "komo_coupon", "when": {"submission.event": "Coupon.Redeemed", "coupon.code": "GULLS-2FOR1-0042",
                                         "prize.id": None}},
    ],
    "sends": [
        {"kind": "campaign", "id": "c0ffee00-aaaa-4bbb-8ccc-dddddddddddd", "when": {"submission.event": PRIZES},
         "trigger_properties": {"prize": "prize.name", "first_name": "first_name"}},
        {"kind": "canvas", "id": "ca11ab1e-aaaa-4bbb-8ccc-dddddddddddd",
         "when": {"submission.event": ["SignUpSuccess", "Contact.Identified"]}},
        {"kind": "transactional", "id": "feedf00d-aaaa-4bbb-8ccc-dddddddddddd",
         "when": {"submission.event": "Coupon.Redeemed"},
         "trigger_properties": {"offer": "raw.coupon.offerName", "code": "raw.coupon.code"}},
    ],
}  # fmt: skip


def told_of(sample: Path) -> dict[str, Any]:
    """What the connector makes of it, by the code that delivers."""
    integration = read_document(DOCUMENT).integration()
    body = orjson.loads(sample.read_bytes())
    told = preview(integration, body, received_at=RECEIVED_AT, submission_id=SUBMISSION_ID)
    del told["submission"]
    return told


def golden_of(sample: Path) -> Path:
    return DATA / "golden" / sample.relative_to(DATA / "komo")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample.relative_to(DATA / "komo")))
def test_a_sample_becomes_the_requests_of_its_golden_file(sample: Path) -> None:
    """Whoever changes how Komo is read or Braze is written sees here what it does to people's profiles."""
    told, golden = told_of(sample), golden_of(sample)
    if os.environ.get(RENEW):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    assert golden.exists(), f"no golden file yet: run with {RENEW}=1"
    assert told == orjson.loads(golden.read_bytes()), f"if that is meant: run with {RENEW}=1, and read the difference"


def test_there_is_no_golden_file_without_a_sample() -> None:
    """One that is left behind would seem to be checked."""
    assert {*(DATA / "golden").rglob("*.json")} == {golden_of(sample) for sample in SAMPLES}


def test_the_mapping_leaves_no_feature_out() -> None:
    """What is added to mappings has to be added here."""
    attributes = DOCUMENT["attributes"]
    assert {rule["type"] for rule in attributes if "type" in rule} == {*get_args(ValueType)}
    assert {rule.get("operation", "set") for rule in attributes} == {*get_args(Operation)}
    assert {rule["kind"] for rule in DOCUMENT["subscriptions"]} == STATES.keys()
    assert {rule["kind"] for rule in DOCUMENT["sends"]} == {*get_args(SendKind)}


def test_every_rule_is_at_work_in_some_golden_file() -> None:
    """One that never applies would show nothing."""
    seen: set[str] = set()
    for golden in (golden_of(sample) for sample in SAMPLES):
        for request in orjson.loads(golden.read_bytes())["requests"]:
            body = request["body"]
            seen.update(name for one in body.get("attributes", ()) for name in _names(one))
            seen.update(one["name"] for one in body.get("events", ()))
            seen.update(text for text in (*request["url"].split("/"), *body.values()) if isinstance(text, str))

    assert {rule["attribute"] for rule in DOCUMENT["attributes"]} <= seen
    assert {rule["name"] for rule in DOCUMENT["events"]} <= seen
    assert {rule["id"] for rule in DOCUMENT["sends"]} <= seen
    assert {"email_subscribe", "push_subscribe", "subscription_groups"} <= seen


def _names(attributes: dict[str, Any]) -> set[str]:
    """Of attributes, and of members of objects."""
    inside = {f"{name}.{member}" for name, value in attributes.items() if isinstance(value, dict) for member in value}
    return {*attributes, *inside}
