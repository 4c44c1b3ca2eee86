"""A gender is sent as Braze's letter, or not at all."""

from typing import Any

import pytest
from hypothesis import given, settings

from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.genders import gender


@pytest.mark.parametrize(
    ("word", "letter"),
    [
        ("M", "M"),
        ("Männlich", "M"),
        ("HOMME", "M"),
        ("hombre", "M"),
        ("uomo", "M"),
        ("mężczyzna", "M"),
        ("мужской", "M"),
        ("男性", "M"),
        ("남성", "M"),
        ("ذكر", "M"),
        ("Woman ", "F"),
        ("w", "F"),
        ("Frau", "F"),
        ("femme", "F"),
        ("mujer", "F"),
        ("kobieta", "F"),
        ("KADIN", "F"),
        ("nő", "F"),
        ("γυναίκα", "F"),
        ("女", "F"),
        ("Non-Binary", "O"),
        ("divers", "O"),
        ("no binario", "O"),
        ("その他", "O"),
        ("n/a", "N"),
        ("I’d rather not say", "P"),
        ("Keine Angabe", "P"),
        ("Prefiero no decirlo", "P"),
        ("回答しない", "P"),
    ],
)
def test_words_for_gender_become_their_letter(word: str, letter: str) -> None:
    """Forms ask in words, in the language of the hub."""
    assert gender(word) == letter


@pytest.mark.parametrize("value", ["yes", "no", "unknown", "h", "k", "v", "1", 1, "", "nonsense", ["M"]])
def test_a_word_that_is_not_known_is_left_out(value: Any) -> None:
    """Sent as null it would wipe what Braze has; h and v are one gender here and the other there."""
    assert gender(value) == Flawed("gender_unknown")


@settings(deadline=None)
@given(ANY_JSON)
def test_a_gender_is_a_letter_of_brazes_or_left_out(value: Any) -> None:
    """Whatever somebody typed."""
    assert gender(value) in ("M", "F", "O", "N", "P", Flawed("gender_unknown"))
