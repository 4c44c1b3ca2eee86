"""The whole web application over an empty store, somebody who is signed in, and somebody who is not."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask import Flask

from ingest.app import create_app
from ingest.context import Probe
from schemas.integration import Integration
from schemas.settings import NEEDED_BY_WEB, Settings, load_settings
from tests.visitor import PASSWORD, Visitor
from workers.store import Stores, open_stores
from workers.store.connect import connect


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bounds the time of a page bounds it in seconds of a machine that has nothing else to do."""
    for place in (
        "ingest.pages.dead_letters.AT_ONCE_S", "workers.store.letter_reasons.PAGE_SECONDS",
        "ingest.pages.submissions.PAGE_SECONDS", "workers.store.search.PAGE_SECONDS",
    ):  # fmt: skip
        monkeypatch.setattr(place, 30.0)


@pytest.fixture
def store_connection(redis_server: str) -> Iterator[redis.Redis]:
    """An empty store, of a real server alone: what pages ask it for is tested on both forms where it is made."""
    client = connect(redis_server)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def settings() -> Settings:
    given = dict.fromkeys(NEEDED_BY_WEB - {"REDIS_URL"}, "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E") | {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ADMIN_PASSWORD": PASSWORD,
        "PUBLIC_URL": "https://komo.example.org",
        "EXTRA_BRAZE_HOSTS": "http://127.0.0.1:8001",
    }
    return load_settings(given)


@pytest.fixture
def woken() -> list[tuple[str, str, int]]:
    """Wake-up calls that were published."""
    return []


@pytest.fixture
def probe() -> Probe:
    """In place of Braze: it knows every key but one."""

    def ask(integration: Integration, api_key: str) -> list[tuple[str, bool, str]]:
        return [("host", True, integration.braze.rest_endpoint), ("key", api_key != "a-wrong-key", "As Braze says.")]

    return ask


@pytest.fixture
def stores(settings: Settings, store_connection: redis.Redis) -> Stores:
    return open_stores(settings, store_connection)


@pytest.fixture
def app(settings: Settings, stores: Stores, woken: list[Any], probe: Probe) -> Flask:
    app = create_app(settings, stores, lambda *call: woken.append(call), probe=probe)
    app.config.update(
        {"SESSION_COOKIE_SECURE": False, "SESSION_COOKIE_NAME": "komo_braze"}
    )  # the test client speaks http
    return app


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is signed in."""
    found = Visitor(app.test_client())
    assert found.sign_in().status_code == 200
    return found


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Somebody who is not."""
    return Visitor(app.test_client())
