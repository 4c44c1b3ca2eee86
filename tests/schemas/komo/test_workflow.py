"""Shape B, and bodies that nobody announced."""

from typing import Any

import pytest

from schemas.komo.workflow import delivery_id, event_name, read_sections


def read(body: dict[str, Any]) -> dict[str, Any]:
    return {name: block for name, block in read_sections({"trigger": "T", **body}).items() if block}


def test_the_event_is_found_under_other_names() -> None:
    """Trigger names differ between Komo's own pages, and members between authors."""
    assert event_name({"trigger": "Prize.Won", "event": "x"}) == "Prize.Won"
    assert event_name({"trigger": "", "event": "Prize.Won"}) == "Prize.Won"
    assert event_name({"event": None, "eventName": "Prize.Won"}) == "Prize.Won"
    assert event_name({"trigger": 5}) == ""


def test_the_delivery_is_named_by_the_run() -> None:
    """The same workflow runs again for the same person."""
    assert delivery_id({"runId": "r"}) == "r"
    assert delivery_id({"id": "", "run_id": "r"}) == "r"
    assert delivery_id({"id": None}) is None


def test_a_form_field_wins_over_the_contact_and_raw_keeps_both() -> None:
    """What the person has just typed is newer than what the contact holds."""
    body = {
        "contact": {"email": "old@example.com", "city": "A", "properties": {"city": "B", "team": "Gulls"}},
        "city": "C",
        "form": {"fields": {"email": "new@example.com", "city": "D"}},
    }
    assert read(body) == {"fields": {"email": "new@example.com", "city": "D", "team": "Gulls"}}
    assert read({**body, "form": None}) == {"fields": {"email": "old@example.com", "city": "C", "team": "Gulls"}}


def test_a_form_without_a_block_of_fields_is_its_own_block() -> None:
    """The author may have written the fields straight into it."""
    body = {"form": {"submissionId": "s", "isQualified": False, "email": "mira@example.com"}}
    assert read(body) == {
        "entry": {"submission_id": "s", "qualified": False},
        "fields": {"email": "mira@example.com"},
    }


@pytest.mark.parametrize(
    "body",
    [
        {"site_id": "h", "card_id": "c", "contact_id": "k", "user_session_id": "s", "score": "7"},
        {"siteId": "h", "cardId": "c", "contactId": "k", "sessionId": "s", "score": "7"},
    ],
)
def test_flat_members_in_komos_spellings_are_found_and_stay_fields(body: dict[str, Any]) -> None:
    """A body may be composed without a single block."""
    assert read(body) == {
        "hub": {"id": "h"},
        "card": {"id": "c"},
        "contact": {"id": "k"},
        "session": {"id": "s"},
        "result": {"score": "7"},
        "fields": body,
    }


def test_a_block_wins_over_a_flat_member() -> None:
    """Whoever wrote the block meant it, wherever it stands."""
    assert read({"card_id": "flat", "card": {"id": "block"}})["card"] == {"id": "block"}


@pytest.mark.parametrize("block", ["site", "contact", "card", "form", "gameplay", "action", "changes", "answers"])
@pytest.mark.parametrize("value", ["text", 7, True, None, [], [1, "x", None, {}], {}])
def test_a_block_of_another_type_costs_nothing_else(block: str, value: Any) -> None:
    """Anything is possible in a body that somebody composed by hand."""
    sections = read({block: value, "email": "mira@example.com"})
    assert sections["fields"]["email"] == "mira@example.com"
    if not isinstance(value, dict | list | None):
        assert sections["fields"][block] == value


def test_person_ids_are_four_spaces() -> None:
    """No page says how they relate, so one must never stand for another."""
    body = {
        "contact": {"contactId": "c", "id": "other"},
        "profile": {"id": "p"},
        "user": {"userId": "u"},
        "session": {"id": "s"},
    }
    assert read(body) == {"contact": {"id": "c"}, "profile": {"id": "p"}, "user": {"id": "u"}, "session": {"id": "s"}}


def test_several_answers_are_read_from_a_list_or_an_object() -> None:
    """A body about a whole game holds all its answers."""
    as_list = [{"question": "Port?", "answer": "Left", "isCorrect": True}, "just an answer", None, {"x": 1}]
    card = {"card": {"type": "Quiz"}}
    expected = [
        {"question": "Port?", "answer": "Left", "correct": True, "kind": "Quiz"},
        {"answer": "just an answer", "kind": "Quiz"},
    ]
    assert read({**card, "answers": as_list})["answers"] == expected
    assert read({**card, "gameplay": {"answers": as_list}})["answers"] == expected
    assert read({**card, "action": {"type": "End", "answers": as_list}})["answers"] == expected
    assert read({"answers": {"Port?": "Left"}})["answers"] == [{"question": "Port?", "answer": "Left"}]


def test_an_action_without_an_answer_is_no_answer() -> None:
    """`Gameplay.Action` fires for any action."""
    assert "answers" not in read({"action": {"type": "Start", "question": "Port?"}})


def test_a_changed_property_is_a_field_where_the_contact_does_not_show_it() -> None:
    """The author may have sent the change alone."""
    changes = [{"property": "postcode", "oldValue": None, "newValue": "04170"}, {"property": 1}, "x"]
    assert read({"changes": changes}) == {"fields": {"postcode": "04170"}}
    assert read({"changes": changes, "contact": {"postcode": "9"}}) == {"fields": {"postcode": "9"}}
