"""Alive, and ready."""

import time
from typing import Any

import pytest
import redis
from flask import Flask

from ingest.health import health
from tests.workers.test_drain import World, form
from workers.braze.reply import Unavailable


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
