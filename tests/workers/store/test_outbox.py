from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
import redis

from schemas.integration import Integration
from schemas.mapping import SendKind
from schemas.outgoing import SEND_KINDS, Calls, CallSettlement, Outgoing
from tests.factories import NOON_MS, an_integration
from tests.messages import CAMPAIGN, CANVAS, SPACING_MS, a_message, put
from workers.errors import LeaseLost
from workers.store.inbox import LEASE_MS, Rest
from workers.store.keys import own
from workers.store.ledger import Ledger
from workers.store.outbox import KEY_MS, Outbox


class Box:
    """An outbox, and a clock that is only moved."""

    def __init__(self, connection: redis.Redis, integration: Integration | None = None) -> None:
        self.connection, self.now = connection, NOON_MS
        self.integration = integration or an_integration()
        self.outbox = Outbox(connection, spacing_ms=SPACING_MS)
        self.save(1)

    def save(self, version: int) -> None:
        self.connection.hset(f"{own(self.integration)}:state", "version", version)

    def put(self, *messages: Outgoing) -> None:
        """They are ready from here on."""
        put(self.connection, self.integration, *messages, now_ms=self.now)
        self.now += SPACING_MS

    def step(
        self, settlement: CallSettlement | None = None, *, by: str = "a", kind: SendKind = "campaign", **more: Any
    ) -> Calls | Rest:
        return self.outbox.step(self.integration, kind, by, settlement, now_ms=self.now, **more)

    def calls(self, settlement: CallSettlement | None = None, **more: Any) -> Calls:
        step = self.step(settlement, **more)
        assert isinstance(step, Calls), step
        return step

    def rest(self, settlement: CallSettlement | None = None, **more: Any) -> Rest:
        step = self.step(settlement, **more)
        assert isinstance(step, Rest), step
        return step

    def die(self, by: str = "a", kind: SendKind = "campaign") -> None:
        """The holder is gone, and its lease has run out."""
        self.connection.delete(f"{own(self.integration)}:lease:sends:{kind}")
        self.now += LEASE_MS

    def counted(self) -> dict[str, int]:
        told = Ledger(self.connection).read(self.integration)
        return {name: told[name] for name in ("sent", "send_unknown", "send_dead") if told[name]}

    def waiting(self) -> int:
        return sum(one.waiting for one in self.outbox.look(self.integration))


@pytest.fixture
def box(store_connection: redis.Redis) -> Box:
    return Box(store_connection)


def done(calls: Calls, outcome: Any = "sent", **more: Any) -> CallSettlement:
    return replace(CallSettlement(calls.number, calls.version, outcome), **more)


def members(calls: Calls) -> list[str]:
    return [one.person.value for one in calls.messages]


def crowd(count: int, **more: Any) -> Sequence[Outgoing]:
    return [a_message(f"p{n}", number=n, **more) for n in range(count)]


def test_a_message_comes_out_as_it_went_in(box: Box) -> None:
    """Nothing on the way may change what a person gets, not even a number."""
    message = a_message("ann", number=7, prize="Cap", worth=12345678901234567, list=[], none={})
    box.put(message)

    assert box.calls().messages == [message]


def test_sixty_people_of_one_campaign_are_two_calls(box: Box) -> None:
    """Braze takes fifty recipients at a time."""
    box.put(*crowd(60))

    first = box.calls()
    second = box.calls(done(first))

    assert (len(first.messages), len(second.messages)) == (50, 10)
    assert box.rest(done(second)) == Rest("empty")
    assert box.counted() == {"sent": 60}


def test_a_call_is_about_one_campaign_and_its_messages_may_stand_apart(box: Box) -> None:
    """Two rules of one document take turns in the outbox, and still travel together."""
    box.put(a_message("ann"), a_message("ann", braze_id="other"), a_message("bob"), a_message("bob", braze_id="other"))

    first = box.calls()
    second = box.calls(done(first))

    assert [(calls.messages[0].id, members(calls)) for calls in (first, second)] == [
        (CAMPAIGN, ["ann", "bob"]),
        ("other", ["ann", "bob"]),
    ]


def test_nobody_is_named_twice_in_a_call(box: Box) -> None:
    """Braze would send one message only, with the data of the last."""
    box.put(a_message("ann", n=1), a_message("ann", n=2), a_message("bob", n=3))

    first = box.calls()
    second = box.calls(done(first))

    assert (members(first), members(second)) == (["ann", "bob"], ["ann"])
    assert second.messages[0].properties == {"n": 2}


def test_kinds_do_not_wait_for_each_other(box: Box) -> None:
    """They need different permissions, so one may be closed while the other is not."""
    box.put(a_message("ann"), a_message("ann", kind="canvas", braze_id=CANVAS))

    assert box.calls(by="a").messages[0].id == CAMPAIGN
    assert box.calls(by="b", kind="canvas").messages[0].id == CANVAS


def test_a_transactional_call_is_about_one_person(box: Box) -> None:
    """Its key belongs to one submission."""
    box.put(*crowd(2, kind="transactional"))

    assert members(box.calls(kind="transactional")) == ["p0"]


def test_a_message_waits_until_braze_has_applied_its_submission(box: Box) -> None:
    """Braze answers before it applies, and sends to nobody it does not know yet."""
    put(box.connection, box.integration, a_message("ann"), now_ms=box.now)

    rest = box.rest()

    assert (rest.why, rest.wait_ms) == ("wait", SPACING_MS)
    box.now += SPACING_MS
    assert members(box.calls()) == ["ann"]


def test_a_clock_that_was_set_back_holds_nothing_up(box: Box) -> None:
    """A time far ahead was never meant."""
    box.put(a_message("ann"))
    box.now -= 3_600_000

    assert members(box.calls()) == ["ann"]


def test_only_one_is_at_work(box: Box) -> None:
    """And who has lost the lease settles nothing."""
    box.put(a_message("ann"))
    calls = box.calls(by="a")

    assert box.rest(by="b") == Rest("busy")
    box.die()
    box.rest(by="b")
    with pytest.raises(LeaseLost):
        box.step(done(calls), by="a")


def test_what_was_out_when_its_holder_died_is_not_asked_for_again(box: Box) -> None:
    """Braze has no key for a campaign: it could send it twice."""
    box.put(a_message("ann", number=3), a_message("bob", number=4))
    box.calls(by="a")
    box.die()

    assert box.rest(by="b") == Rest("empty")
    assert box.counted() == {"send_unknown": 2}
    told = box.outbox.troubles(box.integration)
    assert [(one["what"], one["submission"]) for one in told] == [("unknown", f"50c4{n:016x}") for n in (4, 3)]
    assert box.outbox.troubles(box.integration, submission_id=f"50c4{3:016x}") == [told[1]]


def test_a_transactional_message_that_was_out_is_asked_for_again_with_its_key(box: Box) -> None:
    """Braze knows it again, so it can be asked for until somebody answers."""
    message = a_message("ann", kind="transactional", number=3)
    box.put(message)
    assert box.calls(by="a", kind="transactional").sent_before == ""
    box.die(kind="transactional")

    again = box.calls(by="b", kind="transactional")

    assert (again.sent_before, again.messages) == ("unknown", [message])
    assert message.key == "50c40000000000000003-1"
    box.rest(done(again), by="b", kind="transactional")
    assert box.counted() == {"sent": 1}


def test_a_transactional_message_is_given_up_when_braze_no_longer_knows_its_key(box: Box) -> None:
    """After a day it would be sent a second time."""
    box.put(a_message("ann", kind="transactional"))
    calls = box.calls(kind="transactional")
    box.rest(done(calls, "retry", after_ms=1000, doubtful=True, away=True), kind="transactional")
    box.now += KEY_MS + 1

    assert box.rest(by="b", kind="transactional").why == "again"
    assert box.rest(by="b", kind="transactional") == Rest("empty")
    assert box.counted() == {"send_unknown": 1}


def test_a_call_that_was_handed_out_in_an_answer_nobody_got_goes_out_again(box: Box) -> None:
    """The same drain asks again, so it can't have made the call."""
    box.put(a_message("ann"))
    box.calls(by="a")

    assert box.calls(by="a").sent_before == "clean"


def test_a_settlement_that_is_told_twice_counts_once(box: Box) -> None:
    """The first answer of the store may have been lost."""
    box.put(a_message("ann"), a_message("ann"))
    calls = box.calls()
    box.step(done(calls))

    assert members(box.calls(done(calls))) == ["ann"]
    assert box.counted() == {"sent": 1}


def test_what_was_certainly_not_applied_goes_out_again_as_it_was(box: Box) -> None:
    """After a 429 nothing is lost and nothing moves."""
    box.put(*crowd(3))
    calls = box.calls()

    rest = box.rest(done(calls, "retry", after_ms=5000, gate={"closed_for": 5000}))

    assert (rest.why, rest.wait_ms) == ("wait", 5000)
    box.now += 5000
    again = box.calls(by="b")
    assert (members(again), again.sent_before, again.limited) == (members(calls), "clean", 1)
    assert box.counted() == {}


def test_while_braze_is_away_only_one_message_at_a_time_is_risked(box: Box) -> None:
    """A call that nobody answers is not made again, so it should hold as little as possible."""
    box.put(*crowd(60))
    calls = box.calls()
    box.rest(done(calls, "unknown", after_ms=1000, away=True, gate={"away": 0.5}))
    box.now += 1000

    probe = box.calls(by="b")
    assert len(probe.messages) == 1
    assert len(box.calls(done(probe, gate={}), by="b").messages) == 9
    assert box.counted() == {"send_unknown": 50, "sent": 1}


def test_a_refused_connection_breaks_a_call_up_until_braze_answers(box: Box) -> None:
    """The next one might be the call that nobody answers."""
    box.put(*crowd(3))
    box.rest(done(box.calls(), "retry", after_ms=1000, away=True, gate={"away": 0.5}))
    box.now += 1000

    probe = box.calls(by="b")

    assert members(probe) == ["p0"]
    assert members(box.calls(done(probe, gate={}), by="b")) == ["p1", "p2"]


def test_the_guilty_one_is_found_by_halving(box: Box) -> None:
    """Its neighbours get their message, each once."""
    box.put(*crowd(7))
    seen: list[str] = []
    settlement, step = None, None
    for _ in range(20):
        step = box.step(settlement)
        if isinstance(step, Rest):
            break
        refused = "p4" in members(step)
        seen += [] if refused else members(step)
        outcome = "sent" if not refused else "halve" if len(step.messages) > 1 else "dead"
        settlement = done(step, outcome, status=400, words="Invalid recipient")

    assert step == Rest("empty")
    assert sorted(seen) == ["p0", "p1", "p2", "p3", "p5", "p6"]
    assert box.counted() == {"sent": 6, "send_dead": 1}
    [told] = box.outbox.troubles(box.integration)
    assert (told["what"], told["submission"], told["status"], told["words"], told["rule"], told["id"]) == (
        "dead", a_message(number=4).submission_id, 400, "Invalid recipient", 1, CAMPAIGN,
    )  # fmt: skip


def test_a_pause_keeps_everything_and_probes_with_one_message(box: Box) -> None:
    """A wrong setting must not cost anybody's message."""
    box.put(*crowd(3))
    box.rest(done(box.calls(), "retry", after_ms=900_000, pause="No permission."))

    assert box.waiting() == 3
    assert box.outbox.look(box.integration)[0].paused_because == "No permission."
    box.now += 899_999
    assert box.rest(by="b") == Rest("paused")
    box.now += 1
    probe = box.calls(by="b")
    assert len(probe.messages) == 1
    assert len(box.calls(done(probe), by="b").messages) == 2
    assert box.outbox.look(box.integration)[0].paused_because == ""


def test_a_save_makes_what_braze_has_paused_be_tried_at_once(box: Box) -> None:
    """Whoever has mended the setting wants to see it work."""
    box.put(*crowd(3))
    box.rest(done(box.calls(), "retry", after_ms=900_000, pause="No permission."))
    box.save(2)

    assert box.outbox.sweep(box.integration, now_ms=box.now) == []
    assert box.outbox.sweep(box.integration, slow=True, now_ms=box.now) == ["campaign"]
    assert len(box.calls(by="b").messages) == 3


def test_a_kick_makes_what_braze_has_paused_be_tried_at_once(box: Box) -> None:
    """A person has said that it is mended."""
    box.put(*crowd(3))
    box.rest(done(box.calls(), "retry", after_ms=900_000, pause="No permission."))

    assert box.outbox.kick(box.integration, now_ms=box.now) == ["campaign"]
    assert box.outbox.sweep(box.integration, now_ms=box.now) == ["campaign"]
    assert len(box.calls(by="b").messages) == 1


def test_a_pause_because_of_what_was_saved_anew_meanwhile_is_none(box: Box) -> None:
    """Braze spoke of the settings before."""
    box.put(a_message("ann"))
    calls = box.calls()
    box.save(2)

    assert members(box.calls(done(calls, "retry", after_ms=900_000, pause="No permission."))) == ["ann"]


def test_a_pause_by_a_person_holds_the_messages_too(box: Box) -> None:
    """They resume with everything else."""
    box.put(a_message("ann"))
    box.connection.hset(f"{own(box.integration)}:state", "paused", "person")

    assert box.rest() == Rest("paused")
    assert box.outbox.sweep(box.integration, slow=True, now_ms=box.now) == []
    box.connection.hset(f"{own(box.integration)}:state", "paused", "")
    assert box.outbox.kick(box.integration, now_ms=box.now) == ["campaign"]
    assert members(box.calls()) == ["ann"]


def test_a_pause_of_tracking_does_not_hold_the_messages(box: Box) -> None:
    """They were asked for by submissions that Braze has accepted, and may need another permission."""
    box.put(a_message("ann"))
    box.connection.hset(f"{own(box.integration)}:state", "paused", "braze")

    assert members(box.calls()) == ["ann"]


def test_a_problem_is_shown_until_the_same_campaign_works_again(box: Box) -> None:
    """A person should see why nobody gets anything."""
    box.put(a_message("ann"), a_message("ann", braze_id="other"), a_message("bob"))
    first = box.calls()
    second = box.calls(done(first, "dead", words="The Canvas is paused."))

    look = box.outbox.look(box.integration)[0]
    assert (look.problem, look.problem_of) == ("The Canvas is paused.", CAMPAIGN)
    box.put(a_message("cay"))
    third = box.calls(done(second))
    assert box.outbox.look(box.integration)[0].problem == "The Canvas is paused."
    box.rest(done(third))
    assert box.outbox.look(box.integration)[0].problem == ""


def test_a_person_who_is_forgotten_gets_nothing_more(box: Box) -> None:
    """Neither what waits nor what was put off, and nothing is known of what went wrong before."""
    ann = a_message("ann").person.key
    box.put(a_message("ann", number=9))
    box.step(done(box.calls(), "dead", words="no"))
    box.put(a_message("ann"), a_message("bob"))
    box.put(a_message("ann", kind="transactional"))
    box.rest(done(box.calls(), "retry", after_ms=1000))

    assert box.outbox.forget(box.integration, ann) == 2
    assert box.outbox.troubles(box.integration) == []
    assert box.outbox.look(box.integration)[0].problem == ""
    box.now += 1000
    calls = box.calls(by="b")
    assert members(calls) == ["bob"]
    assert box.rest(done(calls), by="b") == Rest("empty")
    assert box.rest(kind="transactional") == Rest("empty")


def test_what_braze_said_of_others_stays_when_somebody_is_forgotten(box: Box) -> None:
    """Why nobody gets anything is still to be seen."""
    box.put(a_message("ann"))
    box.step(done(box.calls(), "dead", words="The Canvas is paused."))

    box.outbox.forget(box.integration, a_message("bob").person.key)

    assert box.outbox.look(box.integration)[0].problem == "The Canvas is paused."


def test_who_is_forgotten_while_their_call_is_out_is_not_asked_for_again(box: Box) -> None:
    """The call finishes as it would."""
    box.put(a_message("ann"))
    calls = box.calls()

    assert box.outbox.forget(box.integration, a_message("ann").person.key) == 1
    assert box.rest(done(calls, "unknown", after_ms=1000)) == Rest("empty")
    assert box.counted() == {"send_unknown": 1}
    assert box.outbox.troubles(box.integration) == []


def test_what_is_due_is_called_once(box: Box) -> None:
    """And again when nobody came."""
    box.put(a_message("ann"), a_message("bob", kind="canvas", braze_id=CANVAS))

    assert box.outbox.sweep(box.integration, now_ms=box.now) == ["campaign", "canvas"]
    assert box.outbox.sweep(box.integration, now_ms=box.now) == []
    box.outbox.forget_wake(box.integration, "canvas")
    assert box.outbox.sweep(box.integration, now_ms=box.now) == ["canvas"]


def test_what_is_on_no_list_is_found_in_a_slow_turn(box: Box) -> None:
    """The list is a shortcut."""
    box.put(a_message("ann"))
    box.connection.delete(f"{own(box.integration)}:sends:due")

    assert box.outbox.sweep(box.integration, now_ms=box.now) == []
    assert box.outbox.sweep(box.integration, slow=True, now_ms=box.now) == ["campaign"]


def test_an_empty_outbox_is_on_no_list(box: Box) -> None:
    """So that an idle system rests."""
    box.put(a_message("ann"))
    box.rest(done(box.calls()))

    assert not box.connection.exists(f"{own(box.integration)}:sends:due")
    assert [one.waiting for one in box.outbox.look(box.integration)] == [0 for _ in SEND_KINDS]


def test_a_drain_out_of_time_leaves_the_rest_due(box: Box) -> None:
    """Others get their turn."""
    box.put(*crowd(60))

    assert box.rest(done(box.calls()), release=True) == Rest("more")
    assert members(box.calls(by="b")) == [f"p{n}" for n in range(50, 60)]


def test_a_429_holds_all_messages_of_the_workspace_and_no_submissions(box: Box) -> None:
    """The hourly limit is shared by the sending endpoints, and has nothing to do with /users/track."""
    other = Box(box.connection, an_integration(id="other-hub"))
    box.put(a_message("ann"))
    other.put(a_message("bob"))
    box.rest(done(box.calls(), "retry", after_ms=5000, gate={"closed_for": 5000}))

    assert other.rest().why == "wait"
    assert not box.connection.exists("{acme}:gate:track")


def test_ceilings_of_documents_are_not_about_messages(box: Box) -> None:
    """They limit /users/track."""
    box.connection.hset("{acme}:ceilings", "summer-hub", "1/3600000")
    box.put(*crowd(110))

    assert len(box.calls(done(box.calls())).messages) == 50


def test_whoever_waits_for_braze_to_come_back_is_called_at_once(box: Box) -> None:
    """The first good answer shows that the others need not wait for their alarm."""
    other = Box(box.connection, an_integration(id="other-hub"))
    for one in ("summer-hub", "other-hub"):
        box.connection.hset("{acme}:ceilings", one, "3000/3000")
    other.put(*crowd(2))
    other.rest(done(other.calls(), "retry", after_ms=300_000, away=True, gate={"away": 0.0}))
    box.put(*crowd(2))
    for n in range(4):
        calls = box.calls(by=f"a{n}")
        box.rest(done(calls, "retry", after_ms=10, away=True, gate={"away": 0.0}), by=f"a{n}")
        box.now += 10
    box.now += 60_000
    assert other.outbox.sweep(other.integration, now_ms=box.now) == []

    box.calls(done(box.calls(by="z"), gate={}), by="z")

    assert other.outbox.sweep(other.integration, now_ms=box.now) == ["campaign"]
    other.now = box.now
    assert other.calls(by="y").messages


def test_an_integration_that_is_gone_has_no_outbox(box: Box) -> None:
    """It was moved, or removed."""
    box.put(a_message("ann"))
    calls = box.calls()
    box.connection.delete(f"{own(box.integration)}:state")

    assert box.rest(by="a") == Rest("gone")
    with pytest.raises(LeaseLost):
        box.step(done(calls))


def test_what_is_known_of_old_troubles_goes_with_time(store_connection: redis.Redis) -> None:
    """It is bounded in age as in number."""
    box = Box(store_connection)
    box.put(a_message("ann"))
    box.rest(done(box.calls(), "dead", words="no"))
    [(entry_id, _)] = cast(Any, store_connection.xrange(f"{own(box.integration)}:sends:troubles"))
    written_ms = int(entry_id.split(b"-")[0])

    box.outbox.trim(box.integration, now_ms=written_ms + 720 * 3_600_000)
    assert len(box.outbox.troubles(box.integration)) == 1
    box.outbox.trim(box.integration, now_ms=written_ms + 720 * 3_600_000 + 1)
    assert box.outbox.troubles(box.integration) == []


def test_what_braze_said_last_goes_with_time(box: Box) -> None:
    """It may name whom it was about."""
    box.put(a_message("ann"))
    box.rest(done(box.calls(), "dead", words="ann is none of ours"))
    over_ms = int(box.now) + 720 * 3_600_000

    box.outbox.trim(box.integration, now_ms=over_ms)
    assert box.outbox.look(box.integration)[0].problem == "ann is none of ours"
    box.outbox.trim(box.integration, now_ms=over_ms + 1)
    assert box.outbox.look(box.integration)[0].problem == ""


def test_a_lease_is_renewed_by_its_holder_alone(box: Box) -> None:
    """A call may take longer than a lease."""
    box.put(a_message("ann"))
    box.calls(by="a")

    assert box.outbox.renew(box.integration, "campaign", "a")
    assert not box.outbox.renew(box.integration, "campaign", "b")


def test_a_message_that_nobody_could_ask_for_in_time_is_given_up(store_connection: redis.Redis) -> None:
    """An outbox that Braze has paused must not grow for ever."""
    box = Box(store_connection)
    box.put(a_message("ann", number=3), a_message("bob", kind="canvas", number=4))
    [(entry_id, _)] = cast(Any, store_connection.xrange(f"{own(box.integration)}:sends:campaign"))
    written_ms = int(entry_id.split(b"-")[0])

    box.outbox.trim(box.integration, now_ms=written_ms + 720 * 3_600_000)
    assert box.counted() == {}
    box.outbox.trim(box.integration, now_ms=written_ms + 721 * 3_600_000)

    assert box.counted() == {"send_dead": 2}
    assert box.rest() == Rest("empty")


def test_what_is_out_is_not_given_up(box: Box) -> None:
    """Its call says what became of it."""
    box.put(a_message("ann"))
    calls = box.calls()
    box.outbox.trim(box.integration, now_ms=NOON_MS * 2)

    assert box.rest(done(calls)) == Rest("empty")
    assert box.counted() == {"sent": 1}


def test_a_wait_is_as_long_as_it_was_meant_though_the_clock_is_set_back(box: Box) -> None:
    """A host whose clock was wrong must not hold anything up until then."""
    box.put(*crowd(2), a_message("ann", kind="canvas", braze_id=CANVAS))
    box.rest(done(box.calls(), "retry", after_ms=5000, away=True, gate={"away": 0.5}))
    box.rest(done(box.calls(kind="canvas"), "retry", after_ms=900_000, pause="No permission."), kind="canvas")
    box.now -= 86_400_000
    box.outbox.forget_wake(box.integration, "campaign")

    assert box.outbox.sweep(box.integration, now_ms=box.now) == []
    assert box.outbox.sweep(box.integration, slow=True, now_ms=box.now) == ["campaign", "canvas"]
    assert box.rest(by="b").wait_ms == 5000
    assert box.rest(by="b", kind="canvas") == Rest("paused")
    box.now += 900_000
    assert box.calls(by="c", kind="canvas").messages


def test_where_no_call_was_made_the_gate_gets_its_turn_back(box: Box) -> None:
    """While only one may try, others would wait for nobody."""
    box.put(a_message("ann"))
    before = box.connection.hgetall("{acme}:gate:send")
    box.rest(done(box.calls(), "retry", after_ms=900_000, pause="There is no key."))

    paced = {name: value for name, value in box.connection.hgetall("{acme}:gate:send").items() if name != b"at"}
    assert before == {}
    assert all(float(value) <= box.now for value in paced.values())
