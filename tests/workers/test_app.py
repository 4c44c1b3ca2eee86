from importlib import import_module
from typing import Any

import pytest

from schemas.settings import load_settings

SETTINGS = {"REDIS_URL": "redis://127.0.0.1:6379/0", "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}


@pytest.fixture
def celery(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app as a worker makes it; its module reads the environment when it is imported."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    return import_module("workers.app").make_app(load_settings(SETTINGS))


def test_a_message_reaches_the_one_queue_it_was_sent_to(celery: Any) -> None:
    """Bound to one key, the three queues would each get every call, and a noisy integration would crowd the others."""
    queues = celery.amqp.queues

    assert {queue.routing_key for queue in queues.values()} == {"wake", "backlog", "ops"}
    assert all(queue.routing_key == name for name, queue in queues.items())


def test_the_clock_sweeps_every_second(celery: Any) -> None:
    """A lost wake-up call costs a second or two, never more."""
    schedule = celery.conf.beat_schedule

    assert [(entry["task"], entry["schedule"]) for entry in schedule.values()] == [("sweep", 1.0)]


def test_an_unknown_queue_is_a_mistake(celery: Any) -> None:
    """A misspelt name would collect calls that nobody ever reads."""
    assert celery.conf.task_create_missing_queues is False
