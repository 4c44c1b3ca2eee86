from datetime import UTC, datetime, timedelta

import pytest

from ingest.sandbox.hub.cards import PERSONALITY, POLL, QUIZ, WHEEL
from ingest.sandbox.hub.play import Luck, Play, play_questions, shares, spin

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
RIGHT = {"q1": "1", "q2": "2", "q3": "3", "q4": "1", "q5": "2"}


def turn(chance: int, luck: Luck = "fair") -> Play:
    return spin(WHEEL, lambda stops: min(chance, stops - 1), luck=luck, started_at=NOON, now=NOON)


def test_each_right_answer_is_a_point() -> None:
    """The score is what Komo posts with the entry."""
    play = play_questions(QUIZ, RIGHT | {"q5": "1"}, started_at=NOON, now=NOON + timedelta(seconds=41))

    assert (play.score, play.correct, play.duration_s) == (4, 4, 41)


@pytest.mark.parametrize("place", ["", "0", "4", "-1", "one", "01"])
def test_an_answer_that_was_not_on_offer_is_no_answer(place: str) -> None:
    """Anybody can post anything to the hub."""
    with pytest.raises(ValueError, match="question 2"):
        play_questions(QUIZ, RIGHT | {"q2": place}, started_at=NOON, now=NOON)


@pytest.mark.parametrize(
    ("places", "outcome"), [("2221", "The Bold Racer"), ("3311", "The Calm Skipper"), ("3333", "The Sunset Host")]
)
def test_the_outcome_picked_most_often_wins_and_of_equals_the_first(places: str, outcome: str) -> None:
    """The same answers must always make the same skipper."""
    picked = {f"q{number}": place for number, place in enumerate(places, start=1)}

    assert play_questions(PERSONALITY, picked, started_at=NOON, now=NOON).outcome == outcome


def test_the_wheel_stops_where_chance_says() -> None:
    """The slice that is shown and the prize that is posted are one decision."""
    assert [(turn(n).slice, turn(n).outcome) for n in (0, 1)] == [(0, "Team scarf"), (1, "No prize")]


def test_luck_leaves_only_winning_or_only_losing_slices() -> None:
    """A demonstration should not have to spin until it wins."""
    assert all(turn(n, "win").prize for n in range(8))
    assert not any(turn(n, "lose").prize for n in range(8))


def test_a_vote_counts_in_the_shares() -> None:
    """Percentages of whole votes, the player's own among them."""
    option = POLL.questions[0].options[3]

    assert shares(POLL, option) == [41, 28, 19, 12]
