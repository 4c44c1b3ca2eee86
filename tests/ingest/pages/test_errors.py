"""Errors as a person sees them."""

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient

from ingest.app import create_app
from schemas.settings import Settings
from tests.visitor import Visitor, words
from workers.store import open_stores

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(settings: Settings, server: FakeServer) -> FlaskClient:
    app = create_app(settings, open_stores(settings, FakeRedis(server=server)), lambda *_: None)
    app.config["SESSION_COOKIE_SECURE"] = False
    return app.test_client()


def test_a_browser_that_is_lost_gets_a_page(client: FlaskClient) -> None:
    """Programs never do."""
    assert client.get("/nowhere", headers=BROWSER).mimetype == "text/html"
    assert client.get("/nowhere").mimetype == "application/problem+json"
    assert client.get("/api/nowhere", headers=BROWSER).mimetype == "application/problem+json"


def test_a_store_that_is_away_is_told_in_words(client: FlaskClient, server: FakeServer) -> None:
    """At night somebody has to know where to look, and that nothing is lost."""
    Visitor(client).sign_in()
    server.connected = False

    answer = client.get("/", headers=BROWSER)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Nothing is lost." in words(answer)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["//static/x", "/static//x", "/integrations//summer-hub", "/webhooks//komo/x"])
def test_no_answer_leads_to_the_host_that_a_request_names(stranger: Visitor, path: str) -> None:
    """Anybody can write that header, and a cache between might keep the answer for others."""
    answer = stranger.client.get(path, headers={"Host": "evil.example", "Accept": "text/html"})

    assert answer.status_code == 404
    assert "evil.example" not in str(answer.headers)
