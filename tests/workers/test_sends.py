"""The outbox against the sandbox Braze, in one process: the client's bytes go straight into the sandbox."""

import contextlib
import io
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import redis
import requests
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import PERMISSIONS, Settings
from schemas.mapping import SendKind
from schemas.outgoing import SEND_KINDS, Outgoing
from schemas.settings import load_settings
from tests.factories import NOON_MS, a_document
from tests.fakes import PowerCut, power_cut_after
from tests.messages import CAMPAIGN, CANVAS, SPACING_MS, a_message, put
from workers.braze.client import WATCH, BrazeClient
from workers.drain import Pipeline
from workers.sends import drain_sends
from workers.store import Stores, open_stores
from workers.store.inbox import LEASE_MS, Rest
from workers.store.keys import own
from workers.store.outbox import Outbox

KEY = "an-example-of-a-key-0000"
OTHER = "0000beef-aaaa-4bbb-8ccc-dddddddddddd"


class Wire(HTTPAdapter):
    """Brings requests to the sandbox; one that is to be lost raises instead, before or after it was applied."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__()
        self.client = client
        self.calls: list[str] = []
        self.on_call: Callable[[], None] = lambda: None
        #: For calls to come: `refused`, `lost` or a status to answer in place of the sandbox.
        self.trouble: list[str | int] = []

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", self)
        return session

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.on_call()
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble == "refused":
            raise requests.ConnectionError("refused")
        WATCH.sending(None)
        self.calls.append(request.path_url)
        if isinstance(trouble, int):
            return self._answer(request, trouble, b"{}", {})
        answer = self.client.post(request.path_url, data=request.body, headers=dict(request.headers))
        if trouble == "lost":
            raise requests.ReadTimeout("no answer")
        return self._answer(request, answer.status_code, answer.data, dict(answer.headers))

    def _answer(
        self, request: requests.PreparedRequest, status: int, body: bytes, headers: dict[str, str]
    ) -> requests.Response:
        raw = HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        return self.build_response(request, raw)


class World:
    """A hub with an outbox, a sandbox Braze that knows its people, and a clock that is only moved."""

    def __init__(self, connection: redis.Redis) -> None:
        self.sandbox = Sandbox(Settings(keys={KEY: PERMISSIONS}, delay_ms=(0, 0)))
        self.client = create_app(self.sandbox).test_client()
        self.wire = Wire(self.client)
        self.now = NOON_MS
        self.connection = connection
        self.reopen(connection)
        self.integration = self.stores.integrations.save(a_document(), by="test").stored.integration
        people = [{"external_id": f"p{n}", "email": f"p{n}@example.com"} for n in range(70)]
        headers = {"Authorization": f"Bearer {KEY}", "User-Agent": "partner-Komo"}
        self.client.post("/users/track", json={"attributes": people}, headers=headers)

    def reopen(self, connection: redis.Redis) -> None:
        """What a new process does."""
        self.stores: Stores = open_stores(
            load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}), connection
        )
        self.outbox = Outbox(connection, spacing_ms=SPACING_MS)
        braze = BrazeClient(session=self.wire.session)
        self.pipeline = Pipeline(self.stores, braze, chance=lambda: 0.5)

    def put(self, *messages: Outgoing) -> None:
        put(self.connection, self.integration, *messages, now_ms=self.now)
        self.now += SPACING_MS

    def drain(self, kind: SendKind = "campaign") -> Rest:
        return drain_sends("summer-hub", SEND_KINDS.index(kind), self.pipeline, self.outbox, now_ms=self.now)

    def drain_until_quiet(self, kind: SendKind = "campaign", most: int = 200) -> None:
        """Come back whenever it is wanted."""
        for _ in range(most):
            rest = self.drain(kind)
            if rest.why in ("empty", "paused"):
                return
            self.now += max(rest.wait_ms, 1)
        raise AssertionError(f"never quiet: {self.counted()}")

    def end_lease(self, kind: SendKind = "campaign") -> None:
        self.connection.delete(f"{own(self.integration)}:lease:sends:{kind}")
        self.now += LEASE_MS

    def counted(self) -> dict[str, int]:
        told = self.stores.ledger.read(self.integration)
        return {name: told[name] for name in ("sent", "send_unknown", "send_dead") if told[name]}

    def received(self) -> Counter[str]:
        """How many messages each person got."""
        sent = (one for one in self.sandbox.messages.newest(1000) if one.outcome == "sent")
        return Counter(one.recipient["external_id"] for one in sent)

    def paused_because(self, kind: SendKind = "campaign") -> str:
        return self.outbox.look(self.integration)[SEND_KINDS.index(kind)].paused_because

    def behaved(self) -> bool:
        return not self.sandbox.ledgers.violations.counts()


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def crowd(count: int, **more: Any) -> list[Outgoing]:
    return [a_message(f"p{n}", number=n, **more) for n in range(count)]


def test_sixty_messages_of_one_campaign_are_two_calls(world: World) -> None:
    """And everybody gets their own data."""
    world.put(*(one._replace(properties={"n": n}) for n, one in enumerate(crowd(60))))

    assert world.drain().why == "empty"

    assert world.wire.calls == ["/campaigns/trigger/send"] * 2
    assert {one.recipient["external_id"]: one.properties for one in world.sandbox.messages.newest(100)} == {
        f"p{n}": {"n": n} for n in range(60)
    }
    assert world.counted() == {"sent": 60}
    assert world.behaved()


@pytest.mark.parametrize(("level", "told"), [("DEBUG", [f"50c4{n:016x}" for n in range(2)]), ("INFO", None)])
def test_whoever_looks_closely_sees_whose_messages_travelled(
    level: str, told: list[str] | None, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """As with deliveries: of a submission one finds the call that took its message."""
    caplog.set_level(level, "komo_braze")
    world.put(*crowd(2))

    world.drain()

    [line] = [vars(one) for one in caplog.records if one.getMessage() == "sends.attempted"]
    assert line.get("ids") == told
    assert line["messages"] == 2


def test_kinds_are_asked_for_in_their_own_way(world: World) -> None:
    """Each has its own endpoint and its own outbox."""
    world.put(a_message("p1", prize="Cap"), a_message("p2", kind="canvas", braze_id=CANVAS, prize="Mug"))
    world.put(*crowd(2, kind="transactional"))

    for kind in SEND_KINDS:
        assert world.drain(kind).why == "empty"

    assert Counter(world.wire.calls) == {
        "/campaigns/trigger/send": 1, "/canvas/trigger/send": 1, f"/transactional/v1/campaigns/{CAMPAIGN}/send": 2,
    }  # fmt: skip
    assert world.received() == {"p0": 1, "p1": 2, "p2": 1}
    assert world.counted() == {"sent": 4}
    assert world.behaved()


def test_a_missing_permission_pauses_one_kind_of_message_and_nothing_else(world: World) -> None:
    """Nothing is lost, and it goes on when it is mended."""
    world.sandbox.settings.keys = {KEY: PERMISSIONS - {"campaigns.trigger.send"}}
    world.put(*crowd(3), a_message("p1", kind="canvas", braze_id=CANVAS))

    assert world.drain().why == "paused"
    assert world.drain("canvas").why == "empty"
    assert "campaigns.trigger.send" in world.paused_because()
    assert world.paused_because("canvas") == ""
    assert world.stores.integrations.get("summer-hub").paused == ""

    world.sandbox.settings.keys = {KEY: PERMISSIONS}
    world.now += 901_000
    assert world.drain().why == "empty"
    assert world.paused_because() == ""
    assert world.counted() == {"sent": 4}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_setting_costs_nobody_their_message(world: World, status: int) -> None:
    """It is tried again after a save, at once."""
    world.put(*crowd(3))
    world.wire.trouble = [status]

    world.drain()
    assert str(status) in world.paused_because()
    world.stores.integrations.save(a_document(name="Mended"), by="test")

    assert world.drain().why == "empty"
    assert world.counted() == {"sent": 3}


def test_a_key_that_is_not_set_pauses(world: World) -> None:
    """Nothing is asked without one."""
    document = a_document()
    document["braze"]["api_key"] = {"from_env": "NOT_SET_ANYWHERE"}
    world.stores.integrations.save(document, by="test")
    world.put(a_message("p1"))

    assert world.drain().why == "paused"
    assert "NOT_SET_ANYWHERE" in world.paused_because()
    assert world.wire.calls == []


def test_a_paused_canvas_is_a_problem_to_be_shown(world: World) -> None:
    """Braze says success, and sends nothing."""
    world.sandbox.settings.change({"paused_sends": [CANVAS]})
    world.put(a_message("p1", kind="canvas", braze_id=CANVAS, number=4))

    assert world.drain("canvas").why == "empty"

    assert world.counted() == {"send_dead": 1}
    assert "The Canvas is paused." in world.outbox.look(world.integration)[1].problem
    [told] = world.outbox.troubles(world.integration)
    assert (told["submission"], told["status"]) == (a_message(number=4).submission_id, 201)


def test_a_recipient_whom_braze_refuses_costs_nobody_else_their_message(world: World) -> None:
    """Braze does not say who it was."""
    world.sandbox.settings.change({"blocked_external_ids": ["p7", "p31"]})
    world.put(*crowd(40))

    world.drain_until_quiet()

    assert world.received() == {f"p{n}": 1 for n in range(40) if n not in (7, 31)}
    assert world.counted() == {"sent": 38, "send_dead": 2}
    assert {told["words"] for told in world.outbox.troubles(world.integration)} == {
        "provided external_id is blacklisted and disallowed"
    }


@pytest.mark.parametrize("trouble", ["refused", 429, 502])
def test_what_was_certainly_not_applied_is_asked_for_again(world: World, trouble: str | int) -> None:
    """Nobody misses a message for that, and nobody gets two."""
    world.put(*crowd(3))
    world.wire.trouble = [trouble, trouble]

    world.drain_until_quiet()

    assert world.received() == {"p0": 1, "p1": 1, "p2": 1}
    assert world.counted() == {"sent": 3}


@pytest.mark.parametrize("trouble", ["lost", 500, 504])
def test_without_a_key_an_unknown_outcome_stays_unknown(world: World, trouble: str | int) -> None:
    """Two prize e-mails would be worse than one that a person has to look for."""
    world.put(*crowd(3))
    world.wire.trouble = [trouble]

    world.drain_until_quiet()

    assert set(world.received().values()) <= {1}
    assert world.counted() == {"send_unknown": 3}
    assert len(world.outbox.troubles(world.integration)) == 3


@pytest.mark.parametrize("trouble", ["lost", 500, 504])
def test_with_a_key_an_unknown_outcome_is_asked_again(world: World, trouble: str | int) -> None:
    """Braze knows the message again, and says that it was asked before."""
    world.put(*crowd(3, kind="transactional"))
    world.wire.trouble = [trouble] * 2

    world.drain_until_quiet("transactional")

    assert world.received() == {"p0": 1, "p1": 1, "p2": 1}
    assert world.counted() == {"sent": 3}


def test_a_power_cut_at_any_command_never_sends_twice() -> None:
    """A campaign's messages reach everybody at most once, wherever the process dies, and all are counted."""
    for commands in range(12):
        for answered in (False, True):
            store = World(FakeRedis(server=FakeServer()))
            store.put(*crowd(60))
            store.reopen(power_cut_after(store.connection, commands, answered=answered))
            with contextlib.suppress(PowerCut):
                store.drain()
            store.reopen(store.connection)
            store.end_lease()
            store.drain_until_quiet()

            assert set(store.received().values()) <= {1}
            told = store.counted()
            assert sum(told.values()) == 60
            assert store.received().total() >= told["sent"]
            assert store.behaved()


def test_a_power_cut_at_any_command_sends_transactional_messages_once() -> None:
    """Not less than once either: Braze knows them again."""
    for commands in range(12):
        for answered in (False, True):
            store = World(FakeRedis(server=FakeServer()))
            store.put(*crowd(3, kind="transactional"))
            store.reopen(power_cut_after(store.connection, commands, answered=answered))
            with contextlib.suppress(PowerCut):
                store.drain("transactional")
            store.reopen(store.connection)
            store.end_lease("transactional")
            store.drain_until_quiet("transactional")

            assert store.received() == {"p0": 1, "p1": 1, "p2": 1}
            assert store.counted() == {"sent": 3}


@pytest.mark.parametrize(("kind", "counted"), [("campaign", {"send_unknown": 3}), ("transactional", {"sent": 3})])
def test_a_process_that_dies_in_a_call_loses_no_count(world: World, kind: SendKind, counted: dict[str, int]) -> None:
    """Between the mark and the answer nobody knows what Braze has done."""

    def die() -> None:
        raise PowerCut

    world.put(*crowd(3, kind=kind))
    world.wire.on_call = die
    with contextlib.suppress(PowerCut):
        world.drain(kind)
    world.wire.on_call = lambda: None
    world.end_lease(kind)
    world.drain_until_quiet(kind)

    assert world.counted() == counted
    assert world.received().total() == counted.get("sent", 0)


def test_who_lost_the_lease_asks_no_more(world: World) -> None:
    """A frozen process must not ask for what another one has counted."""
    world.put(*crowd(3))
    world.wire.on_call = world.end_lease

    world.drain()

    assert world.wire.calls == ["/campaigns/trigger/send"]
    assert world.counted() in ({"sent": 3}, {"send_unknown": 3})


def test_a_lease_that_grew_old_is_looked_at_before_the_call(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may have been frozen since it was handed the messages."""
    world.put(*crowd(3))
    ticks = iter(range(0, 1000, 10))
    world.pipeline.clock = lambda: float(next(ticks))
    renewed: list[bool] = []

    def renew(*asked: Any) -> bool:
        renewed.append(True)
        return False

    monkeypatch.setattr(world.outbox, "renew", renew)

    assert world.drain() == Rest("busy")
    assert renewed == [True]
    assert world.wire.calls == []


def test_an_integration_that_is_gone_is_left_alone(world: World) -> None:
    """Somebody removed it while a wake-up call was on its way."""
    world.put(a_message("p1"))
    world.stores.integrations.delete("summer-hub", discard=True)

    assert world.drain().why == "busy"
    assert world.wire.calls == []


def test_an_integration_that_moved_takes_its_messages_along(world: World) -> None:
    """They are asked for where it lives now."""
    world.put(a_message("p1"))
    document = a_document()
    document["braze"] |= {"workspace": "other"}
    world.stores.integrations.save(document, by="test")
    world.now += SPACING_MS

    assert world.drain().why == "empty"
    assert world.received() == {"p1": 1}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_nobody_gets_two_and_every_message_is_counted_once(seed: int) -> None:
    """All kinds of trouble in any order, with deaths in between."""
    chance = Random(seed)
    world = World(FakeRedis(server=FakeServer()))
    world.sandbox.settings.change({"blocked_external_ids": ["p3"]})
    world.put(*crowd(60), *(one._replace(id=OTHER) for one in crowd(20)), *crowd(12, kind="transactional"))
    troubles: list[str | int] = ["fine", "fine", "fine", "refused", "lost", 429, 500, 502, 403]
    for _ in range(60):
        world.wire.trouble = chance.choices(troubles, k=3)
        world.reopen(power_cut_after(world.connection, chance.randrange(1, 9), answered=chance.random() < 0.5))
        with contextlib.suppress(PowerCut):
            world.drain(chance.choice(["campaign", "transactional"]))
        world.now += chance.choice([1, 2000, 16_000, 901_000])
        for kind in SEND_KINDS:
            world.connection.delete(f"{own(world.integration)}:lease:sends:{kind}")
    world.wire.trouble = []
    world.reopen(world.connection)
    for kind in SEND_KINDS:
        world.end_lease(kind)
        world.now += 901_000
        world.drain_until_quiet(kind)

    told = Counter((one.kind, one.id, one.recipient["external_id"])
                   for one in world.sandbox.messages.newest(1000) if one.outcome == "sent")  # fmt: skip
    assert set(told.values()) == {1}
    assert {who for kind, _, who in told if kind == "transactional"} == {f"p{n}" for n in range(12) if n != 3}
    assert sum(world.counted().values()) == 92
    assert world.counted()["sent"] <= told.total() <= world.counted()["sent"] + world.counted().get("send_unknown", 0)
    assert world.behaved()
