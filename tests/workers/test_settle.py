from collections import Counter
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import Batch, Entry, Settlement
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
        Batch(entries, sent_before, "", 1, 2, b"", b""),
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


def details(settlement: Settlement, entry_id: str) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(settlement.dead[entry_id]["details"])
    return read


def test_what_braze_took_is_delivered() -> None:
    """The usual case."""
    settlement = settle(prepared(an_item(1), an_item(2, "bob")), Settle(), TRY)
    assert settlement.verdicts == "dd"
    assert settlement.results == [["delivered", []]] * 2
    assert settlement.counts == {"requests": 1, "objects": 4}
    assert (settlement.dead, settlement.done, settlement.cut, settlement.retry_after_ms) == ({}, {}, None, None)


def test_the_attempt_is_told_for_the_timeline() -> None:
    """What was sent, when, and what Braze said, without a value in it."""
    settlement = settle(prepared(an_item(1)), Settle(), TRY)
    assert orjson.loads(settlement.attempt) == {
        "attempt": 3, "status": 201, "answer": "success", "duration_ms": 12, "objects": 2,
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
        one.without[f"{number}-0"] = why
    for decision in (Settle(), Halve("400")):
        settlement = settle(one, decision, TRY)
        assert settlement.verdicts[1:] == "fxx"
        assert settlement.results[1] == ["filtered", ["nothing_mapped"]]
        assert settlement.dead["3-0"] == {"why": "no_usable_value", "details": "{}"}
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
    assert details(settlement, "1-0") == {
        "status": 201, "answer": "bad attributes 1", "attempts": 3, "accepted": {"e": ["entry.1"]},
    }  # fmt: skip


def test_a_refused_event_is_followed_to_its_submission() -> None:
    """Events are numbered across submissions."""
    settlement = settle(prepared(an_item(1, events=2), an_item(2, "bob", events=2)), refused(("events", 2)), TRY)
    assert settlement.verdicts == "dx"
    assert details(settlement, "2-0")["accepted"] == {"a": ["team"], "e": ["entry.2"]}


def test_a_submission_of_which_all_is_refused_has_nothing_accepted() -> None:
    """Its replay leaves out nothing."""
    settlement = settle(prepared(an_item(1), an_item(2, "bob")), refused(("attributes", 0), ("events", 0)), TRY)
    assert settlement.verdicts == "xd"
    assert details(settlement, "1-0")["accepted"] == {}
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
    assert {entry_id: orjson.loads(done) for entry_id, done in settlement.done.items()} == {
        "1-0": {"a": [], "e": ["entry.1"]}, "3-0": {"a": [], "e": ["entry.1"]}, "4-0": {"a": [], "e": ["entry.1"]},
    }  # fmt: skip


def test_a_bad_event_of_a_folded_submission_waits_for_its_own_turn() -> None:
    """First it is found out whose attributes were bad; the event is refused again then."""
    settlement = settle(prepared(an_item(1, events=2), an_item(2)), refused(("attributes", 0), ("events", 0)), TRY)
    assert settlement.verdicts == "bb"
    assert orjson.loads(settlement.done["1-0"]) == {"a": [], "e": ["entry.2"]}


def test_what_was_remembered_before_is_kept() -> None:
    """A submission may be put back more than once."""
    done = {"1-0": {"a": ["age"], "e": ["first"]}}
    settlement = settle(prepared(an_item(1), an_item(2), done=done), refused(("attributes", 0)), TRY)
    assert orjson.loads(settlement.done["1-0"]) == {"a": ["age"], "e": ["first", "entry.1"]}


def test_of_a_person_s_two_objects_only_the_refused_one_counts_as_refused() -> None:
    """Some objects replace and others merge, and Braze looks at each by itself."""
    one = prepared(an_item(1, attributes={"boat": {"a": 1}, "team": "red", "house.size": 7}))
    assert one.request is not None
    assert len(one.request.attributes) == 2
    for index, taken in ((0, ["house.size"]), (1, ["boat", "team"])):
        settlement = settle(one, refused(("attributes", index)), TRY)
        assert settlement.verdicts == "x"
        assert details(settlement, "1-0")["accepted"] == {"a": taken, "e": ["entry.1"]}


def test_a_folded_pair_of_objects_remembers_only_the_accepted_one() -> None:
    """Otherwise the refused half would be left out of what is sent again, and lost."""
    attributes = {"boat": {"a": 1}, "house.size": 7}
    settlement = settle(
        prepared(an_item(1, attributes=attributes), an_item(2, attributes=attributes)), refused(("attributes", 1)), TRY
    )
    assert settlement.verdicts == "bb"
    assert orjson.loads(settlement.done["1-0"]) == {"a": ["boat"], "e": ["entry.1"]}


def test_an_event_of_an_alias_that_was_not_created_is_sent_again() -> None:
    """Braze skips it without a word where the alias is unknown; where it is known, the event may be doubled."""
    one = prepared(an_item(1, alias=True), an_item(2, attributes={}, alias=True), an_item(3, "bob", alias=True))
    settlement = settle(one, refused(("attributes", 0)), TRY)
    assert settlement.verdicts == "xbd"
    assert details(settlement, "1-0")["accepted"] == {}
    assert (settlement.done, settlement.counts["possible_duplicates"]) == ({}, 2)


def test_an_alias_that_one_of_two_objects_creates_is_created() -> None:
    """The other one may be refused."""
    one = prepared(an_item(1, attributes={"boat": {"a": 1}, "house.size": 7}, alias=True))
    settlement = settle(one, refused(("attributes", 1)), TRY)
    assert details(settlement, "1-0")["accepted"] == {"a": ["boat"], "e": ["entry.1"]}
    assert "possible_duplicates" not in settlement.counts


def test_where_nobody_is_to_be_created_events_stand_for_themselves() -> None:
    """Whoever is unknown is meant to be skipped."""
    one = prepared(an_item(1, alias=True), existing_profiles_only=True)
    settlement = settle(one, refused(("attributes", 0)), TRY)
    assert details(settlement, "1-0")["accepted"] == {"e": ["entry.1"]}


def test_a_submission_over_the_limit_goes_on_where_it_stopped() -> None:
    """It is put back with what was taken of it, and the next request leaves that out."""
    settlement = settle(prepared(an_item(1, events=9), max_objects=4), Settle(), TRY)
    assert settlement.verdicts == "b"
    assert orjson.loads(settlement.done["1-0"]) == {"a": ["team"], "e": ["entry.1", "entry.2", "entry.3"]}
    assert settlement.cut is None


def test_what_found_no_room_is_put_back_untouched() -> None:
    """Its turn comes with the next request."""
    settlement = settle(prepared(*(an_item(n, f"p{n}") for n in range(3)), max_objects=4), Settle(), TRY)
    assert (settlement.verdicts, settlement.done) == ("ddb", {})


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
    assert (settlement.done, details(settlement, "1-0")["accepted"], settlement.cut) == ({}, {}, None)


def test_where_all_was_refused_a_folded_object_is_unfolded_too() -> None:
    """The rule is the same for both answers."""
    settlement = settle(prepared(an_item(1), an_item(2)), nothing_taken(("attributes", 0)), TRY)
    assert (settlement.verdicts, settlement.cut, settlement.done) == ("bb", "0", {})


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
    assert (settlement.verdicts, settlement.cut, settlement.done) == ("b" * people, cut, {})


def test_one_person_s_batch_is_taken_apart_by_submission() -> None:
    """There is nothing left to halve."""
    settlement = settle(prepared(an_item(1), an_item(2)), Halve("400 Bad Request"), TRY)
    assert (settlement.verdicts, settlement.cut) == ("bb", "0")


def test_a_submission_refused_alone_is_the_culprit() -> None:
    """With the status and the words that it died of."""
    settlement = settle(prepared(an_item(1)), Halve("400 Bad Request"), Try(3, 400, "Bad Request", 5))
    assert settlement.verdicts == "x"
    assert details(settlement, "1-0") == {
        "status": 400, "answer": "400 Bad Request", "attempts": 3, "accepted": {},
    }  # fmt: skip


def test_who_did_not_travel_with_the_culprit_is_not_held_up_by_it() -> None:
    """They go back without a limit."""
    one = prepared(an_item(1, events=9), an_item(2, "bob"), max_objects=4)
    settlement = settle(one, Halve("400 Bad Request"), TRY)
    assert (settlement.verdicts, settlement.cut) == ("xb", None)


def test_trouble_at_braze_leaves_everything_where_it_is() -> None:
    """Nothing moves until the time has come."""
    settlement = settle(prepared(an_item(1)), Retry(1.5, "unknown"), TRY)
    assert (settlement.retry_after_ms, settlement.flight_state, settlement.gate_after_ms) == (1500, "unknown", None)
    assert (settlement.verdicts, settlement.pause, settlement.counts) == ("", None, {"requests": 1})


def test_a_rate_limit_closes_the_gate_for_everybody() -> None:
    """The limit is the workspace's, not the lane's."""
    settlement = settle(prepared(an_item(1)), Retry(2, "no", everybody=True), TRY)
    assert (settlement.retry_after_ms, settlement.gate_after_ms, settlement.flight_state) == (2000, 2000, "clean")


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
    waiting, done, dead, cut = list(items), dict[str, Any](), set[str](), ""
    for _ in range(200):
        if not waiting:
            break
        most = int(cut or 99)
        people = list(dict.fromkeys(items[one].person for one in waiting))[: max(most, 1)]
        batch = [one for one in waiting if items[one].person in people][: 1 if cut == "0" else None]
        one = prepared(*(_left(items[entry], done.get(entry)) for entry in batch), max_objects=max_objects)
        settlement = settle(one, braze.decide(one.request.body), TRY) if one.request else nothing_to_send(one)
        again = [entry for entry, verdict in zip(batch, settlement.verdicts, strict=True) if verdict == "b"]
        dead |= {*settlement.dead}
        done |= {entry: _merge(done.get(entry), orjson.loads(told)) for entry, told in settlement.done.items()}
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
