"""Shape C."""

from typing import Any

import pytest

from schemas.komo.interaction import event_data, event_name, is_interaction, read_sections

DATA = {"timestamp": "2026-02-03T04:05:06Z", "siteId": "h", "userId": "u", "contactId": "c", "cardId": "k"}
REST = {"trackedData": {"team": "Gulls"}, "extensionData": {"ref": "HB"}}

AS_KOMO = {"eventName": "card-viewed", "eventData": DATA, **REST}
AS_GOOGLE = {"event": "card-viewed", "eventData": DATA, **REST}
AS_ADOBE = {"event": "card-viewed", "eventInfo": {"eventData": DATA, **REST}}
AS_ADOBE_WITH_NAME = {"eventInfo": {"eventName": "card-viewed", "eventData": DATA, **REST}}
AS_ADOBE_FLAT = {"event": "card-viewed", "eventInfo": {**DATA, **REST}}


@pytest.mark.parametrize("body", [AS_KOMO, AS_GOOGLE, AS_ADOBE, AS_ADOBE_WITH_NAME, AS_ADOBE_FLAT])
def test_every_tag_managers_way_of_nesting_reads_the_same(body: dict[str, Any]) -> None:
    """What is relayed is what the tag manager holds, not what Komo's page shows."""
    assert is_interaction(body)
    assert event_name(body) == "card-viewed"
    assert event_data(body)["timestamp"] == "2026-02-03T04:05:06Z"
    assert read_sections(body) == {
        "fields": {},
        "answers": [],
        "hub": {"id": "h"},
        "user": {"id": "u"},
        "contact": {"id": "c"},
        "card": {"id": "k"},
        "tracked": {"team": "Gulls"},
        "extension": {"ref": "HB"},
    }


def test_tracked_and_extension_data_are_never_fields() -> None:
    """Anybody can set them in a URL, and fields decide who is written to."""
    body = {**AS_KOMO, "extensionData": {"email": "victim@example.com"}, "trackedData": {"email": "v@example.com"}}
    assert read_sections(body)["fields"] == {}


def test_what_the_relay_added_and_what_we_do_not_know_are_fields() -> None:
    """The answers of a form are not documented, so they may stand anywhere; the page is nobody's answer."""
    data = {**DATA, "url": "https://play.example.com/", "boat": "Dinghy", "fields": {"email": "mira@example.com"}}
    assert read_sections({**AS_KOMO, "member_id": "M1", "eventData": data})["fields"] == {
        "member_id": "M1",
        "boat": "Dinghy",
        "email": "mira@example.com",
    }


def test_a_vote_is_an_answer_and_a_click_in_a_carousel_is_none() -> None:
    """Both arrive as `card-clicked`."""
    click = {**DATA, "cardType": "Vote", "itemIndex": 0, "itemId": "i"}
    assert read_sections({"eventName": "card-clicked", "eventData": click})["answers"] == []
    vote = read_sections({"eventName": "card-clicked", "eventData": {**click, "vote": 9}})
    assert vote["answers"] == [{"answer": 9, "answer_id": "i", "kind": "Vote"}]


def test_correct_belongs_to_the_answer_if_there_is_one() -> None:
    """Alone it counts right answers; beside an answer it judges that one."""
    answered = read_sections({"eventData": {**DATA, "answer": "Left", "correct": True, "score": 1}})
    assert answered["answers"] == [{"answer": "Left", "correct": True}]
    assert answered["result"] == {"score": 1}
    assert read_sections({"eventData": {**DATA, "correct": "7"}})["result"] == {"correct": "7"}


def test_several_answers_are_read_from_a_list() -> None:
    """A survey may send all of them at once."""
    answers = [{"questionId": "q", "answerText": "Yes"}]
    assert read_sections({"eventData": {**DATA, "answers": answers}})["answers"] == [
        {"question_id": "q", "answer": "Yes"}
    ]


@pytest.mark.parametrize("value", [None, "text", 7, []])
def test_a_block_of_another_type_is_no_block(value: Any) -> None:
    """A tag manager's variable may be empty."""
    assert not is_interaction({"eventName": "card-viewed", "eventData": value})
    assert "tracked" not in read_sections({**AS_KOMO, "trackedData": value})
    assert event_name({"event": value, "eventData": {}}) in ("", "text")
