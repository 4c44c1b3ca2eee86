"""The web application beside a pipeline that delivers, over one store."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from ingest.app import create_app
from schemas.settings import NEEDED_BY_WEB, load_settings
from tests.workers.test_drain import SECRET, World
from workers.store import open_stores
from workers.store.connect import connect

TOKEN, READ_TOKEN = "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E", "only-for-reading-0123456789"
#: Name and labels -> value.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def store_connection(redis_server: str) -> Iterator[redis.Redis]:
    """An empty store, of a real server: only that tells of its memory."""
    client = connect(redis_server)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


@pytest.fixture
def make_app(world: World) -> Callable[..., Flask]:
    """A web process of its own over the world's store, or over another connection, with more settings."""

    def make(connection: redis.Redis | None = None, **more: str) -> Flask:
        given = dict.fromkeys(NEEDED_BY_WEB, TOKEN) | {
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SECRET_KEY": SECRET,
            "API_READ_TOKEN": READ_TOKEN,
        }
        settings = load_settings(given | more)
        return create_app(settings, open_stores(settings, connection or world.stores.connection), lambda *_: None)

    return make


@pytest.fixture
def scrape(world: World, make_app: Callable[..., Flask]) -> Callable[..., Samples]:
    """What Prometheus reads, after the worker's heartbeat."""

    def read(app: Flask | None = None) -> Samples:
        world.stores.alive.beat("worker a:1")
        answer = (app or make_app()).test_client().get("/metrics", headers={"Authorization": f"Bearer {READ_TOKEN}"})
        assert answer.status_code == 200
        return samples_of(answer.text)

    return read


def samples_of(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: Any) -> float:
    """Of one sample; `komo_braze_` goes without saying."""
    return samples["komo_braze_" + name, frozenset({key: str(text) for key, text in labels.items()}.items())]
