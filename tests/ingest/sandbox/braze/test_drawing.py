"""Values, names and times in words."""

import time

import pytest

from ingest.sandbox.braze.drawing import FRESH_S, ago, fresh, initials, moment, shown, tone


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (["a", 1], "a, 1"), (True, "true"), ({"a": [1]}, '{"a":[1]}')])
def test_values_in_one_line(value: object, text: str) -> None:
    """Lists read better without brackets."""
    assert shown(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "just now"), (5, "5 s ago"), (130, "2 min ago"), (7300, "2 h ago")])
def test_times_in_words(seconds: int, text: str) -> None:
    """People look at what happened just now."""
    assert ago(time.time() - seconds - 0.1) == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Mira Kestrel", "MK"), ("jo@example.com", "J"), ("<b> (x)", "BX"), ("مرحبا", "م"), ("Ana Maria Sousa", "AS"),
     ("Bo Berg", "B"), ("...", "?"), ("", "?")],
)  # fmt: skip
def test_a_name_has_initials_whatever_it_is(name: str, letters: str) -> None:
    """Names are the public's."""
    assert initials(name) == letters


def test_somebody_keeps_their_colour() -> None:
    """It helps to find a face again in a list that moves."""
    assert tone("c00e3f090879d35b64052492") == tone("c00e3f090879d35b64052492") < 6


def test_what_changed_is_marked_for_a_moment() -> None:
    """Long enough to be seen, not so long that everything is marked."""
    assert fresh(time.time())
    assert not fresh(time.time() - FRESH_S - 1)
    assert not fresh(None)


def test_a_moment_is_told_exactly_too() -> None:
    """For the title of a time in words."""
    assert moment(0) == "1970-01-01T00:00:00Z"
