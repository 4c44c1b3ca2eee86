"""What a preview shows."""

from dataclasses import replace
from typing import Any

from ingest.preview import preview
from schemas.integration import Integration, read_document
from schemas.mapping import SendRule, Source
from schemas.names import Names
from tests.factories import NOON, NOON_MS, a_body, a_document
from workers.changes import Mark, pack_marks


def an_integration(**members: Any) -> Integration:
    rules: dict[str, Any] = {"attributes": [], "events": []}
    return read_document(a_document(**rules | members)).integration()


def test_operations_and_consent_are_shown_as_they_would_be_sent() -> None:
    """What a person approves is what Braze gets."""
    integration = an_integration(
        attributes=[
            {"field": "interests", "attribute": "interests", "type": "array", "separator": ",", "operation": "add"},
            {"value": 1, "attribute": "visits", "operation": "increment"},
            {"field": "nick_name", "attribute": "nick_name", "on_null": "clear"},
            {"field": "dob", "attribute": "dob", "type": "date"},
        ],
        subscriptions=[{"field": "optin", "kind": "email", "when_yes": "opted_in"}],
    )
    body = a_body(interests="sailing,music", nick_name=None, dob="03/02/1991")

    shown = preview(integration, body, received_at=NOON)

    (request,) = shown["requests"]
    assert request["url"] == "https://rest.iad-03.braze.com/users/track"
    assert request["body"] == {
        "attributes": [
            {
                "external_id": "m1",
                "interests": {"add": ["sailing", "music"]},
                "visits": {"inc": 1},
                "nick_name": None,
                "email_subscribe": "opted_in",
            }
        ]
    }
    assert shown["outcome"] == "delivered"
    assert len(shown["warnings"]) == 1
    assert shown["left_out"] == []


def test_sends_are_shown_after_what_they_wait_for() -> None:
    """They leave when the rest is accepted; and no key is in sight."""
    send = SendRule("campaign", "c0ffee", {"card": Source(field=("card", "name"))})
    integration = replace(an_integration(events=[{"name": "komo_entry"}]), sends=(send,))

    shown = preview(integration, a_body(), received_at=NOON)

    assert [request["url"].removeprefix("https://rest.iad-03.braze.com") for request in shown["requests"]] == [
        "/users/track",
        "/campaigns/trigger/send",
    ]
    assert shown["requests"][1]["body"] == {
        "campaign_id": "c0ffee",
        "recipients": [{"external_user_id": "m1", "trigger_properties": {"card": "SUM26 quiz"}}],
    }
    assert "an-example-of-a-key" not in str(shown)


def test_a_send_alone_is_something() -> None:
    """A winner's message may be all that a document asks for; who is to get it has to be there."""
    integration = replace(an_integration(), sends=(SendRule("canvas", "c0ffee"),))

    shown = preview(integration, a_body(), received_at=NOON)

    assert shown["outcome"] == "delivered"
    track, send = shown["requests"]
    assert track["body"] == {"attributes": [{"external_id": "m1"}]}
    assert send["body"]["canvas_id"] == "c0ffee"


def test_consent_that_says_nothing_is_nothing() -> None:
    """Most submissions of a hub carry no box to tick."""
    integration = an_integration(subscriptions=[{"field": "box", "kind": "email", "when_yes": "opted_in"}])

    assert preview(integration, a_body(), received_at=NOON)["reason"] == "nothing_mapped"
    assert preview(integration, a_body(box="perhaps"), received_at=NOON)["reason"] == "no_usable_value"


NAMES = Names.of({"first_name": 1, "team": 2})
FIELDS = {
    "attributes": [
        {"field": "first_name", "attribute": "first_name"},
        {"field": "team", "attribute": "team"},
    ]
}


def marks_of(**values: str) -> list[list[Any]]:
    return pack_marks({name: Mark(NOON_MS * 1000, value) for name, value in values.items()}, NAMES)


def test_what_braze_has_already_is_named_and_left_out() -> None:
    """As the delivery would, for this person and now."""
    body = a_body(first_name="Ann", team="red")

    shown = preview(
        an_integration(**FIELDS), body, received_at=NOON, names=NAMES, known=lambda _: marks_of(first_name="Ann")
    )

    assert shown["left_out"] == ["first_name"]
    assert shown["requests"][0]["body"] == {"attributes": [{"external_id": "m1", "team": "red"}]}


def test_where_nothing_has_changed_nothing_is_asked_for() -> None:
    """It would be delivered without a request."""
    known = marks_of(first_name="Ann", team="red")

    shown = preview(
        an_integration(**FIELDS), a_body(first_name="Ann", team="red"), received_at=NOON, names=NAMES,
        known=lambda _: known,
    )  # fmt: skip

    assert (shown["outcome"], shown["requests"]) == ("delivered", [])
    assert shown["left_out"] == ["first_name", "team"]


def test_without_changes_only_everything_is_sent() -> None:
    """Whatever is remembered."""
    integration = an_integration(**FIELDS, send_only_changes=False)

    shown = preview(
        integration, a_body(first_name="Ann"), received_at=NOON, names=NAMES,
        known=lambda _: marks_of(first_name="Ann"),
    )  # fmt: skip

    assert shown["left_out"] == []
    assert len(shown["requests"]) == 1


def test_who_names_nobody_yet_is_held() -> None:
    """A poll before the form: the session tells later whose it was."""
    shown = preview(an_integration(**FIELDS), a_body("", first_name="Ann"), received_at=NOON)

    assert (shown["outcome"], shown["reason"]) == ("held", "no_identifier")
    assert (shown["person"], shown["requests"]) == (None, [])


def test_everything_of_a_big_submission_is_shown() -> None:
    """It leaves in several requests."""
    integration = an_integration(events=[{"name": f"e{number}"} for number in range(80)])

    shown = preview(integration, a_body(), received_at=NOON)

    assert [len(request["body"]["events"]) for request in shown["requests"]] == [75, 5]
