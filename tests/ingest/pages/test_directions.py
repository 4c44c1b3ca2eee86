"""Texts of others amid our own words."""

from html.parser import HTMLParser

import orjson
import pytest

from ingest.pages.directions import apart, json_apart


@pytest.mark.parametrize("plain", ["", "Summer hub", "Café №1 日本語 🏖️", "<b>"])
def test_what_runs_from_left_to_right_stays_as_it_is(plain: str) -> None:
    """Nobody finds signs in a copied name that they can't see."""
    assert apart(plain) == plain


@pytest.mark.parametrize("name", ["כרטיס", "مركز", "\u202egnorw", "\u2067a"])
def test_what_turns_around_is_kept_inside(name: str) -> None:
    """Also where it brings the sign that would end what keeps it inside."""
    told = apart(f"{name}\u2069\u202e")

    assert (told[0], told[-1]) == ("\u2068", "\u2069")
    assert told.count("\u2069") == 1


@pytest.mark.parametrize(
    "value",
    [
        {"name": 'a "quoted" \\ text', "<b>": "no & yes"},
        {"כרטיס": "\u202egnorw", "x": ['"\\"כ', "plain"], "<script>": "مركز</bdi>"},
    ],
)
def test_json_reads_as_it_was_written(value: object) -> None:
    """Whoever copies it gets what stands there, without markup."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    read: list[str] = []
    reader = HTMLParser()
    reader.handle_data = read.append  # type: ignore[assignment,method-assign]

    reader.feed(str(json_apart(text)))
    reader.close()

    assert "".join(read) == text


def test_json_that_was_cut_keeps_its_last_text_inside() -> None:
    """It has no end, and would turn around whatever stands below."""
    assert json_apart('{"a": "\u202egn') == "{&#34;a&#34;: <bdi>&#34;\u202egn</bdi>"
