"""What is refused, in Braze's words."""

from typing import Any

import pytest

from ingest.sandbox.braze import refusals
from ingest.sandbox.braze.validation import check_attributes, check_event, check_purchase

WHO = {"external_id": "m-1"}
EVENT = {**WHO, "name": "komo_entry", "time": "2026-11-20T03:14:15Z"}
PURCHASE = {**WHO, "product_id": "cap", "currency": "AUD", "price": 12.5, "time": "2026-11-20T03:14:15Z"}


def ignore(kind: str, detail: str) -> None:
    """For tests that look at the refusal alone."""


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"first_name": "No identifier"}, refusals.NO_IDENTIFIER),
        ({**WHO, "user_alias": {"alias_name": "a", "alias_label": "l"}}, refusals.TWO_IDENTIFIERS),
        ({**WHO, "braze_id": "b"}, refusals.TWO_IDENTIFIERS),
        ({"external_id": "é" * 494}, refusals.EXTERNAL_ID_TOO_LONG),
        ({"external_id": ""}, refusals.EXTERNAL_ID_BAD),
        ({"external_id": 7}, refusals.EXTERNAL_ID_BAD),
        ({"user_alias": {"alias_name": "a"}}, refusals.ALIAS_BAD),
        ({"user_alias": {"alias_name": "a" * 237, "alias_label": "l"}}, refusals.ALIAS_BAD),
        ({"email": "not an address"}, refusals.EMAIL_BAD),
        ({**WHO, "email": "not an address"}, refusals.EMAIL_BAD),
        ({"phone": "0412345678"}, refusals.PHONE_BAD),
        ({**WHO, "email_subscribe": "yes"}, refusals.EMAIL_SUBSCRIBE_BAD),
        ({**WHO, "push_subscribe": 1}, refusals.PUSH_SUBSCRIBE_BAD),
        ({**WHO, "email_subscription_info": {}}, refusals.EMAIL_SUBSCRIPTION_INFO),
        ({**WHO, "current_location": {"longitude": "x"}}, refusals.LOCATION_BAD),
        ({**WHO, "subscription_groups": {}}, refusals.GROUPS_NOT_ARRAY),
        ({**WHO, "subscription_groups": [{"subscription_group_id": "x"}]}, refusals.GROUP_ID_BAD),
        ({**WHO, "push_token_import": True}, refusals.PUSH_IMPORT_BAD),
        ({**WHO, "push_tokens": ["x"]}, refusals.PUSH_TOKENS_BAD),
        ("text", refusals.NOT_AN_OBJECT),
    ],
)
def test_attributes_that_braze_refuses(given: Any, why: str) -> None:
    """The connector must find each of these in an answer and blame the right submission."""
    assert check_attributes(given, ignore) == why


@pytest.mark.parametrize(
    "given",
    [
        WHO,
        {"email": "jo@example.com", "phone": "+61412345678"},
        {**WHO, "country": "Atlantis", "time_zone": "Mars/Base"},
        {**WHO, "email_subscribe": "opted_in", "gender": None, "score": 1, "note": "x" * 300, "nested": {"a": None}},
        {"external_id": "x" * 987},
        {"push_token_import": True, "push_tokens": [{"app_id": "a", "token": "t"}]},
    ],
)
def test_attributes_that_braze_takes(given: dict[str, Any]) -> None:
    """What is dropped later without a word must not be refused at the door."""
    assert check_attributes(given, ignore) is None


@pytest.mark.parametrize(
    "given",
    [{"gender": "male"}, {"dob": "30/04/1991"}, {"language": "english"}, {"first_name": 7}, {"phone": "0412"},
     {"$cost": 1}, {"_merge_objects": "yes"}, {" ": 1}, {"x" * 256: 1}],
)  # fmt: skip
def test_values_without_a_documented_fate_are_refused_and_noted(given: dict[str, Any]) -> None:
    """The strict reading: who relies on luck should see it in the books."""
    noted: list[str] = []

    why = check_attributes({**WHO, **given}, lambda kind, _: noted.append(kind))

    assert why is not None
    assert len(noted) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": None}, refusals.NAME_BAD),
        ({"name": "x" * 256}, refusals.NAME_BAD),
        ({"time": None}, refusals.TIME_BAD),
        ({"time": "yesterday"}, refusals.TIME_BAD),
        ({"properties": []}, refusals.PROPERTIES_BAD),
        ({"properties": {"time": 1}}, refusals.PROPERTIES_BAD),
        ({"properties": {"event_name": 1}}, refusals.PROPERTIES_BAD),
        ({"properties": {"$a": 1}}, refusals.PROPERTIES_BAD),
        ({"properties": {"a": "x" * 256}}, refusals.PROPERTIES_BAD),
        ({"properties": {"a": ["x" * 1000] * 110}}, refusals.PROPERTIES_BAD),
        ({"external_id": None}, refusals.NO_IDENTIFIER),
    ],
)
def test_events_that_braze_refuses(change: dict[str, Any], why: str) -> None:
    """One bad event must be tellable from its good neighbours."""
    assert check_event({**EVENT, **change}, ignore) == why


def test_a_full_event_is_taken() -> None:
    """Nested values, numbers and 255 characters are all within the rules."""
    properties = {"card": "Spin", "score": 8, "won": False, "long": "x" * 255, "answers": ["a", "b"], "deep": {"a": 1}}
    assert check_event({**EVENT, "properties": properties}, ignore) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"product_id": None}, refusals.PRODUCT_BAD),
        ({"currency": "dollars"}, refusals.CURRENCY_BAD),
        ({"price": "12"}, refusals.PRICE_BAD),
        ({"quantity": 101}, refusals.QUANTITY_BAD),
        ({"time": None}, refusals.TIME_BAD),
        ({"properties": {"price": 1}}, refusals.PROPERTIES_BAD),
        ({}, None),
    ],
)
def test_purchases(change: dict[str, Any], why: str | None) -> None:
    """Purchases have required fields and reserved properties of their own."""
    assert check_purchase({**PURCHASE, **change}, ignore) == why
