"""Whether everything that deliveries need is alive."""

import time
from dataclasses import replace

import pytest
from flask import Flask

from ingest.context import Context
from ingest.pages import vital_signs as signs
from ingest.pages.vital_signs import Sign, vital_signs
from schemas.settings import Settings
from workers.store import Stores
from workers.store.vitals import Vitals

GOOD = Vitals(used_bytes=10_000_000, most_bytes=100_000_000, keeps=True, writes_well=True)


def told(app: Flask, stores: Stores, settings: Settings, *, broker: bool = True) -> dict[str, Sign]:
    made_with = Context(stores, settings, lambda *_: None, lambda *_: [], lambda: broker)
    with app.test_request_context():
        return {sign.name: sign for sign in vital_signs(made_with)}


@pytest.mark.parametrize(
    ("vitals", "tone", "state"),
    [
        (GOOD, "good", "10 MB of 100 MB in use"),
        (GOOD._replace(most_bytes=0), "good", "10 MB in use"),
        (GOOD._replace(used_bytes=90_000_000), "bad", "90 MB of 100 MB in use"),
        (GOOD._replace(keeps=False), "wait", "keeps nothing on disk"),
        (GOOD._replace(writes_well=False), "bad", "can't write to its disk"),
        (None, "good", "answers"),
    ],
)
def test_the_store_says_when_something_would_be_lost(
    vitals: Vitals | None, tone: str, state: str, app: Flask, stores: Stores, settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Everything else is kept there."""
    monkeypatch.setattr(signs, "read_vitals", lambda _: vitals)

    store = told(app, stores, settings)["Store"]

    assert (store.tone, store.state) == (tone, state)
    assert bool(store.advice) == (tone != "good")


def test_a_worker_that_fell_silent_is_missed(app: Flask, stores: Stores, settings: Settings) -> None:
    """It may hang; a process that is there but does nothing helps nobody."""
    stores.connection.zadd("komo:alive", {"worker a:1": time.time() * 1000 - 120_000, "clock": time.time() * 1000})

    found = told(app, stores, settings)

    assert (found["Workers"].tone, found["Workers"].state) == ("bad", "silent for 2 min")
    assert found["Clock"].tone == "good"


def test_a_broker_of_its_own_is_asked_and_not_at_every_look(app: Flask, stores: Stores, settings: Settings) -> None:
    """One that is away takes seconds to say so; where the store is the broker, that was said already."""
    own_broker = replace(settings, celery_broker_url="amqp://localhost")

    assert "Broker" not in told(app, stores, settings, broker=False)
    assert told(app, stores, own_broker, broker=False)["Broker"].tone == "bad"
    assert told(app, stores, own_broker, broker=True)["Broker"].tone == "bad"


@pytest.mark.parametrize(
    ("url", "tone"),
    [
        ("https://komo.example.org", "good"), ("http://192.0.2.7:8000", "good"), ("http://127.0.0.1:8000", "wait"),
        ("http://localhost:8000", "wait"), ("http://[::1]:8000", "wait"), ("http://0.0.0.0", "wait"), (None, "wait"),
    ],
)  # fmt: skip
def test_an_address_that_komo_can_t_reach_is_told(
    url: str | None, tone: str, app: Flask, stores: Stores, settings: Settings
) -> None:
    """Otherwise somebody pastes it into Komo, and waits."""
    assert told(app, stores, replace(settings, public_url=url))["Address"].tone == tone


def test_alerts_that_nobody_gets_are_mentioned(app: Flask, stores: Stores, settings: Settings) -> None:
    """Not as an alarm: some look at this page instead."""
    assert told(app, stores, settings)["Alerts"].tone == "idle"
    assert told(app, stores, replace(settings, alert_webhook_url="https://a.example"))["Alerts"].tone == "good"
