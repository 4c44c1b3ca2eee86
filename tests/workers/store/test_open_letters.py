from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis

from schemas.arrival import Judgement
from schemas.attempts import Attempts
from schemas.batch import Batch, Replay, Settlement
from schemas.integration import BrazeTarget, Integration
from schemas.person import Person
from tests.factories import BRAZE, NOON_MS, a_document, an_arrival, an_integration
from tests.workers.store.test_inbox import Rig, people
from workers.store.integrations import Integrations
from workers.store.keys import own

DAY = NOON_MS // 86_400_000
ANN = Person("external_id", "ann").key
OPEN, TIMES = "{acme}:open", "{acme}:times"


@pytest.fixture
def rig(store_connection: redis.Redis) -> Rig:
    return Rig(store_connection)


@pytest.fixture
def hub(rig: Rig) -> Integration:
    return rig.known(an_integration())


def settled_as(batch: Batch, verdicts: str, **more: Any) -> Settlement:
    """A letter for each entry; for one that is settled after a replay the settlement says so, as the drain would."""
    dead = {entry.id: {"why": "refused", "details": "{}", "done": ""} for entry in batch.entries}
    dead = {entry_id: one for (entry_id, one), verdict in zip(dead.items(), verdicts, strict=True) if verdict == "x"}
    outcomes = {"d": ["delivered", []], "f": ["filtered", ["superseded"]]}
    results = [outcomes.get(verdict) for verdict in verdicts]
    days = [
        str(entry.day)
        for entry, verdict in zip(batch.entries, verdicts, strict=True)
        if entry.replay and verdict in "df"
    ]
    closed = {day: days.count(day) for day in days}
    return Settlement(batch, verdicts=verdicts, results=results, dead=dead, closed=closed, **more)


def settle(rig: Rig, hub: Integration, verdicts: str, **more: Any) -> None:
    """Take what there is, settle it so, and let the spacing time pass."""
    batch = rig.take(hub)
    assert len(batch.entries) == len(verdicts)
    rig.step(hub, "a", settled_as(batch, verdicts, **more))
    rig.now += 2000


def open_of(rig: Rig, hub: Integration) -> dict[int, int]:
    """Day of acceptance -> open letters."""
    found: dict[bytes, bytes] = rig.redis.hgetall(f"{own(hub)}:open")  # type: ignore[assignment]
    return {int(day): int(number) for day, number in found.items()}


def opened(rig: Rig) -> set[str]:
    """Integrations with an open letter."""
    found: set[bytes] = rig.redis.smembers(OPEN)  # type: ignore[assignment]
    return {member.decode() for member in found}


def times_of(rig: Rig) -> dict[str, Any]:
    found: dict[bytes, bytes] = rig.redis.hgetall(TIMES)  # type: ignore[assignment]
    return {person.decode(): orjson.loads(times) for person, times in found.items()}


def letters(rig: Rig, hub: Integration) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = rig.redis.xrange(f"{own(hub)}:dlq")
    return list(found)


def replay(rig: Rig, hub: Integration, *, since: str = "", number: int = 1) -> None:
    """Put the oldest dead letter back, as a replay leaves it: its lane has it, and it is open as before."""
    prefix = own(hub)
    entry_id, letter = letters(rig, hub)[0]
    fields: dict[Any, Any] = {
        "b": letter[b"b"], "h": letter[b"h"], "p": letter[b"p"], "a": 1, "e": 1, "n": number, "t": rig.now, "c": since,
    }  # fmt: skip
    rig.redis.xdel(f"{prefix}:dlq", entry_id)
    rig.redis.xadd(f"{prefix}:in:0", fields)
    rig.redis.hincrby(f"{prefix}:ledger", "dead", -1)
    rig.redis.hincrby(f"{prefix}:ledger", "waiting", 1)
    rig.redis.hincrby(f"{prefix}:ledger", "bytes", len(letter[b"b"]) + len(letter[b"h"]))


def test_every_death_opens_a_letter_once(rig: Rig, hub: Integration) -> None:
    """Counted by the day of acceptance, however the others in the batch end."""
    rig.accept(hub, "ann", "bob", "cid", "dan")

    settle(rig, hub, "xdxf")

    assert (open_of(rig, hub), opened(rig)) == ({DAY: 2}, {"summer-hub"})
    assert rig.numbers(hub, "dead") == [2]


def test_a_letter_counts_on_the_day_of_its_acceptance(rig: Rig, hub: Integration) -> None:
    """Until it closes, a repeat of it has to be known as one: the day says for how long."""
    rig.accept(hub, "ann")
    rig.now += 3 * 86_400_000

    settle(rig, hub, "x")

    assert open_of(rig, hub) == {DAY: 1}


def test_what_dies_at_the_door_opens_a_letter_too(rig: Rig, hub: Integration) -> None:
    """It can be replayed like any other, once somebody has mended the rules; a repeat of it counts once."""
    bad = an_arrival("ann", 1)._replace(judgement=Judgement("dead", reason="bad_identifier"))

    for _ in range(2):
        rig.inbox.accept(hub, [bad], now_ms=rig.now)

    assert (open_of(rig, hub), opened(rig)) == ({DAY: 1}, {"summer-hub"})
    assert rig.numbers(hub, "dead", "duplicates") == [1, 1]
    assert [letter[b"why"] for _, letter in letters(rig, hub)] == [b"bad_identifier"]


def test_what_goes_well_opens_nothing(rig: Rig, hub: Integration) -> None:
    """As long as nothing dies, nothing has to be remembered of anybody."""
    rig.accept(hub, "ann", "bob")
    batch = rig.take(hub)

    rig.step(hub, "a", settled_as(batch, "df", times={ANN: '{"team":1}'}))

    assert (batch.guarded, batch.times) == (False, {})
    assert (open_of(rig, hub), opened(rig), times_of(rig)) == ({}, set(), {})


def test_a_replayed_submission_is_handed_out_as_one(rig: Rig, hub: Integration) -> None:
    """The drain has to know that newer values win, and which events somebody does not want any more."""
    rig.accept(hub, "ann", "bob")
    settle(rig, hub, "xx")
    replay(rig, hub, since=str(NOON_MS - 5), number=2)
    replay(rig, hub)
    rig.accept(hub, "cid", first=10)

    batch = rig.take(hub)

    told = [entry.replay for entry in batch.entries]
    assert people(batch) == ["ann", "bob", "cid"]
    assert told == [Replay(2, rig.now, NOON_MS - 5), Replay(1, rig.now, None), None]
    assert [entry.day for entry in batch.entries] == [DAY] * 3


@pytest.mark.parametrize("verdict", ["d", "f"])
def test_a_replayed_submission_that_is_settled_closes_its_letter(rig: Rig, hub: Integration, verdict: str) -> None:
    """With the last of them goes what was remembered for their sake."""
    rig.accept(hub, "ann", "bob")
    settle(rig, hub, "xx")
    rig.accept(hub, "ann", first=10)
    settle(rig, hub, "d", times={ANN: '{"team":3}'})
    replay(rig, hub)
    assert (open_of(rig, hub), rig.redis.exists(TIMES)) == ({DAY: 2}, 1)
    settle(rig, hub, verdict)
    assert (open_of(rig, hub), opened(rig), rig.redis.exists(TIMES)) == ({DAY: 1}, {"summer-hub"}, 1)

    replay(rig, hub)
    settle(rig, hub, verdict)

    assert rig.redis.exists(f"{own(hub)}:open", OPEN, TIMES) == 0
    assert rig.numbers(hub, "dead", "waiting") == [0, 0]


def test_a_replayed_submission_that_dies_again_counts_once(rig: Rig, hub: Integration) -> None:
    """It has been open all the time; counted twice, it would never close."""
    rig.accept(hub, "ann")
    settle(rig, hub, "x")
    for number in (1, 2):
        replay(rig, hub, number=number)
        settle(rig, hub, "x")
        assert open_of(rig, hub) == {DAY: 1}
        assert [letter[b"n"] for _, letter in letters(rig, hub)] == [str(number).encode()]

    replay(rig, hub, number=3)
    settle(rig, hub, "d")

    assert (open_of(rig, hub), opened(rig)) == ({}, set())


def test_a_replayed_submission_that_goes_again_stays_open_and_replayed(rig: Rig, hub: Integration) -> None:
    """It is still as old as it was."""
    rig.accept(hub, "ann")
    settle(rig, hub, "x")
    replay(rig, hub, since="5")
    asked_at = rig.now
    settle(rig, hub, "b")

    assert open_of(rig, hub) == {DAY: 1}
    assert rig.take(hub).entries[0].replay == Replay(1, asked_at, 5)


def test_a_letter_of_any_integration_guards_the_whole_workspace(rig: Rig, hub: Integration) -> None:
    """They write to the same profiles; the last of them to close takes the memory along."""
    other = rig.known(an_integration(id="winter-hub"))
    for one in (hub, other):
        rig.accept(one, "ann")
        settle(rig, one, "x")
    rig.accept(other, "ann", first=10)
    batch = rig.take(other)
    rig.step(other, "a", settled_as(batch, "d", times={ANN: '{"team":7}'}))
    rig.now += 2000

    for one, left in ((other, {"summer-hub"}), (hub, set())):
        replay(rig, one)
        again = rig.take(one)
        assert (again.guarded, again.times) == (True, {ANN: {"team": 7}})
        rig.step(one, "a", settled_as(again, "d"))
        rig.now += 2000
        assert opened(rig) == left

    assert not rig.redis.exists(TIMES)


def test_times_are_handed_out_with_the_people_they_are_about(rig: Rig, hub: Integration) -> None:
    """Others may have set much, and none of it matters here."""
    rig.accept(hub, "ann", "bob", "cid")
    settle(rig, hub, "dxd", times={ANN: '{"team":1}', Person("external_id", "cid").key: '{"team":3}'})
    rig.accept(hub, "ann", "bob", first=10)

    batch = rig.take(hub)

    assert (batch.guarded, batch.times) == (True, {ANN: {"team": 1}})


def test_times_arrive_with_the_very_death_that_needs_them(rig: Rig, hub: Integration) -> None:
    """What was delivered in the same batch may be newer than what died."""
    rig.accept(hub, "ann", "bob")

    settle(rig, hub, "dx", times={ANN: '{"team":1}'})

    assert times_of(rig) == {ANN: {"team": 1}}


def test_times_are_written_only_while_a_letter_is_open(rig: Rig, hub: Integration) -> None:
    """A batch that was handed out before the last letter closed would leave them behind for ever."""
    rig.accept(hub, "ann")
    settle(rig, hub, "x")
    replay(rig, hub)
    batch = rig.take(hub)
    assert batch.guarded

    rig.step(hub, "a", settled_as(batch, "d", times={ANN: '{"team":1}'}))

    assert rig.redis.exists(TIMES, OPEN, f"{own(hub)}:open") == 0


def test_orders_survive_the_way_through_the_times(rig: Rig, hub: Integration) -> None:
    """They have sixteen digits, of which a script that rounds would lose some."""
    rig.accept(hub, "ann", "bob")
    batch = rig.take(hub)
    order = batch.entries[0].order
    rig.step(hub, "a", settled_as(batch, "dx", times={ANN: orjson.dumps({"team": order}).decode()}))
    rig.now += 2000
    rig.accept(hub, "ann", first=10)

    again = rig.take(hub)

    assert again.times == {ANN: {"team": order}}
    assert order == NOON_MS * 1000


def test_orders_rise_also_where_the_clock_does_not(rig: Rig, hub: Integration) -> None:
    """Who was accepted later is newer, whatever a clock that was set back says."""
    for turn, moved in enumerate((0, 0, -3_600_000, 1, 7_200_000)):
        rig.now += moved
        rig.accept(hub, f"p{turn}", f"q{turn}", f"r{turn}", first=turn * 10)

    orders = [entry.order for entry in rig.take(hub).entries]

    assert len(orders) == 15
    assert orders == sorted(set(orders))
    assert orders[-1] == rig.now * 1000 + 2


def test_an_order_is_used_up_also_by_what_goes_nowhere(rig: Rig, hub: Integration) -> None:
    """A dead letter is older than what came after it, and has to be told from it; a repeat takes none."""
    ends = ("lane", "dead", "filtered", "lane")
    arrivals = [
        one if end == "lane" else one._replace(judgement=Judgement(end, reason="some_reason"))  # type: ignore[arg-type]
        for one, end in zip((an_arrival(f"p{n}", n) for n in range(4)), ends, strict=True)
    ]
    rig.inbox.accept(hub, [*arrivals, arrivals[0]], now_ms=rig.now)
    rig.accept(hub, "ann", first=10)

    _, letter = letters(rig, hub)[0]

    first = NOON_MS * 1000
    assert [entry.order for entry in rig.take(hub).entries] == [first, first + 3, first + 4]
    assert orjson.loads(letter[b"h"])[0] == first + 1


def test_a_smaller_limit_that_braze_has_bounds_the_next_batch(rig: Rig, hub: Integration) -> None:
    """At once, in the same step, and in every later one; the request that is made of it is told of it too."""
    rig.accept(hub, *(f"p{n}" for n in range(50)))
    first = rig.take(hub)
    assert (len(first.entries), first.max_objects) == (37, None)

    sizes = []
    step = rig.step(hub, "a", settled_as(first, "d" * 37, learned={"max_objects": 10}))
    while isinstance(step, Batch):
        sizes.append((len(step.entries), step.max_objects))
        step = rig.deliver(hub, step)

    assert sizes == [(5, 10), (5, 10), (3, 10)]
    assert rig.numbers(hub, "delivered", "waiting") == [50, 0]


def test_fewer_bytes_bound_the_next_batch(rig: Rig, hub: Integration) -> None:
    """A body is about as big as what is made of it."""
    rig.accept(hub, *(f"p{n}" for n in range(20)))
    size = len(an_arrival("p0").body)
    batch = rig.take(hub)
    rig.step(hub, "a", settled_as(batch, "d" * 20, learned={"request_bytes": 3 * size + 50}))
    rig.accept(hub, *(f"q{n}" for n in range(20)), first=50)

    again = rig.take(hub)

    assert (again.request_bytes, again.max_objects) == (3 * size + 50, None)
    assert people(again) == ["q0", "q1", "q2"]


def test_a_document_that_allows_less_is_obeyed(rig: Rig) -> None:
    """What was learned never raises what a person has allowed."""
    hub = rig.known(an_integration(braze=BrazeTarget(BRAZE, "acme", max_objects_per_request=4)))
    rig.redis.hset(f"{own(hub)}:state", "max_objects", 50)
    rig.accept(hub, "ann", "bob", "cid")

    assert people(rig.take(hub)) == ["ann", "bob"]


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"name": "Another name"}, True),
        ({"events": []}, True),
        ({"braze": {"rest_endpoint": BRAZE, "workspace": "acme", "max_objects_per_request": 100}}, False),
        ({"braze": {"rest_endpoint": BRAZE, "workspace": "acme", "api_key": "another-example-key-1111"}}, False),
    ],
)
def test_what_was_learned_of_braze_is_forgotten_with_another_braze(
    rig: Rig, changes: dict[str, Any], kept: bool
) -> None:
    """A new contract or key may allow more again; another name for the integration says nothing about that."""
    integrations = Integrations(rig.redis, secret_keys=["k" * 40])
    document = a_document()
    hub = integrations.save(document, by="test").stored.integration
    rig.accept(hub, "ann")
    learned = {"max_objects": 10, "request_bytes": 20_000}
    rig.step(hub, "a", settled_as(rig.take(hub), "d", learned=learned))
    del document["braze"]["api_key"]

    hub = integrations.save(document | changes, by="test").stored.integration
    rig.accept(hub, "bob", first=5)

    batch = rig.take(hub)
    assert (batch.max_objects, batch.request_bytes) == ((10, 20_000) if kept else (None, None))


def a_retry(batch: Batch, *at_ms: int) -> Settlement:
    tried = Attempts([{"at": at, "status": 503} for at in at_ms], len(at_ms))
    return Settlement(batch, retry_after_ms=1000, flight_state="clean", tried=tried)


def test_what_was_tried_is_handed_out_with_the_batch_again(rig: Rig, hub: Integration) -> None:
    """The timeline and the dead letter tell every attempt, whichever worker made it."""
    rig.accept(hub, "ann")
    batch = rig.take(hub)
    assert batch.tried.number == 0
    rig.step(hub, "a", a_retry(batch, 1))
    rig.now += 2000
    second = rig.take(hub, "b")
    assert second.tried == Attempts([{"at": 1, "status": 503}], 1)
    rig.step(hub, "b", a_retry(second, 1, 2))
    rig.now += 2000

    third = rig.take(hub, "c")

    assert third.tried == Attempts([{"at": 1, "status": 503}, {"at": 2, "status": 503}], 2)
    assert third.tries == 2


def test_what_was_tried_with_one_batch_is_not_said_of_the_next(rig: Rig, hub: Integration) -> None:
    """It is another one, even if some of the first are in it again: those bring their own attempts along."""
    rig.accept(hub, "ann")
    rig.step(hub, "a", a_retry(rig.take(hub), 1))
    rig.now += 2000
    batch = rig.take(hub)
    kept = {batch.entries[0].id: '{"t":[{"at":1},{"at":2}],"k":2}'}
    rig.step(hub, "a", replace(settled_as(batch, "b", done=kept), tried=Attempts([{"at": 1}, {"at": 2}], 2)))
    rig.now += 2000

    again = rig.take(hub)

    assert again.tried.number == 0
    assert again.entries[0].tried == Attempts([{"at": 1}, {"at": 2}], 2)
