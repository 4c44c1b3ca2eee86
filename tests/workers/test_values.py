"""What becomes of a value on its way into a Braze attribute or event property."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from schemas.submission import MISSING
from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.values import (
    MAX_COMPOSITE_BYTES,
    MAX_STRING,
    array,
    as_it_is,
    boolean,
    json_object,
    number,
    object_array,
    property_as_it_is,
    property_object,
    property_object_array,
    property_text,
    text,
    yes_or_no,
)

CONVERTERS = [
    *(text, property_text, number, boolean, array(), array(","), json_object, property_object, object_array),
    *(property_object_array, as_it_is, property_as_it_is),
]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Mira", "Mira"),
        (" Inês ", "Inês"),
        ("👩‍👩‍👧 {{x}} <b>", "👩‍👩‍👧 {{x}} <b>"),
        (7, "7"),
        (7.5, "7.5"),
        (True, "true"),
        (False, "false"),
        ("é" * 255, "é" * 255),
        ("é" * 256, Flawed("string_too_long")),
        ("\ud800", Flawed("not_unicode")),
        (["a"], Flawed("not_a_string")),
        ({"a": 1}, Flawed("not_a_string")),
    ],
)
def test_text_is_sent_as_it_is_or_not_at_all(value: Any, sent: Any) -> None:
    """Braze accepts a longer string and keeps the old value, without a word."""
    assert text(value) == sent


def test_an_event_property_is_cut_where_an_attribute_would_be_left_out() -> None:
    """A long answer is worth having in part, and nothing is overwritten by it."""
    assert property_text("x" * 300) == Flawed("string_cut", "x" * 255)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("-7", -7),
        ("007", 7),
        ("7.5", 7.5),
        ("1e3", 1000.0),
        ("9007199254740993", 9007199254740993),
        (7, 7),
        (7.0, 7.0),
        ("1,234", Flawed("number_ambiguous")),
        ("7,5", 7.5),
        ("1_000", Flawed("not_a_number")),
        ("٧", Flawed("not_a_number")),
        ("NaN", Flawed("not_a_number")),
        ("Infinity", Flawed("not_a_number")),
        ("", Flawed("not_a_number")),
        (True, Flawed("not_a_number")),
        ([7], Flawed("not_a_number")),
        (float("nan"), Flawed("number_out_of_range")),
        ("1e999", Flawed("number_out_of_range")),
        (2**63, Flawed("number_out_of_range")),
        ("9" * 5000, Flawed("not_a_number")),
    ],
)
def test_numbers_keep_their_value_and_their_kind(value: Any, sent: Any) -> None:
    """Komo's scores come as text; the first value that Braze sees fixes the attribute's type for ever."""
    found = number(value)

    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    "value",
    [
        True,
        "true",
        "TRUE",
        " yes ",
        "1",
        "on",
        1,
        1.0,
        "y",
        "t",
        "Ja",
        "SÍ",
        "Tak",
        "はい",
        "Ναι",
        "네",
        "да",
        "نعم",
        "是",
    ],
)
def test_what_means_yes_is_true(value: Any) -> None:
    """Consent boxes and custom fields spell it in every way."""
    assert boolean(value) is True


@pytest.mark.parametrize(
    "value",
    [False, "false", "No", "0", "off", 0, "n", "f", "Nein", "NÃO", "nie", "いいえ", "όχι", "HAYIR", "нет", "لا", "否"],
)
def test_what_means_no_is_false(value: Any) -> None:
    """A no that is lost leaves the old yes standing."""
    assert boolean(value) is False


@pytest.mark.parametrize("value", ["maybe", "2", 2, 0.5, [], {}, "yes please", "si no", "ok", "null"])
def test_what_is_neither_yes_nor_no_is_left_out(value: Any) -> None:
    """Braze would ignore it silently, and a consent that nobody gave must not be one."""
    assert boolean(value) == Flawed("not_a_boolean")
    assert yes_or_no(value) is None


@pytest.mark.parametrize(
    ("separator", "value", "sent"),
    [
        (None, ["a", "b"], ["a", "b"]),
        (",", "a, b ,,c", ["a", "b", "c"]),
        (None, "a, b", ["a, b"]),
        (";", '["a","b"]', ["a", "b"]),
        (None, "[not json", ["[not json"]),
        (None, 7, [7]),
        (None, ["a", "a", None, " ", "b"], ["a", "b"]),
        (None, [1, True, 1.5, "1", 1.0], [1, True, 1.5, "1"]),
        (None, ["a", ["b"], {"c": 1}], Flawed("array_element_left_out", ["a"])),
        (None, ["a", "x" * 256], Flawed("array_element_left_out", ["a"])),
        (None, [["a"]], Flawed("array_element_left_out")),
        (None, [None], Flawed("nothing_left")),
        (None, {"a": 1}, Flawed("not_an_array")),
    ],
)
def test_arrays_are_flat_and_hold_each_value_once(separator: str | None, value: Any, sent: Any) -> None:
    """Multi-select answers come as a list, as text with separators, or as JSON inside a text."""
    assert array(separator)(value) == sent


def test_of_too_many_elements_the_last_ones_stay() -> None:
    """That is what Braze does, but it does not say so."""
    assert array()(list(range(600))) == Flawed("array_cut", list(range(100, 600)))


def test_an_array_that_is_too_big_is_left_out() -> None:
    """Braze would accept it and store nothing."""
    assert array()([f"{n:03}" + "é" * 250 for n in range(400)]) == Flawed("array_too_big")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"a": {"b": [1, "x"]}}, {"a": {"b": [1, "x"]}}),
        ('{"a": 1}', {"a": 1}),
        (
            {"a": None, "b": [None, 1], "c": {"d": None, "e": 2}},
            Flawed("object_null_left_out", {"b": [1], "c": {"e": 2}}),
        ),
        ({"a b": 1, "c": 2}, Flawed("object_key_left_out", {"c": 2})),
        ({"$add": "x", "c.d": 1, "e": 2}, Flawed("object_key_left_out", {"e": 2})),
        ({"$time": "2026-02-03"}, Flawed("object_key_left_out")),
        ({"a": "x" * 256, "b": 1}, Flawed("object_member_left_out", {"b": 1})),
        ({"a": float("inf"), "b": 1}, Flawed("object_member_left_out", {"b": 1})),
        ({"a": None}, Flawed("object_null_left_out")),
        ({"a": ""}, {"a": ""}),
        ({"a\tb": 1, "c\u00a0d": 2, "e": 3}, Flawed("object_key_left_out", {"e": 3})),
        ({"x" * 256: 1, "": 2, "\ud800": 3, "e": 4}, Flawed("object_key_left_out", {"e": 4})),
        ({"a": [[1], 2]}, Flawed("array_element_left_out", {"a": [2]})),
        ({"at": {"$time": "2026-02-03"}}, {"at": {"$time": "2026-02-03T00:00:00.000Z"}}),
        ({"at": {"$time": "soon"}, "b": 1}, Flawed("object_time_left_out", {"b": 1})),
        ({"at": {"$time": None}, "b": 1}, Flawed("object_time_left_out", {"b": 1})),
        ({"at": {"$time": "3001-01-01"}, "b": 1}, Flawed("object_time_left_out", {"b": 1})),
        ({"a": 2**63, "b": 1}, Flawed("object_member_left_out", {"b": 1})),
        ({str(n): "x" * 250 for n in range(500)}, Flawed("object_too_big")),
        ("{broken", Flawed("not_an_object")),
        (["a"], Flawed("not_an_object")),
        ("text", Flawed("not_an_object")),
    ],
)
def test_objects_hold_nothing_that_makes_braze_drop_them(value: Any, sent: Any) -> None:
    """One null or one bad key inside, and every change to the attribute is lost without an error."""
    assert json_object(value) == sent


def test_a_time_inside_of_a_property_is_a_text() -> None:
    """The wrapper is known to nested attributes alone, and no property's name may begin with a dollar sign."""
    assert property_object({"at": {"$time": "2026-02-03"}}) == {"at": "2026-02-03T00:00:00.000Z"}
    assert property_object_array([{"at": {"$time": "2026-02-03"}}]) == [{"at": "2026-02-03T00:00:00.000Z"}]


def test_json_inside_a_text_may_be_as_deep_as_it_likes() -> None:
    """What is measured at the door is the body, not the text within it."""
    deep = '{"a":' * 900 + "1" + "}" * 900

    assert json_object(deep).warning == "object_too_deep"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ([{"a": 1}, {"b": None}], Flawed("object_null_left_out", [{"a": 1}])),
        ({"a": 1}, [{"a": 1}]),
        ('[{"a": 1}]', [{"a": 1}]),
        ('{"a": 1}', [{"a": 1}]),
        ([{"a": 1}, "x"], Flawed("array_element_left_out", [{"a": 1}])),
        ("x", Flawed("not_an_object_array")),
    ],
)
def test_arrays_of_objects_hold_objects_alone(value: Any, sent: Any) -> None:
    """Anything else among them is not what the attribute was made for."""
    assert object_array(value) == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (5, 5),
        (True, True),
        ("x", "x"),
        (["a", "b"], ["a", "b"]),
        ([{"a": 1}], [{"a": 1}]),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_a_constant_keeps_the_type_it_has_in_the_document(value: Any, sent: Any) -> None:
    """Who writes 5 means a number."""
    assert as_it_is(value) == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [(True, True), ("7", "7"), (7, 7), (["a"], ["a"]), ({"a": 1}, Flawed("object_not_declared"))],
)
def test_a_property_without_declared_type_keeps_its_own(value: Any, sent: Any) -> None:
    """Braze forces no types on properties; objects there are documented both ways, so they must be asked for."""
    assert property_as_it_is(value) == sent


@settings(max_examples=60, deadline=None)
@given(value=ANY_JSON)
def test_whatever_comes_in_what_goes_out_is_what_braze_stores(value: Any) -> None:
    """What can't be written as JSON would block its lane for ever; what Braze drops would be lost without a word."""
    for convert in CONVERTERS:
        found = convert(value)
        sent = found.value if isinstance(found, Flawed) else found
        if sent is not MISSING:
            assert len(orjson.dumps(sent)) <= max(MAX_COMPOSITE_BYTES, MAX_STRING * 8)
            assert is_stored(sent)


def is_stored(value: Any) -> bool:
    """By a strict reading of Braze's rules for values at any level."""
    match value:
        case {"$time": str()} if len(value) == 1:
            return True
        case dict():
            return all(is_key(key) and is_stored(member) for key, member in value.items())
        case list():
            return all(not isinstance(element, list) and is_stored(element) for element in value)
        case str():
            return len(value) <= MAX_STRING
        case _:
            return isinstance(value, bool | int | float)


def is_key(key: str) -> bool:
    return 0 < len(key) <= MAX_STRING and not set(key) & set(" .$")
