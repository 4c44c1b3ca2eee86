from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attempts import FIRST, LAST, NO_ATTEMPTS, Attempts, read_attempts


def made(*numbers: int) -> Attempts:
    """Attempts that are told apart by when they were made."""
    return Attempts([{"at": number} for number in numbers], len(numbers))


def numbers(attempts: Attempts) -> list[int]:
    return [one["at"] for one in attempts.kept]


def test_a_few_attempts_are_all_kept() -> None:
    """Nobody should have to guess about the usual case."""
    assert made(1, 2).followed_by(made(3)) == made(1, 2, 3)
    assert NO_ATTEMPTS.followed_by(made(1)) == made(1)
    assert made(1).followed_by(NO_ATTEMPTS) == made(1)


def test_of_many_attempts_the_first_three_and_the_last_ten_are_kept() -> None:
    """An outage of days makes hundreds, and they say how it began and how it ended."""
    attempts = NO_ATTEMPTS
    for number in range(1, 101):
        attempts = attempts.followed_by(made(number))

    assert numbers(attempts) == [1, 2, 3, *range(91, 101)]
    assert attempts.number == 100


def test_thirteen_attempts_have_no_gap() -> None:
    """Only the fourteenth makes one."""
    thirteen = made(*range(1, 14))

    assert numbers(thirteen.followed_by(NO_ATTEMPTS)) == [*range(1, 14)]
    assert [number for number, _ in thirteen.followed_by(made(14)).numbered()] == [1, 2, 3, *range(5, 15)]


def test_attempts_keep_their_numbers_across_the_gap() -> None:
    """A timeline that said "attempt 4" of the ninety-first would mislead."""
    attempts = made(*range(1, 14)).followed_by(made(*range(14, 101)))

    assert [(number, one["at"]) for number, one in attempts.numbered()] == [
        (number, number) for number in (1, 2, 3, *range(91, 101))
    ]
    assert made(7, 8).numbered() == [(1, {"at": 7}), (2, {"at": 8})]
    assert NO_ATTEMPTS.numbered() == []


@given(st.lists(st.integers(0, 30), max_size=8))
def test_however_attempts_come_together_the_same_ones_are_kept(sizes: list[int]) -> None:
    """They pass through batches, dead letters and replays, each with a list of its own."""
    attempts, start = NO_ATTEMPTS, 1
    for size in sizes:
        later = NO_ATTEMPTS
        for number in range(start, start + size):
            later = later.followed_by(made(number))
        attempts, start = attempts.followed_by(later), start + size

    every = [*range(1, start)]
    kept = every if len(every) <= FIRST + LAST else every[:FIRST] + every[-LAST:]
    assert attempts.numbered() == [(number, {"at": number}) for number in kept]
    assert attempts.number == len(every)


@pytest.mark.parametrize("attempts", [NO_ATTEMPTS, made(1, 2), made(*range(1, 14)).followed_by(made(14))])
def test_what_was_packed_is_read_back(attempts: Attempts) -> None:
    """It spends its time in the store as JSON."""
    assert read_attempts(orjson.loads(orjson.dumps(attempts.packed()))) == attempts


@pytest.mark.parametrize(
    "nonsense", [None, "", "x", 3, [], [[], 1], {}, {"attempts": []}, {"number": 1}, {"attempts": "x", "number": 1},
                 {"attempts": [], "number": "1"}, {"attempts": None, "number": 0}],
)  # fmt: skip
def test_what_is_no_list_of_attempts_is_read_as_none(nonsense: Any) -> None:
    """Old letters and records have none, and are shown all the same."""
    assert read_attempts(nonsense) == NO_ATTEMPTS
