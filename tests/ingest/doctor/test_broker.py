"""The broker."""

import pytest

from ingest.doctor.broker import check_broker
from tests.ingest.doctor.conftest import settings_of, troubles


@pytest.mark.parametrize(("url", "who"), [("amqp://127.0.0.1:1//", "The broker"), ("", "The store, as broker,")])
def test_a_broker_that_is_away_is_wrong(url: str, who: str) -> None:
    """Everything is kept, and nothing is sent at once."""
    settings = settings_of(CELERY_BROKER_URL=url)

    assert troubles(check_broker(settings, lambda: True)) == []
    [(level, says)] = troubles(check_broker(settings, lambda: False))
    assert (level, says.startswith(who)) == ("wrong", True)
