"""Alive, and ready."""

import time
from typing import Any

import pytest
import redis
from flask import Flask

from ingest.health import health
from schemas.settings import load_settings
from tests.factories import a_document
from tests.workers.test_drain import World, form
from workers.braze.reply import Unavailable
from workers.store import open_stores
from workers.store.connect import connect
from workers.store.format import FORMAT, KEY
from workers.store.integrations import Integrations

SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    world = World(store_connection)
    world.now = int(time.time() * 1000)
    return world


def ready(world: World, *, broker: bool = True) -> tuple[int, dict[str, Any]]:
    app = Flask("health")
    app.register_blueprint(health(world.stores, lambda: broker))
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.get_json()


def test_an_idle_system_is_ready(world: World) -> None:
    """With nothing due and nothing waiting."""
    status, told = ready(world)

    assert (status, told["status"], told["oldest_due_s"], told["oldest_waiting_s"]) == (200, "ready", 0, 0)


def test_what_waits_gets_old_though_it_is_not_due(world: World) -> None:
    """While Braze is away, the next try always lies ahead."""
    world.now -= 3_600_000
    world.accept(form("ann", 1))
    world.now += 3_600_000
    world.braze.answers = [Unavailable(503, "away")]
    world.drain()

    status, told = ready(world)

    assert (status, told["status"], told["oldest_due_s"]) == (200, "ready", 0)
    assert 3599 < told["oldest_waiting_s"] < 3700
    assert "work" not in told


def test_what_nobody_comes_for_is_late(world: World) -> None:
    """The process is ready all the same: it keeps what comes."""
    world.now -= 3_600_000
    world.accept(form("ann", 1))

    status, told = ready(world, broker=False)

    assert (status, told["status"], told["broker"]) == (200, "ready", "unreachable")
    assert told["work"].startswith("late")
    assert told["oldest_due_s"] > 3500


def test_a_store_that_takes_no_writes_makes_nobody_ready(redis_server: str) -> None:
    """It answers reads as if nothing were wrong, and every submission would be refused."""
    client = connect(redis_server)
    client.flushall()
    world = World(client)
    client.config_set("maxmemory", "1")
    try:
        assert ready(world)[0] == 503
        assert ready(world)[1]["store"] == "refuses writes: OOM"
    finally:
        client.config_set("maxmemory", "0")
    assert ready(world)[0] == 200


def test_a_store_that_is_away_makes_nobody_ready() -> None:
    """A probe hears it within its patience."""
    settings = load_settings({"SECRET_KEY": SECRET_KEY})
    app = Flask("health")
    stores = open_stores(settings, connect("redis://127.0.0.1:1/0", check=False))
    app.register_blueprint(health(stores, lambda: True))

    answer = app.test_client().get("/readyz")

    assert (answer.status_code, answer.get_json()["store"]) == (503, "unreachable")


def test_a_process_with_the_wrong_secret_key_is_not_ready(store_connection: redis.Redis) -> None:
    """It could verify nobody; the others with the right key can."""
    store_connection.flushall()
    Integrations(store_connection, secret_keys=["the-key-of-all-the-others-0123456789"]).save(a_document(), by="a test")
    app = Flask("health")
    stores = open_stores(load_settings({"SECRET_KEY": SECRET_KEY}), store_connection)
    app.register_blueprint(health(stores, lambda: True))

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.get_json()["secret"].startswith("SECRET_KEY does not open")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FORMAT + 1, f"The store has format {FORMAT + 1}, and this version knows {FORMAT} at most: "),
        (FORMAT - 1, f"The store has format {FORMAT - 1}, and this version needs {FORMAT}: "),
        ("of another program", "The store's komo:format is no number: "),
    ],
)
def test_a_store_that_another_version_has_changed_makes_this_process_not_ready(
    world: World, found: object, said: str
) -> None:
    """It was opened before that, and would misread or spoil what is in it now."""
    world.stores.connection.set(KEY, str(found))

    status, told = ready(world)

    assert (status, told["status"], told["store"]) == (503, "not ready", "ok")
    assert told["format"].startswith(said)


def test_a_store_whose_format_nobody_has_written_yet_keeps_nobody_out(world: World) -> None:
    """It was full when the first process came; and a probe writes nothing."""
    world.stores.connection.delete(KEY)

    assert ready(world)[0] == 200
    assert not world.stores.connection.exists(KEY)


def test_a_full_backlog_is_told_and_no_reason_to_leave(world: World) -> None:
    """Every web process would leave at once, and Komo would hear nothing instead of 429."""
    world.stores.connection.hset("komo:pressure", "memory", "1")

    status, told = ready(world)

    assert (status, told["room"]) == (200, "full: new submissions are refused with 429")


def test_settings_of_another_version_are_counted_and_not_named(world: World) -> None:
    """One record that can't be read must neither hide the others nor end in an error."""
    world.accept(form("ann", 1))
    world.stores.connection.sadd("komo:active", "odd-hub")
    world.stores.connection.hset("komo:integration:odd-hub", mapping={"document": "{", "revision": "1"})

    status, told = ready(world)

    assert (status, told["settings"][:2]) == (200, "1 ")
    assert "odd-hub" not in str(told)


def test_probes_from_everywhere_cost_one_look(world: World) -> None:
    """They must not become a load of their own."""
    asked: list[str] = []
    look = world.stores.inbox.active

    def active() -> Any:
        asked.append("store")
        return look()

    def broker() -> bool:
        asked.append("broker")
        return True

    app = Flask("health")
    app.register_blueprint(health(world.stores, broker))
    client = app.test_client()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.stores.inbox, "active", active)
        assert {client.get("/readyz").status_code for _ in range(5)} == {200}

    assert asked.count("broker") == 1
    assert asked.count("store") <= 2
