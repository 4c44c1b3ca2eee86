from importlib import import_module
from typing import Any

import pytest
from celery.signals import beat_init, worker_init
from celery.worker.consumer import Consumer

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


def test_the_clock_sweeps_every_two_seconds(celery: Any) -> None:
    """A lost wake-up call costs two seconds or three, never more."""
    schedule = celery.conf.beat_schedule

    assert [(entry["task"], entry["schedule"]) for entry in schedule.values()] == [("sweep", 2.0)]


def test_an_unknown_queue_is_a_mistake(celery: Any) -> None:
    """A misspelt name would collect calls that nobody ever reads."""
    assert celery.conf.task_create_missing_queues is False


def test_a_store_that_is_not_there_ends_worker_and_clock_with_a_sentence(
    celery: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying again for ever would hide a wrong address."""
    module = import_module("workers.app")
    wrong = load_settings(SETTINGS | {"REDIS_URL": "redis://:hidden@127.0.0.1:1/0"})
    monkeypatch.setattr(module, "settings", lambda: wrong)

    for signal in (worker_init, beat_init):
        with pytest.raises(SystemExit, match=r"komo-braze: The store at redis://127\.0\.0\.1:1/0 can't be reached"):
            signal.send(sender=None)


def test_a_broker_that_goes_away_with_calls_in_our_hands_does_not_end_the_worker(
    celery: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls are given back over a connection that is gone already; nobody needs them."""

    def taken_apart(self: Any, exc: Exception) -> None:
        raise AttributeError("'NoneType' object has no attribute 'hostname'")

    monkeypatch.setattr(Consumer, "on_connection_error_after_connected", taken_apart)
    name = celery.conf.worker_consumer.partition(":")[2]
    steady = getattr(import_module("workers.app"), name)

    steady.on_connection_error_after_connected(steady.__new__(steady), ConnectionError())


class Loop:
    """A consumer's timer and loop, which run only what they are told to run."""

    def __init__(self, *, hub: object | None) -> None:
        self.hub = hub
        self.timer = self
        self.soon: list[Any] = []
        self.timed: list[Any] = []

    def call_soon(self, call: Any) -> None:
        self.soon.append(call)

    def call_repeatedly(self, _: float, call: Any) -> Any:
        self.timed.append(call)
        return self

    def cancel(self) -> None:
        self.timed.clear()


@pytest.fixture
def beats(celery: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []

    class Told:
        def beat(self, name: str) -> None:
            told.append(name)

        def leave(self, name: str) -> None:
            told.append(f"not {name}")

    monkeypatch.setattr(import_module("workers.app"), "alive", Told)
    return told


@pytest.mark.parametrize("hub", [object(), None])
def test_a_worker_says_from_its_own_loop_that_it_is_alive(celery: Any, beats: list[str], hub: object | None) -> None:
    """A thread beside the loop would go on saying so when the worker takes nothing any more."""
    loop = Loop(hub=hub)
    [pulse] = [step(loop) for step in celery.steps["consumer"]]
    pulse.start(loop)
    name = beats[0]
    assert name.startswith("worker ")
    loop.timed[0]()
    assert beats == ([name, name] if hub else [name])
    for call in loop.soon:
        call()
    assert beats == [name, name]

    pulse.stop(loop)  # the broker was lost
    assert loop.timed == []
    pulse.start(loop)
    pulse.shutdown(loop)

    assert (beats[-1], loop.timed) == (f"not {name}", [])
