"""What is weak in an environment that can be used."""

import pytest

from ingest.doctor.settings import check_settings
from tests.ingest.doctor.conftest import settings_of, troubles


def test_a_good_environment_is_no_trouble() -> None:
    """One SECRET_KEY alone is fine."""
    assert troubles(check_settings(settings_of(), embedded=False)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PUBLIC_URL": ""}, "PUBLIC_URL is not set"),
        ({"PUBLIC_URL": "https://localhost:8000"}, "PUBLIC_URL leads to this machine alone"),
        ({"PUBLIC_URL": "http://127.0.0.1:8000"}, "PUBLIC_URL leads to this machine alone"),
        ({"PUBLIC_URL": "http://komo.example.org"}, "PUBLIC_URL is not https"),
        ({"TRUSTED_PROXIES": "0"}, "PUBLIC_URL is https, and TRUSTED_PROXIES is 0"),
        ({"METRICS_PUBLIC": "1"}, "METRICS_PUBLIC is 1"),
        ({"ADMIN_PASSWORD": "", "API_TOKEN": ""}, "ADMIN_PASSWORD and API_TOKEN not set here"),
    ],
)
def test_what_is_weak_is_a_warning(changes: dict[str, str], said: str) -> None:
    """It works, and a person has to decide."""
    [(level, says)] = troubles(check_settings(settings_of(**changes), embedded=False))

    assert (level, says[: len(said)]) == ("warning", said)


def test_what_up_makes_up_itself_is_not_missing() -> None:
    """It stands in the data directory."""
    assert troubles(check_settings(settings_of(ADMIN_PASSWORD="", API_TOKEN=""), embedded=True)) == []
