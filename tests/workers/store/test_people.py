"""What is found and let go of for one person, script by script."""

from typing import Any

import orjson
import pytest
import redis

from schemas.arrival import Judgement, packed_marks
from schemas.person import Person, lane_of
from tests.factories import NOON_MS, a_body, an_arrival, an_integration
from tests.letters import bury
from workers.store.inbox import Inbox, Limits
from workers.store.keys import own
from workers.store.people import LETTERS, RECORDS, Passage, People

ANN = Person("external_id", "ann")
FOREVER = 10**16


class Kept:
    """An integration of two lanes, and what is kept for it."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection: Any = connection
        self.integration = an_integration()
        self.prefix = own(self.integration)
        self.lane = lane_of(ANN.key, 2)
        connection.hset(f"{self.prefix}:state", "version", 1)
        self.inbox = Inbox(connection, Limits(lanes=2, person_spacing_ms=0))
        self.people = People(connection)

    def accept(self, *members: str) -> None:
        arrivals = [an_arrival(member, number) for number, member in enumerate(members)]
        self.inbox.accept(self.integration, arrivals)

    def go(self, after: str = "", *, latest: int = FOREVER, job_id: str = "job") -> Passage | None:
        return self.people.waiting(self.integration, self.lane, ANN.key, latest=latest, after=after, job_id=job_id)

    def ledger(self, *names: str) -> list[int]:
        return [int(value or 0) for value in self.connection.hmget(f"{self.prefix}:ledger", names)]

    def entries(self) -> list[Any]:
        found: list[Any] = self.connection.xrange(f"{self.prefix}:in:{self.lane}")
        return found


@pytest.fixture
def kept(store_connection: redis.Redis) -> Kept:
    return Kept(store_connection)


def test_a_lane_is_walked_in_parts(kept: Kept) -> None:
    """The store does nothing else meanwhile, and a lane may hold a million."""
    kept.accept(*["ann"] * 700)
    first = kept.go()
    assert first is not None
    assert (first.went, bool(first.next)) == (500, True)

    second = kept.go(first.next)

    assert second is not None
    assert (second.went, second.next) == (200, "")
    assert kept.ledger("waiting", "discarded", "bytes") == [0, 700, 0]
    assert kept.people.numbers([kept.integration], "job") == {"waiting": 700, "held": 0, "dead": 0, "settled": 0}


def test_looking_lets_go_of_nothing(kept: Kept) -> None:
    """What is learned from the bodies has to be kept before they go."""
    kept.accept("ann", "ann")

    passage = kept.go(job_id="")

    assert passage is not None
    assert [orjson.loads(body)["member_id"] for body in passage.bodies] == ["ann", "ann"]
    assert (passage.went, kept.ledger("waiting")) == (0, [2])


def test_later_submissions_are_left_alone(kept: Kept) -> None:
    """Orders are microseconds of the store's clock."""
    kept.accept("ann", "ann")
    [order, *_] = orjson.loads(kept.entries()[0][1][b"h"])

    passage = kept.go(latest=order)

    assert passage is not None
    assert (passage.went, len(kept.entries())) == (1, 1)


def test_a_replayed_entry_closes_its_letter(kept: Kept) -> None:
    """It stayed open for as long as it might have died again."""
    kept.accept("ann")
    [[entry_id, values]] = kept.entries()
    day = orjson.loads(values[b"h"])[1]
    kept.connection.xdel(f"{kept.prefix}:in:{kept.lane}", entry_id)
    kept.connection.xadd(f"{kept.prefix}:in:{kept.lane}", values | {b"n": 1, b"t": NOON_MS, b"c": ""})
    kept.connection.hset(f"{kept.prefix}:open", str(day), 1)
    kept.connection.sadd("{acme}:open", kept.integration.id)
    kept.connection.hset("{acme}:times", "somebody", "{}")

    kept.go()

    assert kept.connection.exists(f"{kept.prefix}:open", "{acme}:open", "{acme}:times") == 0


def test_what_is_out_stays_and_is_told(kept: Kept) -> None:
    """Its drain settles by places in the batch."""
    kept.accept("ann", "ann")
    kept.inbox.step(kept.integration, kept.lane, "a-drain")

    passage = kept.go()

    assert passage is not None
    assert (passage.out, passage.went) == (2, 0)
    assert kept.ledger("in_flight", "discarded") == [2, 0]


def test_the_rest_of_a_record_stays_what_it_was(kept: Kept) -> None:
    """Its neighbours were settled when they were, with what was tried then."""
    bodies = [a_body("ann", number=1), a_body("bob", number=2)]
    heads = [
        [n, 20777, f"{n:016x}", ["external_id", name, None], NOON_MS, 1, "x"] for n, name in enumerate(("ann", "bob"))
    ]
    results = [["delivered", []], ["delivered", ["a_warning"], [{"status": 500}], 1]]
    record = {
        "n": 2,
        "h": orjson.dumps(heads),
        "b": orjson.dumps(bodies),
        "r": orjson.dumps(results),
        "v": 7,
        "m": "{}",
        "at": 5,
    }
    stream = f"{kept.prefix}:settled"
    kept.connection.xadd(stream, record)
    kept.connection.hset(f"{kept.prefix}:ledger", mapping={"kept": 2, "delivered": 2})
    [found] = kept.people.records(kept.integration, "", kept.people.last_record(kept.integration))

    assert kept.people.rewrite(kept.integration, found, {0}, "job") == 1
    assert kept.people.rewrite(kept.integration, found, {0}, "job") == 0

    [[_, left]] = kept.connection.xrange(stream)
    assert [*left] == [b"n", b"h", b"b", b"r", b"v", b"m", b"at"]
    assert [orjson.loads(left[name]) for name in (b"h", b"b", b"r")] == [heads[1:], bodies[1:], results[1:]]
    assert (left[b"n"], left[b"v"], left[b"m"], left[b"at"]) == (b"1", b"7", b"{}", b"5")
    assert kept.ledger("kept", "expired", "delivered") == [1, 1, 2]
    [alone] = kept.people.records(kept.integration, "", kept.people.last_record(kept.integration))
    kept.people.rewrite(kept.integration, alone, {0}, "job")
    assert kept.connection.xlen(stream) == 0


def test_letters_are_read_in_parts_up_to_the_last_death(kept: Kept) -> None:
    """It is known also where that letter is no longer there, so that one which went and came is noticed."""
    assert kept.people.last_death(kept.integration) == ""
    for number in range(1, LETTERS + 4):
        bury(kept.connection, kept.integration, number=number, died_ms=NOON_MS + number)
    until = kept.people.last_death(kept.integration)
    bury(kept.connection, kept.integration, number=1000, died_ms=NOON_MS + 1000)
    last = kept.people.last_death(kept.integration)

    first = kept.people.letters(kept.integration, "", until)
    second = kept.people.letters(kept.integration, first[-1].id, until)

    assert [one.kept.head[0] for one in first + second] == [*range(1, LETTERS + 4)]
    assert kept.people.letters(kept.integration, second[-1].id, until) == []
    assert kept.people.drop_letters(kept.integration, [one.id for one in second] + [last, "7-7"], "job") == 4
    assert kept.people.last_death(kept.integration) == last
    assert kept.ledger("received", "dead", "discarded") == [LETTERS + 4, LETTERS, 4]


def test_only_the_mark_of_this_integration_goes(kept: Kept) -> None:
    """The others let go of theirs when it is their turn, unless they are at it."""
    for mark in (f"1 {kept.prefix}", f"1? {kept.prefix}", "1 {acme}:winter-hub"):
        kept.connection.hset("{acme}:busy", ANN.key, mark)
        kept.connection.hset("{acme}:times", ANN.key, "{}")
        kept.people.forget_values(kept.integration, ANN.key)
        assert not kept.connection.exists("{acme}:times")

    assert kept.connection.hgetall("{acme}:busy") == {ANN.key.encode(): b"1 {acme}:winter-hub"}


def test_orders_ahead_of_the_clock_are_told(kept: Kept) -> None:
    """They are those of integrations that saw the clock being set back."""
    assert kept.people.orders_ahead([kept.integration]) == {}
    kept.accept("ann")
    assert kept.people.orders_ahead([kept.integration]) == {}

    kept.inbox.accept(kept.integration, [an_arrival("bob", 9)], now_ms=4 * 10**12)

    assert kept.people.orders_ahead([kept.integration]) == {kept.integration.id: 4 * 10**15}


def test_records_are_read_in_parts_up_to_where_the_walk_began(kept: Kept) -> None:
    """What is put at the end meanwhile must not keep a walk going for ever."""
    record: dict[str, Any] = {"n": 1, "h": '[[1,1,"00",null,1,1,""]]', "b": "[{}]", "r": '[["filtered",[]]]', "at": 1}
    ids = [kept.connection.xadd(f"{kept.prefix}:settled", record).decode() for _ in range(RECORDS + 3)]
    until = kept.people.last_record(kept.integration)
    kept.connection.xadd(f"{kept.prefix}:settled", record)

    first = kept.people.records(kept.integration, "", until)
    second = kept.people.records(kept.integration, first[-1].id, until)

    assert [one.id for one in first + second] == ids
    assert kept.people.records(kept.integration, second[-1].id, until) == []


def test_a_job_leaves_nothing_behind(kept: Kept) -> None:
    """Even digests of ids are about somebody."""
    kept.accept("ann")
    kept.go()
    kept.people.add_marks("job", [b"one", b"two"])
    assert kept.people.marks("job") == {b"one", b"two"}
    assert kept.connection.ttl("komo:job:job:marks") > 0

    kept.people.clean_up([kept.integration], "job")

    assert [key for key in kept.connection.scan_iter() if b"job" in key] == []


def test_what_is_held_goes_once_and_stays_while_it_is_judged_again(kept: Kept) -> None:
    """Its bytes and its place under its mark go with it; meanwhile it lies elsewhere."""
    judgement = Judgement("held", reason="no_identifier", events=1, marks=packed_marks([("session", "s1")]))
    kept.inbox.accept(kept.integration, [an_arrival("", n)._replace(judgement=judgement) for n in range(3)])
    ids = [one.id for one in kept.people.held(kept.integration, "")]
    kept.connection.hset(f"{kept.prefix}:state", "redo", 1)
    assert kept.people.drop_held(kept.integration, ids[:2], "job") is None
    kept.connection.hdel(f"{kept.prefix}:state", "redo")

    gone = [kept.people.drop_held(kept.integration, ids[:2], "job") for _ in range(2)]

    assert gone == [2, 0]
    assert kept.ledger("held", "discarded") == [1, 2]
    assert kept.connection.hvals(f"{kept.prefix}:hold") == [ids[2].encode()]
    assert kept.people.held(kept.integration, ids[1])[0].id == ids[2]
    assert kept.people.drop_held(kept.integration, ids, "job") == 1
    assert kept.ledger("held", "bytes") == [0, 0]
    assert kept.people.numbers([kept.integration], "job") == {"waiting": 0, "held": 3, "dead": 0, "settled": 0}
