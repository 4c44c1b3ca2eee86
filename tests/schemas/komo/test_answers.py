"""What a person answered, whatever the shape and its author call it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from schemas.komo import interaction, legacy, workflow
from schemas.komo.answers import read_answer, read_answers
from tests.workers.any_json import ANY_JSON

PORT = {"question": "Port?", "answer": "Left"}
LISTED = [
    {"questionId": "q1", "question": "Port?", "answer": "Left", "isCorrect": "true"},
    {"question": "Lee?", "value": 7},
]
READ = [
    {"question_id": "q1", "question": "Port?", "answer": "Left", "correct": "true"},
    {"question": "Lee?", "answer": 7},
]


def read(body: dict[str, Any]) -> list[dict[str, Any]]:
    shape = legacy if legacy.is_legacy(body) else interaction if interaction.is_interaction(body) else workflow
    answers = shape.read_sections(body)["answers"]
    assert isinstance(answers, list)
    return answers


def test_a_null_answer_is_an_answer() -> None:
    """A skipped question is a fact."""
    assert read_answer({"question": "Port?", "answer": None}) == {"question": "Port?", "answer": None}


@pytest.mark.parametrize(
    "body",
    [
        {"event": "QuizAnswered", "site_id": "h", **PORT},
        {"event": "QuizAnswered", "site_id": "h", "answers": [PORT]},
        {"trigger": "Gameplay.Action", "action": {"type": "Answer", **PORT}, "card": {"type": ""}},
        {"trigger": "Gameplay.Action", **PORT},
        {"trigger": "Gameplay.Ended", "gameplay": {"answers": [PORT]}},
        {"trigger": "Gameplay.Ended", "gameplay": {"answers": json.dumps([PORT])}},
        {"trigger": "Gameplay.Ended", "answers": {"Port?": "Left"}},
        {"trigger": "Survey", "survey": {"id": "s", "responses": [{"question": "Port?", "response": "Left"}]}},
        {"trigger": "Gameplay.DataCaptured", "form": {"fields": {}, "answers": [PORT]}},
        {"anything": 1, **PORT},
        {"eventName": "card-answered", "eventData": PORT},
        {"event": "card-answered", "eventData": json.dumps(PORT)},
        {"event": "card-answered", "eventInfo": {"eventData": PORT}},
        {"event": "card-answered", "eventInfo": PORT},
        {"eventName": "survey-submitted", "eventData": {"answers": [PORT]}},
    ],
)
def test_one_answer_is_read_in_every_shape(body: dict[str, Any]) -> None:
    """Legacy events are not documented to bring answers, but their list is a lower bound."""
    assert [{key: answer[key] for key in PORT} for answer in read(body)] == [PORT]


@pytest.mark.parametrize("name", ["answers", "responses", "votes", "swipes", "predictions"])
def test_several_answers_are_read_in_every_shape(name: str) -> None:
    """A finished game, a survey and a predictor have many."""
    assert read({"event": "QuizFinished", "site_id": "h", name: LISTED}) == READ
    assert read({"trigger": "Gameplay.Ended", "gameplay": {name: LISTED}}) == READ
    assert read({"trigger": "Gameplay.Ended", name: json.dumps(LISTED)}) == READ
    assert read({"eventName": "card-finished", "eventData": {name: LISTED}}) == READ


@pytest.mark.parametrize(
    ("kind", "block", "answer"),
    [
        (
            "Quiz",
            {"question": "Port?", "answerText": "Left", "is_correct": False},
            {"answer": "Left", "correct": False},
        ),
        ("Poll", {"question": "Port?", "selectedOption": "Left"}, {"answer": "Left"}),
        ("Vote", {"itemId": "i", "vote": 9}, {"answer": 9, "answer_id": "i"}),
        ("Swiper", {"item": "Chips", "direction": "right"}, {"question": "Chips", "answer": "right"}),
        ("Swiper", {"item": "Chips", "direction": "right", "answer": "Like"}, {"question": "Chips", "answer": "Like"}),
        ("Predictor", {"question": "Score?", "prediction": {"home": 2}}, {"answer": {"home": 2}}),
        ("Poll", {"question": "Port?", "answer": {"id": "a", "text": "Left"}}, {"answer": "Left", "answer_id": "a"}),
        (
            "Quiz",
            {"question": {"id": "q", "text": "Port?"}, "answer": "Left"},
            {"question": "Port?", "question_id": "q"},
        ),
    ],
)
def test_every_kind_of_card_is_read(kind: str, block: dict[str, Any], answer: dict[str, Any]) -> None:
    """Market research is what brands run these cards for."""
    found = read_answer(block, kind)

    assert found is not None
    assert answer.items() <= found.items()
    assert found["kind"] == kind


@pytest.mark.parametrize(
    "block",
    [
        {"question": "Boats?", "answer": ["Dinghy", "Yacht"]},
        {"question": "Boats?", "answers": ["Dinghy", "Yacht"]},
        {"question": "Boats?", "answers": '["Dinghy", "Yacht"]'},
        {"question": "Boats?", "selectedOptions": [{"id": "d", "text": "Dinghy"}, {"id": "y", "text": "Yacht"}]},
        {"question": "Boats?", "answers": [{"id": "d", "text": "Dinghy"}, {"id": "y", "text": "Yacht"}]},
    ],
)
def test_several_options_of_one_question_are_one_answer(block: dict[str, Any]) -> None:
    """So that they become one array."""
    for body in ({"trigger": "T", "action": block}, {"eventName": "card-answered", "eventData": block}):
        [found] = read(body)
        assert (found["question"], found["answer"]) == ("Boats?", ["Dinghy", "Yacht"])


@pytest.mark.parametrize("choice", ["Dinghy,Yacht", '["Dinghy", "Yacht"]'])
def test_options_in_a_text_stay_one(choice: str) -> None:
    """The mapping knows the separator, and reads the JSON."""
    assert read_answer({"question": "Boats?", "answer": choice}) == {"question": "Boats?", "answer": choice}


@pytest.mark.parametrize(
    "block",
    [
        {"question": "Port?"},
        {"question": "Port?", "votes": 12},
        {"value": "x", "text": "y", "votes": 3, "choice": "z"},
        {"answers": "7", "responses": 7, "predictions": None},
        {},
    ],
)
def test_what_nobody_answered_is_no_answer(block: dict[str, Any]) -> None:
    """Counts and captions have the same names."""
    assert read_answer(block) is None
    assert read({"trigger": "T", "action": block}) == []
    assert read({"eventName": "card-action", "eventData": block}) == []


def test_fields_that_look_like_an_answer_are_kept_as_fields() -> None:
    """A form may have a field of that name; nothing is lost by reading it twice."""
    body = {"event": "CompetitionEntrySuccess", "site_id": "h", "question": "Port?", "answer": "Left"}

    assert legacy.read_sections(body)["fields"] == PORT
    assert workflow.read_sections({"trigger": "T", **PORT})["fields"] == PORT


def test_an_outcome_may_be_an_object_with_a_name() -> None:
    """A personality has an id, too."""
    calm = {"id": "p", "name": "The Calm Skipper"}
    bodies: list[tuple[Any, dict[str, Any]]] = [
        (legacy, {"event": "QuizFinished", "site_id": "h", "outcome": calm}),
        (workflow, {"trigger": "Gameplay.Ended", "gameplay": {"result": calm}}),
        (workflow, {"trigger": "Gameplay.Ended", "result": calm}),
        (workflow, {"trigger": "Gameplay.Ended", "gameplay": {"personality": "The Calm Skipper"}}),
        (workflow, {"trigger": "Gameplay.Ended", "result": "The Calm Skipper"}),
        (interaction, {"eventName": "card-finished", "eventData": {"outcome": calm}}),
    ]
    for shape, body in bodies:
        assert shape.read_sections(body)["result"]["outcome"] == "The Calm Skipper"


@settings(deadline=None)
@given(ANY_JSON, ANY_JSON)
def test_whatever_comes_in_is_read_without_a_fault(one: Any, other: Any) -> None:
    """Anything is possible in a body that somebody composed by hand."""
    for name in (
        "answers",
        "action",
        "gameplay",
        "result",
        "survey",
        "form",
        "contact",
        "eventData",
        "question",
        "answer",
    ):
        for body in ({"event": "X", "site_id": "h"}, {"trigger": "T"}, {"eventData": {name: one}}):
            for answer in read({**body, name: other, "responses": one}):
                assert "answer" in answer or "answer_id" in answer
    assert all(isinstance(answer, dict) for answer in read_answers(one, other))
