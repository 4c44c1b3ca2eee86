"""The management API over an empty store, and somebody with its token."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from ingest.api import register_api
from ingest.context import Context, keep
from ingest.problems import register
from schemas.integration import Integration
from schemas.settings import load_settings
from workers.store import Stores, open_stores

TOKEN, READ_TOKEN = "token-for-everything", "token-for-reading-only"


@pytest.fixture
def woken() -> list[tuple[str, str, int]]:
    """Wake-up calls that were published."""
    return []


@pytest.fixture
def app(store_connection: redis.Redis, woken: list[tuple[str, str, int]]) -> Flask:
    settings = load_settings(
        {
            "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
            "API_TOKEN": TOKEN,
            "API_READ_TOKEN": READ_TOKEN,
            "PUBLIC_URL": "https://komo.example.org",
            "EXTRA_BRAZE_HOSTS": "http://127.0.0.1:8001",
        }
    )
    app = Flask("api")
    app.config["MAX_CONTENT_LENGTH"] = 1_048_576
    register(app)
    stores = open_stores(settings, store_connection)
    app.extensions["stores_of_the_test"] = stores

    def probe(integration: Integration, api_key: str) -> list[tuple[str, bool, str]]:
        return [("host", True, integration.braze.rest_endpoint), ("key", api_key != "wrong", "As Braze says.")]

    keep(app, Context(stores, settings, lambda *call: woken.append(call), probe))
    register_api(app)
    return app


@pytest.fixture
def stores(app: Flask) -> Stores:
    found: Stores = app.extensions["stores_of_the_test"]
    return found


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    """A client that sends the token for everything."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


@pytest.fixture
def anybody(app: Flask) -> FlaskClient:
    """A client without a token."""
    return app.test_client()


@pytest.fixture
def a_document() -> Callable[..., dict[str, Any]]:
    def document(**members: Any) -> dict[str, Any]:
        return {
            "id": "summer",
            "name": "Summer hub",
            "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "0f3b-secret", "workspace": "acme"},
            "identifiers": [{"kind": "external_id", "field": "member_id"}],
            "attributes": [{"field": "first_name", "attribute": "first_name"}],
        } | members

    return document
