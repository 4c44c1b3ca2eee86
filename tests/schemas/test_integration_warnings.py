"""What may be saved, but is probably not meant."""

from typing import Any

import pytest

from schemas.integration import read_document
from tests.factories import a_document


def warnings(**members: Any) -> dict[str, str]:
    rules = {"attributes": [], "events": []} | members
    return {found.pointer: found.detail for found in read_document(a_document(**rules)).warnings}


def rule(attribute: str, field: str = "x", **options: Any) -> dict[str, Any]:
    return {"attribute": attribute, "field": field, **options}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("card.nmae", "card has no nmae; did you mean name?"),
        ("prize.colour", "prize has no colour; it has id, name, recipient_id."),
        ("card.nmae.first", "card has no nmae; did you mean name?"),
        ("answers.question", "answers is a list: write answers[0].question, use question, or an event with for_each."),
        ("answers[0].anwser", "answers has no anwser; did you mean answer?"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: str, told: str) -> None:
    """It would be found out only by looking for the values that never come."""
    assert warnings(attributes=[rule("a", path)]) == {"/attributes/0/field": told}


@pytest.mark.parametrize(
    "path",
    ["anything", "fields.any.thing", "raw.any.thing", "tracked.a", "extension.a", "card.name", "answers", "card",
     "answers[0].answer", "answers[0]"],
)  # fmt: skip
def test_other_people_s_names_are_free(path: str) -> None:
    """Nobody here knows a hub's fields."""
    assert warnings(attributes=[rule("a", path)]) == {}


def test_paths_are_looked_at_wherever_they_stand() -> None:
    """A condition that can never hold is as silent as a field that never comes."""
    events = [
        {
            "name": "answered", "for_each": "answers", "when": {"corect": True, "hub.nme": "x"},
            "properties": {"q": "question", "a": {"field": "anser"}, "c": "card.nam", "free": {"value": 1}},
        },
        {"name": "changed", "for_each": "raw.changes", "properties": {"any": "thing"}},
    ]  # fmt: skip
    found = warnings(
        identifiers=[{"kind": "external_id", "field": "user.ids"}],
        accept={"when": {"entry.qualifid": True}},
        attributes=[rule("a", when={"card.typ": "Quiz"})],
        subscriptions=[{"field": "user.optin", "kind": "email", "when_yes": "opted_in"}],
        events=events,
    )

    assert set(found) == {
        "/identifiers/0/field",
        "/accept/when/entry.qualifid",
        "/attributes/0/when/card.typ",
        "/subscriptions/0/field",
        "/events/0/when/corect",
        "/events/0/when/hub.nme",
        "/events/0/properties/a/field",
        "/events/0/properties/c",
    }


def test_two_rules_for_one_attribute_are_told_unless_their_conditions_differ() -> None:
    """Only one of them can win."""
    quiz, poll = {"card.type": "Quiz"}, {"card.type": "Poll"}

    assert set(warnings(attributes=[rule("a"), rule("a", "y"), rule("b")])) == {"/attributes/1/attribute"}
    assert warnings(attributes=[rule("a"), rule("a", when=quiz), rule("a", when=poll)]) == {}
    assert set(warnings(attributes=[rule("a", when=quiz), rule("a", "y", when=quiz)])) == {"/attributes/1/attribute"}


@pytest.mark.parametrize(
    ("name", "declared", "warns"),
    [
        ("dob", "number", True),
        ("dob", "date", False),
        ("gender", "array", True),
        ("gender", "string", False),
        ("current_location", "object", False),
        ("email_open_tracking_disabled", "boolean", False),
        ("marked_email_as_spam_at", "datetime", False),
        ("team", "number", False),
    ],
)
def test_a_type_that_braze_s_own_attribute_has_not_is_told(name: str, declared: str, warns: bool) -> None:
    """It is read as Braze wants it, whatever the document says."""
    assert list(warnings(attributes=[rule(name, type=declared)])) == (["/attributes/0/type"] if warns else [])


def test_an_object_and_its_member_are_told() -> None:
    """Setting the object drops what Braze has in it, so that merging the member is hardly what was meant."""
    whole, member = rule("boat", type="object"), rule("boat.engine.hp", "hp")

    assert set(warnings(attributes=[whole, member])) == {"/attributes/1/attribute"}
    assert set(warnings(attributes=[member, whole])) == {"/attributes/0/attribute"}
    assert warnings(attributes=[rule("boat", operation="merge"), member]) == {}
    assert warnings(attributes=[rule("boats"), member]) == {}


def test_a_subscription_that_never_says_anything_is_told() -> None:
    """It looks like consent, and is none."""
    assert set(warnings(subscriptions=[{"field": "x", "kind": "email", "when_no": None}])) == {"/subscriptions/0"}


def test_braze_s_own_events_are_told() -> None:
    """Braze refuses what does not fit their schema."""
    assert set(warnings(events=[{"name": "ecommerce.order_placed"}, {"name": "komo_entry"}])) == {"/events/0/name"}
