from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import Batch, Entry
from schemas.names import Names
from schemas.person import Person
from workers.changes import UNKNOWN, Mark, names_set, pack_marks, print_of, read_marks, without_older, without_unchanged
from workers.memory import Memory
from workers.operations import Increment

NAMES = Names.of({"team": 1, "boat": 2, "boat.length": 3, "points": 4})
ANN = Person("external_id", "ann")


def a_memory(known: dict[str, Mark] | None = None, *, keeps: bool = True, since: int = 0, **batch: Any) -> Memory:
    entry = Entry("1-0", "s1", 5, ANN, 0, "x", {}, batch.pop("done", None))
    packed = {ANN.key: pack_marks(known or {}, NAMES)}
    return Memory(
        Batch([entry], batch.pop("sent_before", ""), "", 1, 0, b"", b"", people=[ANN.key], known=packed),
        NAMES, since=since, keeps=keeps,
    )  # fmt: skip


def after(memory: Memory, attributes: dict[str, Any], refused: tuple[str, ...] = ()) -> dict[str, Mark]:
    told = memory.after([(ANN.key, 7, attributes)] if attributes else [], [(ANN.key, refused)] if refused else [])
    return read_marks(orjson.loads(told[ANN.key]), NAMES)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.text(), max_size=4), st.dictionaries(st.text(), st.integers(0, 9), max_size=3),
)  # fmt: skip


@given(one=VALUES, other=VALUES)
def test_two_values_have_the_same_print_only_if_they_are_the_same(one: Any, other: Any) -> None:
    """Else a change would be left out."""
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    alike = print_of(one) == print_of(other) and print_of(one).__class__ is print_of(other).__class__
    assert alike == same


@given(value=VALUES)
def test_no_value_looks_like_an_unknown_one(value: Any) -> None:
    """What is unknown is sent, whatever it is."""
    assert print_of(value) != UNKNOWN


@given(marks=st.dictionaries(st.sampled_from(sorted(NAMES.numbers)), st.tuples(st.integers(1, 9), st.text(max_size=5))))
def test_what_is_packed_is_read_back(marks: dict[str, tuple[int, str]]) -> None:
    """It is kept for weeks, and read by other versions of the same mapping."""
    known = {name: Mark(order, print_of(value)) for name, (order, value) in marks.items()}
    assert read_marks(pack_marks(known, NAMES), NAMES) == known


def test_what_braze_took_is_known_afterwards() -> None:
    """With the submission that set it."""
    assert after(a_memory({"boat": Mark(3, "x")}), {"team": "red"}) == {"boat": Mark(3, "x"), "team": Mark(7, "red")}


@pytest.mark.parametrize("doubt", [{"sent_before": "unknown"}, {"done": {"u": True}}])
def test_doubt_forgets_everything_about_the_person(doubt: dict[str, Any]) -> None:
    """Nobody knows which of the earlier values Braze has by now."""
    memory = a_memory({"team": Mark(3, "blue"), "boat": Mark(3, "x")}, **doubt)
    assert memory.prints(ANN.key) == {}
    assert after(memory, {"team": "red"}) == {"team": Mark(7, "red")}


def test_what_was_refused_is_unknown_but_keeps_its_time() -> None:
    """A replay must still not go back behind it."""
    memory = a_memory({"team": Mark(3, "blue")})
    assert after(memory, {}, ("team", "points")) == {"team": Mark(3, UNKNOWN)}


def test_an_operation_leaves_an_unknown_value() -> None:
    """What it comes to is known to Braze alone."""
    assert after(a_memory({"points": Mark(3, 5)}), {"points": Increment(1)}) == {"points": Mark(7, UNKNOWN)}


@pytest.mark.parametrize(("set_now", "unknown"), [("boat", "boat.length"), ("boat.length", "boat")])
def test_an_object_and_its_member_make_each_other_unknown(set_now: str, unknown: str) -> None:
    """Who writes one of them changes the other."""
    found = after(a_memory({unknown: Mark(3, "x")}), {set_now: "y"})
    assert found == {set_now: Mark(7, "y"), unknown: Mark(3, UNKNOWN)}


def test_who_writes_both_at_once_leaves_both_unknown() -> None:
    """Which of the two wins depends on the order of the rules, and is nothing to rely on."""
    found = after(a_memory(), {"boat": {"length": 5}, "boat.length": 7})
    assert found == {"boat": Mark(7, UNKNOWN), "boat.length": Mark(7, UNKNOWN)}


def test_a_refused_object_makes_its_members_unknown() -> None:
    """Nobody can say whether Braze replaced it."""
    found = after(a_memory({"boat.length": Mark(3, 7), "team": Mark(3, "red")}), {}, ("boat",))
    assert found == {"boat.length": Mark(3, UNKNOWN), "team": Mark(3, "red")}


def test_the_time_of_a_value_never_goes_back() -> None:
    """A replay that was sent all the same is older than what a later submission has set."""
    assert after(a_memory({"team": Mark(9, "blue")}), {"team": "red"}) == {"team": Mark(9, "red")}


def test_where_braze_may_skip_people_nothing_is_believed() -> None:
    """It answers the same for those who are not there."""
    assert after(a_memory(keeps=False), {"team": "red"}) == {"team": Mark(7, UNKNOWN)}


def test_what_was_set_long_ago_is_sent_again_but_still_not_overwritten_by_a_replay() -> None:
    """The value may have been lost; the order may not."""
    memory = a_memory({"team": Mark(3, "red")}, since=4)
    assert memory.prints(ANN.key) == {}
    assert memory.times(ANN.key) == {"team": 3}


def test_a_change_sends_what_would_be_left_out_beside_it() -> None:
    """A whole object replaces its members, so they are said again."""
    kept, left = without_unchanged({"boat": {"a": 1}, "boat.length": 7}, {"boat.length": 7})
    assert (kept, left) == ({"boat": {"a": 1}, "boat.length": 7}, [])


def test_consent_is_always_said() -> None:
    """People withdraw it elsewhere, and a fresh yes must count."""
    assert without_unchanged({"email_subscribe": "opted_in"}, {"email_subscribe": "opted_in"})[1] == []


def test_consent_for_one_group_is_not_consent_for_another() -> None:
    """A replayed no to one must not get lost behind a later yes to the other."""
    both = {"subscription_groups": [{"subscription_group_id": "1"}, {"subscription_group_id": "2"}]}
    assert names_set({**both, "team": "red"}) == {"subscription_groups.1", "subscription_groups.2", "team"}

    kept, older = without_older(both, 5, {"subscription_groups.2": 7, "subscription_groups.1": 3})
    assert (kept, older) == ({"subscription_groups": [{"subscription_group_id": "1"}]}, ["subscription_groups"])
    assert without_older(both, 5, {"subscription_groups": 7}) == ({}, ["subscription_groups"])
