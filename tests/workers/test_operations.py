"""What can be done to an attribute, and what two submissions of one person come to."""

from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.sandbox.braze.values import Written, write
from workers.operations import (
    CANT_FOLD,
    Add,
    AddObjects,
    Change,
    Increment,
    Operation,
    Remove,
    as_braze,
    data_points,
    fold,
    is_operation,
)


@pytest.mark.parametrize(
    ("earlier", "later", "both"),
    [
        (["a", "b"], Add(["c", "a"]), ["b", "c", "a"]),
        (None, Add(["a"]), ["a"]),
        (Add(["a"]), Add(["b", "a"]), Add(["b", "a"])),
        (Add(["a", "b"]), Remove(["b"]), Change(["a"], ["b"])),
        (Add(["a"]), Remove(["a"]), Remove(["a"])),
        (Remove(["a"]), Add(["a"]), Add(["a"])),
        (Remove(["a", "b"]), Add(["a"]), Change(["a"], ["b"])),
        (Change(["a"], ["b"]), Add(["b"]), Add(["a", "b"])),
        (Change(["a"], ["b"]), Remove(["a", "c"]), Remove(["b", "a", "c"])),
        (Remove(["a"]), Remove(["b", "a"]), Remove(["a", "b"])),
        (["a", "b"], Remove(["a"]), ["b"]),
        (["a"], Remove(["a"]), None),
        (None, Remove(["a"]), None),
        (["a", "b"], Change(["c"], ["a"]), ["b", "c"]),
        (Increment(2), Increment(-3), Increment(-1)),
        (5, Increment(2), 7),
        (0.5, Increment(2), 2.5),
        (None, Increment(2), 2),
        (AddObjects([{"a": 1}]), AddObjects([{"b": 2}]), AddObjects([{"a": 1}, {"b": 2}])),
        ([{"a": 1}], AddObjects([{"b": 2}]), [{"a": 1}, {"b": 2}]),
        (None, AddObjects([{"b": 2}]), [{"b": 2}]),
        (Add(["a"]), ["b"], ["b"]),
        (Increment(2), None, None),
        (Add(["a"]), "b", "b"),
        ([1], Add([True]), [1, True]),
    ],
)
def test_two_submissions_come_to_one_value(earlier: Any, later: Any, both: Any) -> None:
    """A person has one attributes object in a request, because Braze promises no order of two."""
    assert repr(fold(earlier, later)) == repr(both)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("a", Add(["b"])),
        ([{"a": 1}], Add(["b"])),
        ({"a": 1}, Remove(["b"])),
        (Increment(1), Add(["b"])),
        (Add(["b"]), Increment(1)),
        (True, Increment(1)),
        ("7", Increment(1)),
        (2**63 - 1, Increment(1)),
        (Increment(2**62), Increment(2**62)),
        (["a"], AddObjects([{"b": 2}])),
        (AddObjects([{"b": 2}]), Change(["a"], ["b"])),
        (AddObjects([{"text": "x" * 60_000}]), AddObjects([{"text": "y" * 60_000}])),
    ],
)
def test_what_no_one_value_can_say_is_not_folded(earlier: Any, later: Any) -> None:
    """Guessing would lose one of the two, or make Braze drop both."""
    assert fold(earlier, later) is CANT_FOLD


def test_an_array_keeps_its_last_five_hundred_values() -> None:
    """Braze pushes out the first ones, so the folded value must too."""
    folded = fold(list(range(500)), Add(range(499, 510)))

    assert folded == list(range(10, 510))
    assert fold(Add(range(500)), Add(range(500, 1000))) == Add(range(500, 1000))


def test_removals_are_never_cut() -> None:
    """Each of them takes out something else."""
    assert fold(Remove(range(500)), Remove(range(500, 1000))) is CANT_FOLD


def test_more_than_braze_stores_is_not_folded() -> None:
    """An array over 100 KB is dropped without a word."""
    assert fold(Add("é" * 250 + str(n) for n in range(150)), Add("ü" * 250 + str(n) for n in range(150))) is CANT_FOLD


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Add(["a"]), {"add": ["a"]}),
        (Remove(["a"]), {"remove": ["a"]}),
        (Change(["a"], ["b"]), {"add": ["a"], "remove": ["b"]}),
        (Increment(-1), {"inc": -1}),
        (AddObjects([{"a": 1}]), {"$add": [{"a": 1}]}),
        ("a", "a"),
        (None, None),
        ({"a": [1]}, {"a": [1]}),
    ],
)
def test_operations_are_written_as_braze_reads_them(value: Any, sent: Any) -> None:
    """A wrong word would become an object attribute."""
    assert orjson.loads(orjson.dumps(as_braze(value))) == sent
    assert orjson.loads(orjson.dumps({"x": value}, default=as_braze)) == {"x": sent}


def test_an_operation_is_never_written_by_accident() -> None:
    """A list in its place would set the whole array."""
    with pytest.raises(TypeError):
        orjson.dumps({"x": Add(["a"])})
    with pytest.raises(TypeError):
        as_braze(object())


def test_operations_are_equal_only_to_their_like() -> None:
    """Adding is not removing."""
    assert Add(["a"]) == Add(("a",))
    assert Add(["a"]) != Remove(["a"])
    assert Add(["a"]) != ("a",)
    assert len({Add(["a"]), Add(["a"]), Remove(["a"])}) == 2
    assert is_operation(Increment(1))
    assert not is_operation([1])


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("team", "Gulls", 1),
        ("team", None, 1),
        ("interests", ["a", "b"], 1),
        ("interests", [], 1),
        ("interests", Add(["a", "b"]), 2),
        ("interests", Remove(["a"]), 1),
        ("interests", Change(["a"], ["b", "c"]), 3),
        ("visits", Increment(1), 1),
        ("boat", {"name": "Tern", "engine": {"hp": 5, "kw": 4}, "built": {"$time": "2020-01-01"}}, 4),
        ("boat.engine", {"hp": 5, "kw": 4}, 2),
        ("boat.name", "Tern", 1),
        ("trips", [{"to": "Hobart", "days": 3}, {"to": "Cairns"}], 3),
        ("trips", AddObjects([{"to": "Hobart", "days": 3}]), 2),
        ("first_name", "Mira", 1),
        ("country", "AU", 1),
        ("current_location", {"longitude": 1, "latitude": 2}, 1),
        ("email_subscribe", "opted_in", 0),
        ("push_subscribe", "opted_in", 0),
        ("subscription_groups", [{"subscription_group_id": "x", "subscription_state": "subscribed"}], 0),
        ("external_id", "m1", 0),
        ("user_alias", {"alias_name": "a", "alias_label": "b"}, 0),
        ("_merge_objects", True, 0),
    ],
)
def test_data_points_are_counted_as_braze_bills_them(name: str, value: Any, points: int) -> None:
    """Source: https://www.braze.com/docs/user_guide/data/infrastructure/data_points/"""
    assert data_points(name, value) == points


plain_values = st.integers(2, 6) | st.sampled_from("abcd")
arrays = st.lists(plain_values, unique=True, min_size=1, max_size=5)
objects = st.lists(st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), min_size=1), min_size=1, max_size=3)
operations = st.one_of(
    arrays.map(Add),
    arrays.map(Remove),
    st.integers(-5, 5).map(Increment),
    objects.map(AddObjects),
    st.tuples(arrays, arrays).map(lambda two: Change(two[0], [one for one in two[1] if one not in two[0]] or ["z"])),
)
values = st.none() | st.integers(0, 9) | st.sampled_from("ab") | arrays | objects | operations


def applied(before: Any, value: Any) -> Any:
    """What the sandbox's Braze keeps of an attribute after an update; None where there is none."""
    sent = orjson.loads(orjson.dumps(as_braze(value)))
    if sent is None:
        return None
    if isinstance(value, AddObjects) and isinstance(before, int | str):
        return before  # of another type
    result = write(before, sent, _kind(before), forced=False, merge=False)
    kept = result.value if isinstance(result, Written) else before
    return kept or (kept if kept == 0 else None)


def _kind(before: Any) -> str | None:
    """The type that Braze has fixed by the first value, as far as an operation asks for it."""
    if isinstance(before, list):
        return "object_array" if any(isinstance(one, dict) for one in before) else "array"
    return None if before is None else "number" if isinstance(before, int) else "string"


def is_settable(before: Any, value: Any) -> bool:
    """Setting another type is not what this is about."""
    return isinstance(value, Operation) or value is None or before is None or _kind(before) == _kind(value)


@settings(max_examples=500, deadline=None)
@given(before=st.none() | st.integers(0, 9) | arrays | objects, earlier=values, later=values)
def test_folding_does_the_same_as_one_after_the_other(before: Any, earlier: Any, later: Any) -> None:
    """Whatever Braze has already, and nobody here knows that."""
    folded = fold(earlier, later)
    between = applied(before, earlier)
    assume(folded is not CANT_FOLD)
    assume(is_settable(before, earlier) and is_settable(between, later) and is_settable(before, folded))

    assert applied(before, folded) == applied(between, later)


@settings(max_examples=300, deadline=None)
@given(said=st.lists(arrays.map(Add) | arrays.map(Remove), min_size=2, max_size=6))
def test_what_is_added_and_what_is_removed_never_overlap(said: list[Any]) -> None:
    """Which of the two Braze does first is not documented."""
    folded = said[0]
    for value in said[1:]:
        folded = fold(folded, value)

    if isinstance(folded, Change):
        assert not set(folded.added) & set(folded.removed)
    assert orjson.dumps(as_braze(folded))


@given(value=values)
def test_points_agree_with_the_sandbox(value: Any) -> None:
    """Two readings of the same page."""
    assume(value is not None)
    result = write(None, orjson.loads(orjson.dumps(as_braze(value))), None, forced=False, merge=False)

    assert isinstance(result, Written)
    assert data_points("custom", value) == result.points
