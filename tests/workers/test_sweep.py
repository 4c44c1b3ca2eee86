from typing import Any

import pytest
import redis
from fakeredis import FakeRedis

from schemas.settings import load_settings
from tests.factories import a_document, an_arrival
from workers.store import Stores, open_stores
from workers.store.keys import own
from workers.sweep import SLOW_EVERY, sweep


@pytest.fixture
def stores(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Stores:
    if isinstance(store_connection, FakeRedis):  # it knows no INFO
        monkeypatch.setattr(store_connection, "info", lambda *_: {"used_memory": 1, "maxmemory": 0})
    return open_stores(load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}), store_connection)


def test_every_lane_that_nobody_is_about_to_serve_is_called(stores: Stores) -> None:
    """Publishing failed, the broker forgot, or a worker died: the store knows what is due."""
    integration = stores.integrations.save(a_document(), by="test").stored.integration
    receipt = stores.inbox.accept(integration, [an_arrival("ann")])
    stores.inbox.forget_wake(integration, receipt.wake[0])
    called: list[tuple[str, str, int]] = []

    assert sweep(stores, lambda *call: called.append(call), turn=1) == 1
    assert sweep(stores, lambda *call: called.append(call), turn=2) == 0
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
