import pytest

from ingest.sandbox.hub.settings import HubSettings

URL = "http://127.0.0.1:8000/webhooks/komo/demo"


def test_the_webhook_is_all_that_is_needed() -> None:
    """Links are shown only where there is something to link to."""
    settings = HubSettings.from_mapping({"SANDBOX_HUB_WEBHOOK_URL": URL})

    assert (settings.webhook_url, settings.webhook_secret, settings.braze_url) == (URL, "", "")


def test_all_mistakes_are_reported_together() -> None:
    """Nobody likes to start a process once per mistake."""
    environ = {"SANDBOX_HUB_BRAZE_URL": "localhost:9", "SANDBOX_HUB_CONNECTOR_URL": "http://"}

    with pytest.raises(ValueError, match=r"WEBHOOK_URL .* SANDBOX_HUB_BRAZE_URL .* SANDBOX_HUB_CONNECTOR_URL"):
        HubSettings.from_mapping(environ)


def test_secrets_do_not_show() -> None:
    """A settings object ends in error reports sooner or later."""
    settings = HubSettings(URL, webhook_secret="whsec_abc", secret_key="key_abc")

    assert "abc" not in repr(settings)
