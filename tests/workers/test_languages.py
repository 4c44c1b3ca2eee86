"""A language is sent as Braze's code, or not at all."""

from typing import Any

import pytest
from hypothesis import given, settings

from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.languages import CODES, language


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("en", "en"),
        ("EN-au", "en"),
        ("pt_BR", "pt"),
        ("zh-Hant", "zh"),
        ("haw", "haw"),
        ("deu", "de"),
        ("ger", "de"),
        ("iw", "he"),
        ("no", "nb"),
        ("English", "en"),
        ("Deutsch", "de"),
        ("français", "fr"),
        ("Francais", "fr"),
        ("Español", "es"),
        ("Castellano", "es"),
        ("norsk", "nb"),
        ("Farsi", "fa"),
        ("Brazilian Portuguese", "pt"),
        ("Chinese (Simplified)", "zh"),
        ("日本語", "ja"),
        ("한국어", "ko"),
        ("русский", "ru"),
        ("العربية", "ar"),
        ("Ελληνικά", "el"),
        ("čeština", "cs"),
    ],
)
def test_a_language_is_known_by_its_codes_and_by_its_names(written: str, code: str) -> None:
    """Browsers say en-AU, forms say English, and Komo does not say what it sends."""
    assert language(written) == code


@pytest.mark.parametrize("written", ["xx", "Klingon", "mi", "", "e", "english speaking", "-", "7"])
def test_a_language_that_braze_does_not_list_is_left_out(written: str) -> None:
    """What it does with others is not documented."""
    assert language(written) == Flawed("language_unknown")


@settings(deadline=None)
@given(ANY_JSON)
def test_a_language_is_a_code_of_brazes_list_or_left_out(value: Any) -> None:
    """Whatever somebody typed."""
    found = language(value)

    assert found == Flawed("language_unknown") or found in CODES
