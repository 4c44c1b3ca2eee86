from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.batch import Batch, Entry, Replay
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
    return Batch(list(entries), "", "", 1, 0, b"", b"", people=[entry.person.key for entry in entries])


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


def replayed(
    number: int, member: str = "ann", *, at_ms: int = NOON_MS, since_ms: float | None = None, **more: Any
) -> Entry:
    """A dead letter that was put back."""
    return an_entry(number, member, **more)._replace(replay=Replay(1, at_ms, since_ms))


def prepared_knowing(times: dict[str, int], *entries: Entry, member: str = "ann", **changes: Any) -> Prepared:
    """While it is known which submission has set which attribute of a person last."""
    key = Person("external_id", member).key
    batch = replace(a_batch(*entries), guarded=True, times={key: times})
    integration = an_integration(**changes)
    return prepare(batch, integration, compile_mapping(integration))


def attributes_of(one: Prepared) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = body_of(one).get("attributes", [])
    return sent


def test_a_replayed_submission_leaves_alone_what_a_later_one_has_set() -> None:
    """It was accepted before; that it arrives after must not make it the newest. Its event still happened."""
    one = prepared_knowing({"team": 9, "first_name": 3}, replayed(5, team="red", first_name="Ann"))

    assert attributes_of(one) == [{"external_id": "ann", "first_name": "Ann"}]
    assert [event["properties"]["komo_submission_id"] for event in body_of(one)["events"]] == ["s5:1"]
    assert one.warnings == {"5-0": ["team: newer_value_kept"]}
    assert one.without == {}


def test_a_replayed_submission_may_set_what_it_has_set_itself() -> None:
    """Its own time is not later than itself: a letter may be replayed after it was delivered in part."""
    one = prepared_knowing({"team": 5}, replayed(5, team="red"))

    assert attributes_of(one) == [{"external_id": "ann", "team": "red"}]
    assert one.warnings == {}


def test_what_is_known_of_one_person_says_nothing_about_another() -> None:
    """Times are kept by person."""
    one = prepared_knowing({"team": 9}, replayed(5, "bob", team="red"))

    assert attributes_of(one) == [{"external_id": "bob", "team": "red"}]


@pytest.mark.parametrize("first", ["replayed", "newer"])
def test_a_later_submission_in_the_same_batch_counts_too(first: str) -> None:
    """Folded into one object the last one wins, and a replayed entry stands behind what was accepted since."""
    entries = [replayed(5, team="red", first_name="Ann"), an_entry(8, team="blue")]

    one = prepared_knowing({}, *(entries if first == "replayed" else reversed(entries)))

    assert attributes_of(one) == [{"external_id": "ann", "team": "blue", "first_name": "Ann"}]
    # Both stand behind the object: should Braze refuse it, they go again, one by one.
    assert one.request is not None
    assert [one.items[place].entry for place in one.request.attributes[0]] == ["5-0", "8-0"]


@pytest.mark.parametrize("first", [5, 6])
def test_of_two_replayed_submissions_the_later_one_wins(first: int) -> None:
    """Whatever the order in which somebody asked for them."""
    second = 11 - first

    one = prepared_knowing({}, *(replayed(number, team=f"t{number}") for number in (first, second)))

    assert attributes_of(one) == [{"external_id": "ann", "team": "t6"}]
    assert [item.entry for item in one.items] == ["5-0", "6-0"]


def test_another_person_s_later_submission_in_the_batch_changes_nothing() -> None:
    """They have a team of their own."""
    one = prepared_knowing({}, replayed(5, team="red"), an_entry(8, "bob", team="blue"))

    assert [sent["team"] for sent in attributes_of(one)] == ["red", "blue"]
    assert one.warnings == {}


def test_who_set_an_object_has_set_its_members() -> None:
    """A later whole must not get an older part, nor a later part be replaced with an older whole."""
    rules = (
        AttributeRule("boat", Source(field=("fields", "boat"), type="object")),
        AttributeRule("house.size", Source(field=("fields", "size"))),
    )
    entry = replayed(5, boat={"length": 7}, size="9")

    one = prepared_knowing({"boat.length": 9, "house": 9}, entry, attributes=rules)

    assert "attributes" not in body_of(one)
    assert one.warnings == {"5-0": ["boat: newer_value_kept", "house.size: newer_value_kept"]}


def test_a_replayed_submission_with_nothing_left_is_superseded() -> None:
    """Everything it had to say was said anew: that is no reason to die again."""
    one = prepared_knowing({"team": 9}, replayed(5, team="red"), events=())

    assert (one.request, one.without) == (None, {"5-0": "superseded"})
    assert one.warnings == {"5-0": ["team: newer_value_kept"]}


def test_what_was_delivered_in_part_before_is_not_superseded() -> None:
    """Braze has something of it."""
    one = prepared_knowing({"team": 9}, replayed(5, team="red", done={"e": ["komo_entry"]}))

    assert (one.request, one.without) == (None, {})


def test_what_is_superseded_holds_nobody_up() -> None:
    """The rest of the batch travels as ever."""
    one = prepared_knowing({"team": 9}, replayed(5, team="red"), an_entry(10, "bob", team="blue"), events=())

    assert attributes_of(one) == [{"external_id": "bob", "team": "blue"}]
    assert one.without == {"5-0": "superseded"}


def test_only_replayed_submissions_look_at_what_is_known() -> None:
    """What comes in order is the newest by itself, whatever clocks and times may say."""
    times = {"team": 9, "first_name": 9}

    one = prepared_knowing(times, an_entry(5, team="red"), replayed(6, first_name="Ann"), an_entry(7, team="blue"))

    assert attributes_of(one) == [{"external_id": "ann", "team": "blue"}]
    assert one.warnings == {"6-0": ["first_name: newer_value_kept"]}


def test_old_events_are_left_out_where_somebody_asked_for_that() -> None:
    """A welcome that is triggered by an event of three weeks ago helps nobody; the attributes are still true."""
    entry = replayed(5, since_ms=NOON_MS, team="red", timestamp="2026-11-20T11:59:59Z")

    one = prepared(entry)

    assert body_of(one) == {"attributes": [{"external_id": "ann", "team": "red"}]}
    assert (one.warnings, one.without) == ({"5-0": ["events_too_old"]}, {})


@pytest.mark.parametrize("since_ms", [None, NOON_MS - 1000.0])
def test_events_that_are_young_enough_are_sent(since_ms: float | None) -> None:
    """Also the one of that very moment."""
    one = prepared(replayed(5, since_ms=since_ms, timestamp="2026-11-20T11:59:59Z"))

    assert [event["name"] for event in body_of(one)["events"]] == ["komo_entry"]
    assert one.warnings == {}


def test_a_submission_with_nothing_but_old_events_is_filtered() -> None:
    """Nothing is wrong with it: somebody wanted it so."""
    one = prepared(replayed(5, since_ms=NOON_MS, timestamp="2026-11-20T11:59:59Z"))

    assert (one.request, one.without) == (None, {"5-0": "events_too_old"})


def test_where_no_event_is_mapped_none_is_too_old() -> None:
    """The warning would make a person look for something that was never there."""
    one = prepared(replayed(5, since_ms=NOON_MS, team="red", timestamp="2026-11-20T11:59:59Z"), events=())

    assert one.warnings == {}


def prepared_at(hours: float, *entries: Entry, max_age_hours: float | None = 2) -> Prepared:
    integration = an_integration(max_age_hours=max_age_hours)
    now_ms = NOON_MS + hours * 3_600_000
    return prepare(a_batch(*entries), integration, compile_mapping(integration), now_ms=now_ms)


def test_what_has_waited_for_too_long_is_set_aside() -> None:
    """After an outage of days a person decides whether it is still worth sending."""
    late = an_entry(2, "bob")._replace(received_ms=NOON_MS + 3_600_000)

    one = prepared_at(2.5, an_entry(1), late)

    assert one.without == {"1-0": "too_old"}
    assert [event["external_id"] for event in body_of(one)["events"]] == ["bob"]


@pytest.mark.parametrize(("hours", "max_age_hours"), [(2, 2), (1000, None)])
def test_what_is_not_older_than_allowed_travels(hours: float, max_age_hours: float | None) -> None:
    """And without a limit nothing is ever too old."""
    assert prepared_at(hours, an_entry(1), max_age_hours=max_age_hours).without == {}


def test_a_replayed_submission_is_as_old_as_its_replay() -> None:
    """Somebody has just asked for it; that it waits for Braze again counts anew."""
    one = prepared_at(10, replayed(1, at_ms=NOON_MS + 9 * 3_600_000), replayed(2, "bob", at_ms=NOON_MS + 3_600_000))

    assert one.without == {"2-0": "too_old"}


@pytest.mark.parametrize(("allowed", "learned", "most"), [(75, 4, 4), (3, 4, 3), (5, None, 5)])
def test_a_request_holds_no_more_objects_than_braze_turned_out_to_take(
    allowed: int, learned: int | None, most: int
) -> None:
    """The document may allow more, and may allow fewer."""
    integration = an_integration(braze=BrazeTarget(BRAZE, "acme", max_objects_per_request=allowed))
    batch = replace(a_batch(*(an_entry(n, f"p{n}") for n in range(6))), max_objects=learned)

    one = prepare(batch, integration, compile_mapping(integration))

    assert one.request is not None
    assert len(one.request.attributes) + len(one.request.events) == most
    assert (len(one.items), one.without) == (6, {})


def test_a_request_holds_no_more_bytes_than_braze_turned_out_to_take() -> None:
    """What does not fit goes with the next one."""
    batch = replace(a_batch(*(an_entry(n, f"p{n}", team="x" * 250) for n in range(35))), request_bytes=10_000)
    integration = an_integration()

    one = prepare(batch, integration, compile_mapping(integration))

    assert one.request is not None
    assert 5_000 < len(one.request.body) <= 10_000
    assert (len(one.items), one.without) == (35, {})
