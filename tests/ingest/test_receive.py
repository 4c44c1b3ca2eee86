import base64
import gzip
import hashlib
import hmac
import time
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from ingest.problems import register
from ingest.receive import MAX_BODY_BYTES, webhook
from schemas.settings import load_settings
from tests.factories import a_body, a_document
from workers.errors import StoreUnavailable
from workers.store import Stores, open_stores

BRAZE = "http://127.0.0.1:9"
SAMPLES = Path(__file__).parents[1] / "data" / "komo"


class Door:
    """A webhook with one integration behind it."""

    def __init__(self, connection: redis.Redis, **settings: str) -> None:
        environ = {"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "EXTRA_BRAZE_HOSTS": BRAZE} | settings
        self.stores: Stores = open_stores(load_settings(environ), connection)
        saved = self.stores.integrations.save(a_document(rest_endpoint=BRAZE), by="test")
        self.secret = saved.secrets["webhook_secret"]
        self.url_key = saved.secrets["url_key"]
        self.woken: list[tuple[str, str, int]] = []
        app = Flask("door")
        register(app)
        app.register_blueprint(webhook(self.stores, self.wake))
        self.client: FlaskClient = app.test_client()

    def wake(self, step: str, integration_id: str, lane: int) -> None:
        self.woken.append((step, integration_id, lane))

    def post(self, body: Any, *, to: str = "summer-hub", headers: dict[str, str] | None = None) -> TestResponse:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"Authorization": f"Bearer {self.secret}"} if headers is None else headers
        return self.client.post(f"/webhooks/komo/{to}", data=data, headers=given)

    def ledger(self) -> dict[str, int]:
        return self.stores.ledger.read(self.stores.integrations.get("summer-hub").integration)


@pytest.fixture
def door(store_connection: redis.Redis) -> Door:
    return Door(store_connection)


def test_an_accepted_submission_is_kept_and_somebody_is_called(door: Door) -> None:
    """The story begins here."""
    answer = door.post(a_body("ann"))

    assert answer.status_code == 202
    assert answer.json is not None
    assert [set(one) for one in answer.json["submissions"]] == [{"id", "duplicate"}]
    assert door.ledger()["waiting"] == 1
    assert [(step, who) for step, who, _ in door.woken] == [("drain", "summer-hub")]


def test_the_same_again_is_answered_the_same_and_does_nothing(door: Door) -> None:
    """Komo may not have heard the first answer."""
    first, second = door.post(a_body("ann")).json, door.post(a_body("ann")).json
    assert first is not None
    assert second is not None

    assert second["submissions"] == [{"id": first["submissions"][0]["id"], "duplicate": True}]
    assert door.ledger()["received"] == 1


def test_an_array_is_answered_in_its_order(door: Door) -> None:
    """A relay that collects has to know which is which."""
    answer = door.post([a_body("ann", number=1), a_body("bob", number=2), a_body("ann", number=1)])

    assert answer.json is not None
    told = answer.json["submissions"]
    assert [one["duplicate"] for one in told] == [False, False, True]
    assert told[0]["id"] == told[2]["id"] != told[1]["id"]


def test_a_key_in_the_address_is_enough(door: Door) -> None:
    """Legacy webhooks of Komo offer nothing but a URL."""
    assert door.post(a_body("ann"), to=f"summer-hub?key={door.url_key}", headers={}).status_code == 202


def test_a_signature_is_enough(door: Door) -> None:
    """Whoever speaks Standard Webhooks proves the whole body."""
    data, sent_at = orjson.dumps(a_body("ann")), str(int(time.time()))
    key = base64.b64decode(door.secret.removeprefix("whsec_"))
    signed = hmac.new(key, b"msg_1." + sent_at.encode() + b"." + data, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1", "webhook-timestamp": sent_at,
        "webhook-signature": "v1,bm90IG91cnM= v1," + base64.b64encode(signed).decode(),
    }  # fmt: skip

    assert door.post(data, headers=headers).status_code == 202
    assert door.post(data + b" ", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xe9"}, {"Authorization": "Basic eA=="}],
)
def test_who_proves_nothing_leaves_nothing(door: Door, headers: dict[str, str]) -> None:
    """A 4xx left no trace."""
    answer = door.post(a_body("ann"), headers=headers)

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert door.ledger()["received"] == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff", 400), (b"NaN", 400), (b"{'a': 1}", 400), (b'{"a": 1,}', 400),
        (b"[]", 422), (b"1", 422), (b"null", 422), (b'["a"]', 422), (b"[" + b"{}," * 500 + b"{}]", 422),
        (b'{"a":' * 33 + b"1" + b"}" * 33, 422), (b"[" * 100_000, 400),
        (orjson.dumps({str(n): n for n in range(2001)}), 422), (b" " * (MAX_BODY_BYTES + 1), 413),
    ],
)  # fmt: skip
def test_nonsense_gets_one_clear_error(door: Door, body: bytes, status: int) -> None:
    """Every problem at once, and nothing kept."""
    answer = door.post(body)

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json is not None
    assert answer.json["title"]
    assert door.ledger()["received"] == 0


@pytest.mark.parametrize(
    ("mimetype", "status"),
    [
        ("application/json", 202), ("application/json; charset=utf-8", 202), ("", 202), ("text/plain", 202),
        ("application/cloudevents+json", 202), ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415), ("text/html", 415),
    ],
)  # fmt: skip
def test_what_may_be_json_is_read_as_json(door: Door, mimetype: str, status: int) -> None:
    """Which type Komo sends is documented nowhere; a form is something else for sure."""
    headers = {"Authorization": f"Bearer {door.secret}"} | ({"Content-Type": mimetype} if mimetype else {})

    assert door.post(a_body("ann"), headers=headers).status_code == status


def test_an_unknown_integration_and_another_method_say_so(door: Door) -> None:
    """The operator of the sender has to see which of the two it is."""
    assert door.post(a_body(), to="nobody").status_code == 404
    assert door.client.get("/webhooks/komo/summer-hub").status_code == 405


def test_a_full_inbox_asks_to_come_back(store_connection: redis.Redis) -> None:
    """Refusing new work is better than endangering what was accepted."""
    door = Door(store_connection, MAX_WAITING="1")
    door.post(a_body("ann", number=1))

    answer = door.post(a_body("bob", number=2))

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_store_that_is_away_is_a_503(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a 202 for what is not on disk."""

    def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("The store can't be reached.")

    monkeypatch.setattr(door.stores.inbox, "_accept", away)

    answer = door.post(a_body("ann"))

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_broker_that_is_away_costs_nothing_but_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The submission is safe; the sweep will find it as soon as it may call again."""

    def no_broker(*_: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(door, "wake", no_broker)
    refusing = Flask("door")
    register(refusing)
    refusing.register_blueprint(webhook(door.stores, no_broker))

    answer = refusing.test_client().post(
        "/webhooks/komo/summer-hub",
        data=orjson.dumps(a_body("ann")),
        headers={"Authorization": f"Bearer {door.secret}"},
    )

    integration = door.stores.integrations.get("summer-hub").integration
    assert answer.status_code == 202
    assert len(door.stores.inbox.sweep(integration).lanes) == 1


def test_who_cannot_be_identified_is_held_filtered_or_dead_and_never_in_a_lane(door: Door) -> None:
    """Nobody to write to; but an unusable address is somebody's mistake that a person can mend."""
    door.post(a_body("", number=1))
    door.post(a_body("", number=2, user_session_id=""))
    door.post(a_body({"an": "object"}, number=3))  # type: ignore[arg-type]

    told = door.ledger()
    assert [told[name] for name in ("received", "held", "filtered", "dead", "waiting")] == [3, 1, 1, 1, 0]
    assert door.woken == []


def test_what_the_integration_does_not_want_is_counted_as_filtered(store_connection: redis.Redis) -> None:
    """202 all the same: the sender did nothing wrong."""
    door = Door(store_connection)
    document = a_document(rest_endpoint=BRAZE) | {"accept": {"events": ["PrizeAwarded"]}}
    door.stores.integrations.save(document, by="test")

    assert door.post(a_body("ann")).status_code == 202
    assert door.ledger()["filtered"] == 1


def test_odd_text_arrives_as_it_was_typed(door: Door) -> None:
    """Emoji, right-to-left text, half an emoji and markup are what people type."""
    data = orjson.dumps(a_body("ann")).replace(b'"true"', b'"\\ud83d <b>\\u202e{{x}}</b>"')

    assert door.post(b"\xef\xbb\xbf" + data).status_code == 202


class Line(RawIOBase):
    """A connection that brings a few bytes at a time, and tells how often it was asked."""

    def __init__(self, data: bytes, at_once: int = 1000) -> None:
        self._data = BytesIO(data)
        self._at_once = at_once
        self.asked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.asked += 1
        return self._data.readinto(memoryview(buffer)[: self._at_once])


def over_the_line(door: Door, line: Line, length: int | None = None, headers: dict[str, str] | None = None) -> int:
    """Post what a connection brings, in chunks unless a length is promised; returns the status."""
    given = {"Authorization": f"Bearer {door.secret}"} if headers is None else headers
    environ = EnvironBuilder("/webhooks/komo/summer-hub", method="POST", headers=Headers(given)).get_environ()
    environ |= {"wsgi.input": line, "wsgi.input_terminated": True}
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    with door.client.application.request_context(environ):
        return door.client.application.full_dispatch_request().status_code


def test_a_body_in_many_small_pieces_is_whole(door: Door) -> None:
    """A sender's network decides how much one read brings."""
    data = orjson.dumps(a_body("ann", remark="x" * 300_000))

    assert over_the_line(door, Line(data)) == 202
    assert door.ledger()["received"] == 1


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 202), (MAX_BODY_BYTES + 1, 413), (3_000_000, 413)])
def test_a_body_of_unknown_length_has_the_same_limit(door: Door, size: int, status: int) -> None:
    """Read up to the limit and cut there, it would be taken for broken JSON."""
    data = orjson.dumps(a_body("ann"))

    assert over_the_line(door, Line(data + b" " * (size - len(data)), at_once=65_536)) == status


def test_a_body_that_ends_too_early_is_not_taken(door: Door) -> None:
    """What looks whole may be the half of what was sent."""
    data = orjson.dumps(a_body("ann"))

    assert over_the_line(door, Line(data), length=len(data) + 1) == 400
    assert door.ledger()["received"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"},
    ],
)
def test_nobody_waits_for_the_body_of_a_stranger(door: Door, headers: dict[str, str]) -> None:
    """Few strangers that send slowly would keep everybody else out."""
    line = Line(orjson.dumps(a_body("ann")))

    assert over_the_line(door, line, length=1000, headers=headers) == 401
    assert line.asked == 0


def test_a_packed_body_is_named_as_what_it_is(door: Door) -> None:
    """Called broken JSON, nobody would look for the reason in the sender's settings."""
    headers = {"Authorization": f"Bearer {door.secret}", "Content-Encoding": "gzip"}

    assert door.post(gzip.compress(orjson.dumps(a_body("ann"))), headers=headers).status_code == 415


def test_a_new_secret_works_at_once_in_every_process(store_connection: redis.Redis) -> None:
    """Whoever has just been shown a secret uses it, and what is turned away then may be lost."""
    door = Door(store_connection)
    door.post(a_body("ann", number=1))
    another = open_stores(load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}), store_connection)
    rotated = another.integrations.rotate("summer-hub", ["webhook_secret"], by="test")

    headers = {"Authorization": f"Bearer {rotated['webhook_secret']}"}

    assert door.post(a_body("ann", number=2), headers=headers).status_code == 202
    assert door.post(a_body("ann", number=3)).status_code == 202


def test_a_new_integration_is_there_at_once_in_every_process(store_connection: redis.Redis) -> None:
    """A process that was asked too early must not go on saying no."""
    door = Door(store_connection)
    assert door.post(a_body("ann"), to="winter-hub").status_code == 404
    environ = {"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "EXTRA_BRAZE_HOSTS": BRAZE}
    another = open_stores(load_settings(environ), store_connection)
    saved = another.integrations.save(a_document(rest_endpoint=BRAZE, id="winter-hub"), by="test")

    headers = {"Authorization": f"Bearer {saved.secrets['webhook_secret']}"}

    assert door.post(a_body("ann"), to="winter-hub", headers=headers).status_code == 202


def test_what_two_integrations_are_sent_is_two_submissions(door: Door) -> None:
    """One hub may feed two workspaces: each has an id of its own to be looked up by."""
    saved = door.stores.integrations.save(a_document(rest_endpoint=BRAZE, id="winter-hub"), by="test")

    first = door.post(a_body("ann")).json
    second = door.post(
        a_body("ann"), to="winter-hub", headers={"Authorization": f"Bearer {saved.secrets['webhook_secret']}"}
    ).json

    assert first is not None
    assert second is not None
    ids = [answer["submissions"][0]["id"] for answer in (first, second)]
    shown = [door.stores.timeline.show(one) for one in ids]
    assert [one and one["integration"] for one in shown] == ["summer-hub", "winter-hub"]


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.json")), ids=lambda path: path.stem)
def test_everything_komo_is_known_to_send_is_taken(door: Door, path: Path) -> None:
    """None of its oddities is a reason to turn a submission away."""
    answer = door.post(path.read_bytes())

    assert answer.status_code == 202
    assert sum(door.ledger()[name] for name in ("waiting", "held", "filtered", "dead")) == 1


def test_who_shows_one_wrong_secret_after_the_other_has_to_wait(door: Door) -> None:
    """A guesser learns nothing more; whoever has the secret is let in from the same address meanwhile."""
    wrong = {"Authorization": "Bearer wrong"}
    answers = [door.post(a_body("ann"), headers=wrong) for _ in range(61)]

    assert [one.status_code for one in answers] == [401] * 60 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert door.post(a_body("ann")).status_code == 202


def test_a_wrong_secret_is_logged_as_long_as_it_is_answered(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody should see that doors are tried, by one line each; a flood of tries must not fill the disk."""
    for _ in range(62):
        door.post(a_body("ann"), headers={"Authorization": "Bearer wrong-canary"})

    told = [vars(one) for one in caplog.records]
    assert [one.getMessage() for one in caplog.records] == ["webhook.refused"] * 60
    assert {(one["integration"], one["status"], one["address"]) for one in told} == {("summer-hub", 401, "127.0.0.1")}
    assert "wrong-canary" not in str(told)


@pytest.mark.parametrize("path", ["summer-hub:audit", "summer-hub%3Aaudit", "Summer-Hub", "summer-hub%0A"])
def test_an_address_is_never_taken_for_another_key_of_the_store(door: Door, path: str) -> None:
    """What lies beside an integration is none, and asking for it is no mistake of ours."""
    assert door.post(a_body("ann"), to=path).status_code == 404


def test_who_looks_for_integrations_has_to_wait(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Their ids are no secret, but nobody needs to try them all."""
    answers = [door.post(a_body("ann"), to=f"hub-{number}") for number in range(61)]

    assert [one.status_code for one in answers] == [404] * 60 + [429]
    assert [(one.getMessage(), vars(one)["address"]) for one in caplog.records] == [
        ("webhook.refused", "127.0.0.1")
    ] * 60
    assert door.post(a_body("ann")).status_code == 202
