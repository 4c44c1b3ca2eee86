"""A hub posts before its integration is set up: in the end it is as if everything had come after."""

import contextlib
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer
from flask import Flask

from ingest.health import health
from ingest.problems import register
from ingest.receive import webhook
from schemas.settings import load_settings
from tests.fakes import FakeBraze, PowerCut, power_cut_after
from tests.flow.test_samples import DOCUMENT
from workers.braze.client import BrazeClient
from workers.drain import Pipeline, drain_lane
from workers.redo import redo
from workers.store import Stores, open_stores
from workers.sweep import sweep

SAMPLES = Path(__file__).parents[1] / "data" / "komo"
BODIES = [path.read_bytes() for path in sorted(SAMPLES.rglob("*.json"))]
UNWANTED = b'{"event": "CardViewed", "site_id": "of-another-hub", "id": "1"}'
NAMELESS = b'{"event": "CardViewed", "site_id": "b1cb1816-7d85-457c-9f32-2a1422d00e17", "id": "2"}'
IDENTIFIERS = DOCUMENT["identifiers"]
BEGUN: dict[str, Any] = {"id": "summer-hub", "name": "Summer hub"}
LANES = 2
#: No finish is longer, in commands.
MOST_COMMANDS = 60
OUTCOMES = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")


class Hub:
    """A webhook, workers and a Braze, and an integration that is a draft or not."""

    def __init__(self, connection: redis.Redis, *, is_draft: bool = True) -> None:
        connection.flushall()
        self.open(connection)
        integrations = self.stores.integrations
        saved = integrations.save_draft(BEGUN, by="pages") if is_draft else integrations.save(DOCUMENT, by="pages")
        self.secret = saved.secrets["webhook_secret"]
        self.woken: list[tuple[str, str, int]] = []

    def open(self, connection: redis.Redis) -> None:
        """What new processes do."""
        settings = load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "LANES": str(LANES)})
        self.stores: Stores = open_stores(settings, connection)
        self.braze = FakeBraze()
        app = Flask("hub")
        register(app)
        app.register_blueprint(webhook(self.stores, lambda *call: self.woken.append(call)))
        app.register_blueprint(health(self.stores, lambda: True))
        self.client = app.test_client()

    def post(self, *bodies: bytes) -> list[dict[str, Any]]:
        told = []
        for body in bodies:
            headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
            answer = self.client.post("/webhooks/komo/summer-hub", data=body, headers=headers)
            assert answer.status_code == 202, answer.json
            told += answer.get_json()["submissions"]
        return told

    def finish(self) -> None:
        """The last step of the setup, and what workers do then."""
        self.stores.integrations.save(DOCUMENT, by="pages")
        redo("summer-hub", self.stores)

    def drain(self) -> None:
        pipeline = Pipeline(self.stores, BrazeClient(session=self.braze.session), chance=lambda: 0.5)
        now_ms = time.time() * 1000 + 1000
        for lane in range(LANES):
            for _ in range(200):
                rest = drain_lane("summer-hub", lane, pipeline, now_ms=now_ms)
                if rest.why in ("empty", "paused"):
                    break
                now_ms += max(rest.wait_ms, 1)

    def ledger(self) -> dict[str, int]:
        told = self.stores.ledger.read(self.stores.integrations.get("summer-hub").integration)
        assert told["received"] == sum(told[name] for name in OUTCOMES), told
        return told

    def outcomes(self) -> dict[str, tuple[str, str | None]]:
        items, _ = self.stores.timeline.list("summer-hub", limit=500)
        return {one["id"]: (one["state"], one["reason"]) for one in items}

    def told_of_people(self) -> dict[str, list[Any]]:
        """What Braze got of each person, in order."""
        told = defaultdict(list)
        for body in self.braze.bodies:
            for kind in ("attributes", "events"):
                for one in body.get(kind, []):
                    whose = str(one.get("user_alias"))
                    told[whose].append(one["properties"]["komo_submission_id"] if kind == "events" else one)
        return told


@pytest.fixture
def hub(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Hub:
    if isinstance(store_connection, FakeRedis):  # it knows no INFO
        monkeypatch.setattr(store_connection, "info", lambda *_: {"used_memory": 1, "maxmemory": 0})
    return Hub(store_connection)


def test_everything_posted_meanwhile_ends_as_if_it_had_come_after(hub: Hub) -> None:
    """Named or not, wanted or not, twice or once: the rules decide when there are some."""
    posted = [*BODIES, UNWANTED, NAMELESS, *BODIES[:9]]
    told = hub.post(*posted)
    assert hub.outcomes() == {one["id"]: ("waiting", None) for one in told}
    assert (hub.ledger()["waiting"], hub.ledger()["duplicates"]) == (len(BODIES) + 2, 9)
    assert hub.woken == []

    hub.finish()
    hub.drain()

    after = Hub(FakeRedis(server=FakeServer()), is_draft=False)
    assert after.post(*posted) == told
    after.drain()
    assert hub.outcomes() == after.outcomes()
    assert {state for state, _ in hub.outcomes().values()} == {"delivered", "filtered"}
    assert hub.told_of_people() == after.told_of_people()
    assert hub.ledger() == after.ledger()
    assert hub.ledger()["delivered"] > 25


def test_what_names_nobody_waits_for_somebody_as_it_would_have(hub: Hub) -> None:
    """A visit before the form belongs to whoever filled it in, also where both came before the setup."""
    visit = {"event": "CardViewed", "site_id": DOCUMENT["accept"]["site_ids"][0], "user_session_id": "s-1"}
    alone = visit | {"id": "3", "user_session_id": "s-2"}
    entry = visit | {"id": "2", "event": "CompetitionEntrySuccess", "email": "ann@example.com"}
    told = hub.post(*map(orjson.dumps, (visit | {"id": "1"}, alone, entry)))

    hub.finish()
    hub.drain()

    states = hub.outcomes()
    assert [states[one["id"]][0] for one in told] == ["delivered", "held", "delivered"]
    [events] = [body["events"] for body in hub.braze.bodies]
    assert [one["properties"]["komo_submission_id"] for one in events] == [f"{told[0]['id']}:1", f"{told[2]['id']}:2"]


def test_the_order_of_acceptance_holds_through_the_setup(hub: Hub) -> None:
    """What comes right after the last step goes behind what came before it."""
    body = {
        "event": "CompetitionEntrySuccess",
        "site_id": DOCUMENT["accept"]["site_ids"][0],
        "email": "ann@example.com",
    }
    before = hub.post(*(orjson.dumps(body | {"id": str(n), "first_name": f"Ann {n}"}) for n in range(5)))
    hub.stores.integrations.save(DOCUMENT, by="pages")
    meanwhile = hub.post(orjson.dumps(body | {"id": "5", "first_name": "Ann 5"}))
    redo("summer-hub", hub.stores)
    hub.drain()

    events = [one["properties"]["komo_submission_id"] for sent in hub.braze.bodies for one in sent["events"]]
    assert events == [f"{one['id']}:2" for one in before + meanwhile]
    assert hub.braze.bodies[-1]["attributes"][-1]["first_name"] == "Ann 5"


@pytest.mark.parametrize("answered", [False, True])
def test_whatever_is_killed_while_the_setup_ends_nothing_is_lost(answered: bool) -> None:
    """The save is one step, and judging again goes on where it was."""
    connection = FakeRedis(server=FakeServer())
    posted = [*BODIES[::3], UNWANTED, NAMELESS]
    expected: list[Any] = []
    for commands in range(MOST_COMMANDS, -1, -1):
        hub = Hub(connection)
        told = hub.post(*posted)
        hub.open(power_cut_after(connection, commands, answered=answered))
        with contextlib.suppress(PowerCut):
            hub.finish()

        hub.open(connection)
        connection.delete(*connection.keys("*:lease:*") or ["none"])
        hub.finish()
        assert hub.post(*posted) == [one | {"duplicate": True} for one in told]
        hub.drain()
        # Those of Braze's requests are told by time, which differs.
        found = [hub.outcomes(), {name: hub.ledger()[name] for name in OUTCOMES}]
        expected = expected or found
        assert found == expected, commands
    assert expected[1]["delivered"] > 8


def test_nobody_is_called_for_a_draft_and_its_age_worries_nobody(hub: Hub) -> None:
    """It waits for a person, who knows."""
    hub.post(*BODIES[:3])
    calls: list[tuple[str, str, int]] = []
    sweep(hub.stores, lambda *call: calls.append(call), turn=0, alerts=True)

    ready = hub.client.get("/readyz")
    assert calls == []
    assert hub.stores.alerts.due(int(time.time() * 1000)) is False
    assert (ready.status_code, ready.get_json()["oldest_due_s"], "work" in ready.get_json()) == (200, 0, False)
    hub.drain()
    assert hub.braze.requests == []


def test_the_sweep_finds_a_setup_that_ended_without_a_call(hub: Hub) -> None:
    """The process that saved may have died before it could call anybody."""
    hub.post(*BODIES[:3])
    hub.stores.integrations.save(DOCUMENT, by="pages")
    calls: list[tuple[str, str, int]] = []

    sweep(hub.stores, lambda *call: calls.append(call), turn=1)

    assert calls == [("redo", "summer-hub", 0)]


def test_a_full_draft_refuses_like_everybody(store_connection: redis.Redis) -> None:
    """A draft that is forgotten must not fill the store."""
    hub = Hub(store_connection)
    environ = {"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "MAX_WAITING": "2"}
    stores = open_stores(load_settings(environ), store_connection)
    app = Flask("small")
    register(app)
    app.register_blueprint(webhook(stores, lambda *_: None))
    headers = {"Authorization": f"Bearer {hub.secret}"}

    answers = [app.test_client().post("/webhooks/komo/summer-hub", data=body, headers=headers) for body in BODIES[:3]]

    assert [one.status_code for one in answers] == [202, 202, 429]
