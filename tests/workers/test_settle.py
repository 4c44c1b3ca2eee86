from collections import Counter
from dataclasses import replace
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.attempts import NO_ATTEMPTS, Attempts
from schemas.batch import Batch, Entry, Replay, Settlement
from schemas.person import Person
from workers.braze.reply import Refusal
from workers.outcome import Decision, Halve, Pause, Retry, Settle
from workers.pack import Item, pack
from workers.prepare import Prepared, event_keys
from workers.settle import Try, nothing_to_send, settle

TRY = Try(3, 201, "success", 12)


def an_item(number: int, member: str = "ann", attributes: dict[str, Any] | None = None, events: int = 1,
            *, alias: bool = False) -> Item:  # fmt: skip
    person = Person("user_alias", member, "email") if alias else Person("external_id", member)
    made = [
        {**person.identifier(), "name": "entry", "properties": {"komo_submission_id": f"s{number}:1.{n}"}}
        for n in range(1, events + 1)
    ]
    return Item(f"s{number}", f"{number}-0", person, {"team": "red"} if attributes is None else attributes, made)


def prepared(
    *items: Item,
    sent_before: Literal["", "clean", "unknown"] = "",
    done: dict[str, Any] | None = None,
    max_objects: int = 75,
    existing_profiles_only: bool = False,
) -> Prepared:
    entries = [
        Entry(item.entry, item.submission_id, n, item.person, 0, "x", {}, (done or {}).get(item.entry))
        for n, item in enumerate(items)
    ]
    packed = pack(items, max_objects=max_objects, max_bytes=100_000, existing_profiles_only=existing_profiles_only)
    one = Prepared(
        Batch(entries, sent_before, "", 1, 2, b"", b"", people=[entry.person.key for entry in entries]),
        packed.requests[0] if packed.requests else None,
        list(items),
        {item.entry: place for place, item in enumerate(items)},
        {items[place].entry: "too_big" for place in packed.too_big},
    )
    for place, item in enumerate(items):
        if done and item.entry in done:
            one.left[place] = one.event_keys(place)
    return one


def refused(*places: tuple[str, int]) -> Settle:
    return Settle([Refusal(array, index, f"bad {array} {index}") for array, index in places])


def nothing_taken(*places: tuple[str, int]) -> Settle:
    return Settle(refused(*places).refused, rest_accepted=False)


def done(settlement: Settlement, entry_id: str) -> dict[str, Any]:
    """What Braze has accepted, of an entry that is put back or dead; without its attempts."""
    told = settlement.dead[entry_id]["done"] if entry_id in settlement.dead else settlement.done[entry_id]
    return {name: value for name, value in orjson.loads(told or "{}").items() if name in "aeu" and value}


def details(settlement: Settlement, entry_id: str) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(settlement.dead[entry_id]["details"])
    return read


def test_what_braze_took_is_delivered() -> None:
    """The usual case."""
    settlement = settle(prepared(an_item(1), an_item(2, "bob")), Settle(), TRY)
    assert settlement.verdicts == "dd"
    assert settlement.results == [["delivered", []]] * 2
    assert settlement.counts == {"requests": 1, "objects": 4, "data_points_sent": 4}
    assert (settlement.dead, settlement.done, settlement.cut, settlement.retry_after_ms) == ({}, {}, None, None)


def test_the_attempt_is_told_for_the_timeline() -> None:
    """What was sent, when, and what Braze said, without a value in it."""
    settlement = settle(prepared(an_item(1)), Settle(), TRY)
    assert settlement.tried.packed() == {
        "attempts": [{"at": 0, "status": 201, "answer": "success", "duration_ms": 12, "objects": 2}], "number": 1,
    }  # fmt: skip


def test_warnings_go_with_what_was_delivered() -> None:
    """A person sees on the timeline what was left out."""
    one = prepared(an_item(1), an_item(2, "bob"))
    one.warnings["2-0"] = ["age: not_a_number"]
    settlement = settle(one, Settle(accepted_unknown=True), TRY)
    assert settlement.results == [
        ["delivered", ["accepted_unknown"]], ["delivered", ["age: not_a_number", "accepted_unknown"]]
    ]  # fmt: skip


def test_what_had_nothing_to_send_is_settled_beside_the_rest() -> None:
    """Filtered if nothing was mapped, dead if nothing was usable."""
    one = prepared(an_item(1))
    for number, why in ((2, "nothing_mapped"), (3, "no_usable_value"), (4, "mapping_failed")):
        entry = one.batch.entries[0]
        one.batch.entries.append(Entry(f"{number}-0", f"s{number}", number, entry.person, 0, "x", {}))
        one.batch.people.append(entry.person.key)  # type: ignore[attr-defined]  # a list here
        one.without[f"{number}-0"] = why
    for decision in (Settle(), Halve("400")):
        settlement = settle(one, decision, TRY)
        assert settlement.verdicts[1:] == "fxx"
        assert settlement.results[1] == ["filtered", ["nothing_mapped"]]
        assert settlement.dead["3-0"]["why"] == "no_usable_value"
        assert settlement.dead["4-0"]["why"] == "mapping_failed"


def test_without_anything_to_send_no_request_is_counted() -> None:
    """And nobody has to be left alone for the spacing time."""
    one = prepared(an_item(1, attributes={}, events=0))
    one.without["1-0"] = "nothing_mapped"
    settlement = nothing_to_send(one)
    assert (settlement.sent, settlement.verdicts, settlement.counts) == (False, "f", {})


def test_an_item_of_which_braze_has_everything_is_delivered_without_a_request() -> None:
    """It was put back with only that much left, and the mapping has lost the rest."""
    one = prepared(an_item(1, attributes={}, events=0), done={"1-0": {"a": ["team"]}})
    assert (one.request, nothing_to_send(one).verdicts) == (None, "d")


def test_a_refused_attributes_object_is_followed_to_its_submission() -> None:
    """By index, in the request as it was sent."""
    settlement = settle(prepared(*(an_item(n, f"p{n}") for n in range(3))), refused(("attributes", 1)), TRY)
    assert settlement.verdicts == "dxd"
    assert settlement.dead["1-0"]["why"] == "refused"
    assert done(settlement, "1-0") == {"e": ["entry.1"]}
    told = details(settlement, "1-0")
    assert (told["status"], told["answer"], told["number"]) == (201, "bad attributes 1", 1)


def test_a_refused_event_is_followed_to_its_submission() -> None:
    """Events are numbered across submissions."""
    settlement = settle(prepared(an_item(1, events=2), an_item(2, "bob", events=2)), refused(("events", 2)), TRY)
    assert settlement.verdicts == "dx"
    assert done(settlement, "2-0") == {"a": ["team"], "e": ["entry.2"]}


def test_a_submission_of_which_all_is_refused_has_nothing_accepted() -> None:
    """Its replay leaves out nothing."""
    settlement = settle(prepared(an_item(1), an_item(2, "bob")), refused(("attributes", 0), ("events", 0)), TRY)
    assert settlement.verdicts == "xd"
    assert done(settlement, "1-0") == {}
    assert details(settlement, "1-0")["answer"] == "bad attributes 0"


@pytest.mark.parametrize("stray", [("attributes", 99), ("events", 2), ("purchases", 0)])
def test_an_error_about_an_object_that_we_never_sent_is_noted(stray: tuple[str, int]) -> None:
    """Something was refused, and nobody can say what."""
    settlement = settle(prepared(an_item(1), an_item(2, "bob")), refused(stray), TRY)
    assert settlement.verdicts == "dd"
    assert settlement.results == [["delivered", ["accepted_unknown"]]] * 2


def test_a_refused_folded_object_is_put_back_to_travel_unfolded() -> None:
    """Only one of the three need be at fault; what was accepted of them is remembered."""
    one = prepared(an_item(1), an_item(2, "bob"), an_item(3), an_item(4))
    settlement = settle(one, refused(("attributes", 0)), TRY)
    assert settlement.verdicts == "bdbb"
    assert (settlement.cut, settlement.dead) == ("0", {})
    assert {entry_id: done(settlement, entry_id) for entry_id in settlement.done} == {
        "1-0": {"e": ["entry.1"]}, "3-0": {"e": ["entry.1"]}, "4-0": {"e": ["entry.1"]},
    }  # fmt: skip


def test_a_bad_event_of_a_folded_submission_waits_for_its_own_turn() -> None:
    """First it is found out whose attributes were bad; the event is refused again then."""
    settlement = settle(prepared(an_item(1, events=2), an_item(2)), refused(("attributes", 0), ("events", 0)), TRY)
    assert settlement.verdicts == "bb"
    assert done(settlement, "1-0") == {"e": ["entry.2"]}


def test_what_was_remembered_before_is_kept() -> None:
    """A submission may be put back more than once."""
    before = {"1-0": {"a": ["age"], "e": ["first"]}}
    settlement = settle(prepared(an_item(1), an_item(2), done=before), refused(("attributes", 0)), TRY)
    assert done(settlement, "1-0") == {"a": ["age"], "e": ["first", "entry.1"]}


def test_of_a_person_s_two_objects_only_the_refused_one_counts_as_refused() -> None:
    """Some objects replace and others merge, and Braze looks at each by itself."""
    one = prepared(an_item(1, attributes={"boat": {"a": 1}, "team": "red", "house.size": 7}))
    assert one.request is not None
    assert len(one.request.attributes) == 2
    for index, taken in ((0, ["house.size"]), (1, ["boat", "team"])):
        settlement = settle(one, refused(("attributes", index)), TRY)
        assert settlement.verdicts == "x"
        assert done(settlement, "1-0") == {"a": taken, "e": ["entry.1"]}


def test_a_folded_pair_of_objects_remembers_only_the_accepted_one() -> None:
    """Otherwise the refused half would be left out of what is sent again, and lost."""
    attributes = {"boat": {"a": 1}, "house.size": 7}
    settlement = settle(
        prepared(an_item(1, attributes=attributes), an_item(2, attributes=attributes)), refused(("attributes", 1)), TRY
    )
    assert settlement.verdicts == "bb"
    assert done(settlement, "1-0") == {"a": ["boat"], "e": ["entry.1"]}


def test_an_event_of_an_alias_that_was_not_created_is_sent_again() -> None:
    """Braze skips it without a word where the alias is unknown; where it is known, the event may be doubled."""
    one = prepared(an_item(1, alias=True), an_item(2, attributes={}, alias=True), an_item(3, "bob", alias=True))
    settlement = settle(one, refused(("attributes", 0)), TRY)
    assert settlement.verdicts == "xbd"
    assert done(settlement, "1-0") == {}
    assert (done(settlement, "2-0"), settlement.counts["possible_duplicates"]) == ({}, 2)


def test_an_alias_that_one_of_two_objects_creates_is_created() -> None:
    """The other one may be refused."""
    one = prepared(an_item(1, attributes={"boat": {"a": 1}, "house.size": 7}, alias=True))
    settlement = settle(one, refused(("attributes", 1)), TRY)
    assert done(settlement, "1-0") == {"a": ["boat"], "e": ["entry.1"]}
    assert "possible_duplicates" not in settlement.counts


def test_where_nobody_is_to_be_created_events_stand_for_themselves() -> None:
    """Whoever is unknown is meant to be skipped."""
    one = prepared(an_item(1, alias=True), existing_profiles_only=True)
    settlement = settle(one, refused(("attributes", 0)), TRY)
    assert done(settlement, "1-0") == {"e": ["entry.1"]}


def test_a_submission_over_the_limit_goes_on_where_it_stopped() -> None:
    """It is put back with what was taken of it, and the next request leaves that out."""
    settlement = settle(prepared(an_item(1, events=9), max_objects=4), Settle(), TRY)
    assert settlement.verdicts == "b"
    assert done(settlement, "1-0") == {"a": ["team"], "e": ["entry.1", "entry.2", "entry.3"]}
    assert settlement.cut is None


def test_what_found_no_room_is_put_back_untouched() -> None:
    """Its turn comes with the next request."""
    settlement = settle(prepared(*(an_item(n, f"p{n}") for n in range(3)), max_objects=4), Settle(), TRY)
    assert (settlement.verdicts, done(settlement, "2-0")) == ("ddb", {})


def test_what_is_too_big_is_a_dead_letter_beside_the_rest() -> None:
    """It can't travel, and nobody waits for it."""
    settlement = settle(prepared(an_item(1, attributes={"essay": "x" * 200_000}), an_item(2, "bob")), Settle(), TRY)
    assert settlement.verdicts == "xd"
    assert settlement.dead["1-0"]["why"] == "too_big"


def test_where_all_was_refused_the_unnamed_are_sent_again() -> None:
    """A 400 takes nothing, so nothing of it is remembered."""
    one = prepared(an_item(1), an_item(2, "bob"), an_item(3, "cid"))
    settlement = settle(one, nothing_taken(("attributes", 0), ("events", 2)), TRY)
    assert settlement.verdicts == "xbx"
    assert (done(settlement, "2-0"), done(settlement, "1-0"), settlement.cut) == ({}, {}, None)


def test_where_all_was_refused_a_folded_object_is_unfolded_too() -> None:
    """The rule is the same for both answers."""
    settlement = settle(prepared(an_item(1), an_item(2)), nothing_taken(("attributes", 0)), TRY)
    assert (settlement.verdicts, settlement.cut, done(settlement, "1-0")) == ("bb", "0", {})


@pytest.mark.parametrize("stray", [("attributes", 99), ("events", 99), ("purchases", 0)])
def test_where_all_was_refused_and_nobody_is_to_blame_the_batch_is_halved(stray: tuple[str, int]) -> None:
    """Sent again as it is, it would be refused again, for ever."""
    one = prepared(*(an_item(n, f"p{n}") for n in range(4)))
    settlement = settle(one, nothing_taken(stray), TRY)
    assert (settlement.verdicts, settlement.cut) == ("bbbb", "2")
    alone = settle(prepared(an_item(1)), nothing_taken(stray), TRY)
    assert alone.verdicts == "x"


@pytest.mark.parametrize(("people", "cut"), [(2, "1"), (3, "1"), (4, "2"), (10, "5"), (37, "18")])
def test_a_batch_refused_as_a_whole_is_halved_by_people(people: int, cut: str) -> None:
    """Halves never split a person."""
    settlement = settle(prepared(*(an_item(n, f"p{n}") for n in range(people))), Halve("400 Bad Request"), TRY)
    assert (settlement.verdicts, settlement.cut, done(settlement, "1-0")) == ("b" * people, cut, {})


def test_one_person_s_batch_is_taken_apart_by_submission() -> None:
    """There is nothing left to halve."""
    settlement = settle(prepared(an_item(1), an_item(2)), Halve("400 Bad Request"), TRY)
    assert (settlement.verdicts, settlement.cut) == ("bb", "0")


def test_a_submission_refused_alone_is_the_culprit() -> None:
    """With the status and the words that it died of."""
    settlement = settle(prepared(an_item(1)), Halve("400 Bad Request"), Try(3, 400, "Bad Request", 5))
    assert settlement.verdicts == "x"
    tried = [{"at": 0, "status": 400, "answer": "Bad Request", "duration_ms": 5, "objects": 2}]
    assert details(settlement, "1-0") == {"status": 400, "answer": "400 Bad Request", "attempts": tried, "number": 1}


def test_who_did_not_travel_with_the_culprit_is_not_held_up_by_it() -> None:
    """They go back without a limit."""
    one = prepared(an_item(1, events=9), an_item(2, "bob"), max_objects=4)
    settlement = settle(one, Halve("400 Bad Request"), TRY)
    assert (settlement.verdicts, settlement.cut) == ("xb", None)


def test_trouble_at_braze_leaves_everything_where_it_is() -> None:
    """Nothing moves until the time has come."""
    settlement = settle(prepared(an_item(1)), Retry(1.5, "unknown"), TRY)
    assert (settlement.retry_after_ms, settlement.flight_state, settlement.gate) == (1500, "unknown", None)
    assert (settlement.verdicts, settlement.pause, settlement.counts) == ("", None, {"requests": 1})


def test_a_rate_limit_closes_the_gate_for_everybody() -> None:
    """The limit is the workspace's, not the lane's."""
    news = {"closed_for": 2000.0}
    settlement = settle(prepared(an_item(1)), Retry(2, "no", everybody=True), TRY, news)
    assert (settlement.retry_after_ms, settlement.gate, settlement.flight_state) == (2000, news, "clean")


def test_a_pause_keeps_everything_and_says_why() -> None:
    """And the batch is as good as never sent."""
    settlement = settle(prepared(an_item(1)), Pause("no key", 900), TRY)
    assert (settlement.pause, settlement.retry_after_ms, settlement.flight_state) == ("no key", 900_000, "clean")


@pytest.mark.parametrize("decision", [Retry(1, "no"), Retry(1, "unknown"), Pause("no key")])
def test_an_earlier_doubt_is_not_forgotten(decision: Decision) -> None:
    """A timeout, then a refused connection: what the timeout may have applied stays applied."""
    assert settle(prepared(an_item(1), sent_before="unknown"), decision, TRY).flight_state == "unknown"


@pytest.mark.parametrize(("sent_before", "doubled"), [("", None), ("clean", None), ("unknown", 3)])
def test_events_that_may_have_been_applied_before_are_counted(
    sent_before: Literal["", "clean", "unknown"], doubled: int | None
) -> None:
    """At least once means that some may come twice, and an operator can see how many."""
    one = prepared(an_item(1, events=2), an_item(2, "bob"), sent_before=sent_before)
    assert settle(one, Settle(), TRY).counts.get("possible_duplicates") == doubled


def test_what_is_refused_now_was_refused_before() -> None:
    """Only what Braze took can be there twice."""
    one = prepared(an_item(1, events=2), an_item(2, "bob"), sent_before="unknown")
    assert settle(one, refused(("events", 1)), TRY).counts["possible_duplicates"] == 2
    assert "possible_duplicates" not in settle(one, nothing_taken(("events", 1)), TRY).counts
    assert "possible_duplicates" not in settle(one, Halve("400"), TRY).counts


def test_where_braze_takes_fewer_objects_the_next_smaller_number_is_tried() -> None:
    """A contract may allow fewer than the documentation; there is no asking how many."""
    many = prepared(*(an_item(n, f"p{n}") for n in range(30)))  # 60 objects
    settlement = settle(many, Halve("400 max input length exceeded", "objects"), TRY)

    assert settlement.learned == {"max_objects": 50}
    assert settlement.verdicts == "b" * 30


@pytest.mark.parametrize(
    ("objects", "tried_next"),
    [(75, 50), (51, 50), (50, 25), (25, 10), (11, 10), (10, 5), (5, 2), (3, 2), (2, 1), (225, 50)],
)
def test_every_number_of_objects_has_a_smaller_one_to_try(objects: int, tried_next: int) -> None:
    """Counted from what was sent, not from what was allowed."""
    one = prepared(*(an_item(n, f"p{n}", {}) for n in range(objects)), max_objects=225)

    assert settle(one, Halve("400", "objects"), TRY).learned == {"max_objects": tried_next}


def test_where_braze_takes_fewer_bytes_half_as_many_are_tried() -> None:
    """A proxy in between may have a limit of its own."""
    one = prepared(*(an_item(n, f"p{n}", {"essay": "x" * 1000}) for n in range(30)))
    assert one.request is not None

    settlement = settle(one, Halve("413", "bytes"), TRY)

    assert settlement.learned == {"request_bytes": len(one.request.body) // 2}
    assert settlement.verdicts == "b" * 30


def test_no_request_is_made_so_small_that_nothing_moves() -> None:
    """Below ten thousand bytes it is not the size."""
    half = prepared(*(an_item(n, f"p{n}", {"essay": "x" * 1000}) for n in range(11)))
    small = prepared(an_item(1), an_item(2, "bob"))

    assert settle(half, Halve("413", "bytes"), TRY).learned == {"request_bytes": 10_000}
    assert settle(small, Halve("413", "bytes"), TRY).learned == {}


def test_a_refusal_that_names_no_limit_teaches_nothing() -> None:
    """Something in it is bad, however small the next request."""
    assert settle(prepared(an_item(1), an_item(2, "bob")), Halve("400 Bad Request"), TRY).learned == {}


@pytest.mark.parametrize("too_many", ["objects", "bytes"])
def test_a_lone_submission_over_a_limit_goes_again_in_parts(too_many: Literal["objects", "bytes"]) -> None:
    """It is not at fault that the first try held too much of it."""
    one = prepared(an_item(1, attributes={"essay": "x" * 20_000}, events=2))

    settlement = settle(one, Halve("refused", too_many), TRY)

    assert (settlement.verdicts, settlement.dead, settlement.cut) == ("b", {}, "0")
    assert len(settlement.learned) == 1


@pytest.mark.parametrize("too_many", ["objects", "bytes"])
def test_a_lone_object_over_a_limit_dies(too_many: Literal["objects", "bytes"]) -> None:
    """There is no smaller request than this."""
    settlement = settle(prepared(an_item(1, attributes={"essay": "x" * 20_000}, events=0)), Halve("no", too_many), TRY)

    assert (settlement.verdicts, settlement.learned) == ("x", {})
    assert settlement.dead["1-0"]["why"] == "refused"


def test_what_goes_again_takes_its_attempts_along() -> None:
    """The next batch is another one, with others in it."""
    settlement = settle(prepared(an_item(1), an_item(2)), Halve("400"), Try(1, 400, "Bad Request", 7, 1000))

    told = {"at": 1000, "status": 400, "answer": "Bad Request", "duration_ms": 7, "objects": 3}
    assert [orjson.loads(kept) for kept in settlement.done.values()] == [{"t": [told], "k": 1}] * 2


def test_attempts_add_up_over_batches() -> None:
    """Those at earlier batches, then those at this one that were put off, then the last."""
    one = prepared(an_item(1), an_item(2), done={"1-0": {"a": ["age"], "t": [{"at": 1}, {"at": 2}], "k": 2}})
    one.batch = replace(one.batch, tried=Attempts([{"at": 3}], 1))

    settlement = settle(one, Halve("400"), TRY)

    kept = orjson.loads(settlement.done["1-0"])
    assert ([found.get("at") for found in kept["t"]], kept["k"], kept["a"]) == ([1, 2, 3, 0], 4, ["age"])
    assert orjson.loads(settlement.done["2-0"])["k"] == 2
    assert settlement.tried.number == 2


def test_an_attempt_that_is_put_off_is_told_with_the_next() -> None:
    """The batch stays what it is, and so does its list."""
    one = prepared(an_item(1))
    one.batch = replace(one.batch, tried=Attempts([{"at": 1}], 1))

    for decision in (Retry(1, "no"), Pause("no key")):
        settlement = settle(one, decision, Try(2, 503, "", 5, 9))
        assert [found["at"] for found in settlement.tried.kept] == [1, 9]
        told = orjson.loads(settlement.told()["tried"])
        assert (told["number"], len(told["attempts"])) == (2, 2)


def test_the_record_names_earlier_attempts_only_where_there_were_some() -> None:
    """The others share the list of their batch."""
    one = prepared(an_item(1), an_item(2, "bob"), done={"1-0": {"t": [{"at": 1}], "k": 1}})

    first, second = settle(one, Settle(), TRY).results

    assert second == ["delivered", []]
    assert (first[:2], [found["at"] for found in first[2]], first[3]) == (["delivered", []], [1, 0], 2)


DEATH = [1000, "refused", 1, 1, 2000]


def test_a_replayed_submission_keeps_its_deaths_whatever_becomes_of_it() -> None:
    """In the record, in the letter, and in what the next batch has to know."""
    past = {"t": [{"at": 1}], "k": 1, "h": [DEATH]}

    settled = settle(prepared(an_item(1), done={"1-0": past}), Settle(), TRY)
    dead = settle(prepared(an_item(1), done={"1-0": past}), Settle([Refusal("attributes", 0, "bad")]), TRY)
    back = settle(prepared(an_item(1), an_item(2, "bob"), done={"1-0": past}), Halve("no"), TRY)
    filtered = nothing_to_send(prepared(an_item(1, attributes={}, events=0), done={"1-0": past}))

    assert settled.results[0][3:] == [2, [DEATH]]
    assert orjson.loads(dead.dead["1-0"]["done"])["h"] == [DEATH]
    assert orjson.loads(back.done["1-0"])["h"] == [DEATH]
    assert "h" not in orjson.loads(back.done["2-0"])
    assert filtered.results[0][2:] == [[{"at": 1}], 1, [DEATH]]


def test_deaths_are_told_also_where_nothing_was_tried_before() -> None:
    """It died before anything was sent."""
    one = prepared(an_item(1), done={"1-0": {"h": [DEATH]}})

    (told,) = settle(one, Settle(), TRY).results

    assert (told[0], [found["at"] for found in told[2]], told[3:]) == ("delivered", [0], [1, [DEATH]])


def test_without_a_request_no_attempt_is_added() -> None:
    """What had nothing to send keeps what was tried with it before."""
    one = prepared(an_item(1, attributes={}, events=0), done={"1-0": {"a": ["team"], "t": [{"at": 1}], "k": 1}})

    settlement = nothing_to_send(one)

    assert (settlement.results, settlement.tried) == ([["delivered", [], [{"at": 1}], 1]], NO_ATTEMPTS)


def guarded(one: Prepared, **times: dict[str, int]) -> Prepared:
    """While a dead letter is open, and it is known of some people who has set what."""
    known = {Person("external_id", member).key: found for member, found in times.items()}
    one.batch = replace(one.batch, guarded=True, times=known)
    return one


def times_of(settlement: Settlement) -> dict[str, dict[str, int]]:
    return {person: orjson.loads(times) for person, times in settlement.times.items()}


ANN, BOB = Person("external_id", "ann").key, Person("external_id", "bob").key


def test_without_an_open_letter_nobody_notes_who_set_what() -> None:
    """Nobody will ask, and it would cost memory for every person."""
    assert settle(prepared(an_item(1), an_item(2, "bob")), Settle(), TRY).times == {}


def test_while_a_letter_is_open_it_is_noted_who_set_what_last() -> None:
    """Of each person, by the order of acceptance."""
    one = prepared(an_item(0), an_item(1, "bob"), an_item(2, attributes={"age": 7}))

    assert times_of(settle(guarded(one), Settle(), TRY)) == {ANN: {"team": 0, "age": 2}, BOB: {"team": 1}}


def test_a_letter_that_is_opened_now_is_reason_enough() -> None:
    """What is delivered beside it may be newer."""
    one = prepared(an_item(0), an_item(1, "bob"))

    assert times_of(settle(one, refused(("attributes", 0)), TRY)) == {BOB: {"team": 1}}


def test_what_was_known_is_kept_and_never_goes_back() -> None:
    """A replayed submission arrives late."""
    one = prepared(an_item(0), an_item(1), an_item(2, attributes={"age": 7}))

    settlement = settle(guarded(one, ann={"team": 9, "boat": 4, "age": 1}), Settle(), TRY)

    assert times_of(settlement) == {ANN: {"team": 9, "boat": 4, "age": 2}}


def test_only_what_braze_took_is_noted() -> None:
    """A refused value is in no profile, so an older one may still be brought there."""
    one = prepared(an_item(0, attributes={"boat": {"a": 1}, "house.size": 7}), an_item(1, "bob"))

    assert times_of(settle(guarded(one), refused(("attributes", 0)), TRY)) == {ANN: {"house.size": 0}, BOB: {"team": 1}}
    assert settle(guarded(one), Halve("400"), TRY).times == {}
    assert settle(guarded(one), Retry(1, "unknown"), TRY).times == {}


def test_who_sends_only_events_is_not_noted() -> None:
    """There is nothing of theirs that could be overwritten."""
    assert settle(guarded(prepared(an_item(0, attributes={}))), Settle(), TRY).times == {}


def replayed(one: Prepared, *places: int, day: int = 20_776) -> Prepared:
    """Some of its submissions were dead letters."""
    for place in places:
        one.batch.entries[place] = one.batch.entries[place]._replace(replay=Replay(1, 0, None), day=day + place // 2)
    return one


def test_replayed_submissions_that_are_settled_close_their_letters() -> None:
    """Counted by the day of acceptance, so that repeats of an open letter are still known."""
    one = replayed(prepared(*(an_item(n, f"p{n}") for n in range(4))), 0, 1, 2)
    one.without["2-0"] = "superseded"

    settlement = settle(one, Settle(), TRY)

    assert settlement.verdicts == "ddfd"
    assert settlement.closed == {"20776": 2, "20777": 1}


def test_replayed_submissions_that_die_or_go_again_stay_open() -> None:
    """Nothing has become of them yet that would last."""
    one = replayed(prepared(*(an_item(n, f"p{n}") for n in range(3)), max_objects=4), 0, 2)

    settlement = settle(one, refused(("attributes", 0)), TRY)

    assert (settlement.verdicts, settlement.closed) == ("xdb", {})
    assert settle(one, Halve("400"), TRY).closed == {}
    assert settle(one, Retry(1, "no"), TRY).closed == {}


def test_a_dead_letter_tells_the_warnings_of_its_mapping() -> None:
    """They may be the very reason."""
    one = prepared(an_item(1))
    one.warnings["1-0"] = ["age: not_a_number"]
    assert details(settle(one, refused(("attributes", 0)), TRY), "1-0")["warnings"] == ["age: not_a_number"]

    one.without["1-0"] = "no_usable_value"
    one.request = None
    assert details(nothing_to_send(one), "1-0") == {"warnings": ["age: not_a_number"]}


def test_a_dead_letter_tells_every_attempt() -> None:
    """Also those of the batches that it was put back from."""
    one = prepared(an_item(1), done={"1-0": {"t": [{"at": 1}, {"at": 2}], "k": 2}})

    told = details(settle(one, Halve("400"), Try(1, 400, "Bad", 5, 3)), "1-0")

    assert ([found["at"] for found in told["attempts"]], told["number"]) == ([1, 2, 3], 3)


def test_a_dead_letter_remembers_all_that_braze_took_of_it() -> None:
    """Earlier and now: its replay leaves all of that out."""
    one = prepared(an_item(1), done={"1-0": {"a": ["age"], "e": ["first"], "t": [{"at": 1}], "k": 1}})

    kept = orjson.loads(settle(one, refused(("attributes", 0)), TRY).dead["1-0"]["done"])

    assert (kept["a"], kept["e"], kept["k"], "u" in kept) == (["age"], ["first", "entry.1"], 2, False)


def test_a_submission_that_was_never_sent_has_an_empty_memory() -> None:
    """Not even a list of no attempts."""
    one = prepared(an_item(1, attributes={"essay": "x" * 200_000}))

    assert nothing_to_send(one).dead["1-0"] == {"why": "too_big", "details": "{}", "done": ""}


def test_a_doubt_goes_with_whoever_is_put_back_or_dies() -> None:
    """What may have been applied once may be doubled by the next request, or by a replay."""
    one = prepared(an_item(1), an_item(2, "bob"), sent_before="unknown")
    assert [orjson.loads(kept)["u"] for kept in settle(one, Halve("400"), TRY).done.values()] == [True, True]
    assert done(settle(one, refused(("attributes", 0)), TRY), "1-0") == {"e": ["entry.1"], "u": True}

    later = prepared(an_item(1, events=2), an_item(2, "bob"), done={"1-0": {"u": True}})
    assert settle(later, Settle(), TRY).counts["possible_duplicates"] == 2
    assert done(settle(later, refused(("attributes", 0)), TRY), "1-0") == {"e": ["entry.1", "entry.2"], "u": True}


class Braze:
    """Takes what is not bad, by its own lights, and refuses in one of the ways that are known of Braze."""

    def __init__(self, bad_attributes: set[str], bad_events: set[str], *, says_where: bool) -> None:
        self.bad_attributes = bad_attributes
        self.bad_events = bad_events
        self.says_where = says_where
        self.taken: Counter[str] = Counter()

    def decide(self, body: bytes) -> Decision:
        sent = orjson.loads(body)
        attributes, events = sent.get("attributes", []), sent.get("events", [])
        refusals = [
            *(Refusal("attributes", k, "no") for k, one in enumerate(attributes) if self.bad_attributes & {*one}),
            *(Refusal("events", k, "no") for k, one in enumerate(events) if _id(one) in self.bad_events),
        ]
        if refusals and not self.says_where:
            return Halve("400")
        if len(refusals) == len(attributes) + len(events):
            return Settle(refusals, rest_accepted=False)
        places = {(one.array, one.index) for one in refusals}
        for k, one in enumerate(attributes):
            if ("attributes", k) not in places:
                self.taken.update(f"{one['external_id']}.{name}" for name in one if name != "external_id")
        self.taken.update(_id(one) for k, one in enumerate(events) if ("events", k) not in places)
        return Settle(refusals)


def _id(event: dict[str, Any]) -> str:
    return str(event["properties"]["komo_submission_id"])


SUBMISSIONS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "good", "bad"]), st.integers(0, 3)),
                       min_size=1, max_size=8)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(submissions=SUBMISSIONS, bad=st.sets(st.integers(0, 7)), says_where=st.booleans(), max_objects=st.integers(1, 8))
def test_whatever_is_refused_the_rest_arrives_once_and_only_culprits_die(
    submissions: list[tuple[str, str, int]], bad: set[int], says_where: bool, max_objects: int
) -> None:
    """The inbox is played by a list: what is put back goes again, as many people at once as the last cut allows."""
    items = {
        f"{n}-0": an_item(n, member, {f"{kind}_{n}": 1} if kind else {}, events)
        for n, (member, kind, events) in enumerate(submissions)
        if kind or events
    }
    braze = Braze({f"bad_{n}" for n in range(len(submissions))}, {f"s{n}:1.1" for n in bad}, says_where=says_where)
    waiting, earlier, dead, cut = list(items), dict[str, Any](), set[str](), ""
    for _ in range(200):
        if not waiting:
            break
        most = int(cut or 99)
        people = list(dict.fromkeys(items[one].person for one in waiting))[: max(most, 1)]
        batch = [one for one in waiting if items[one].person in people][: 1 if cut == "0" else None]
        one = prepared(*(_left(items[entry], earlier.get(entry)) for entry in batch), max_objects=max_objects)
        settlement = settle(one, braze.decide(one.request.body), TRY) if one.request else nothing_to_send(one)
        again = [entry for entry, verdict in zip(batch, settlement.verdicts, strict=True) if verdict == "b"]
        dead |= {*settlement.dead}
        earlier |= {entry: _merge(earlier.get(entry), done(settlement, entry)) for entry in settlement.done}
        waiting = again + [entry for entry in waiting if entry not in batch]
        cut = (settlement.cut or "") if again else ""
    assert waiting == []
    culprits = {f"{n}-0" for n, (_, kind, events) in enumerate(submissions) if kind == "bad" or (n in bad and events)}
    assert dead <= culprits
    assert dead == culprits & {*items}
    assert max(braze.taken.values(), default=1) == 1
    for entry, item in items.items():
        if entry not in dead:
            assert {_id(event) for event in item.events} <= {*braze.taken}
            assert {f"{item.person.value}.{name}" for name in item.attributes} <= {*braze.taken}


def _left(item: Item, done: dict[str, Any] | None) -> Item:
    names, keys = set((done or {}).get("a", ())), set((done or {}).get("e", ()))
    events = [event for event, key in zip(item.events, event_keys(item.events), strict=True) if key not in keys]
    return item._replace(attributes={n: v for n, v in item.attributes.items() if n not in names}, events=events)


def _merge(earlier: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    return {kind: [*(earlier or {}).get(kind, ()), *now.get(kind, ())] for kind in ("a", "e")}


def test_what_may_have_been_applied_twice_counts_though_it_dies() -> None:
    """Nobody will send its events again to find out."""
    one = prepared(an_item(1), sent_before="unknown")
    object.__setattr__(one.batch, "tried", Attempts([{"at": 0, "status": 503}] * 2, 2))
    assert settle(one, Halve("400 Bad Request"), TRY).counts["possible_duplicates"] == 1
    object.__setattr__(one.batch, "tried", Attempts([{"at": 0, "status": 503}], 1))
    assert "possible_duplicates" not in settle(one, Halve("400 Bad Request"), TRY).counts


def test_a_clean_failure_after_an_unknown_one_leaves_it_unknown() -> None:
    """What may have been applied stays so, whatever came of the next attempt."""
    settlement = settle(prepared(an_item(1), sent_before="unknown"), Retry(1, "no", away=True), TRY)
    assert settlement.flight_state == "unknown"
