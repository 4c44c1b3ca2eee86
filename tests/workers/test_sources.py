"""Where a rule's value is found, and what it is made into."""

from typing import Any

import pytest

from schemas.mapping import Source
from schemas.paths import parse_element_path
from schemas.submission import MISSING
from workers.flaws import Flawed
from workers.sources import attribute_converter, getter, member_converter, property_converter, property_getter

SECTIONS: dict[str, Any] = {
    "card": {"name": "SUM26"},
    "answers": [
        {"question": "Port?", "answer": ["Left", "Red"]},
        {"question": "Port?", "question_id": "q1", "answer": "Larboard"},
        "odd",
    ],
    "fields": {"list": [{"a": 1}], "text": "x"},
}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (Source(field=("card", "name")), "SUM26"),
        (Source(field=("card", "type")), MISSING),
        (Source(field=("prize", "name")), MISSING),
        (Source(field=("answers", "0")), SECTIONS["answers"][0]),
        (Source(field=("fields", "list", "0", "a")), 1),
        (Source(field=("fields", "text", "deeper")), MISSING),
        (Source(question=" port? "), "Larboard"),
        (Source(question="Port?", type="array"), ["Left", "Red", "Larboard"]),
        (Source(question="q1"), "Larboard"),
        (Source(question="Lee?"), MISSING),
        (Source(value=None, has_value=True), None),
        (Source(value=0, has_value=True), 0),
    ],
)
def test_values_are_found_where_the_rule_says(source: Source, found: Any) -> None:
    """What is not there is not the same as a null."""
    assert getter(source)(SECTIONS) is found or getter(source)(SECTIONS) == found


def test_a_member_of_the_element_is_found_in_the_element() -> None:
    """And a path that names a section is still the submission's."""
    inside = property_getter(Source(field=parse_element_path("answer")))
    outside = property_getter(Source(field=parse_element_path("card.name")))

    assert inside(SECTIONS, {"answer": "Left"}) == "Left"
    assert inside(SECTIONS, "odd") is MISSING
    assert outside(SECTIONS, {"card": {"name": "no"}}) == "SUM26"


def test_a_constant_keeps_its_type_unless_another_is_declared() -> None:
    """The first value that Braze sees fixes the type of an attribute."""
    assert attribute_converter(Source(value=5, has_value=True))(5) == 5
    assert attribute_converter(Source(value=5, has_value=True, type="string"))(5) == "5"
    assert attribute_converter(Source(field=("fields", "x")))(5) == "5"


def test_a_format_means_a_date() -> None:
    """Nobody would write one for anything else."""
    source = Source(field=("fields", "x"), format="DD/MM/YYYY")

    assert attribute_converter(source)("01/02/2020") == "2020-02-01"
    assert member_converter(source)("01/02/2020") == {"$time": "2020-02-01"}
    assert member_converter(source)("x") == Flawed("not_a_date")
    assert property_converter(source)("01/02/2020") == "2020-02-01"


def test_a_property_declared_a_string_becomes_one() -> None:
    """And is cut, where an attribute would be left out."""
    convert = property_converter(Source(field=("fields", "x"), type="string"))

    assert convert(True) == "true"
    assert convert("x" * 256) == Flawed("string_cut", "x" * 255)


def test_an_object_of_a_property_has_no_wrapped_times() -> None:
    """Only nested attributes know them."""
    source = Source(field=("fields", "x"), type="object")

    assert property_converter(source)({"at": {"$time": "2026-02-03"}}) == {"at": "2026-02-03T00:00:00.000Z"}
    assert attribute_converter(source)({"at": {"$time": "2026-02-03"}}) == {"at": {"$time": "2026-02-03T00:00:00.000Z"}}
