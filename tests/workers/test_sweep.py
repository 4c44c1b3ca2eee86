from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis

from schemas.settings import load_settings
from tests.factories import a_document, an_arrival
from tests.messages import a_message, put
from workers.errors import StoreUnavailable
from workers.redo import redo
from workers.store import Stores, open_stores
from workers.store.keys import own
from workers.sweep import SLOW_EVERY, sweep

SETTINGS = load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"})


@pytest.fixture
def stores(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Stores:
    if isinstance(store_connection, FakeRedis):  # it knows no INFO
        monkeypatch.setattr(store_connection, "info", lambda *_: {"used_memory": 1, "maxmemory": 0})
    return open_stores(SETTINGS, store_connection)


def test_every_lane_that_nobody_is_about_to_serve_is_called(stores: Stores) -> None:
    """Publishing failed, the broker forgot, or a worker died: the store knows what is due."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    receipt = stores.inbox.accept(integration, [an_arrival("ann")])
    stores.inbox.forget_wake(integration, receipt.wake[0])
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=1) == 1
    assert sweep(stores, lambda *call: called.append(call), turn=2) == 0
    assert called == [("drain", "summer-hub", receipt.wake[0])]


def test_a_record_that_can_t_be_read_stops_nobody_else_s_work(stores: Stores) -> None:
    """Somebody went back to an older version, or wrote to the store by hand: retries of all others go on."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    receipt = stores.inbox.accept(integration, [an_arrival("ann")])
    stores.inbox.forget_wake(integration, receipt.wake[0])
    stores.connection.sadd("komo:integrations", "broken")
    stores.connection.hset("komo:integration:broken", mapping={"document": "{", "revision": "1"})
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=SLOW_EVERY) == 1
    assert called == [("drain", "summer-hub", receipt.wake[0])]


def test_a_slow_turn_finds_work_that_is_on_no_list(stores: Stores) -> None:
    """The list of active integrations is a shortcut, not the truth."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    receipt = stores.inbox.accept(integration, [an_arrival("ann")])
    stores.inbox.forget_wake(integration, receipt.wake[0])
    stores.connection.delete("komo:active")

    assert sweep(stores, lambda *_: None, turn=1) == 0
    assert sweep(stores, lambda *_: None, turn=SLOW_EVERY) == 1


def test_a_slow_turn_finds_what_waits_although_nobody_called_after_a_resume(stores: Stores) -> None:
    """Whoever resumed may have died before they could call the lanes."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    [lane] = stores.inbox.accept(integration, [an_arrival("ann")]).wake
    stores.integrations.pause("summer-hub", by="test")
    assert stores.inbox.step(integration, lane, "a").why == "paused"  # type: ignore[union-attr]
    stores.integrations.resume("summer-hub", by="test")
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=1) == 0
    sweep(stores, lambda *call: called.append(call), turn=SLOW_EVERY)

    assert called == [("drain", "summer-hub", lane)]


def test_whoever_has_just_been_set_up_is_served_at_once(stores: Stores, store_connection: redis.Redis) -> None:
    """The sweep remembers records for seconds, and a setup moves what waits to where no remembered record looks."""
    draft = stores.integrations.save_draft({"id": "summer-hub", "name": "Summer hub"}, by="test").stored.integration
    stores.inbox.accept(draft, [an_arrival("ann")])
    sweep(stores, lambda *_: None, turn=SLOW_EVERY)
    others = open_stores(SETTINGS, store_connection)
    others.integrations.save(a_document(), by="test")
    redo("summer-hub", others)
    called: list[tuple[str, str, int]] = []

    sweep(stores, lambda *call: called.append(call), turn=1)
    assert called == [], "the record is remembered"
    sweep(others, lambda *call: called.append(call), turn=2)

    assert [step for step, _id, _lane in called] == ["drain"]


def test_a_removed_integration_is_forgotten(stores: Stores) -> None:
    """A stale name on the list must not stop the sweep."""
    stores.connection.sadd("komo:active", "removed")

    assert sweep(stores, lambda *_: None, turn=1) == 0
    assert stores.inbox.active() == []


def test_a_broker_that_is_away_leaves_the_lane_to_the_next_sweep(stores: Stores) -> None:
    """One lost call must not cost ten seconds."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    receipt = stores.inbox.accept(integration, [an_arrival("ann")])
    stores.inbox.forget_wake(integration, receipt.wake[0])

    def no_broker(*_: Any) -> None:
        raise ConnectionError("no broker")

    with pytest.raises(ConnectionError):
        sweep(stores, no_broker, turn=1)

    assert not stores.connection.exists(f"{own(integration)}:wake:{receipt.wake[0]}")


def kinds(stores: Stores) -> list[str]:
    """What is in the outbox, oldest first."""
    return [alert.kind for alert in stores.alerts.oldest(100)]


def test_every_open_job_is_called(stores: Stores) -> None:
    """Whoever was at it may have died, and the next call goes on where they were."""
    jobs = [stores.jobs.create("discard", {}, by="test").id for _ in range(2)]
    stores.jobs.finish(stores.jobs.create("discard", {}, by="test").id, state="done")
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=1) == 2
    assert sorted(called) == sorted(("job", job_id, 0) for job_id in jobs)
    assert sweep(stores, lambda *call: called.append(call), turn=2) == 0  # their calls are on their way


def test_a_call_for_one_job_that_fails_does_not_stop_the_others(stores: Stores) -> None:
    """The next sweep calls again for the one that was left out."""
    for _ in range(3):
        stores.jobs.create("discard", {}, by="test")
    called: list[str] = []

    def weak_broker(_: str, job_id: str, __: int) -> None:
        called.append(job_id)
        if len(called) == 2:
            raise ConnectionError("no broker")

    assert sweep(stores, weak_broker, turn=1) == 2
    assert len(set(called)) == 3
    assert sweep(stores, weak_broker, turn=2) == 1
    assert called[3:] == called[1:2]


@pytest.mark.parametrize("alerts", [False, True])
def test_an_idle_second_costs_one_command(stores: Stores, monkeypatch: pytest.MonkeyPatch, alerts: bool) -> None:
    """A store is often shared, and most seconds of most installations are idle."""
    stores.integrations.save(a_document(), by="test")
    sweep(stores, lambda *_: None, turn=0, alerts=alerts)
    asked: list[str] = []
    execute: Any = stores.connection.execute_command

    def note(*args: Any, **options: Any) -> Any:
        asked.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(stores.connection, "execute_command", note)

    assert sweep(stores, lambda *_: None, turn=1, alerts=alerts) == 0
    assert asked == ["EXISTS"]


def test_a_pause_is_told_once_and_the_sender_called_until_it_was_heard(stores: Stores) -> None:
    """The sweep itself sends nothing: a slow receiver must not hold it up."""
    stores.integrations.save(a_document(), by="test")
    sweep(stores, lambda *_: None, turn=0, alerts=True)
    assert kinds(stores) == []
    stores.integrations.pause("summer-hub", by="test")
    called: list[tuple[str, str, int]] = []

    for turn in (SLOW_EVERY, SLOW_EVERY + 1, 2 * SLOW_EVERY):
        sweep(stores, lambda *call: called.append(call), turn=turn, alerts=True)

    assert kinds(stores) == ["integration_paused"]
    assert called == [("alert", "", 0)] * 3
    stores.alerts.sent(stores.alerts.oldest(1)[0].id, now_ms=0)
    assert sweep(stores, lambda *_: None, turn=SLOW_EVERY, alerts=True) == 0


def test_an_active_integration_is_looked_at_every_second(stores: Stores) -> None:
    """When something goes wrong, it goes wrong with those that have work."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    stores.inbox.accept(integration, [an_arrival("ann")])
    stores.connection.hset(f"{own(integration)}:ledger", "waiting", stores.inbox.limits.max_waiting)
    stores.connection.xadd(f"{own(integration)}:dlq", {"b": "{}", "h": "[1]", "why": "refused"})

    sweep(stores, lambda *_: None, turn=1, alerts=True)
    sweep(stores, lambda *_: None, turn=2, alerts=True)

    assert kinds(stores) == ["backlog", "dead_letters"]
    told = orjson.loads(stores.alerts.oldest(1)[0].body)
    assert set(told) == {"alert", "integration", "name", "at", "text", "details"}
    assert (told["alert"], told["integration"], told["name"]) == ("backlog", "summer-hub", "Summer hub")


def test_a_store_above_its_mark_is_told_for_all_integrations(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses new work of every one of them."""
    monkeypatch.setattr(stores.connection, "info", lambda *_: {"used_memory": 90, "maxmemory": 100})

    for _ in range(2):
        sweep(stores, lambda *_: None, turn=0, alerts=True)

    [alert] = stores.alerts.oldest(100)
    assert (alert.kind, orjson.loads(alert.body)["integration"]) == ("backlog", None)


def test_without_a_receiver_nothing_is_noticed(stores: Stores) -> None:
    """Nobody would ever take it out of the outbox."""
    stores.integrations.save(a_document() | {"enabled": False}, by="test")

    sweep(stores, lambda *_: None, turn=0)

    assert stores.connection.keys("*alerts*") == []


def test_a_store_that_takes_no_alert_does_not_keep_the_sweep_from_its_duties(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full one lets the workers settle, and they have to be called for that."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    [lane] = stores.inbox.accept(integration, [an_arrival("ann")]).wake
    stores.inbox.forget_wake(integration, lane)

    def full(*_: Any) -> None:
        raise StoreUnavailable("The store is full.")

    monkeypatch.setattr(stores.alerts, "look", full)

    assert sweep(stores, lambda *_: None, turn=1, alerts=True) == 1


def test_messages_that_are_due_are_called_for_by_their_kind(stores: Stores) -> None:
    """Also where no submission waits any more."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    stores.connection.sadd("komo:active", integration.id)
    put(stores.connection, integration, a_message("ann", kind="canvas"), now_ms=0)
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=1) == 1
    assert sweep(stores, lambda *call: called.append(call), turn=2) == 0
    assert called == [("send", "summer-hub", 1)]
    assert stores.inbox.active() == ["summer-hub"]


def test_messages_whose_call_failed_are_called_for_again(stores: Stores) -> None:
    """The broker may be back at the next turn."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    put(stores.connection, integration, a_message("ann"), now_ms=0)

    def fail(*_: object) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        sweep(stores, fail, turn=SLOW_EVERY)
    assert sweep(stores, lambda *_: None, turn=SLOW_EVERY) == 1


def test_a_slow_turn_samples_the_figures_of_all_integrations(stores: Stores) -> None:
    """Charts go on while an integration has no work, and a turn in between costs nothing."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    stores.inbox.accept(integration, [an_arrival("ann")])

    for turn in (1, SLOW_EVERY, 2 * SLOW_EVERY):
        sweep(stores, lambda *_: None, turn=turn)

    assert stores.connection.xlen(f"{own(integration)}:flow:minute") in (1, 2)  # a minute may have begun between


def test_a_store_that_takes_no_sample_does_not_keep_the_sweep_from_its_duties(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A chart with a gap is no reason to leave a submission behind."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    [lane] = stores.inbox.accept(integration, [an_arrival("ann")]).wake
    stores.inbox.forget_wake(integration, lane)

    def full(*_: Any) -> None:
        raise StoreUnavailable("The store is full.")

    monkeypatch.setattr(stores.flow, "sample", full)

    assert sweep(stores, lambda *_: None, turn=0) == 1
    assert "flow.postponed" in caplog.messages
