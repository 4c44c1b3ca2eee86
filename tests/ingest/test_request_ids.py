import logging
import re

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient

from ingest.app import create_app
from ingest.request_ids import HEADER
from schemas.settings import load_settings
from tests.factories import a_body
from workers.logs import REQUEST_ID, JsonLines
from workers.store import open_stores

SETTINGS = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "ADMIN_PASSWORD": "password-of-tests",
    "API_TOKEN": "token-for-everything",
}  # fmt: skip


@pytest.fixture
def client() -> FlaskClient:
    settings = load_settings(SETTINGS)
    return create_app(settings, open_stores(settings, FakeRedis()), lambda *_: None).test_client()


def test_the_sender_s_id_comes_back(client: FlaskClient) -> None:
    """So that a proxy's lines and ours can be laid side by side."""
    answer = client.get("/healthz", headers={HEADER: "edge-7.a_B"})

    assert answer.headers.getlist(HEADER) == ["edge-7.a_B"]


@pytest.mark.parametrize("given", ["", "ann@example.com", "a b", "x" * 65, '"}', "ä"])
def test_an_odd_id_is_replaced(client: FlaskClient, given: str) -> None:
    """It goes into lines and pages of ours, and a stranger may have written it."""
    answer = client.get("/healthz", headers={HEADER: given.encode().decode("latin-1")})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers[HEADER])


def test_problems_pages_and_lines_bear_it(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever complains can say which request it was."""
    caplog.handler.setFormatter(JsonLines())
    given = {HEADER: "req-1", "Accept": "text/html"}
    problem = client.post("/webhooks/komo/Ann%40example.com", json=a_body("ann"), headers=given)
    page = client.get("/nowhere", headers=given)

    assert problem.json is not None
    assert (problem.status_code, problem.json["request_id"]) == (404, "req-1")
    assert (page.status_code, "X-Request-ID: req-1" in page.text) == (404, True)
    [line] = [one for one in caplog.text.splitlines() if "webhook.refused" in one]
    assert '"request_id":"req-1"' in line
    assert '"status":404,"why":"Not found"' in line
    assert "xample.com" not in line


def test_it_ends_with_the_request(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A line of something else must not seem to be of that request."""
    client.get("/healthz", headers={HEADER: "req-1"})

    assert REQUEST_ID.get() == ""
    assert "request_id" not in JsonLines().format(logging.makeLogRecord({"msg": "x"}))
