from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.changes import later, without_older

#: Short and nested, so that they often touch.
NAMES = st.sampled_from(["a", "b", "a.x", "a.y", "a.x.z", "ab", "ab.x"])
TIMES = st.dictionaries(NAMES, st.integers(0, 9), max_size=6)


def covers(one: str, other: str) -> bool:
    """Whether one name is the other, or an object that holds it."""
    return other.split(".")[: one.count(".") + 1] == one.split(".")


@pytest.mark.parametrize(
    ("attributes", "times", "left"),
    [
        ({"team": 1}, {}, ["team"]),
        ({"team": 1}, {"team": 4}, ["team"]),
        ({"team": 1}, {"team": 5}, ["team"]),
        ({"team": 1}, {"team": 6}, []),
        ({"team": 1, "age": 2}, {"team": 6}, ["age"]),
        ({"team": 1}, {"age": 6}, ["team"]),
        ({"boat.length": 1}, {"boat": 6}, []),
        ({"boat": 1}, {"boat.length": 6}, []),
        ({"boat": 1}, {"boat.length": 4}, ["boat"]),
        ({"boat.length": 1, "boat.width": 2}, {"boat.length": 6}, ["boat.width"]),
        ({"boat.mast.height": 1}, {"boat": 6}, []),
        ({"boat.mast.height": 1}, {"boat.mast": 6}, []),
        ({"boathouse": 1}, {"boat": 6}, ["boathouse"]),
        ({"boat": 1}, {"boathouse": 6}, ["boat"]),
    ],
)
def test_what_one_accepted_later_has_set_is_left_out(
    attributes: dict[str, Any], times: dict[str, int], left: list[str]
) -> None:
    """The fifth submission is replayed: it leaves alone what the sixth has set, and nothing else."""
    kept, older = without_older(attributes, 5, times)

    assert list(kept) == left
    assert older == [name for name in attributes if name not in left]


@given(attributes=st.dictionaries(NAMES, st.integers()), order=st.integers(0, 9), times=TIMES)
def test_nothing_older_than_what_is_known_passes(attributes: dict[str, int], order: int, times: dict[str, int]) -> None:
    """Nor is anything left out that nobody has set since, and no value is changed on the way."""
    kept, older = without_older(attributes, order, times)

    newer = [name for name, at in times.items() if at > order]
    assert {**kept, **{name: attributes[name] for name in older}} == attributes
    assert not {*kept} & {*older}
    for name in attributes:
        touched = any(covers(name, other) or covers(other, name) for other in newer)
        assert (name in older) == touched


@given(times=TIMES, names=st.lists(NAMES), order=st.integers(0, 9))
def test_what_is_known_never_goes_back(times: dict[str, int], names: list[str], order: int) -> None:
    """A replay arrives after what was accepted later, and does not become the newest by that."""
    known = later(times, names, order)

    assert {*known} == {*times, *names}
    assert all(known[name] >= at for name, at in times.items())
    assert all(known[name] == max(order, times.get(name, 0)) for name in names)
    assert all(known[name] == times[name] for name in times if name not in names)


@given(st.lists(st.tuples(st.integers(1, 9), st.lists(NAMES, max_size=3)), max_size=6))
def test_in_whatever_order_submissions_arrive_the_newest_is_known(arrived: list[tuple[int, list[str]]]) -> None:
    """Lanes, retries and replays mix them."""
    forward: dict[str, int] = {}
    backward: dict[str, int] = {}
    for order, names in arrived:
        forward = later(forward, names, order)
    for order, names in reversed(arrived):
        backward = later(backward, names, order)

    assert forward == backward


def test_what_is_given_is_not_changed() -> None:
    """The times belong to the batch."""
    times, attributes = {"team": 6}, {"team": "red", "age": 7}

    without_older(attributes, 5, times)
    later(times, ["age"], 5)

    assert (times, attributes) == ({"team": 6}, {"team": "red", "age": 7})
