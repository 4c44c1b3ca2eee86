"""Decision: what a person picked → score, outcome or prize; pure, chance is passed in."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .cards import Card, Option, Outcome, Prize, Question, Segment

#: Gives a whole number from 0 up to, but not including, its argument.
Chance = Callable[[int], int]
Luck = Literal["fair", "win", "lose"]


@dataclass(frozen=True)
class Answer:
    question: Question
    option: Option


@dataclass(frozen=True)
class Play:
    """One finished game, before its form is filled in. `duration_s` is whole seconds."""

    played_at: datetime
    duration_s: int
    answers: tuple[Answer, ...] = ()
    correct: int = 0
    outcome: str = ""
    #: What a personality test says beside the outcome's name.
    verdict: str = ""
    #: Place of the slice at which the wheel stopped, counted from 0; None for cards that ask questions.
    slice: int | None = None
    prize: Prize | None = None

    @property
    def score(self) -> int:
        """One point for each right answer."""
        return self.correct


def picked_answers(card: Card, picked: Mapping[str, str]) -> tuple[Answer, ...]:
    """
    Read the answers to a card's questions.

    Args:
        card: A card that asks questions.
        picked: `q1` to the place of the picked option of the first question, both counted from 1, and so on.

    Raises: ValueError if a question is left out or answered with something that was not on offer.
    """
    answers = []
    for number, question in enumerate(card.questions, start=1):
        place = picked.get(f"q{number}", "")
        if place not in {str(n) for n in range(1, len(question.options) + 1)}:
            raise ValueError(f"Please answer question {number}: {question.text}")
        answers.append(Answer(question, question.options[int(place) - 1]))
    return tuple(answers)


def play_questions(card: Card, picked: Mapping[str, str], *, started_at: datetime, now: datetime) -> Play:
    """Score a quiz, take a vote or find a personality; raises ValueError as `picked_answers` does."""
    answers = picked_answers(card, picked)
    outcome = _outcome(card, answers)
    return Play(
        played_at=now,
        duration_s=_seconds(started_at, now),
        answers=answers,
        correct=sum(answer.option.correct for answer in answers),
        outcome=outcome.name if outcome else "",
        verdict=outcome.verdict if outcome else "",
    )


def spin(card: Card, chance: Chance, *, luck: Luck, started_at: datetime, now: datetime) -> Play:
    """Spin the wheel: every slice is equally likely, among all of them or those that `luck` leaves."""
    stops = [number for number, segment in enumerate(card.segments) if _allowed(segment, luck)]
    stop = stops[chance(len(stops))]
    prize = card.segments[stop].prize
    return Play(
        played_at=now,
        duration_s=_seconds(started_at, now),
        outcome=prize.name if prize else "No prize",
        slice=stop,
        prize=prize,
    )


def _allowed(segment: Segment, luck: Luck) -> bool:
    return luck == "fair" or (luck == "win") == (segment.prize is not None)


def shares(card: Card, mine: Option) -> list[int]:
    """A poll's result in whole percent, by option, with one vote added to those that the card starts with."""
    votes = [n + (option == mine) for n, option in zip(card.votes, card.questions[0].options, strict=True)]
    return [round(100 * n / sum(votes)) for n in votes]


def _outcome(card: Card, answers: tuple[Answer, ...]) -> Outcome | None:
    """The outcome picked most often; of equals the one that the card lists first."""
    if not card.outcomes:
        return None
    counted = Counter(answer.option.outcome for answer in answers)
    return card.outcomes[max(card.outcomes, key=lambda key: counted[key])]


def _seconds(started_at: datetime, now: datetime) -> int:
    return max(0, round((now - started_at).total_seconds()))
