"""Secrets at rest."""

import pytest

from workers.errors import SealBroken
from workers.store.seal import Seal, key_marks

OLD, NEW = "o" * 40, "n" * 40


def test_what_was_sealed_can_be_opened_and_not_read() -> None:
    """Twice the same secret does not even look the same."""
    seal = Seal([OLD])
    first, second = seal.close("a secret"), seal.close("a secret")

    assert seal.open(first) == seal.open(second) == "a secret"
    assert first != second
    assert "secret" not in first


def test_a_new_key_in_front_closes_and_the_old_one_still_opens() -> None:
    """Rotation is prepending."""
    token = Seal([OLD]).close("a secret")
    both = Seal([NEW, OLD])

    assert both.open(token) == "a secret"
    assert Seal([NEW]).open(both.close("a secret")) == "a secret"


@pytest.mark.parametrize("keys", [[NEW], []])
def test_without_the_right_key_it_is_one_sentence(keys: list[str]) -> None:
    """Somebody lost SECRET_KEY, and must be told which one is missing."""
    token = Seal([OLD]).close("a secret")

    with pytest.raises(SealBroken, match="SECRET_KEY"):
        Seal(keys).open(token)


def test_a_seal_tells_whether_its_newest_key_closed_something() -> None:
    """Only then can the older ones go."""
    token = Seal([OLD]).close("a secret")

    assert Seal([OLD]).is_newest(token)
    assert not Seal([NEW, OLD]).is_newest(token)
    assert not Seal([NEW]).is_newest(token)
    assert not Seal([]).is_newest(token)


def test_keys_are_told_apart_by_marks_that_give_nothing_away() -> None:
    """Processes show them to each other."""
    marks = key_marks([NEW, OLD])

    assert marks == [*key_marks([NEW]), *key_marks([OLD])]
    assert len(set(marks)) == 2
    assert all(len(mark) == 8 and mark not in key for mark in marks for key in (NEW, OLD))
