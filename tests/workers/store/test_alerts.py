from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis

from schemas.integration import Integration
from tests.factories import NOON_MS, an_integration
from tests.fakes import PowerCut, power_cut_after
from workers.store.alerts import LONGEST_WAIT_S, MOST_KEPT, Alert, AlertBox, Look
from workers.store.keys import own

ALERT = Alert("backlog", "summer-hub", {"alert": "backlog"})


@pytest.fixture
def box(store_connection: redis.Redis) -> AlertBox:
    return AlertBox(store_connection)


@pytest.fixture
def hub(store_connection: redis.Redis) -> Integration:
    integration = an_integration()
    store_connection.hset(f"{own(integration)}:state", "version", 1)
    return integration


def say(box: AlertBox, was: str = "", becomes: str = "50", alert: Alert | None = ALERT) -> int | None:
    return box.raise_("backlog", "summer-hub", was=was, becomes=becomes, alert=alert, now_ms=NOON_MS)


def looked(box: AlertBox, hub: Integration) -> Look:
    look = box.look(hub)
    assert look
    return look


def an_entry(order_ms: int, **fields: Any) -> dict[Any, Any]:
    head = orjson.dumps([order_ms * 1000 + 7, 20777, "00", None, order_ms, 1, None])
    return {"b": b"{}", "h": head, "p": "e:ann", "a": 1, "e": 0} | fields


def test_of_two_who_notice_the_same_only_one_says_it(box: AlertBox) -> None:
    """Two workers may sweep at the same moment."""
    assert [say(box), say(box)] == [0, None]

    assert [alert.kind for alert in box.oldest(10)] == ["backlog"]
    assert box.said("summer-hub", ["backlog", "old_work"]) == ["50", ""]


def test_being_well_again_is_remembered_without_a_word(box: AlertBox) -> None:
    """Only then the next time is worth an alert."""
    say(box)

    assert say(box, was="50", becomes="", alert=None) == 0
    assert say(box) == 0
    assert len(box.oldest(10)) == 2


@pytest.mark.parametrize("commands", range(4))
@pytest.mark.parametrize("answered", [False, True])
def test_what_was_noticed_is_said_although_the_power_goes(
    store_connection: redis.Redis, commands: int, answered: bool
) -> None:
    """Memory and outbox change together, so that nobody believes it was said when it was not."""
    with suppress(PowerCut):
        say(AlertBox(power_cut_after(store_connection, commands, answered=answered)))
    box = AlertBox(store_connection)

    if box.said("summer-hub", ["backlog"]) == [""]:
        say(box)
    assert len(box.oldest(10)) == 1


def test_an_outbox_that_nobody_empties_stays_small(box: AlertBox) -> None:
    """The oldest go, and whoever adds one is told how many."""
    dropped = [say(box, was="50" if n else "", becomes="50") for n in range(MOST_KEPT + 300)]

    kept = len(box.oldest(MOST_KEPT * 2))
    assert MOST_KEPT <= kept <= MOST_KEPT + 200
    assert sum(dropped) == MOST_KEPT + 300 - kept  # type: ignore[arg-type]


def test_a_receiver_that_fails_is_left_alone_for_longer_and_longer(box: AlertBox) -> None:
    """It may be down for days; the first success forgets that."""
    say(box)
    say(box, was="50", becomes="100")
    assert box.due(NOON_MS)

    waits = [box.failed(now_ms=NOON_MS) for _ in range(8)]

    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert not box.due(NOON_MS + LONGEST_WAIT_S * 1000 - 1)
    assert box.due(NOON_MS + LONGEST_WAIT_S * 1000)
    assert box.due(NOON_MS - 3_600_000)  # a clock that was an hour ahead has written it
    box.sent(box.oldest(1)[0].id, now_ms=NOON_MS)
    assert box.due(NOON_MS)
    assert box.failed(now_ms=NOON_MS) == 1


def test_an_empty_outbox_leaves_nothing_to_look_at(box: AlertBox, store_connection: redis.Redis) -> None:
    """The sweep asks every second whether there is something to do."""
    say(box)
    box.sent(box.oldest(1)[0].id, now_ms=NOON_MS)

    assert not box.due(NOON_MS)
    assert store_connection.keys("*") == [b"{komo:alerts}:said"]


def test_there_is_one_sender_at_a_time(box: AlertBox) -> None:
    """Two would send the same alerts."""
    assert [box.take("a"), box.take("b")] == [True, False]
    box.let_go("b")
    assert not box.take("b")

    box.let_go("a")

    assert box.take("b")


def test_an_integration_that_never_had_anything_is_fine(box: AlertBox, hub: Integration) -> None:
    """A new one has hardly a key."""
    assert box.look(hub) == Look(paused="", waiting=0, dead=0, oldest_ms=None, newest_letter="")


def test_an_integration_that_was_moved_is_not_taken_for_a_healthy_one(box: AlertBox, hub: Integration) -> None:
    """A worker may know its old place for some seconds, where nothing is paused and nothing waits."""
    assert box.look(replace(hub, braze=replace(hub.braze, workspace="elsewhere"))) is None


def test_a_look_says_what_waits_and_since_when(box: AlertBox, hub: Integration, store_connection: redis.Redis) -> None:
    """The oldest of all lanes counts; a replayed one counts from its replay."""
    prefix = own(hub)
    store_connection.hset(f"{prefix}:state", mapping={"lanes": 3, "paused": "braze", "paused_because": "Wrong key."})
    store_connection.hset(f"{prefix}:ledger", mapping={"waiting": 3, "in_flight": 2, "held": 1, "dead": 4})
    store_connection.xadd(f"{prefix}:in:0", an_entry(NOON_MS))
    store_connection.xadd(f"{prefix}:in:0", an_entry(NOON_MS - 9000))
    store_connection.xadd(f"{prefix}:in:2", an_entry(NOON_MS - 99_000, n=1, t=NOON_MS - 2000, c=""))
    letter: Any = store_connection.xadd(f"{prefix}:dlq", {"b": "{}", "h": "[]", "why": "refused"})

    look = looked(box, hub)

    assert (look.paused, look.paused_because, look.waiting, look.dead) == ("braze", "Wrong key.", 6, 4)
    assert look.oldest_ms == NOON_MS - 2000
    assert look.newest_letter == letter.decode()


def test_what_is_judged_again_waits_all_the_same(
    box: AlertBox, hub: Integration, store_connection: redis.Redis
) -> None:
    """For as long it lies in other streams."""
    store_connection.hset(f"{own(hub)}:state", mapping={"lanes": 1, "redo": 2})
    store_connection.xadd(f"{own(hub)}:annex", an_entry(NOON_MS))
    assert looked(box, hub).oldest_ms == NOON_MS

    store_connection.xadd(f"{own(hub)}:new:0", an_entry(NOON_MS - 5))

    assert looked(box, hub).oldest_ms == NOON_MS - 5


def test_dead_letters_are_counted_from_the_last_one_told(
    box: AlertBox, hub: Integration, store_connection: redis.Redis
) -> None:
    """The reasons of the newest few say what is wrong now."""
    assert box.letters_since(hub, "").count == 0
    ids: list[Any] = [
        store_connection.xadd(f"{own(hub)}:dlq", {"h": "[]", "why": f"reason-{n}", "b": "{}"}) for n in range(25)
    ]

    letters = box.letters_since(hub, ids[4].decode())

    assert (letters.newest, letters.count, letters.more) == (ids[-1].decode(), 20, False)
    assert letters.reasons == [f"reason-{n}" for n in (24, 23, 22, 21, 20)]
    assert box.letters_since(hub, "").count == 25
    assert box.letters_since(hub, ids[-1].decode()).count == 0


def test_counting_dead_letters_is_bounded(
    box: AlertBox, hub: Integration, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad setting may kill a million of them, and each may be a mebibyte."""
    for _ in range(12):
        store_connection.xadd(f"{own(hub)}:dlq", {"b": "x" * 100, "why": "refused"})

    monkeypatch.setattr("workers.store.alerts.MOST_LETTERS", 11)
    many = box.letters_since(hub, "")
    monkeypatch.setattr("workers.store.alerts.MOST_LETTER_BYTES", 300)
    big = box.letters_since(hub, "")

    assert [(one.count, one.more) for one in (many, big)] == [(11, True), (3, True)]


def test_what_is_no_longer_there_is_forgotten(box: AlertBox) -> None:
    """An id may be used again, and the memory must not grow for ever."""
    say(box)
    box.raise_("backlog", "removed", was="", becomes="50", alert=None, now_ms=NOON_MS)
    box.raise_("backlog", "", was="", becomes="50 1", alert=None, now_ms=NOON_MS)

    box.forget_others({"summer-hub"})

    assert [box.said(one, ["backlog"]) for one in ("summer-hub", "removed", "")] == [["50"], [""], ["50 1"]]
