"""The web process put together."""

import pytest

from ingest.sandbox.braze.app import create_app, from_environment
from ingest.sandbox.braze.sandbox import Sandbox


def test_the_environment_gives_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo makes a key and tells both sides."""
    monkeypatch.setenv("SANDBOX_BRAZE_KEY", "k-1")
    monkeypatch.setenv("SANDBOX_BRAZE_PUBLIC", "http://127.0.0.1:9999/")
    sandbox: Sandbox = from_environment().extensions["sandbox"]
    assert set(sandbox.settings.keys) == {"k-1"}
    assert sandbox.public_url == "http://127.0.0.1:9999"


def test_without_environment_the_key_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests and scripts rely on it."""
    monkeypatch.delenv("SANDBOX_BRAZE_KEY", raising=False)
    sandbox: Sandbox = from_environment().extensions["sandbox"]
    assert set(sandbox.settings.keys) == {"sandbox-rest-key"}


def test_static_files_are_served() -> None:
    """One style sheet, one script, one picture; nothing from elsewhere."""
    client = create_app().test_client()
    for name in ("sandbox_braze.css", "sandbox_braze.js", "sandbox_braze.svg"):
        with client.get(f"/static/{name}") as answer:
            assert answer.status_code == 200
