from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from ingest.sandbox.hub.bodies import (
    Body,
    Shape,
    card_viewed,
    competition_entry_success,
    entry_bodies,
    prize_awarded,
    sample_bodies,
)
from ingest.sandbox.hub.cards import PERSONALITY, POLL, QUIZ, WHEEL
from ingest.sandbox.hub.play import Play
from ingest.sandbox.hub.visitor import Entry, Visitor

NOON = datetime(2026, 2, 3, 12, 0, 0, 7000, UTC)
VISITOR = Visitor("8a1e6f91-0951-4549-a823-213cb38eb51c", "contact-1", "user-1")
ENTRY = Entry("entry-1", "submission-1", {"email": "mira@example.com", "first_name": "Mira", "optin": "true"})

ENVELOPE = {"id", "event", "timestamp", "site_id", "site_name", "user_session_id"}
CARD = {"card_id", "card_name", "card_type", "score", "correct"}
ENTERED = {"competition_entry_id", "submission_id"}
PERSON = {"first_name", "last_name", "email", "mobile", "date_of_birth", "country"}
CAPTURED = PERSON | {"preferred_boat", "favourite_team", "interests", "boat_length"}


def of(event: str, bodies: list[Body]) -> list[Body]:
    return [body for body in bodies if body.get("event", body.get("trigger", body.get("eventName"))) == event]


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [leaf for member in value for leaf in leaves(member)] if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        ("SiteViewed", ENVELOPE),
        ("CardViewed", ENVELOPE | CARD),
        ("QuizStarted", ENVELOPE | CARD),
        ("CompetitionEntrySuccess", ENVELOPE | CARD | ENTERED | PERSON | {"optin", "preferred_boat", "favourite_team"}),
    ],
)
def test_legacy_events_carry_exactly_the_documented_members(event: str, keys: set[str]) -> None:
    """A connector that works with the sandbox must not rest on members that Komo never sends."""
    first = of(event, sample_bodies())[0]

    assert set(first) == keys


def test_an_awarded_prize_names_its_recipient_entry_and_prize() -> None:
    """Those ids are what tells one award from another."""
    (body,) = of("PrizeAwarded", sample_bodies())

    prize = {"prize_recipient_id", "prize_id", "prize_name"}
    assert set(body) == ENVELOPE | CARD | ENTERED | prize | CAPTURED | {"postcode", "optin"}
    assert body["prize_name"] == "Team scarf"


def test_legacy_and_workflow_bodies_hold_nothing_but_text() -> None:
    """Komo's examples have numbers and booleans as strings, whatever its tables say."""
    assert {type(leaf) for body in sample_bodies() for leaf in leaves(body)} == {str}


def test_an_answer_says_whether_it_was_right_only_where_right_exists() -> None:
    """A poll has no wrong answers, and "false" would make one."""
    actions: list[dict[str, Any]] = [body["action"] for body in of("Gameplay.Action", sample_bodies())]

    assert {"type": "Answer", "question": "Best beach of the bay?", "answer": "North Cove"} in actions
    assert [one["correct"] for one in actions if "correct" in one] == ["true", "false", "false", "true", "false"]


def test_a_finished_game_brings_its_result() -> None:
    """Scores and outcomes are what a brand segments by."""
    ended = {body["card"]["type"]: body["gameplay"] for body in of("Gameplay.Ended", sample_bodies())}

    assert ended["Quiz"].items() >= {"score": "2", "correct": "2", "questions": "5", "status": "Completed"}.items()
    assert ended["Personality"]["result"] == "The Calm Skipper"
    assert "score" not in ended["Poll"]


def test_one_visit_keeps_its_session_and_contact() -> None:
    """They are what ties a view to the form that follows it."""
    bodies = sample_bodies()

    assert len({body["user_session_id"] for body in bodies if "event" in body}) == 1
    assert len({body["contact"]["contactId"] for body in bodies if "trigger" in body}) == 1


@pytest.mark.parametrize("shape", get_args(Shape))
def test_ids_are_fresh_for_every_event_and_entry(shape: Shape) -> None:
    """A repeated id would look like a second delivery of the same thing."""
    bodies = sample_bodies(shape=shape)
    ids = [body.get("id") or body["runId"] for body in bodies if "eventName" not in body]
    entries = [body["submission_id"] for body in of("CompetitionEntrySuccess", bodies)]

    assert len(ids) == len(set(ids))
    assert len(entries) == len(set(entries)) == (0 if shape == "interaction" else 4)


def test_samples_are_the_same_every_time() -> None:
    """Tests spell out what becomes of them."""
    assert sample_bodies() == sample_bodies()


def test_a_view_tells_what_the_session_captured_before() -> None:
    """Without it nobody could say whose view it was."""
    views = of("CardViewed", sample_bodies())

    assert "email" not in views[0]
    assert views[1]["email"] == "mira.kestrel@example.com"
    assert all("optin" not in view for view in views)


def test_only_people_who_signed_in_have_a_profile_id() -> None:
    """Komo leaves the member out for everybody else."""
    signed_in = Visitor("s", "c", "u", profile_id="p")

    assert card_viewed(signed_in, QUIZ, at=NOON)["user_profile_id"] == "p"
    assert "user_profile_id" not in card_viewed(VISITOR, QUIZ, at=NOON)


def test_times_are_utc_to_the_millisecond() -> None:
    """That is the format of Komo's examples."""
    assert card_viewed(VISITOR, QUIZ, at=NOON)["timestamp"] == "2026-02-03T12:00:00.007Z"


def test_a_form_field_wins_over_the_attribute_of_the_same_name() -> None:
    """Both share the top level, and the form is the newer of the two."""
    known = Visitor("s", "c", "u", attributes={"email": "old@example.com", "postcode": "04170"})

    body = competition_entry_success(known, POLL, Play(NOON, 3), ENTRY, at=NOON)

    assert (body["email"], body["postcode"]) == ("mira@example.com", "04170")


def test_no_prize_is_awarded_where_nothing_was_won() -> None:
    """A losing spin leads to an entry only."""
    lost = Play(NOON, 3, slice=1)

    made = entry_bodies(VISITOR, WHEEL, lost, ENTRY, shape="legacy_workflow", at=NOON)

    assert [body.get("event", body.get("trigger")) for body in made] == ["CompetitionEntrySuccess", "Gameplay.Ended"]
    with pytest.raises(ValueError, match="nothing was won"):
        prize_awarded(VISITOR, WHEEL, lost, ENTRY, at=NOON)


def test_legacy_webhooks_alone_know_no_answers() -> None:
    """No documented legacy event carries them."""
    assert not [body for body in sample_bodies(shape="legacy") if "event" not in body]


def test_interaction_events_name_the_card_but_no_person() -> None:
    """Komo's browser feed has ids and chosen properties, never an address."""
    bodies = sample_bodies(shape="interaction")
    answered = of("card-answered", bodies)

    assert "mira.kestrel@example.com" not in [leaf for body in bodies for leaf in leaves(body)]
    assert answered[0]["eventData"]["isCorrect"] is True
    assert {one["eventData"]["cardSubType"] for one in answered} == {"Quiz", "Poll", PERSONALITY.sub_type}
    assert [one["eventData"]["scope"] for one in of("form-submission", bodies)] == ["Card"] * 4
