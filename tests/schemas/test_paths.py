"""Paths as people write them."""

import pytest

from schemas.paths import ELEMENT, SECTIONS, format_path, parse_element_path, parse_path
from schemas.submission import lookup


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("email", ("fields", "email")),
        ("prénom", ("fields", "prénom")),
        ("boat-length", ("fields", "boat-length")),
        ("card.name", ("card", "name")),
        ("submission.event", ("submission", "event")),
        ("answers", ("answers",)),
        ("fields.card", ("fields", "card")),
        ('fields["a.b"]', ("fields", "a.b")),
        ('fields["first name"]', ("fields", "first name")),
        ('["first name"]', ("fields", "first name")),
        ('["card"]', ("fields", "card")),
        ('fields["she said \\"hi\\""]', ("fields", 'she said "hi"')),
        ("raw.changes[0].newValue", ("raw", "changes", "0", "newValue")),
        ("raw.changes.0.newValue", ("raw", "changes", "0", "newValue")),
        ('extension["a b"].c', ("extension", "a b", "c")),
        ("Email", ("fields", "Email")),
    ],
)
def test_a_path_is_read_as_people_write_it(text: str, path: tuple[str, ...]) -> None:
    """Mappings are written by hand, and form fields have any name that staff thought of."""
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        " email",
        "email ",
        "first name",
        ".email",
        "card.",
        "card..name",
        'fields["a',
        'fields["a"',
        "a[b]",
        "card[]",
        "raw.changes[1000000]",
    ],
)
def test_what_can_not_be_read_is_refused_with_a_sentence(text: str) -> None:
    """A path that quietly means something else would send nothing, for months."""
    with pytest.raises(ValueError, match=r"\S+ \S+"):
        parse_path(text)


def test_an_unknown_section_is_refused_and_the_spelling_of_a_field_with_dots_named() -> None:
    """`crad.name` is a typing error, `boat.length` a field with a dot: only the writer knows."""
    with pytest.raises(ValueError, match=r'"?fields\["boat\.length"\]'):
        parse_path("boat.length")


def test_inside_for_each_a_bare_name_is_a_member_of_the_element() -> None:
    """The same word would otherwise mean a form field called `answer`."""
    assert parse_element_path("answer") == (ELEMENT, "answer")
    assert parse_element_path("option.name") == (ELEMENT, "option", "name")
    assert parse_element_path('["card"]') == (ELEMENT, "card")
    assert parse_element_path("card.name") == ("card", "name")
    assert parse_element_path('fields["a.b"]') == ("fields", "a.b")


@pytest.mark.parametrize(
    "path",
    [
        ("fields", "email"),
        ("fields", "card"),
        ("fields", "a.b"),
        ("fields", 'a "b" \\ c'),
        ("fields", "address", "city"),
        ("card", "name"),
        ("answers",),
        ("raw", "changes", "0", "new value"),
        ("fields",),
    ],
)
def test_a_path_that_is_written_reads_back_the_same(path: tuple[str, ...]) -> None:
    """The pages show what the document holds, and save what they show."""
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    "path", [(ELEMENT, "answer"), (ELEMENT, "card"), (ELEMENT, "a", "b c"), ("fields", "email", "x")]
)
def test_a_path_of_an_element_reads_back_the_same(path: tuple[str, ...]) -> None:
    """A member that is called like a section must not turn into the section."""
    assert parse_element_path(format_path(path)) == path


def test_every_section_is_a_path_of_its_own() -> None:
    """`for_each` names a whole section."""
    assert all(parse_path(section) == (section,) for section in SECTIONS)


def test_a_parsed_path_finds_its_value() -> None:
    """Parsing and looking up are two halves of one thing."""
    sections = {"fields": {"a.b": 1}, "raw": {"changes": [{"newValue": "x"}]}}
    assert lookup(sections, parse_path('fields["a.b"]')) == 1
    assert lookup(sections, parse_path("raw.changes[0].newValue")) == "x"
