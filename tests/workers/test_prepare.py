from typing import Any

import orjson
import pytest

from schemas.batch import Batch, Entry
from schemas.integration import BrazeTarget
from schemas.mapping import AttributeRule, EventRule, Source
from schemas.person import Person
from schemas.submission import Submission
from tests.factories import BRAZE, NOON_MS, a_body, an_integration
from workers.prepare import Prepared, event_keys, prepare
from workers.transform import CompiledMapping, Mapped, compile_mapping


def an_entry(number: int, member: str = "ann", done: dict[str, Any] | None = None, **fields: Any) -> Entry:
    return Entry(
        f"{number}-0", f"s{number}", number, Person("external_id", member), NOON_MS, "CompetitionEntrySuccess",
        a_body(member, number=number, **fields), done,
    )  # fmt: skip


def a_batch(*entries: Entry) -> Batch:
    return Batch(list(entries), "", "", 1, 0, b"", b"")


def prepared(*entries: Entry, mapping: Any = None, **changes: Any) -> Prepared:
    integration = an_integration(**changes)
    return prepare(a_batch(*entries), integration, mapping or compile_mapping(integration))


def body_of(one: Prepared) -> dict[str, Any]:
    assert one.request is not None
    body: dict[str, Any] = orjson.loads(one.request.body)
    return body


class Scripted(CompiledMapping):
    """Yields what its test wants, by submission id; an exception is raised."""

    def __init__(self, yields: dict[str, Any]) -> None:
        self.yields = yields

    def apply(self, submission: Submission, person: Person | None) -> Mapped:
        found = self.yields[submission.id]
        if isinstance(found, Exception):
            raise found
        return Mapped(*found)


def test_a_batch_becomes_one_request() -> None:
    """One attributes object for each person, and every submission's event."""
    one = prepared(an_entry(1, team="red"), an_entry(2, "bob", team="red"), an_entry(3, team="blue"))
    body = body_of(one)
    assert [(sent["external_id"], sent["team"]) for sent in body["attributes"]] == [("ann", "blue"), ("bob", "red")]
    assert [sent["properties"]["komo_submission_id"] for sent in body["events"]] == ["s1:1", "s2:1", "s3:1"]
    assert one.places == {"1-0": 0, "2-0": 1, "3-0": 2}
    assert one.without == {}


def test_where_nothing_is_mapped_nothing_travels() -> None:
    """An identifier alone would only make an empty profile."""
    one = prepared(an_entry(1), events=())
    assert (one.request, one.items, one.without) == (None, [], {"1-0": "nothing_mapped"})


def test_where_no_mapped_value_is_usable_a_person_has_to_look() -> None:
    """Something was meant to be sent."""
    rules = (AttributeRule("age", Source(field=("fields", "age"), type="number")),)
    one = prepared(an_entry(1, age="old"), an_entry(2, age="7"), events=(), attributes=rules)
    assert one.without == {"1-0": "no_usable_value"}
    assert one.places == {"2-0": 0}
    assert one.warnings["1-0"][0].startswith("age: ")


def test_warnings_of_reading_and_of_mapping_are_both_kept() -> None:
    """The timeline shows them."""
    rules = (AttributeRule("age", Source(field=("fields", "age"), type="number")),)
    one = prepared(an_entry(1, age="old", timestamp="yesterday"), attributes=rules)
    assert len(one.warnings["1-0"]) == 2
    assert "2-0" not in one.warnings


def test_what_braze_has_already_is_left_out() -> None:
    """Nothing that was accepted is sent again, except by choice."""
    events = (EventRule("first"), EventRule("second"))
    done = {"a": ["team"], "e": ["first"]}
    one = prepared(an_entry(1, done=done, team="red", first_name="Ann"), events=events)
    assert body_of(one)["attributes"] == [{"external_id": "ann", "first_name": "Ann"}]
    assert [event["name"] for event in body_of(one)["events"]] == ["second"]
    assert one.event_keys(0) == ["second"]


@pytest.mark.parametrize("attributes", [(), (AttributeRule("team", Source(field=("fields", "team"))),)])
def test_a_submission_of_which_braze_has_everything_has_arrived(attributes: tuple[AttributeRule, ...]) -> None:
    """Even if the mapping has lost its rules meanwhile: it was not filtered."""
    done = {"a": ["team"], "e": ["komo_entry"]}
    one = prepared(an_entry(1, done=done, team="red"), attributes=attributes, events=())
    assert (one.request, one.without, len(one.items)) == (None, {}, 1)


def test_an_event_is_remembered_by_its_name_and_element() -> None:
    """Its rule's number changes when somebody puts a rule before it."""
    answer = EventRule("answer", for_each=("raw", "given"))
    before, after = (EventRule("entry"), answer), (answer, EventRule("new"), EventRule("entry"))
    given = [{"question": "q1"}, {"question": "q2"}]
    keys = prepared(an_entry(1, given=given), events=before).event_keys(0)
    later = prepared(an_entry(1, done={"e": keys}, given=given), events=after)
    assert keys == ["entry", "answer.1", "answer.2"]
    assert [event["name"] for event in body_of(later)["events"]] == ["new"]


def test_events_of_the_same_name_are_told_apart() -> None:
    """Two rules may write the same event."""

    def event(name: str, number: str) -> dict[str, Any]:
        return {"name": name, "properties": {"komo_submission_id": f"s1:{number}"}}

    events = [
        event("a", "1"),
        event("a", "2"),
        event("b", "3.1"),
        event("b", "3.2"),
        event("b", "4.2"),
        event("a", "5"),
    ]
    assert event_keys(events) == ["a", "a#2", "b.1", "b.2", "b.2#2", "a#3"]


def test_what_is_too_big_for_any_request_is_set_aside_and_the_rest_travels() -> None:
    """It could never be delivered, and must not hold up the others."""
    mapping = Scripted({"s1": ({"essay": "x" * 3_600_000}, [], []), "s2": ({"essay": "short"}, [], [])})
    one = prepared(an_entry(1), an_entry(2, "bob"), mapping=mapping)
    assert one.without == {"1-0": "too_big"}
    assert [sent["external_id"] for sent in body_of(one)["attributes"]] == ["bob"]


def test_what_does_not_fit_into_the_request_waits_for_the_next() -> None:
    """The mapping may yield more than was expected at acceptance."""
    braze = BrazeTarget(BRAZE, "acme", max_objects_per_request=3)
    one = prepared(*(an_entry(n, f"p{n}", team="red") for n in range(4)), braze=braze)
    assert one.request is not None
    assert len(one.request.attributes) + len(one.request.events) <= 3
    assert (len(one.items), one.without) == (4, {})


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), ValueError("x"), AttributeError("x")])
def test_a_submission_that_breaks_the_mapping_does_not_hold_up_its_lane(error: Exception) -> None:
    """It would break the next drain too, and the one after it."""
    event = {"external_id": "bob", "name": "x", "properties": {"komo_submission_id": "s2:1"}}
    one = prepared(an_entry(1), an_entry(2, "bob"), mapping=Scripted({"s1": error, "s2": ({}, [event], [])}))
    assert one.without == {"1-0": "mapping_failed"}
    assert body_of(one) == {"events": [event]}


@pytest.mark.parametrize("value", [2**70, "\ud800", {1, 2}, {1: "x"}])
def test_a_value_that_is_no_json_does_not_hold_up_its_lane(value: Any) -> None:
    """The same, one step later."""
    mapping = Scripted({"s1": ({"odd": value}, [], []), "s2": ({"even": 2}, [], [])})
    one = prepared(an_entry(1), an_entry(2, "bob"), mapping=mapping)
    assert one.without == {"1-0": "mapping_failed"}
    assert body_of(one) == {"attributes": [{"external_id": "bob", "even": 2}]}
