import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ingest.sandbox.hub import app as hub_app
from ingest.sandbox.hub.app import HubSettings, create_app, from_environment

HUB = Path(hub_app.__file__).parent
SETTINGS = HubSettings("http://127.0.0.1:1/webhooks/komo/demo")


@pytest.fixture
def client() -> FlaskClient:
    return create_app(SETTINGS).test_client()


@pytest.mark.parametrize("path", ["/", "/cards/quiz", "/cards/nothing", "/static/hub.css"])
def test_no_page_may_run_or_load_what_is_not_its_own(client: FlaskClient, path: str) -> None:
    """What people type is shown again, and the pages need nothing from elsewhere."""
    with client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_templates_have_no_inline_script_or_style() -> None:
    """The policy would switch it off without a word."""
    for template in (HUB / "templates").glob("*.html"):
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", template.read_text()), template.name


def test_another_site_cannot_post_a_form(client: FlaskClient) -> None:
    """Otherwise any page on the web could send entries through a visitor's browser."""
    assert client.post("/seen", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    ("path", "words"), [("/cards/nothing", "There is no such card"), ("/nothing", "The requested URL was not found")]
)
def test_an_unknown_page_is_told_in_the_hubs_own_clothes(client: FlaskClient, path: str, words: str) -> None:
    """A bare error page looks like a broken demonstration."""
    response = client.get(path)

    assert response.status_code == 404
    assert words in response.text
    assert "a stand-in for a Komo hub" in response.text


def test_the_session_cookie_has_a_name_of_its_own(client: FlaskClient) -> None:
    """Cookies are shared by all ports of a host, and the connector's pages live on another port of it."""
    assert client.get("/").headers["Set-Cookie"].startswith("sandbox_hub=")


def test_a_server_can_make_the_hub_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how the demo starts it."""
    monkeypatch.setenv("SANDBOX_HUB_WEBHOOK_URL", SETTINGS.webhook_url)

    assert from_environment().test_client().get("/healthz").json == {"status": "ok"}
