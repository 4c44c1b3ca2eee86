import time
from importlib import import_module
from typing import Any

import pytest


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module as the web process has it, with a broker that nobody answers for."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    module = import_module("workers.tasks")
    monkeypatch.setattr(module, "_no_calls_until_s", 0.0)
    return module


class Broker:
    """Counts the calls, and takes them while it is there."""

    def __init__(self, tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.is_there = True
        monkeypatch.setattr(tasks.drain, "apply_async", self._take)

    def _take(self, *_: Any, **__: Any) -> None:
        self.calls += 1
        if not self.is_there:
            raise ConnectionError("nobody there")


def test_a_broker_that_is_away_is_not_asked_for_every_submission(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for it each time, the webhook would be as good as away itself."""
    broker = Broker(tasks, monkeypatch)
    broker.is_there = False

    with pytest.raises(ConnectionError):
        tasks.wake("drain", "summer-hub", 0)
    for _ in range(3):
        with pytest.raises(tasks.BrokerAway):
            tasks.wake("drain", "summer-hub", 0)

    assert broker.calls == 1


def test_a_broker_that_is_back_is_found_after_a_rest(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on every call goes out again."""
    broker = Broker(tasks, monkeypatch)
    broker.is_there = False
    with pytest.raises(ConnectionError):
        tasks.wake("drain", "summer-hub", 0)

    broker.is_there = True
    later = time.monotonic() + tasks.BROKER_REST_S
    monkeypatch.setattr(tasks.time, "monotonic", lambda: later)
    for _ in range(3):
        tasks.wake("drain", "summer-hub", 0)

    assert broker.calls == 4


def test_nobody_waits_long_for_a_broker_that_refuses(tasks: Any) -> None:
    """By default its client tries again for seconds, also where it was told not to."""
    assert import_module("workers.app").REDIS_TRANSPORT["max_retries"] == 0
