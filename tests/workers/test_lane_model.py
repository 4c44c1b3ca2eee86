"""
One lane against a model of it, with rules that hypothesis plays in any order: answers, kills, saves, replays, time.

`LANE_EXAMPLES=2000 pytest tests/workers/test_lane_model.py` runs longer; a failure prints the shortest story it found.
"""

import os
import sys
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
import redis
from fakeredis import FakeRedis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas.dead_letter import LetterFilter, ReplayOptions
from tests.factories import a_body, a_document
from tests.fakes import PowerCut, power_cut_after
from tests.workers.modelled_lane import ATTRIBUTES, EVENTS, OPEN_KINDS, SPACING_MS, Lane, Said, id_of
from workers.store.keys import own

#: Most is about the first: what somebody has done several times is where order matters. None: nobody.
PEOPLE = ("ann", "ann", "ann", "bob", "bob", "cid", None)
MINUTE = 60_000
ANSWERS = st.one_of(
    st.just(Said("accepted")),
    st.builds(Said, st.sampled_from(OPEN_KINDS), st.booleans()),
    st.builds(Said, st.just("accepted"), refused=st.frozensets(st.integers(0, 5), min_size=1, max_size=2)),
    st.builds(Said, st.just("limited"), reset_s=st.sampled_from((None, 3.0, 60.0))),
    st.builds(Said, st.sampled_from(("refused", "large", "gateway", "unreachable", "forbidden"))),
)
#: At which command of the store a process dies, and whether that one still reaches it.
DEATHS = st.tuples(st.integers(0, 9), st.booleans())
KILLS = st.none() | DEATHS


class Visit(NamedTuple):
    """A worker that comes by."""

    answers: list[Said]
    kill: tuple[int, bool] | None
    hurried: bool
    #: None: when the lane wants it.
    after_ms: int | None


VISITS = st.builds(
    Visit,
    answers=st.lists(ANSWERS, max_size=3),
    kill=st.none() | st.none() | DEATHS,
    hurried=st.booleans(),
    after_ms=st.none() | st.none() | st.sampled_from((0, 700, SPACING_MS, 16 * MINUTE)),
)


class Story(RuleBasedStateMachine):
    """The rules, and what has to be true after each."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushall()
        self.lane = Lane(connection)
        self.braze = self.lane.played
        self.wait_ms = 0.0
        self.jobs: list[str] = []

    @initialize(manner=st.sampled_from(("some", "all", "silent")), events=st.sampled_from((1, 2, 5)))
    def begin(self, manner: str, events: int) -> None:
        self.braze.manner = manner
        self.lane.save(**document(ATTRIBUTES, EVENTS[:events], 75))

    @rule(
        people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=6),
        fields=st.sampled_from((ATTRIBUTES, ATTRIBUTES[:1], ATTRIBUTES[1:], ())),
        poison=st.none() | st.integers(0, 5), kill=KILLS,
    )  # fmt: skip
    def accept(self, people: list[str | None], fields: tuple[str, ...], poison: int | None, kill: Any) -> None:
        """Komo sends again what was not answered; one of them may be something that Braze never takes."""
        lane, first = self.lane, len(self.lane.bodies)
        for number, person in enumerate(people, first):
            body = a_body(person or "", number=number, **dict.fromkeys(fields, f"{number}"))
            lane.bodies.append(body if person else body | {"member_id": True})
        bodies = lane.bodies[first:]
        if kill:
            healthy = lane.connection
            lane.reopen(power_cut_after(healthy, kill[0], answered=kill[1]))
            with suppress(PowerCut):
                lane.accept(*bodies)
            lane.reopen(healthy)
        for number, one in enumerate(lane.accept(*bodies), first):
            lane.number_of[one] = number
        if poison is not None:
            self.braze.poison.add(first + poison % len(people))

    @rule(visits=st.lists(VISITS, min_size=1, max_size=8))
    def drain(self, visits: list[Visit]) -> None:
        for visit in visits:
            self.lane.now += visit.after_ms if visit.after_ms is not None else round(self.wait_ms)
            self.braze.answers = list(visit.answers)
            self.wait_ms = self.lane.serve(visit.kill, hurried=visit.hurried)

    @rule(
        attributes=st.sampled_from((ATTRIBUTES, ATTRIBUTES[:1], ())),
        events=st.integers(0, len(EVENTS)),
        most=st.sampled_from((75, 5, 2)),
    )
    def save(self, attributes: tuple[str, ...], events: int, most: int) -> None:
        if attributes or events:
            self.lane.save(**document(attributes, EVENTS[:events], most))

    @rule(paused=st.sampled_from((True, False, False)))
    def switch(self, paused: bool) -> None:
        change = self.lane.stores.integrations.pause if paused else self.lane.stores.integrations.resume
        change("summer-hub", by="test")
        self.lane.note_version()

    @rule(objects=st.sampled_from((75, 75, 3, 1)), likes_everything=st.booleans())
    def braze_changes(self, objects: int, likes_everything: bool) -> None:
        self.braze.most_objects = objects
        if likes_everything:
            self.braze.poison.clear()

    @precondition(lambda self: self.lane.read("dlq"))
    @rule(kind=st.sampled_from(("replay", "replay", "discard")), which=st.none() | st.integers(0, 5), kill=KILLS)
    def look_after_letters(self, kind: Any, which: int | None, kill: Any) -> None:
        """One of them, or all."""
        letters = [id_of(orjson.loads(letter[b"h"])) for _, letter in self.lane.read("dlq")]
        chosen = letters if which is None else [letters[which % len(letters)]]
        self.lane.replayed.update(chosen if kind == "replay" else ())
        options = ReplayOptions(filter=LetterFilter()) if which is None else ReplayOptions(ids=tuple(chosen))
        self.jobs.append(self.lane.stores.jobs.create(kind, options.to_json(), by="test").id)
        self.lane.advance_job(self.jobs[-1], kill)

    @precondition(lambda self: self.jobs)
    @rule(kill=KILLS)
    def go_on_with_jobs(self, kill: Any) -> None:
        self.jobs = [one for one in self.jobs if not self.lane.advance_job(one, kill)]

    @invariant()
    def everything_is_in_one_place_and_counted(self) -> None:
        lane = self.lane
        entries, letters, records = lane.read("in:0"), lane.read("dlq"), lane.read("settled")
        heads = [orjson.loads(one[b"h"]) for _, one in (*entries, *letters)]
        heads += [head for _, record in records for head in orjson.loads(record[b"h"])]
        assert Counter(map(id_of, heads)) == dict.fromkeys(lane.number_of, 1)
        told, outcomes = lane.ledger(), Counter(outcome for _, _, outcome, _ in self.settled())
        assert told["waiting"] + told["in_flight"] == len(entries), told
        assert (told["received"], told["dead"]) == (len(heads), len(letters)), told
        assert {name: told[name] for name in outcomes} == outcomes
        waiting_bytes = sum(len(one[b"b"]) + len(one[b"h"]) for _, one in entries)
        assert lane.stores.ledger.waiting_bytes(lane.integration) == waiting_bytes
        counted: Any = lane.connection.hgetall(f"{own(lane.integration)}:reasons")
        whys = Counter(letter[b"why"] for _, letter in letters)
        assert {why: int(count) for why, count in counted.items()} == whys
        opened: Any = lane.connection.hvals(f"{own(lane.integration)}:open")
        assert sum(map(int, opened)) == len(letters) + sum(b"n" in one for _, one in entries)

    @invariant()
    def what_was_delivered_has_arrived_and_stands(self) -> None:
        """Each event, and each attribute in its last value, or that of somebody later."""
        doubled = 0
        for submission, version, outcome, _ in self.settled():
            if outcome != "delivered":
                continue
            number, mapped = self.lane.number_of[submission], self.lane.documents[version]
            counts = [self.braze.events[submission, event["name"]] for event in mapped["events"]]
            assert all(counts), f"{number} was delivered without an event: {counts}"
            doubled += sum(count > 1 for count in counts)
            body = self.lane.bodies[number]
            for name in (one["attribute"] for one in mapped["attributes"] if one["field"] in body):
                values = self.braze.values.get((body["member_id"], name), [-1])
                assert values[-1] >= number, f"{number} was delivered, but {name} has been {values}"
        told = self.lane.ledger()["possible_duplicates"]
        assert max(doubled, self.braze.doubtful) <= told

    @invariant()
    def people_arrive_in_their_order(self) -> None:
        for person, submissions in self.braze.arrived.items():
            numbers = [self.lane.number_of[one] for one in submissions if one not in self.lane.replayed]
            assert numbers == sorted(numbers), f"{person}: {numbers}"

    def settled(self) -> list[tuple[str, int, str, list[str]]]:
        """Submission, version of the mapping, outcome and notes."""
        return [
            (id_of(head), int(record.get(b"v", b"0")), result[0], result[1])
            for _, record in self.lane.read("settled")
            for head, result in zip(orjson.loads(record[b"h"]), orjson.loads(record[b"r"]), strict=True)
        ]

    def teardown(self) -> None:
        if sys.exc_info()[0] is None and self.lane.documents:
            self.heal()

    def heal(self) -> None:
        """In the end nothing waits, and what was remembered on the way is forgotten."""
        lane, prefix = self.lane, own(self.lane.integration)
        self.braze.answers, self.braze.most_objects = [], 75
        self.braze.poison.clear()
        for kind in ("", "replay", "discard"):
            if kind:
                self.jobs.append(
                    lane.stores.jobs.create(kind, ReplayOptions(filter=LetterFilter()).to_json(), by="test").id  # type: ignore[arg-type]
                )
                lane.replayed.update(id_of(orjson.loads(letter[b"h"])) for _, letter in lane.read("dlq"))
            lane.now += 20 * MINUTE
            lane.save(**document(ATTRIBUTES, EVENTS, 75))  # where nothing is mapped, letters stay where they are
            self.switch(paused=False)
            self.go_on_until_quiet()
            left = {key.decode().removeprefix(prefix) for key in lane.connection.keys(f"{prefix}:*")}  # type: ignore[union-attr]
            assert not [key for key in left if key.startswith((":park", ":due", ":done", ":cut", ":job:"))], left
            if kind == "replay":
                assert {letter[b"why"] for _, letter in lane.read("dlq")} <= {b"bad_identifier"}
        assert not lane.connection.exists(f"{prefix}:open", "{acme}:open", "{acme}:times")

    def go_on_until_quiet(self) -> None:
        lane = self.lane
        for _ in range(500):
            self.jobs = [one for one in self.jobs if not lane.advance_job(one, None)]
            lane.now += max(1, round(lane.serve(None, hurried=False)))
            told = lane.ledger()
            if not self.jobs and told["waiting"] + told["in_flight"] == 0:
                break
        else:
            raise AssertionError(f"never quiet: {lane.ledger()}")
        self.everything_is_in_one_place_and_counted()
        self.what_was_delivered_has_arrived_and_stands()
        self.people_arrive_in_their_order()


def document(attributes: tuple[str, ...], events: tuple[str, ...], most: int) -> dict[str, Any]:
    return {
        "attributes": [{"field": name, "attribute": name} for name in attributes],
        "events": [{"name": name, "properties": {}} for name in events],
        "braze": a_document()["braze"] | {"max_objects_per_request": most},
    }


def test_a_lane_keeps_its_promises_whatever_happens_in_whatever_order(store_connection: redis.Redis) -> None:
    """Stories that nobody would think of, told as shortly as possible where one goes wrong."""
    usual = 5 if isinstance(store_connection, FakeRedis) else 30  # as slow as they are
    play = settings(
        max_examples=int(os.environ.get("LANE_EXAMPLES", usual)), stateful_step_count=30, deadline=None,
        # The store's scripts take their time, more so where others are at work on the same machine.
        print_blob=True, suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    run_state_machine_as_test(lambda: Story(store_connection), settings=play)  # type: ignore[arg-type]  # any factory
