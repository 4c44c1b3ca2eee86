"""Whether the broker can be reached."""

import time

import pytest

from schemas.settings import load_settings
from workers.broker import broker_answers


def test_a_store_that_answers_is_a_broker_that_answers(redis_server: str) -> None:
    """Unless another is named."""
    assert broker_answers(load_settings({"REDIS_URL": redis_server}))


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://guest:hidden@127.0.0.1:1//", "nonsense://x"])
def test_a_broker_that_is_away_says_so_soon(redis_server: str, url: str) -> None:
    """Somebody waits for it."""
    began = time.monotonic()

    assert not broker_answers(load_settings({"REDIS_URL": redis_server, "CELERY_BROKER_URL": url}))
    assert time.monotonic() - began < 8
