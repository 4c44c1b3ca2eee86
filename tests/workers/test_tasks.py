import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from workers.slots import Slots


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


STORES = object()


class Calls:
    """What the tasks ask of others: the steps, which answer as they are told, and the broker."""

    def __init__(self, tasks: Any, monkeypatch: pytest.MonkeyPatch, *, url: str | None = None) -> None:
        self.rest_s: float | None = None
        self.url = url
        self.advanced: list[tuple[Any, ...]] = []
        self.published: list[tuple[Any, ...]] = []
        self.alerted: list[tuple[Any, ...]] = []
        monkeypatch.setattr(tasks, "pipeline", lambda: SimpleNamespace(stores=STORES))
        monkeypatch.setattr(tasks, "settings", lambda: SimpleNamespace(alert_webhook_url=self.url))
        monkeypatch.setattr(tasks, "jobs", SimpleNamespace(advance=self._advance))
        monkeypatch.setattr(tasks, "send_alerts", lambda *call: self.alerted.append(call))
        for task in (tasks.job, tasks.alert):
            monkeypatch.setattr(task, "apply_async", self._publisher(task.name))

    def _advance(self, job_id: str, stores: Any, wake: Any, *, budget_s: float) -> float | None:
        self.advanced.append((job_id, stores, wake, budget_s))
        return self.rest_s

    def _publisher(self, name: str) -> Any:
        return lambda args, **options: self.published.append((name, args, options))


def test_a_job_that_is_over_is_not_called_again(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that somebody else has in hand."""
    calls = Calls(tasks, monkeypatch)

    tasks.job("1f", 0)

    assert calls.advanced == [("1f", STORES, tasks.wake, tasks.JOB_BUDGET_S)]
    assert calls.published == []


@pytest.mark.parametrize(("rest_s", "calls_made"), [(0.05, 1), (60.0, 1), (1000.0, 0)])
def test_a_job_that_is_not_finished_is_called_again_after_its_rest(
    tasks: Any, monkeypatch: pytest.MonkeyPatch, rest_s: float, calls_made: int
) -> None:
    """A long rest is left to the sweep: no worker has to hold the message."""
    calls = Calls(tasks, monkeypatch)
    calls.rest_s = rest_s

    tasks.job("1f", 0)

    assert calls.published == [("job", ("1f", 0), {"queue": "ops", "countdown": rest_s})] * calls_made


def test_a_job_that_fails_to_be_called_is_left_to_the_sweep(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did stands; the task ends, and the worker goes on to the next."""
    calls = Calls(tasks, monkeypatch)

    def away(*_: Any, **__: Any) -> bool:
        raise ConnectionError("the store is away")

    monkeypatch.setattr(tasks, "jobs", SimpleNamespace(advance=away))
    with pytest.raises(ConnectionError):
        tasks.job("1f", 0)

    assert calls.published == []


def test_alerts_go_to_the_address_that_was_set(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To that one and to nobody else."""
    calls = Calls(tasks, monkeypatch, url="https://chat.example.com/hook")

    tasks.alert("", 0)

    assert calls.alerted == [(STORES, "https://chat.example.com/hook")]


@pytest.mark.parametrize("url", [None, ""])
def test_without_an_address_nobody_is_alerted(tasks: Any, monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    """A call may be left over from before the setting was taken away."""
    calls = Calls(tasks, monkeypatch, url=url)

    tasks.alert("", 0)

    assert (calls.alerted, calls.published) == ([], [])


@pytest.mark.parametrize(("step", "name"), [("job", "1f"), ("alert", "")])
def test_what_is_no_delivery_has_a_queue_of_its_own(
    tasks: Any, monkeypatch: pytest.MonkeyPatch, step: str, name: str
) -> None:
    """A replay of thousands must not stand before what comes in now."""
    calls = Calls(tasks, monkeypatch)

    tasks.wake(step, name, 0)

    assert calls.published == [(step, (name, 0), {"queue": "ops", "retry": False})]


@pytest.mark.parametrize(
    ("why", "wait_ms", "published"),
    [("more", 0, {"queue": "backlog"}), ("wait", 500, {"queue": "wake", "countdown": 0.5}), ("wait", 60_001, None),
     ("empty", 0, None), ("paused", 0, None)],
)  # fmt: skip
def test_messages_are_called_for_again_like_lanes(
    tasks: Any, monkeypatch: pytest.MonkeyPatch, why: str, wait_ms: int, published: dict[str, Any] | None
) -> None:
    """At once where there is more, by an alarm where that is near, and else by the sweep."""
    calls = Calls(tasks, monkeypatch)
    monkeypatch.setattr(tasks.send, "apply_async", calls._publisher("send"))
    rest = tasks.Rest(why, wait_ms, alarm=True)
    world = SimpleNamespace(
        stores=SimpleNamespace(outbox="outbox"), slots=Slots(16), endpoint=lambda _: "https://rest.iad-03.braze.com"
    )
    monkeypatch.setattr(tasks, "pipeline", lambda: world)
    monkeypatch.setattr(
        tasks, "drain_sends", lambda *asked: (asked[:2], asked[3]) == (("summer-hub", 1), "outbox") and rest
    )

    tasks.send("summer-hub", 1)

    assert calls.published == ([("send", ("summer-hub", 1), published)] if published else [])


def test_a_call_for_messages_is_one_of_deliveries(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prize e-mail does not wait behind a replay."""
    calls = Calls(tasks, monkeypatch)
    monkeypatch.setattr(tasks.send, "apply_async", calls._publisher("send"))

    tasks.wake("send", "summer-hub", 2)

    assert calls.published == [("send", ("summer-hub", 2), {"queue": "wake", "retry": False})]
