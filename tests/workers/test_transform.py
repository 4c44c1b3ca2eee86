"""What a mapping makes of a submission."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.integration import Acceptance, BrazeTarget, Integration
from schemas.mapping import AttributeRule, EventRule, IdentifierRule, Source
from schemas.paths import parse_element_path, parse_path
from schemas.person import Person
from schemas.submission import Submission
from workers.transform import Mapped, compile_mapping, wanted

MIRA = Person("external_id", "mira")
HAPPENED = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)


def attribute(name: str, path: str | None = None, **options: Any) -> AttributeRule:
    rule = {key: options.pop(key) for key in ("when", "on_null", "on_empty") if key in options}
    return AttributeRule(name, Source(field=path and parse_path(path), **options), **rule)  # type: ignore[arg-type]


def constant(value: Any, **options: Any) -> Source:
    return Source(value=value, has_value=True, **options)


def event(name: str, path: str | None = None, **properties: Source) -> EventRule:
    return EventRule(name, properties, for_each=path and parse_path(path))  # type: ignore[arg-type]


def field(path: str, **options: Any) -> Source:
    return Source(field=parse_path(path), **options)


def element(path: str, **options: Any) -> Source:
    return Source(field=parse_element_path(path), **options)


def an_integration(*rules: AttributeRule | EventRule, **options: Any) -> Integration:
    return Integration(
        "hub", "Hub", BrazeTarget("https://rest.iad-01.braze.com", "acme"),
        (IdentifierRule("external_id", ("fields", "member_id")),),
        attributes=tuple(rule for rule in rules if isinstance(rule, AttributeRule)),
        events=tuple(rule for rule in rules if isinstance(rule, EventRule)), **options,
    )  # fmt: skip


def a_submission(fields: dict[str, Any] | None = None, **sections: Any) -> Submission:
    return Submission("s1", "QuizStarted", HAPPENED, HAPPENED, {"fields": fields or {}, **sections})


def mapped(*rules: AttributeRule | EventRule, person: Person | None = MIRA, **parts: Any) -> Mapped:
    options = {key: parts.pop(key) for key in ("default_region", "existing_profiles_only") if key in parts}
    return compile_mapping(an_integration(*rules, **options)).apply(a_submission(**parts), person)


def test_fields_become_attributes_of_their_type() -> None:
    """Komo writes nearly everything as text."""
    found = mapped(
        attribute("first_name", "first_name"),
        attribute("score", "result.score", type="number"),
        attribute("member", "member", type="boolean"),
        attribute("interests", "interests", type="array", separator=","),
        attribute("joined", "joined", type="date", format="DD/MM/YYYY"),
        attribute("seen_at", "seen_at", type="datetime"),
        attribute("source", None, value="komo", has_value=True),
        attribute("visits", None, value=3, has_value=True),
        fields={
            "first_name": " Mira ", "member": "yes", "interests": "sailing, music", "joined": "01/02/2020",
            "seen_at": "2026-02-03T14:05:06+10:00",
        },
        result={"score": "7"},
    )  # fmt: skip

    assert found == Mapped(
        {
            "first_name": "Mira", "score": 7, "member": True, "interests": ["sailing", "music"], "joined": "2020-02-01",
            "seen_at": "2026-02-03T04:05:06.000Z", "source": "komo", "visits": 3,
        },
        [],
        [],
    )  # fmt: skip


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_nothing_is_written_for_nothing(value: Any) -> None:
    """An optional field left blank must not wipe what is known."""
    assert mapped(attribute("team", "team"), fields={"team": value}) == Mapped({}, [], [])


def test_zero_and_false_are_something() -> None:
    """A score of nought is a score."""
    rules = (attribute("score", "score", type="number"), attribute("member", "member", type="boolean"))

    assert mapped(*rules, fields={"score": 0, "member": False}).attributes == {"score": 0, "member": False}


def test_clearing_must_be_asked_for() -> None:
    """A null that Komo sent is not the same as a field that is not there."""
    rules = (
        attribute("a", "a", on_null="clear"),
        attribute("b", "b", on_empty="clear"),
        attribute("c", "c", on_null="clear", on_empty="clear"),
        attribute("d.e", "a", on_null="clear"),
    )

    found = mapped(*rules, fields={"a": None, "b": " "})

    assert found == Mapped({"a": None, "b": None}, [], ["d.e: member_cannot_be_cleared"])


def test_a_bad_value_is_left_out_alone_and_named() -> None:
    """One odd birthday must not cost the person's entry, and the warning must not tell it to the log."""
    rules = (attribute("dob", "dob"), attribute("country", "country"), attribute("team", "team"))

    found = mapped(*rules, fields={"dob": "17/08/91", "country": "Atlantis", "team": "Gulls"})

    assert found == Mapped({"team": "Gulls"}, [], ["dob: not_a_date", "country: country_unknown"])


def test_of_two_rules_for_one_attribute_the_later_value_counts() -> None:
    """A fallback is written as an earlier rule."""
    rules = (attribute("team", "a"), attribute("team", "b"), attribute("team", "c", type="number"))

    assert mapped(*rules, fields={"a": "1", "b": "2", "c": "x"}).attributes == {"team": "2"}
    assert mapped(*rules, fields={"a": "1"}).attributes == {"team": "1"}


def test_conditions_decide_which_rules_count() -> None:
    """One mapping serves all cards of a hub."""
    rule = attribute("personality", "result.outcome", when=((("card", "type"), ("Personality",)),))

    assert mapped(rule, result={"outcome": "Skipper"}, card={"type": "personality"}).attributes == {
        "personality": "Skipper"
    }
    assert mapped(rule, result={"outcome": "Skipper"}, card={"type": "Quiz"}).attributes == {}


def test_standard_attributes_have_their_own_type() -> None:
    """Whatever type was declared: Braze takes two letters for a country and E.164 for a phone."""
    rules = (attribute("country", "c", type="object"), attribute("phone", "p"), attribute("email", "e"))

    found = mapped(*rules, fields={"c": "Australia", "p": "0412 345 678", "e": "A.B@Example.com"}, default_region="AU")

    assert found.attributes == {"country": "AU", "phone": "+61412345678", "email": "a.b@example.com"}


def test_members_of_objects_keep_their_dotted_name() -> None:
    """Packing folds several submissions, and must know which members were written; times in objects are wrapped."""
    rules = (
        attribute("boat.length_m", "length", type="number"),
        attribute("boat.bought", "bought", type="date"),
        attribute("boat", "boat", type="object"),
        attribute("boat.name", "name"),
    )

    found = mapped(*rules, fields={"length": "4.2", "bought": "2020-01-02", "boat": {"a": 1}, "name": "Tern"})

    assert list(found.attributes.items()) == [
        ("boat.length_m", 4.2),
        ("boat.bought", {"$time": "2020-01-02"}),
        ("boat", {"a": 1}),
        ("boat.name", "Tern"),
    ]


def test_the_last_rule_for_a_member_stands_after_the_whole_object() -> None:
    """A whole object drops the members written before it."""
    rules = (attribute("boat.name", "a"), attribute("boat", "boat", type="object"), attribute("boat.name", "b"))

    assert list(mapped(*rules, fields={"a": "1", "boat": {"x": 1}, "b": "2"}).attributes) == ["boat", "boat.name"]


@pytest.mark.parametrize(
    ("fields", "found", "warnings"),
    [
        ({"lon": "151.2", "lat": "-33.9"}, {"current_location": {"longitude": 151.2, "latitude": -33.9}}, []),
        ({"lon": "151.2"}, {}, ["current_location: location_not_valid"]),
        ({}, {}, []),
    ],
)
def test_a_location_is_sent_whole(fields: dict[str, Any], found: dict[str, Any], warnings: list[str]) -> None:
    """Half of one makes Braze refuse the whole object."""
    rules = (
        attribute("current_location.longitude", "lon", type="number"),
        attribute("current_location.latitude", "lat", type="number"),
    )

    assert mapped(*rules, fields=fields) == Mapped(found, [], warnings)


@pytest.mark.parametrize("name", ["external_id", "email_subscribe", "push_tokens", "_merge_objects", "$x", "email.x"])
def test_names_that_are_not_ours_are_never_written(name: str) -> None:
    """Saving refuses them; a document that got past it must not do harm."""
    assert mapped(attribute(name, "x"), fields={"x": "subscribed"}) == Mapped({}, [], [f"{name}: not_allowed"])


def test_an_address_never_goes_beside_a_phone_number_that_names_the_person() -> None:
    """Braze would look for the address, and write to whoever has it."""
    found = mapped(
        attribute("email", "email"), person=Person("phone", "+61412345678"), fields={"email": "a@example.com"}
    )

    assert found == Mapped({}, [], ["email: would_change_person"])


def test_the_answer_to_a_question_becomes_an_attribute() -> None:
    """Staff edit blanks and capitals of a question; its words stay."""
    rules = (
        AttributeRule("beach", Source(question="Best beach of the bay?")),
        AttributeRule("beaches", Source(question="Best beach of the bay?", type="array")),
        AttributeRule("other", Source(question="Something else?")),
    )
    answers = [
        {"question": "Which side is port?", "answer": "Left"},
        {"question": " best beach  of the bay?", "answer": "North Cove"},
        {"question": "Best beach of the bay?", "answer": "South Cove"},
    ]

    assert mapped(*rules, answers=answers).attributes == {
        "beach": "South Cove",
        "beaches": ["North Cove", "South Cove"],
    }


def test_an_event_is_complete() -> None:
    """It carries its person, when it happened, and what tells a doubled one from a repeated one."""
    rule = event(
        "komo_entry", None, card=field("card.name"), score=field("score", type="number"), source=constant("komo")
    )

    found = mapped(event("other"), rule, card={"name": "SUM26"}, fields={"score": "7"})

    assert found.events == [
        {
            "external_id": "mira",
            "name": "other",
            "time": "2026-02-03T04:05:06.789Z",
            "properties": {"komo_submission_id": "s1:1"},
        },
        {
            "external_id": "mira",
            "name": "komo_entry",
            "time": "2026-02-03T04:05:06.789Z",
            "properties": {"card": "SUM26", "score": 7, "source": "komo", "komo_submission_id": "s1:2"},
        },
    ]


def test_events_keep_their_number_when_others_are_not_due() -> None:
    """The number names the rule, or a replay could not tell what was sent."""
    never = EventRule("never", when=((("card", "type"), ("Poll",)),))

    assert mapped(never, event("komo_view")).events[0]["properties"] == {"komo_submission_id": "s1:2"}


def test_properties_without_a_usable_value_are_left_out() -> None:
    """What Braze makes of a null there is not documented."""
    rule = event("e", None, a=field("a"), b=field("b", type="number"), c=field("c"), d=field("d"))

    found = mapped(rule, fields={"a": None, "b": "x", "c": "y" * 300})

    assert found.events[0]["properties"] == {"c": "y" * 255, "komo_submission_id": "s1:1"}
    assert found.warnings == ["e.b: not_a_number", "e.c: string_cut"]


def test_every_element_of_a_list_makes_an_event() -> None:
    """A bare name is a member of the element; a section is still the submission's."""
    rule = event(
        "komo_answer", "answers", question=element("question"), right=element("correct"), card=element("card.name")
    )
    answers = [{"question": "Port?", "correct": True}, {"question": "Lee?", "correct": "false"}, {"question": None}]

    found = mapped(rule, answers=answers, card={"name": "SUM26"})

    assert [one["properties"] for one in found.events] == [
        {"question": "Port?", "right": True, "card": "SUM26", "komo_submission_id": "s1:1.1"},
        {"question": "Lee?", "right": "false", "card": "SUM26", "komo_submission_id": "s1:1.2"},
        {"card": "SUM26", "komo_submission_id": "s1:1.3"},
    ]


def test_elements_can_have_conditions_of_their_own() -> None:
    """An element that is not meant keeps its number, so that the others keep theirs."""
    rule = EventRule(
        "right", {}, (((parse_element_path("correct")), (True,)), (("card", "type"), ("Quiz",))), parse_path("answers")
    )
    answers = [{"correct": "false"}, {"correct": "true"}]

    found = mapped(rule, answers=answers, card={"type": "Quiz"})

    assert [one["properties"] for one in found.events] == [{"komo_submission_id": "s1:1.2"}]
    assert mapped(rule, answers=answers, card={"type": "Poll"}).events == []


@pytest.mark.parametrize(("items", "count"), [(None, 0), ([], 0), ("text", 0), ({"a": 1}, 1), ([1, 2], 2)])
def test_a_list_may_be_something_else(items: Any, count: int) -> None:
    """Composed bodies hold anything; one object where a list was meant counts as one element."""
    assert len(mapped(event("e", "items", a=element("a")), fields={"items": items}).events) == count


def test_what_would_cost_the_event_stays_behind() -> None:
    """Braze refuses an event with more than 100 KB of properties."""
    lists = {name: [f"{n}" + "x" * 200 for n in range(count)] for name, count in (("a", 200), ("b", 400), ("c", 200))}
    rule = event("e", None, a=field("a"), b=field("b"), c=field("c"))

    found = mapped(rule, fields=lists)

    assert found.events[0]["properties"].keys() == {"a", "c", "komo_submission_id"}
    assert found.warnings == ["e.b: event_too_big"]


def test_many_long_strings_are_bulk_as_well() -> None:
    """Four bytes a letter, and the event is over the limit without a single list."""
    rule = EventRule("e", {f"p{n}": field("x") for n in range(200)})

    found = mapped(rule, fields={"x": "😀" * 255})

    assert 80_000 < len(orjson.dumps(found.events[0]["properties"])) <= 100_000
    assert found.warnings[0] == "e.p0: event_too_big"


def test_reserved_properties_are_never_sent() -> None:
    """A key called `time` makes Braze refuse the event."""
    found = mapped(EventRule("e", {name: constant(1) for name in ("time", "event_name", "$a", "komo_submission_id")}))

    assert found.events[0]["properties"] == {"komo_submission_id": "s1:1"}


def test_without_a_person_the_objects_can_still_be_counted() -> None:
    """At the door it is only asked whether there is something to send."""
    found = mapped(event("e"), attribute("a", "a"), person=None, fields={"a": "x"})

    assert found.attributes == {"a": "x"}
    assert [sorted(one) for one in found.events] == [["name", "properties", "time"]]


def test_only_existing_profiles_get_events_if_so_wanted() -> None:
    """The flag stands on every object, or the event would create the profile."""
    assert mapped(event("e"), existing_profiles_only=True).events[0]["_update_existing_only"] is True


def test_a_mapping_gives_the_same_twice() -> None:
    """It is compiled once and runs for every submission: nothing may stick to it."""
    mapping = compile_mapping(
        an_integration(attribute("_x", "a"), attribute("o", None, value={"a": 1}, has_value=True))
    )
    first = mapping.apply(a_submission(), MIRA)
    first.attributes["o"]["a"] = 2
    first.warnings.clear()

    assert mapping.apply(a_submission(), MIRA) == Mapped({"o": {"a": 1}}, [], ["_x: not_allowed"])


@pytest.mark.parametrize(
    ("accept", "is_wanted"),
    [
        (Acceptance(), True),
        (Acceptance(site_ids=("{AB-1}",)), True),
        (Acceptance(site_ids=("ab-2",)), False),
        (Acceptance(card_ids=("c-1", "c-2")), True),
        (Acceptance(card_ids=("c-3",)), False),
        (Acceptance(events=("QuizStarted",)), True),
        (Acceptance(events=("CardViewed",)), False),
        (Acceptance(when=((("entry", "qualified"), (True, None)),)), True),
        (Acceptance(when=((("entry", "qualified"), (False,)),)), False),
    ],
)
def test_the_filter_lets_through_what_is_wanted(accept: Acceptance, is_wanted: bool) -> None:
    """Ids come in either case, some in braces."""
    submission = a_submission(hub={"id": "ab-1"}, card={"id": "C-1"})

    assert wanted(submission, an_integration(accept=accept)) is is_wanted


def test_without_the_id_that_is_asked_for_nothing_is_wanted() -> None:
    """A submission that does not say where it comes from may come from anywhere."""
    assert not wanted(a_submission(), an_integration(accept=Acceptance(site_ids=("ab-1",))))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TYPES = (None, "string", "number", "boolean", "date", "datetime", "array", "object", "object_array")
STANDARD = ("email", "phone", "dob", "gender", "country", "language", "time_zone", "image_url", "current_location")
RULES: tuple[AttributeRule | EventRule, ...] = (
    *(attribute(f"a_{kind}", "x", type=kind) for kind in TYPES),
    *(attribute(f"o.{kind}", "x", type=kind) for kind in TYPES),
    *(attribute(name, "x") for name in STANDARD),
    *(event(f"e_{kind}", None, p=field("x", type=kind)) for kind in TYPES),
    event("each", "x", p=element("a")),
)


@settings(max_examples=60, deadline=None)
@given(value=ANY_JSON)
def test_whatever_komo_sends_can_be_mapped_and_written(value: Any) -> None:
    """One submission that can't be mapped, or not be written as JSON, would hold up everybody in its lane."""
    assert orjson.dumps(list(mapped(*RULES, fields={"x": value})))


@pytest.mark.parametrize("sent", [{}, {"team": ""}, {"team": None}, {"team": " "}])
def test_nothing_is_expected_of_a_submission_that_says_nothing(sent: dict[str, Any]) -> None:
    """Where every blank form counted as an object, requests would leave half empty."""
    unmet = EventRule("won", {}, when=((("fields", "won"), ("yes",)),))
    mapping = compile_mapping(an_integration(attribute("favourite_team", "team"), unmet))

    assert mapping.expect(a_submission(sent)) == (False, 0)
    assert mapping.expect(a_submission({"team": "red", "won": "yes"})) == (True, 1)
