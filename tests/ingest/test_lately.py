"""A question that many ask."""

import threading

import pytest

from ingest.lately import Lately


class Somebody:
    """Answers with how often they were asked, once they may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = threading.Event()
        self.now = 0.0

    def __call__(self) -> int:
        self.asked += 1
        asked = self.asked
        assert self.may.wait(5)
        return asked


@pytest.fixture
def somebody() -> Somebody:
    return Somebody()


def test_an_answer_counts_for_a_while(somebody: Somebody) -> None:
    """However often anybody asks."""
    somebody.may.set()
    lately = Lately(somebody, good_for_s=5, clock=lambda: somebody.now)

    assert [lately.answer(5) for _ in range(10)] == [1] * 10
    somebody.now = 5
    assert [lately.answer(5) for _ in range(10)] == [2] * 10


def test_nobody_waits_longer_than_they_have_patience(somebody: Somebody) -> None:
    """And nobody asks a second time meanwhile: threads that all wait for one who is away serve nobody."""
    lately = Lately(somebody, good_for_s=5, clock=lambda: somebody.now)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            lately.answer(0.01)
        somebody.now += 10
    somebody.may.set()

    assert lately.answer(5) in (1, 2)
    assert somebody.asked <= 2


def test_what_goes_wrong_is_told_to_everybody() -> None:
    """Until it counts no more."""

    def fail() -> int:
        raise ZeroDivisionError

    lately = Lately(fail, good_for_s=5)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            lately.answer(5)
