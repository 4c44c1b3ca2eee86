"""One spelling for words that people write in many."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.words import plain


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("  United   Kingdom ", "united kingdom"),
        ("Îles Åland", "iles aland"),
        ("TÜRKİYE", "turkiye"),
        ("Hayır", "hayir"),
        ("Côte d’Ivoire", "cote d'ivoire"),
        ("ΌΧΙ", "οχι"),
        ("ＪＡＰＡＮ", "japan"),
        ("नहीं", "नहीं"),
        ("아니요", "아니요"),
        ("straße", "strasse"),
    ],
)
def test_case_accents_and_blanks_do_not_tell_words_apart(written: str, spelled: str) -> None:
    """Forms are filled in on phones, in all languages; marks that are letters of their own stay."""
    assert plain(written) == spelled


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_a_spelling(written: str) -> None:
    """Half a surrogate pair can stand in JSON."""
    assert plain(plain(written)) == plain(written) or not written.isprintable()
