"""Operations, clearing and merging, as a document asks for them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.integration import read_document
from schemas.person import Person
from schemas.submission import Submission
from tests.factories import a_document
from workers.operations import Add, AddObjects, Increment, Remove
from workers.transform import Mapped, compile_mapping

HAPPENED = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)
MIRA = Person("external_id", "mira")


def mapped(*rules: dict[str, Any], person: Person = MIRA, **fields: Any) -> Mapped:
    integration = read_document(a_document(attributes=list(rules), events=[])).integration()
    submission = Submission("s1", "QuizStarted", HAPPENED, HAPPENED, {"fields": fields})
    return compile_mapping(integration).apply(submission, person)


def rule(attribute: str, **options: Any) -> dict[str, Any]:
    return {"attribute": attribute, **({} if "value" in options else {"field": "x"}), **options}


@pytest.mark.parametrize(
    ("asked", "value", "sent"),
    [
        (rule("i", operation="add", type="array", separator=","), "sailing, music", Add(["sailing", "music"])),
        (rule("i", operation="add"), "sailing", Add(["sailing"])),
        (rule("i", operation="add"), ["a", "b", "a"], Add(["a", "b"])),
        (rule("i", operation="add", value="vip"), None, Add(["vip"])),
        (rule("i", operation="add", value=["a", 1]), None, Add(["a", 1])),
        (rule("i", operation="remove", type="array"), ["a", "b"], Remove(["a", "b"])),
        (rule("i", operation="remove", value="vip"), None, Remove(["vip"])),
        (rule("n", operation="increment", type="number"), "7", Increment(7)),
        (rule("n", operation="increment"), -2, Increment(-2)),
        (rule("n", operation="increment"), "3.0", Increment(3)),
        (rule("n", operation="increment", value=1), None, Increment(1)),
        (rule("t", operation="add", type="object_array"), [{"to": "Hobart"}], AddObjects([{"to": "Hobart"}])),
        (rule("t", operation="add", value={"to": "Hobart"}), None, AddObjects([{"to": "Hobart"}])),
        (rule("b", type="object"), {"name": "Tern"}, {"name": "Tern"}),
    ],
)
def test_an_operation_is_mapped_with_its_values(asked: dict[str, Any], value: Any, sent: Any) -> None:
    """Where no type is declared, the operation implies it."""
    assert mapped(asked, x=value) == Mapped({asked["attribute"]: sent}, [], [])


@pytest.mark.parametrize(
    ("asked", "value", "flaw"),
    [
        (rule("n", operation="increment"), "7.5", "n: not_an_integer"),
        (rule("n", operation="increment"), "many", "n: not_a_number"),
        (rule("n", operation="increment"), 1e300, "n: number_out_of_range"),
        (rule("i", operation="add"), {"a": 1}, "i: not_an_array"),
        (rule("b", operation="merge"), "Tern", "b: not_an_object"),
        (rule("b", type="object"), {"inc": 1}, "b: looks_like_operation"),
        (rule("b", type="object"), {"add": [1], "remove": [2]}, "b: looks_like_operation"),
        (rule("b", type="object"), {"inc": 1, "e f": 2}, "b: looks_like_operation"),
        (rule("b", operation="merge"), {"inc": 1}, "b: looks_like_operation"),
    ],
)
def test_a_value_that_the_operation_can_not_use_is_left_out(asked: dict[str, Any], value: Any, flaw: str) -> None:
    """Braze would ignore it, or take it for something else, without a word."""
    assert mapped(asked, x=value) == Mapped({}, [], [flaw])


def test_what_is_left_of_a_flawed_value_is_still_added() -> None:
    """One odd element must not cost the others."""
    found = mapped(rule("i", operation="add"), x=["a", "x" * 300])

    assert found == Mapped({"i": Add(["a"])}, [], ["i: array_element_left_out"])


@pytest.mark.parametrize("operation", ["set", "add", "remove", "increment", "merge"])
def test_nothing_is_done_for_nothing_unless_clearing_is_asked_for(operation: str) -> None:
    """A field left blank must not wipe what is known; a null in Braze removes the attribute."""
    nothing: list[Any] = [None, "", " ", [], {}]
    for value in nothing:
        assert mapped(rule("a", operation=operation), x=value).attributes == {}
        assert mapped(rule("a", operation=operation, on_null="clear", on_empty="clear"), x=value).attributes == {
            "a": None
        }
    assert mapped(rule("a", operation=operation, on_null="clear", on_empty="clear")).attributes == {}


def test_null_and_empty_are_told_apart() -> None:
    """Komo sends a null where somebody took an answer back, and a blank where nobody answered."""
    assert mapped(rule("a", on_null="clear"), x="").attributes == {}
    assert mapped(rule("a", on_empty="clear"), x=None).attributes == {}


def test_a_bad_value_never_clears() -> None:
    """Nothing is ever wiped by a mistake."""
    found = mapped(rule("country", on_null="clear", on_empty="clear"), x="Atlantis")

    assert found.attributes == {}
    assert len(found.warnings) == 1


def test_an_object_is_merged_leaf_by_leaf() -> None:
    """Each leaf is a value of its own: only those that changed have to be sent and paid for."""
    found = mapped(
        rule("boat", operation="merge"),
        x={"name": "Tern", "engine": {"hp": 5, "built": None}, "crew": ["Mira"], "trips": [{"to": "Hobart"}]},
    )

    assert found.attributes == {
        "boat.name": "Tern",
        "boat.engine.hp": 5,
        "boat.crew": ["Mira"],
        "boat.trips": [{"to": "Hobart"}],
    }


def test_a_merged_member_is_never_taken_for_an_operation() -> None:
    """It may be the only member that has changed, and would then stand alone in its object."""
    assert mapped(rule("boat", operation="merge"), x={"inc": 1, "name": "Tern"}) == Mapped(
        {"boat.name": "Tern"}, [], ["boat: looks_like_operation"]
    )


def test_later_rules_win_over_members_too() -> None:
    """The order of the rules is the only order there is."""
    whole = {"value": {"name": "Gull"}, "attribute": "boat"}
    merge = {"value": {"name": "Tern", "hp": 5}, "attribute": "boat", "operation": "merge"}

    assert mapped(merge, rule("boat.hp"), x="7").attributes == {"boat.name": "Tern", "boat.hp": "7"}
    assert list(mapped(merge, whole, merge).attributes) == ["boat", "boat.name", "boat.hp"]


def test_a_text_is_read_once_and_means_the_same_again() -> None:
    """Remembered readings must not leak between kinds of values: 1 and true are equal to Python, and to nobody else."""
    integration = read_document(
        a_document(attributes=[{"field": "x", "attribute": "a", "type": "array"}], events=[])
    ).integration()
    mapping = compile_mapping(integration)
    values = ["1", 1, True, " 1", "1", 1.5, ["1"], [True]]
    found = [
        mapping.apply(Submission("s", "e", HAPPENED, HAPPENED, {"fields": {"x": value}}), MIRA).attributes["a"]
        for value in values
    ]

    assert [repr(one) for one in found] == ["['1']", "[1]", "[True]", "['1']", "['1']", "[1.5]", "['1']", "[True]"]
