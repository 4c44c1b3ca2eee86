"""
What a person answered to a quiz, poll, vote, swiper, personality test, survey or predictor, in any spelling.

Komo documents the vote of a carousel alone; the members of every other answer are what its shapes, and the people who
write workflow bodies, would most likely call them.
https://developers.komo.tech/user-interaction-events/cards/carousel
"""

from collections.abc import Mapping
from typing import Any, Final

from schemas.komo.texts import unwrapped
from schemas.submission import MISSING

#: Members of one answer.
_ANSWER: Final[Mapping[str, tuple[str, ...]]] = {
    "question_id": ("questionId", "question_id"),
    "question": ("question", "questionText", "question_text", "item"),
    "answer": (
        *("answer", "answerText", "answer_text", "vote"),
        *("selectedAnswers", "selectedAnswer", "selectedOptions", "selectedOption", "prediction", "direction"),
    ),
    "answer_id": ("answerId", "answer_id", "answerIds", "itemId"),
    "correct": ("correct", "isCorrect", "is_correct"),
    "kind": ("kind",),
}
#: What lists of answers are called.
LISTS: Final = ("answers", "responses", "votes", "swipes", "predictions")
#: Members that are an answer only beside a question or within a list of answers: alone they may be anything.
WEAK: Final = (*LISTS, "value", "values", "response", "choice", "choices", "selected", "selection", "option", "text")
ANSWERED: Final = frozenset((*_ANSWER["answer"], "answerId", "answer_id", "answerIds"))
ASKED: Final = frozenset(_ANSWER["question_id"] + _ANSWER["question"])

#: Every spelling of a member of an answer.
ANSWER_NAMES: Final = frozenset(name for names in _ANSWER.values() for name in names)
_PARTS: Final = ANSWERED | ASKED

#: What names an option that comes as an object, and its id.
_NAMES: Final = ("text", "name", "title", "label", "value")
_IDS: Final = ("id", "answerId", "optionId")


def read_answer(block: Mapping[str, Any], kind: Any = None, *, listed: bool = False) -> dict[str, Any] | None:
    """
    One element of `answers` out of a block in any spelling, or None if nobody answered anything there.

    Args:
        kind: What sort of question it was in Komo's words (`Quiz`, `Poll`, `Swiper`), unless the block says so itself.
        listed: Whether the block stands in a list of answers, so that it is one whatever it calls it.
    """
    weak: Any = MISSING
    if ANSWERED.isdisjoint(block):
        weak = _weak_answer(block) if listed or not ASKED.isdisjoint(block) else MISSING
        if weak is MISSING:
            return None
    answer = {}
    for member, names in _ANSWER.items():
        value = next((block[name] for name in names if name in block), MISSING)
        if value is not MISSING:
            answer[member] = value
    if weak is not MISSING:
        answer["answer"] = weak
    _unfold(answer, "question", "question_id")
    _unfold(answer, "answer", "answer_id")
    if kind is not None:
        answer.setdefault("kind", kind)
    return answer


def _weak_answer(block: Mapping[str, Any]) -> Any:
    """A number under the name of a list counts something, and a list of whole answers is no answer."""
    for name in WEAK:
        value = unwrapped(block[name]) if name in block else MISSING
        is_list = isinstance(value, list)
        if is_list and any(isinstance(one, dict) and not _PARTS.isdisjoint(one) for one in value):
            continue
        if value is not MISSING and (is_list or name not in LISTS):
            return value if is_list else block[name]
    return MISSING


def _unfold(answer: dict[str, Any], member: str, id_member: str) -> None:
    """An option may come as an object with its id and text, and several chosen ones as a list of those."""
    value = answer.get(member)
    if isinstance(value, dict):
        name, option_id = _named(value), _first(value, _IDS)
    elif isinstance(value, list) and value and all(isinstance(option, dict) for option in value):
        names = [_named(option) for option in value]
        ids = [found for found in (_first(option, _IDS) for option in value) if found is not MISSING]
        name, option_id = (MISSING if MISSING in names else names), ids or MISSING
    else:
        return
    if name is not MISSING:
        answer[member] = name
        if option_id is not MISSING:
            answer.setdefault(id_member, option_id)


def named(value: Any) -> Any:
    """What an object is called, if it is one that has a name and no more than its id beside it; else the value."""
    found = _named(value) if isinstance(value, dict) else MISSING
    return value if found is MISSING else found


def _named(option: Mapping[str, Any]) -> Any:
    return _first(option, _NAMES)


def _first(block: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((block[name] for name in names if isinstance(block.get(name), str | int | float)), MISSING)


def read_answers(block: Any, kind: Any = None) -> list[dict[str, Any]]:
    """
    The elements of `answers` out of a list of blocks or of plain answers, or an object of question and answer.

    Either may come as JSON inside a text.
    """
    block = unwrapped(block)
    if isinstance(block, dict):
        if not ANSWER_NAMES.isdisjoint(block):
            answer = read_answer(block, kind, listed=True)
            return [answer] if answer else []
        pairs = [{"question": question, "answer": answer} for question, answer in block.items()]
        return [pair if kind is None else {**pair, "kind": kind} for pair in pairs]
    if not isinstance(block, list):
        return []
    answers = (
        read_answer(element, kind, listed=True) if isinstance(element, dict) else read_answer({"answer": element}, kind)
        for element in block
        if element is not None
    )
    return [answer for answer in answers if answer]


def listed_answers(block: Mapping[str, Any], kind: Any = None) -> list[dict[str, Any]]:
    """The answers of the lists in a block."""
    return [answer for name in LISTS if name in block for answer in read_answers(block[name], kind)]


def asked_answer(block: Mapping[str, Any], kind: Any = None) -> dict[str, Any] | None:
    """The answer of a block that may hold anything: only one beside its question is taken for one."""
    return None if ASKED.isdisjoint(block) else read_answer(block, kind)
