"""What becomes of a custom attribute's value."""

from typing import Any

import pytest

from ingest.sandbox.braze.values import Dropped, Written, leaves, merged, write


def stored(before: Any, sent: Any, fixed: str | None = None, *, forced: bool = False, merge: bool = False) -> Any:
    """The value afterwards, or why it was dropped."""
    outcome = write(before, sent, fixed, forced=forced, merge=merge)
    return outcome.value if isinstance(outcome, Written) else outcome.why


@pytest.mark.parametrize(
    ("sent", "kind"),
    [("beach", "string"), ("2026-11-20", "time"), (7, "number"), (True, "boolean"), (["a"], "array"), ([], None),
     ({"a": 1}, "object"), ([{"a": 1}], "object_array"), ({"inc": 2}, "number"), ({"add": ["a"]}, "array")],
)  # fmt: skip
def test_the_first_value_tells_the_type(sent: Any, kind: str | None) -> None:
    """Braze fixes the type of an attribute at its first value, for good."""
    outcome = write(None, sent, None, forced=False, merge=False)
    assert isinstance(outcome, Written)
    assert outcome.kind == kind


@pytest.mark.parametrize(
    ("sent", "fixed", "why"),
    [
        ("x" * 256, None, "string_too_long"),
        ("seven", "number", "type_mismatch"),
        ("7", "number", "type_mismatch"),
        (7, "string", "type_mismatch"),
        ({"inc": 1}, "string", "type_mismatch"),
        ({"inc": "1"}, None, "bad_increment"),
        ({"a": None}, None, "null_inside_object"),
        ({"a": {"$time": "soon"}}, None, "bad_time_inside_object"),
        ({"a.b": 1}, None, "bad_key_inside_object"),
        ({"a": "x" * 256}, None, "nested_string_too_long"),
        ({f"k{n}": ["x" * 200] * 3 for n in range(200)}, None, "object_too_large"),
        ([{"a": None}], None, "null_inside_object"),
        ([["a"]], None, "array_element"),
        (["a", None], None, "array_element"),
        ({"add": "a"}, None, "bad_array_operation"),
        ({"$update": [{"$identifier_key": "a"}]}, None, "bad_array_operation"),
        ([1], "string", "type_mismatch"),
    ],
)
def test_values_that_vanish_without_a_word(sent: Any, fixed: str | None, why: str) -> None:
    """These answer 201 and are lost: the ledger of silent drops lives on them."""
    outcome = write(None, sent, fixed, forced=False, merge=False)
    assert isinstance(outcome, Dropped)
    assert outcome.why == why


@pytest.mark.parametrize(
    ("sent", "kind", "value"),
    [("T", "boolean", True), ("0", "boolean", False), ("8", "number", 8), ("8.5", "number", 8.5), (8, "string", "8"),
     (True, "string", "true"), ("maybe", "boolean", "type_mismatch"), ("x", "number", "type_mismatch")],
)  # fmt: skip
def test_a_forced_type_turns_what_it_can(sent: Any, kind: str, value: Any) -> None:
    """Where somebody chose the type in the dashboard, values are coerced or ignored."""
    assert stored(None, sent, kind, forced=True) == value


def test_array_operations_keep_values_unique_and_the_newest_last() -> None:
    """A value that is added again moves to the end."""
    assert stored(["a", "b"], {"add": ["a", "c"], "remove": ["b"]}, "array") == ["a", "c"]
    assert stored(["a", "b"], {"add": ["a"]}, "array") == ["b", "a"]
    assert stored(None, ["a", "b", "a"]) == ["a", "b"]


def test_the_five_hundred_and_first_value_pushes_out_the_first() -> None:
    """An over-long array is a success that loses its oldest values."""
    outcome = write([f"v{n}" for n in range(500)], {"add": ["new"]}, "array", forced=False, merge=False)
    assert isinstance(outcome, Written)
    assert (len(outcome.value), outcome.value[0], outcome.value[-1], outcome.lost) == (
        500,
        "v1",
        "new",
        "array_too_long",
    )


def test_an_increment_starts_from_nothing() -> None:
    """The first increment makes the attribute."""
    assert stored(None, {"inc": -1}) == -1
    assert stored(4, {"inc": 2}, "number") == 6


def test_an_object_is_replaced_unless_it_is_merged() -> None:
    """Without `_merge_objects` what is not mentioned is gone."""
    before = {"team": "Swans", "seats": {"row": 4}}
    assert stored(before, {"seats": {"no": 1}}, "object") == {"seats": {"no": 1}}
    assert stored(before, {"seats": {"no": 1}}, "object", merge=True) == {"team": "Swans", "seats": {"row": 4, "no": 1}}
    assert merged(before, {"team": "Cats"}) == {"team": "Cats", "seats": {"row": 4}}


def test_arrays_of_objects_add_then_remove_then_update() -> None:
    """Braze handles the three operations in this order whatever the order in the request."""
    before = [{"code": "XMAS", "used": False}, {"code": "OLD"}]
    sent = {
        "$update": [{"$identifier_key": "code", "$identifier_value": "XMAS", "$new_object": {"used": True}}],
        "$remove": [{"$identifier_key": "code", "$identifier_value": "OLD"}],
        "$add": [{"code": "NEW"}],
    }
    assert stored(before, sent, "object_array", merge=True) == [{"code": "XMAS", "used": True}, {"code": "NEW"}]


def test_an_object_costs_one_point_for_each_leaf() -> None:
    """That is how Braze bills it."""
    assert leaves({"a": 1, "b": {"c": 2, "d": {"$time": "2026-11-20"}}}) == 3
