"""Where a submission goes: to a lane, to what is held, or to an end at once."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.arrival import Judgement, packed_marks
from schemas.integration import Acceptance
from schemas.komo import read_submission
from schemas.mapping import AttributeRule, EventRule, IdentifierRule, SendRule, Source, SubscriptionRule
from schemas.person import Person
from tests.factories import NOON, a_body, an_integration
from workers.judge import judge
from workers.transform import compile_mapping

TEAM = AttributeRule("team", Source(field=("fields", "team")))
ORIGIN = AttributeRule("origin", Source(value="komo", has_value=True))
ENTRY = EventRule("komo_entry")
OPTIN = SubscriptionRule(("fields", "optin"), "email", when_yes="opted_in")
PRIZE = SendRule("campaign", "c1")
NO_IDENTIFIER = Judgement("filtered", reason="no_identifier")


def judged(body: dict[str, Any], **rules: Any) -> Judgement:
    plain: dict[str, Any] = {"attributes": (), "events": ()}
    integration = replace(an_integration(), **plain | rules)
    submission = read_submission(body, id="", received_at=NOON)
    return judge(submission, integration, compile_mapping(integration))


@pytest.mark.parametrize("body", [a_body("m1"), a_body("null"), {"event": "CardViewed"}, {}])
def test_whatever_a_draft_is_sent_waits(body: dict[str, Any]) -> None:
    """Its rules are not what they will be, so nothing may end by them."""
    found = judged(body, draft=True, events=(ENTRY,), accept=Acceptance(events=("NothingElse",)))

    assert found == Judgement("lane")


@pytest.mark.parametrize(
    ("rules", "attributes", "events"),
    [
        ({"attributes": (TEAM,)}, True, 0),
        ({"attributes": (ORIGIN, TEAM)}, True, 0),
        ({"events": (ENTRY,)}, False, 1),
        ({"events": (ENTRY, ENTRY), "attributes": (ORIGIN,)}, True, 2),
        ({"subscriptions": (OPTIN,)}, True, 0),
        ({"sends": (PRIZE,)}, False, 0),
    ],
)
def test_whoever_cannot_be_told_yet_is_waited_for_if_there_is_something_to_send(
    rules: dict[str, Any], attributes: bool, events: int
) -> None:
    """An answer before the form is filled in is worth keeping for the one who fills it in."""
    told = judged(a_body("", team="red", user_session_id="s1"), **rules)

    assert (told.destination, told.reason, told.marks) == ("held", "no_identifier", packed_marks([("session", "s1")]))
    assert (told.attributes, told.events, told.person) == (attributes, events, None)


@pytest.mark.parametrize("rules", [{}, {"attributes": (ORIGIN,)}, {"attributes": (TEAM, ORIGIN)}])
def test_nobody_is_waited_for_where_there_is_nothing_to_send(rules: dict[str, Any]) -> None:
    """What is the same for everybody says nothing about anybody."""
    assert judged(a_body("", user_session_id="s1"), **rules) == NO_IDENTIFIER


@pytest.mark.parametrize("session", ["", " ", None, True])
def test_nobody_is_waited_for_who_could_not_be_recognised(session: Any) -> None:
    """An empty id would make one person of everybody who has none."""
    assert judged(a_body("", team="red", user_session_id=session), attributes=(TEAM,)) == NO_IDENTIFIER


def test_what_names_somebody_carries_all_their_marks() -> None:
    """What was held under any of them goes ahead of it."""
    body = a_body("m1", team="red", user_session_id="S1", user_profile_id="{5BB7FB0F-D8D9-415B-8725-460B8CE504DB}")
    told = judged(body, attributes=(TEAM,))

    profile = "5bb7fb0f-d8d9-415b-8725-460b8ce504db"
    assert (told.destination, told.person) == ("lane", Person("external_id", "m1"))
    assert told.marks == packed_marks([("profile", profile), ("session", "S1")])


def test_an_alias_may_need_an_object_of_its_own() -> None:
    """Who gets an alias is known only later; the room in the batch is kept."""
    rules = (IdentifierRule("user_alias", ("fields", "email"), "email"),)

    assert judged(a_body("", user_session_id="s1"), events=(ENTRY,), identifiers=rules).attributes


def test_what_is_not_accepted_or_unusable_is_not_held() -> None:
    """It has its end already, and a reason that a person can read."""
    unwanted = judged(a_body("", team="red"), attributes=(TEAM,), accept=Acceptance(events=("PrizeAwarded",)))
    unusable = judged(a_body({"an": "object"}, team="red"), attributes=(TEAM,))  # type: ignore[arg-type]

    assert (unwanted.destination, unwanted.reason) == ("filtered", "not_accepted")
    assert (unusable.destination, unusable.reason) == ("dead", "bad_identifier")
