"""Folding per person, and cutting into requests that Braze takes."""

from collections import defaultdict
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.person import Person
from workers.operations import Add, AddObjects, Increment, Remove
from workers.pack import Item, Packed, pack

MIRA = Person("external_id", "mira")
TOM = Person("external_id", "tom")
INES = Person("user_alias", "ines@example.com", "email")


def item(person: Person, attributes: dict[str, Any] | None = None, events: int = 0, name: str = "s") -> Item:
    objects = [{**person.identifier(), "name": "e", "n": f"{name}.{number}"} for number in range(events)]
    return Item(name, f"{name}-0", person, attributes or {}, objects)


def packed(*items: Item, max_objects: int = 75, max_bytes: int = 100_000, existing: bool = False) -> Packed:
    return pack(items, max_objects=max_objects, max_bytes=max_bytes, existing_profiles_only=existing)


def bodies(result: Packed) -> list[dict[str, Any]]:
    return [orjson.loads(request.body) for request in result.requests]


def test_attributes_and_events_of_a_submission_travel_together() -> None:
    """Braze applies attributes first, so that what an event triggers finds them."""
    result = packed(item(MIRA, {"team": "Gulls"}, 1), item(TOM, events=1))

    assert bodies(result) == [
        {
            "attributes": [{"external_id": "mira", "team": "Gulls"}],
            "events": [
                {"external_id": "mira", "name": "e", "n": "s.0"},
                {"external_id": "tom", "name": "e", "n": "s.0"},
            ],
        }
    ]
    assert result.requests[0].attributes == [[0]]
    assert result.requests[0].events == [(0, 0), (1, 0)]


def test_a_person_has_one_attributes_object_and_the_later_value_wins() -> None:
    """Within an array Braze promises no order."""
    result = packed(item(MIRA, {"a": 1, "b": 1}), item(TOM, {"a": 5}), item(MIRA, {"b": 2, "c": 2}))

    assert bodies(result) == [
        {"attributes": [{"external_id": "mira", "a": 1, "b": 2, "c": 2}, {"external_id": "tom", "a": 5}]}
    ]
    assert result.requests[0].attributes == [[0, 2], [1]]


def test_members_are_merged_into_their_object() -> None:
    """Without the flag Braze would put the one member in the place of the whole object."""
    result = packed(
        item(MIRA, {"boat.name": "Tern", "boat.engine.hp": 5}), item(MIRA, {"boat.engine.kw": 4, "team": "G"})
    )

    assert bodies(result) == [
        {
            "attributes": [
                {
                    "external_id": "mira",
                    "team": "G",
                    "_merge_objects": True,
                    "boat": {"name": "Tern", "engine": {"hp": 5, "kw": 4}},
                }
            ]
        }
    ]


@pytest.mark.parametrize(
    ("first", "second", "boat"),
    [
        ({"boat.name": "Tern"}, {"boat": {"length": 3}}, {"length": 3}),
        ({"boat": {"length": 3}}, {"boat.name": "Tern"}, {"length": 3, "name": "Tern"}),
        ({"boat": None}, {"boat.name": "Tern"}, {"name": "Tern"}),
        ({"boat": {"engine": {"hp": 5}}}, {"boat.engine.kw": 4}, {"engine": {"hp": 5, "kw": 4}}),
    ],
)
def test_a_whole_object_still_replaces(first: dict[str, Any], second: dict[str, Any], boat: dict[str, Any]) -> None:
    """What one submission set as a whole stays a whole, whatever a later one adds to it."""
    kept = orjson.dumps([first, second])

    assert bodies(packed(item(MIRA, first), item(MIRA, second))) == [
        {"attributes": [{"external_id": "mira", "boat": boat}]}
    ]
    assert orjson.dumps([first, second]) == kept


def test_replacing_and_merging_go_in_two_objects() -> None:
    """The flag counts for a whole attributes object; the two share no attribute, so their order is free."""
    result = packed(item(INES, {"boat": {"length": 3}}), item(INES, {"car.doors": 4, "team": "G"}))
    ines = {"user_alias": {"alias_name": "ines@example.com", "alias_label": "email"}, "_update_existing_only": False}

    assert bodies(result) == [
        {
            "attributes": [
                {**ines, "boat": {"length": 3}, "team": "G"},
                {**ines, "_merge_objects": True, "car": {"doors": 4}},
            ]
        }
    ]
    assert result.requests[0].attributes == [[0, 1], [0, 1]]


def test_an_alias_with_events_alone_is_created_beside_them() -> None:
    """Braze drops events of an unknown alias without a word, and never creates one for an event."""
    result = packed(item(INES, events=1), item(INES, events=1))

    assert bodies(result)[0]["attributes"] == [
        {"user_alias": {"alias_name": "ines@example.com", "alias_label": "email"}, "_update_existing_only": False}
    ]
    assert result.requests[0].attributes == [[0, 1]]


def test_the_creation_of_an_alias_counts_as_an_object() -> None:
    """A request of 76 objects is refused as a whole."""
    result = packed(item(INES, events=1, name="a"), item(MIRA, events=1, name="b"), max_objects=2)

    assert [len(request.attributes) + len(request.events) for request in result.requests] == [2, 1]


def test_only_who_refused_attributes_are_blamed_for_them() -> None:
    """A submission without attributes has no part in the object that another one filled."""
    assert packed(item(INES, {"a": 1}), item(INES, events=1)).requests[0].attributes == [[0]]


def test_nobody_is_created_where_only_existing_profiles_are_wanted() -> None:
    """The customer pays for every profile."""
    result = packed(item(INES, {"a": 1}), item(MIRA, {"a": 1}), item(TOM, events=1), existing=True)

    assert [entry["_update_existing_only"] for entry in bodies(result)[0]["attributes"]] == [True, True]
    assert bodies(packed(item(INES, events=1), existing=True))[0].keys() == {"events"}


def test_the_identifier_wins_over_an_attribute_of_the_same_name() -> None:
    """An e-mail address beside the e-mail identifier must never move the data to somebody else."""
    result = packed(item(Person("email", "mira@example.com"), {"email": "tom@example.com", "a": 1}))

    assert bodies(result) == [{"attributes": [{"email": "mira@example.com", "a": 1}]}]


def test_a_submission_over_the_limit_sends_its_attributes_first() -> None:
    """It can't travel in one request, and events must find the attributes."""
    result = packed(item(TOM, events=1), item(MIRA, {"a": 1}, 5), item(TOM, events=1), max_objects=3)

    assert [(request.attributes, request.events) for request in result.requests] == [
        ([], [(0, 0)]),
        ([[1]], [(1, 0), (1, 1)]),
        ([], [(1, 2), (1, 3), (1, 4)]),
        ([], [(2, 0)]),
    ]


def test_one_object_a_request_is_possible() -> None:
    """That is what remains of a batch that Braze keeps refusing."""
    result = packed(item(INES, events=2), max_objects=1)

    assert [(request.attributes, request.events) for request in result.requests] == [
        ([[0]], [(0, 0)]),  # an event and the alias that it needs can't be parted
        ([], [(0, 1)]),
    ]


def test_a_submission_with_an_object_too_big_for_any_request_is_named_and_left_out() -> None:
    """Not one part of it may travel: it will be a dead letter, and replayed as a whole."""
    big = item(MIRA, {"a": "x" * 500}, 3, name="big")
    result = packed(item(TOM, {"b": 1}, 1), big, item(MIRA, {"c": 1}), max_bytes=300)

    assert result.too_big == [1]
    assert b"big" not in b"".join(request.body for request in result.requests)
    assert [request.attributes for request in result.requests] == [[[0], [2]]]


def test_a_submission_too_big_in_all_is_cut() -> None:
    """Each of its objects has room, so nothing is lost."""
    heavy = Item("s", "1-0", MIRA, {"a": "x" * 100}, [{"name": "e", "text": str(n) * 100} for n in range(4)])
    result = packed(heavy, max_bytes=200)

    assert result.too_big == []
    assert [(request.attributes, request.events) for request in result.requests] == [
        ([[0]], []),
        ([], [(0, 0)]),
        ([], [(0, 1)]),
        ([], [(0, 2)]),
        ([], [(0, 3)]),
    ]


def test_nothing_to_send_makes_no_request() -> None:
    """An empty request is refused."""
    assert packed(item(MIRA), item(INES)) == Packed([], [])


def test_a_request_holds_at_least_one_object() -> None:
    """Less would never end."""
    with pytest.raises(ValueError, match="at least one"):
        packed(max_objects=0)


def test_operations_of_one_person_become_one() -> None:
    """Two objects for one person in a request would have no order."""
    result = packed(
        item(MIRA, {"interests": ["sailing"], "visits": Increment(1)}),
        item(TOM, {"interests": Add(["food"])}),
        item(MIRA, {"interests": Add(["music"]), "visits": Increment(1), "trips": AddObjects([{"to": "Hobart"}])}),
        item(MIRA, {"interests": Remove(["sailing"])}),
    )

    assert bodies(result) == [
        {
            "attributes": [
                {
                    "external_id": "mira",
                    "interests": ["music"],
                    "visits": {"inc": 2},
                    "trips": {"$add": [{"to": "Hobart"}]},
                },
                {"external_id": "tom", "interests": {"add": ["food"]}},
            ]
        }
    ]
    assert result.requests[0].attributes == [[0, 2, 3], [1]]


def test_what_one_object_can_not_say_goes_into_the_next_request() -> None:
    """A text and something added to it can only follow each other."""
    result = packed(
        item(MIRA, {"interests": "none", "team": "Gulls"}, 1, name="a"),
        item(TOM, events=1, name="b"),
        item(MIRA, {"interests": Add(["music"]), "team": "Terns"}, 1, name="c"),
        item(MIRA, {"interests": Add(["food"])}, name="d"),
    )

    first, second = bodies(result)
    assert first["attributes"] == [{"external_id": "mira", "interests": "none", "team": "Gulls"}]
    assert second["attributes"] == [{"external_id": "mira", "interests": {"add": ["music", "food"]}, "team": "Terns"}]
    assert [(request.attributes, request.events) for request in result.requests] == [
        ([[0]], [(0, 0), (1, 0)]),
        ([[2, 3]], [(2, 0)]),
    ]


@pytest.mark.parametrize(
    ("first", "second", "bodies_of"),
    [
        ({"boat": Add(["a"])}, {"boat.x": 1}, 2),
        ({"boat.x": 1}, {"boat": Add(["a"])}, 2),
        ({"boat": Add(["a"])}, {"boat": {"x": 1}}, 1),
        ({"boat": Add(["a"]), "boat.x": 1}, {"boat.x": 2}, 1),
        ({"boat.x": 1, "boat": Add(["a"])}, {"boat": Add(["b"])}, 1),
    ],
)
def test_an_array_and_an_object_of_one_name_never_meet(
    first: dict[str, Any], second: dict[str, Any], bodies_of: int
) -> None:
    """The mapping was changed in between, or names them both: then its later rule counts."""
    assert len(bodies(packed(item(MIRA, first), item(MIRA, second)))) == bodies_of


def test_operations_keep_away_from_the_flag_to_merge() -> None:
    """What Braze makes of both in one object is not documented."""
    result = packed(item(MIRA, {"visits": Increment(1), "boat.x": 1}))

    assert bodies(result)[0]["attributes"] == [
        {"external_id": "mira", "visits": {"inc": 1}},
        {"external_id": "mira", "_merge_objects": True, "boat": {"x": 1}},
    ]


def test_subscription_groups_are_joined_by_their_id() -> None:
    """A list in the place of another would forget the first submission's consent."""
    on, off = [{"subscription_group_id": "g1", "subscription_state": state} for state in ("subscribed", "unsubscribed")]
    other = {"subscription_group_id": "g2", "subscription_state": "subscribed"}
    result = packed(
        item(MIRA, {"subscription_groups": [on, other]}), item(MIRA, {"subscription_groups": [off], "team": "Gulls"})
    )

    assert bodies(result)[0]["attributes"] == [
        {"external_id": "mira", "subscription_groups": [off, other], "team": "Gulls"}
    ]


def applied(profile: dict[str, Any], sent: dict[str, Any]) -> None:
    """What Braze's pages say that an attributes object does."""
    for name, value in sent.items():
        before = profile.get(name)
        if isinstance(value, dict) and value.keys() <= {"add", "remove"}:
            added, removed = value.get("add", []), value.get("remove", [])
            kept = [one for one in (before if isinstance(before, list) else []) if one not in added + removed]
            profile[name] = [*kept, *added]
        elif isinstance(value, dict) and value.keys() == {"inc"}:
            profile[name] = (before if isinstance(before, int) else 0) + value["inc"]
        elif isinstance(value, dict) and value.keys() == {"$add"}:
            profile[name] = [*(before if isinstance(before, list) else []), *value["$add"]]
        elif isinstance(value, dict) and isinstance(before, dict) and sent.get("_merge_objects"):
            profile[name] = before | value
        else:
            profile[name] = value
        if profile[name] in (None, []):
            del profile[name]


tags = st.lists(st.sampled_from("abcd"), unique=True, min_size=1)
trips = st.lists(st.fixed_dictionaries({"to": st.integers(0, 2)}), min_size=1, max_size=2)
operated = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.none() | st.just("odd") | tags | tags.map(Add) | tags.map(Remove),
        "visits": st.none() | st.just("odd") | st.integers(0, 9) | st.integers(-3, 3).map(Increment),
        "trips": st.none() | trips | trips.map(AddObjects) | tags.map(Add),
        "boat": st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.integers(0, 9)}) | tags.map(Add),
        "boat.x": st.integers(0, 9),
        "boat.z": st.integers(0, 9),
    },
)


@settings(max_examples=300, deadline=None)
@given(drawn=st.lists(st.tuples(st.sampled_from([MIRA, INES]), operated, st.integers(0, 2)), max_size=8))
def test_packed_together_or_one_by_one_a_profile_ends_the_same(
    drawn: list[tuple[Person, dict[str, Any], int]],
) -> None:
    """That is all that folding may change: how many requests it takes."""
    items = [item(person, values, events, name=f"s{n}") for n, (person, values, events) in enumerate(drawn)]
    together = pack(items, max_objects=9, max_bytes=10_000)
    one_by_one = [request for one in items for request in pack([one], max_objects=9, max_bytes=10_000).requests]

    ends: list[dict[str, dict[str, Any]]] = []
    for requests in (together.requests, one_by_one):
        profiles: dict[str, dict[str, Any]] = defaultdict(dict)
        for request in requests:
            for sent in orjson.loads(request.body).get("attributes", []):
                applied(profiles["external_id" if "external_id" in sent else "user_alias"], sent)
        ends.append({key: {n: v for n, v in profile.items() if n[0] != "_"} for key, profile in profiles.items()})
    assert ends[0] == ends[1]
    assert sorted(e for request in together.requests for e in request.events) == [
        (n, number) for n, (_, _, events) in enumerate(drawn) for number in range(events)
    ]


people = st.sampled_from([MIRA, TOM, INES, Person("email", "kim@example.com")])
attributes = st.dictionaries(
    st.sampled_from(["a", "b", "boat", "boat.x", "boat.y.z", "car.x"]),
    st.integers(0, 9)
    | st.dictionaries(st.sampled_from("xy"), st.integers(0, 9), min_size=1)
    | st.text("é", max_size=40),
    max_size=4,
)
items_of = st.lists(st.tuples(people, attributes, st.integers(0, 6)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(drawn=items_of, max_objects=st.integers(2, 9), max_bytes=st.integers(220, 1500))
def test_nothing_is_lost_doubled_reordered_or_over_a_limit(
    drawn: list[tuple[Person, dict[str, Any], int]], max_objects: int, max_bytes: int
) -> None:
    """Every refusal is followed back by these numbers; one that is wrong buries the wrong submission."""
    items = [item(person, values, events, name=f"s{n}") for n, (person, values, events) in enumerate(drawn)]
    result = pack(items, max_objects=max_objects, max_bytes=max_bytes)

    seen_events, folded = [], []
    last: dict[Person, int] = defaultdict(int)
    for request, body in zip(result.requests, bodies(result), strict=True):
        objects, events = body.get("attributes", []), body.get("events", [])
        assert len(request.body) <= max_bytes
        assert 0 < len(objects) + len(events) <= max_objects
        assert (len(objects), len(events)) == (len(request.attributes), len(request.events))
        for (place, number), event in zip(request.events, events, strict=True):
            assert event == items[place].events[number]
        for places, entry in zip(request.attributes, objects, strict=True):
            assert entry.items() >= items[places[0]].person.identifier().items()
            assert len({items[place].person for place in places}) == 1
            for place in places:
                assert {name.partition(".")[0] for name in items[place].attributes} - entry.keys() == set() or (
                    sum(places == other for other in request.attributes) == 2
                )
        seen_events += request.events
        folded += sorted({place for places in request.attributes for place in places if items[place].attributes})
        travelled = sorted(
            {place for places in request.attributes for place in places} | {p for p, _ in request.events}
        )
        for place in travelled:
            assert place >= last[items[place].person]
            last[items[place].person] = place

    kept = [n for n in range(len(items)) if n not in result.too_big]
    assert sorted(seen_events) == [(n, number) for n in kept for number in range(len(items[n].events))]
    assert folded == [n for n in kept if items[n].attributes]
