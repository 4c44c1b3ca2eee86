"""What a yes or no means for consent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.integration import read_document
from schemas.person import Person
from schemas.submission import Submission
from tests.factories import a_document
from workers.transform import Mapped, compile_mapping

HAPPENED = datetime(2026, 2, 3, tzinfo=UTC)
GROUP = "a2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c"
OTHER = "b2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c"
EMAIL = {"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None}


def mapped(*rules: dict[str, Any], **fields: Any) -> Mapped:
    document = a_document(attributes=[], events=[], subscriptions=list(rules))
    submission = Submission("s1", "Form", HAPPENED, HAPPENED, {"fields": fields, "card": {"type": "Quiz"}})
    return compile_mapping(read_document(document).integration()).apply(submission, Person("external_id", "m1"))


def group(group_id: str = GROUP, **options: Any) -> dict[str, Any]:
    return {"field": "sms", "kind": "group", "group_id": group_id, "when_yes": "subscribed"} | options


@pytest.mark.parametrize("answer", [True, "true", "Yes", " on ", 1, "ja"])
def test_a_yes_says_what_the_document_says(answer: Any) -> None:
    """Komo sends yes in many words."""
    assert mapped(EMAIL, optin=answer) == Mapped({"email_subscribe": "opted_in"}, [], [])


@pytest.mark.parametrize("answer", [False, "no", 0, None, "", "  ", []])
def test_a_no_or_no_answer_never_unsubscribes_anybody_by_itself(answer: Any) -> None:
    """It would stop the brand's other mail to everybody with that address."""
    assert mapped(EMAIL, optin=answer) == Mapped({}, [], [])
    assert mapped({**EMAIL, "when_no": "unsubscribed"}) == Mapped({}, [], [])


def test_a_no_unsubscribes_where_the_document_says_so() -> None:
    """A preference centre needs that."""
    rule = {**EMAIL, "when_no": "unsubscribed"}

    assert mapped(rule, optin="no").attributes == {"email_subscribe": "unsubscribed"}
    assert mapped(rule, optin="").attributes == {}


@pytest.mark.parametrize("answer", ["maybe", 7, {"a": 1}, ["yes", "no"]])
def test_an_answer_that_is_neither_says_nothing_but_is_told(answer: Any) -> None:
    """Consent is never guessed."""
    assert mapped({**EMAIL, "when_no": "unsubscribed"}, optin=answer) == Mapped(
        {}, [], ["email_subscribe: not_a_yes_or_no"]
    )


def test_groups_travel_in_one_list() -> None:
    """Braze takes them as one member, with an element per group."""
    found = mapped(group(double_opt_in=True), group(OTHER, field="mail", when_no="unsubscribed"), sms="yes", mail="no")

    assert found.attributes == {
        "subscription_groups": [
            {"subscription_group_id": GROUP, "subscription_state": "subscribed", "use_double_opt_in_logic": True},
            {"subscription_group_id": OTHER, "subscription_state": "unsubscribed"},
        ]
    }


def test_who_leaves_a_group_is_not_asked_to_confirm_it() -> None:
    """Double opt-in is about joining."""
    found = mapped(group(double_opt_in=True, when_no="unsubscribed"), sms="no")

    assert found.attributes["subscription_groups"] == [
        {"subscription_group_id": GROUP, "subscription_state": "unsubscribed"}
    ]


def test_the_later_rule_that_says_something_counts() -> None:
    """As with attributes."""
    rules = (group(), group(field="stop", when_yes="unsubscribed"), {**EMAIL, "when_yes": "subscribed"}, EMAIL)

    assert mapped(*rules, sms="yes", stop="yes", optin="yes").attributes == {
        "email_subscribe": "opted_in",
        "subscription_groups": [{"subscription_group_id": GROUP, "subscription_state": "unsubscribed"}],
    }
    assert mapped(*rules, sms="yes", stop="no").attributes == {
        "subscription_groups": [{"subscription_group_id": GROUP, "subscription_state": "subscribed"}]
    }


def test_conditions_hold_for_consent_too() -> None:
    """One card's box may mean something else than another's."""
    assert mapped({**EMAIL, "when": {"card.type": "Poll"}}, optin="yes").attributes == {}
    assert mapped({**EMAIL, "kind": "push", "when": {"card.type": "quiz"}}, optin="yes").attributes == {
        "push_subscribe": "opted_in"
    }
