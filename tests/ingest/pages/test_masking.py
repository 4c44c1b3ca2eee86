"""Hiding what people typed."""

import pytest

from ingest.pages.masking import DOTS, masked, masked_person, without_quotes, without_values


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("mia@example.com", "m***@e***.com"),
        ("mia@mail.example.co.uk", "m***@m***.uk"),
        ("m@e", "m***@e***"),
        ("+61412345678", "+61***78"),
        ("member-77", "m***"),
        ("abc", "***"),
        ("", "***"),
        ("a@b@c", "a***"),
        ("@", "***"),
        ("مركز", "م***"),
    ],
)
def test_an_identifier_is_told_by_who_knows_it_and_by_nobody_else(value: str, shown: str) -> None:
    """Its length says nothing either."""
    assert masked(value) == shown


def test_nobody_is_nobody() -> None:
    """A submission may name no one."""
    assert masked_person(None) == ""
    assert masked_person({"kind": "email", "value": "mia@example.com"}) == "m***@e***.com"


def test_a_body_keeps_its_keys_and_its_shape() -> None:
    """Whoever maps fields needs to see which there are, and which were left empty."""
    body = {"email": "mia@example.com", "score": 7, "optin": False, "note": "", "gone": None, "answers": [{"a": 1.5}]}

    assert without_values(body) == {
        "email": DOTS, "score": DOTS, "optin": DOTS, "note": "", "gone": None, "answers": [{"a": DOTS}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Mia is no date", f"{DOTS} is no date"),
        ("Miami is no date", "Miami is no date"),
        ("42 a b 4711", f"42 a b {DOTS}"),
        ("Mia Ray (and Mia)", f"{DOTS} (and {DOTS})"),
        ("true, and nothing else", "true, and nothing else"),
    ],
)
def test_what_somebody_quotes_of_a_body_is_hidden(words: str, expected: str) -> None:
    """What is too short to be told from their own words stays."""
    body = {"name": "Mia", "whole": ["Mia  Ray", {"number": 4711}], "optin": True, "few": "a", "none": None, "two": 42}

    assert without_quotes(words, body) == expected
