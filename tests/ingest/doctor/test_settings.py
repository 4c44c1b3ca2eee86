"""What is weak in an environment that can be used."""

import pytest

from ingest.doctor.settings import check_settings
from tests.ingest.doctor.conftest import SECRET_KEY, settings_of, troubles


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
        ({"ADMIN_PASSWORD": "Vn3-tQ8_"}, "ADMIN_PASSWORD can be guessed"),
        ({"ADMIN_PASSWORD": "aaaabbbbaaaabbbb"}, "ADMIN_PASSWORD can be guessed"),
        ({"ADMIN_PASSWORD": "Summer-Komo-Vn3-tQ8"}, "ADMIN_PASSWORD can be guessed"),
        ({"API_READ_TOKEN": "h7Kd-2mWz_9pRt4Yc"}, "API_TOKEN and API_READ_TOKEN are the same"),
        ({"API_TOKEN": SECRET_KEY}, "API_TOKEN and SECRET_KEY are the same"),
        ({"EXTRA_BRAZE_HOSTS": "http://braze.example.org:8001"}, "EXTRA_BRAZE_HOSTS allows http://braze"),
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
