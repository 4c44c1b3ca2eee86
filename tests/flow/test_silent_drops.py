"""What Braze drops without a word is caught before it is sent, costs only itself, and has a name on the timeline."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.integration import read_document
from schemas.komo import read_submission
from schemas.problems import InvalidDocument
from workers.identify import identify
from workers.transform import Mapped, compile_mapping

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    return {
        "id": "summer-hub",
        "name": "Summer hub",
        "braze": {"rest_endpoint": "https://rest.au-01.braze.com", "api_key": "made-up"},
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
        **changes,
    }


def mapped(body: dict[str, Any], **changes: Any) -> Mapped:
    integration = read_document(document(**changes)).integration()
    submission = read_submission({"member_id": "M1", **body}, id="s1", received_at=NOW)
    return compile_mapping(integration).apply(submission, identify(submission, integration))


@pytest.mark.parametrize(
    ("rule", "value", "sent", "warning"),
    [
        ({"attribute": "country"}, "Atlantis", None, "country_unknown"),
        ({"attribute": "time_zone"}, "Gotham", None, "time_zone_unknown"),
        ({"attribute": "gender"}, "unknown", None, "gender_unknown"),
        ({"attribute": "email"}, "mira@gmail.con", None, "email_not_valid"),
        ({"attribute": "current_location"}, "here", None, "location_not_valid"),
        ({"attribute": "a"}, "x" * 256, None, "string_too_long"),
        ({"attribute": "a", "type": "number"}, "many", None, "not_a_number"),
        ({"attribute": "a", "type": "boolean"}, "perhaps", None, "not_a_boolean"),
        ({"attribute": "a", "type": "date"}, "3001-01-01", None, "date_out_of_range"),
        ({"attribute": "a", "type": "array"}, list(range(501)), list(range(1, 501)), "array_cut"),
        ({"attribute": "a", "type": "array"}, ["x", "y" * 256], ["x"], "array_element_left_out"),
        ({"attribute": "a", "type": "object"}, {"k": None, "b": 1}, {"b": 1}, "object_null_left_out"),
        ({"attribute": "a", "type": "object"}, {"k": {"$time": "soon"}, "b": 1}, {"b": 1}, "object_time_left_out"),
        ({"attribute": "a", "type": "object"}, {"k k": 1, "b": 1}, {"b": 1}, "object_key_left_out"),
        ({"attribute": "a", "type": "object"}, {"k": "x" * 256, "b": 1}, {"b": 1}, "object_member_left_out"),
        ({"attribute": "a", "type": "object"}, {f"k{n}": "é" * 250 for n in range(300)}, None, "object_too_big"),
        ({"attribute": "a", "type": "object_array"}, [{"k": "é" * 250}] * 300, None, "object_too_big"),
        ({"attribute": "a.since", "type": "date"}, "soon", None, "not_a_date"),
    ],
)
def test_a_value_that_braze_drops_costs_only_itself(rule: dict[str, Any], value: Any, sent: Any, warning: str) -> None:
    """Its answer would be a success, and the profile would keep the old value."""
    rules = [{"field": "value", **rule}, {"field": "other", "attribute": "other"}]
    found = mapped({"value": value, "other": "kept"}, attributes=rules)

    assert found.attributes == {"other": "kept"} | ({} if sent is None else {rule["attribute"]: sent})
    assert found.warnings == [f"{rule['attribute']}: {warning}"]


def test_a_property_that_braze_may_drop_costs_only_itself() -> None:
    """One that is too long is cut, and the biggest give way where the event is too big."""
    properties = {"long": "long", "big": {"field": "big", "type": "array"}, "null": "null", "card": "card.name"}
    body = {"long": "x" * 300, "big": ["é" * 200 + str(n) for n in range(300)], "null": None, "card": {"name": "SUM26"}}
    found = mapped(body, events=[{"name": "komo_entry", "properties": properties}])

    [event] = found.events
    assert event["properties"] == {"long": "x" * 255, "card": "SUM26", "komo_submission_id": "s1:1"}
    assert found.warnings == ["komo_entry.long: string_cut", "komo_entry.big: array_too_big"]


def test_an_event_in_the_future_gets_the_time_of_receipt() -> None:
    """Braze would put its own time there."""
    body = {"timestamp": (NOW + timedelta(hours=1)).isoformat()}
    submission = read_submission(body, id="s1", received_at=NOW)

    assert submission.occurred_at == NOW
    assert submission.warnings == ("occurred_at_in_the_future",)


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": [{"field": "x", "attribute": "email_subscription_info"}]},
        {"attributes": [{"field": "x", "attribute": "push_tokens"}]},
        {"attributes": [{"field": "x", "attribute": "$x"}]},
        {"events": [{"name": "e", "properties": {"time": "x"}}]},
        {"events": [{"name": "e", "properties": {"event_name": "x"}}]},
        {"events": [{"name": "e", "properties": {"$x": "x"}}]},
        {"events": [{"name": "e", "properties": {f"p{n}": "x" for n in range(256)}}]},
        {"events": [{"name": "e" * 256}]},
    ],
)
def test_a_rule_that_braze_would_drop_or_refuse_is_refused_when_it_is_saved(changes: dict[str, Any]) -> None:
    """Whoever writes it is there to read why."""
    with pytest.raises(InvalidDocument):
        read_document(document(**changes))


def test_a_standard_name_in_the_wrong_case_is_told_when_it_is_saved() -> None:
    """Braze makes a custom attribute of it, and nobody notices."""
    saved = read_document(document(attributes=[{"field": "x", "attribute": "Email"}]))

    assert any(warning.pointer == "/attributes/0/attribute" for warning in saved.warnings)
