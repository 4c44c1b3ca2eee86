"""Answers to changes wait for the replicas."""

from typing import Any

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient

from ingest.app import create_app
from schemas.settings import load_settings
from tests.factories import a_document
from workers.errors import StoreUnavailable
from workers.store import Stores, open_stores

TOKEN = "token-for-everything"


def api(monkeypatch: pytest.MonkeyPatch, **more: str) -> FlaskClient:
    """Over a store whose replicas are away."""

    def too_few(_: Stores) -> None:
        raise StoreUnavailable("The store takes nothing at present (NOREPLICAS 0 of 1 replicas have it).")

    monkeypatch.setattr(Stores, "confirm", too_few)
    settings = load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "ADMIN_PASSWORD": "a-password",
                              "API_TOKEN": TOKEN, "EXTRA_BRAZE_HOSTS": "http://127.0.0.1:8001"} | more)  # fmt: skip
    client = create_app(settings, open_stores(settings, FakeRedis()), lambda *_: None).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


def document() -> dict[str, Any]:
    return a_document(rest_endpoint="http://127.0.0.1:8001")


def test_a_change_that_too_few_replicas_have_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who was told that a person is erased, or a rule saved, would never look again."""
    answer = api(monkeypatch, STORE_REPLICAS="1").post("/api/v1/integrations", json=document())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json()["title"] == "Store unavailable"


def test_what_only_reads_or_was_refused_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks into a failover has to see something."""
    client = api(monkeypatch, STORE_REPLICAS="1")

    assert client.get("/api/v1/integrations").status_code == 200
    assert client.post("/api/v1/integrations", json={}).status_code == 422


def test_without_the_setting_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be no replica at all."""
    assert api(monkeypatch).post("/api/v1/integrations", json=document()).status_code == 201
