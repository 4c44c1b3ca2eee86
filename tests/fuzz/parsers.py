"""Every parser with inputs for it, and what must be true of whatever it makes of them."""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import orjson

from ingest.arrive import arrive
from ingest.verify import is_genuine, may_be_genuine
from schemas.body import MAX_MEMBERS, OneBody, UnreadableBody, read_body
from schemas.integration import read_document, write_document
from schemas.integration_draft import read_draft
from schemas.komo.timestamps import AHEAD, EARLIEST, read_moment
from schemas.merge_patch import merge
from schemas.problems import InvalidDocument
from schemas.settings import SettingsError, load_settings, shown
from tests.factories import NOON, a_document
from tests.flow.test_golden import DOCUMENT
from tests.fuzz.mutate import VALUES, bytes_of, json_of, text_of
from tests.fuzz.run import Target
from workers.braze.custom_attributes import read_page
from workers.braze.reply import LONGEST_WAIT_S, MAX_WORDS, Reply, read_reply
from workers.braze.sent import read_sent
from workers.outcome import decide
from workers.transform import compile_mapping

DATA = Path(__file__).parents[1] / "data"
BODIES = [found if isinstance(found := orjson.loads(path.read_bytes()), dict) else found[0]
          for path in sorted(DATA.glob("komo/**/*.json"))]  # fmt: skip
REPLIES = [path.read_bytes() for path in sorted(DATA.glob("braze/*.json"))]
KEY = "a-key-of-braze-0123456789"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
URL_KEY = "an-address-s-own-key"
NOW_S = NOON.timestamp()
RICH = read_document(DOCUMENT).integration()


def draw_body(draw: random.Random) -> bytes:
    body = json_of(draw.choice(BODIES), draw)
    if draw.random() < 0.1:
        body = [body, *draw.sample(BODIES, 2)]
    data = orjson.dumps(body)
    return bytes_of(data, draw) if draw.random() < 0.6 else data


def check_body(data: bytes) -> None:
    try:
        bodies = read_body(data)
    except UnreadableBody as error:
        if not error.problems or error.status not in (400, 422):
            raise AssertionError from error
        return
    for place, one in enumerate(bodies):
        assert orjson.loads(one.raw) == one.body
        again = read_body(one.raw)
        assert again == [OneBody(one.body, one.raw)]
        assert len(one.body) <= MAX_MEMBERS
        given: dict[str, Any] = {"received_at": NOON, "delivery_id": None, "place": place}
        assert arrive(one, RICH, **given) == arrive(one, RICH, **given)


def draw_request(draw: random.Random) -> tuple[dict[str, str], str, bytes]:
    body, sent_at = orjson.dumps(draw.choice(BODIES)), str(int(NOW_S))
    signature = base64.b64encode(hmac.new(b"s" * 32, b"d1." + sent_at.encode() + b"." + body, hashlib.sha256).digest())
    headers = {
        "Authorization": f"Bearer {SECRET}", "webhook-id": "d1", "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{signature.decode()} v1,x",
    }  # fmt: skip
    headers = {name: text_of(value, draw) for name, value in headers.items() if draw.random() < 0.7}
    return headers, text_of(URL_KEY, draw), body


def check_request(given: tuple[dict[str, str], str, bytes]) -> None:
    headers, url_key, body = given
    proof: dict[str, Any] = {"secrets": [SECRET, ""], "url_keys": [URL_KEY], "now_s": NOW_S}
    for methods in (("bearer",), ("url_key",), ("signature",)):
        genuine = is_genuine(headers, url_key, body, methods=methods, **proof)
        assert not genuine or may_be_genuine(headers, url_key, methods=methods, **proof)
        if methods == ("bearer",):
            assert not genuine or SECRET in headers["Authorization"]
        elif methods == ("url_key",):
            assert genuine == (url_key == URL_KEY)
        else:
            signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
            expected = base64.b64encode(hmac.new(b"s" * 32, signed, hashlib.sha256).digest()).decode()
            assert not genuine or expected in headers["webhook-signature"]


RESETS = ("0", "1.5", "60", "1795435260", "1795435260000", "Fri, 20 Nov 2026 12:01:00 GMT", "-1", "nan", "inf", "1e400")


def draw_reply(draw: random.Random) -> tuple[int, dict[str, str], bytes]:
    seed = orjson.loads(draw.choice(REPLIES))
    if draw.random() < 0.3:
        seed = {
            "message": f"no {KEY} mira@example.com +61 412 345 678",
            "errors": [{"input_array": "events", "index": 0}],
        }
    body = orjson.dumps(json_of(seed, draw))
    names = (
        "Retry-After",
        "X-RateLimit-Reset",
        "x-ratelimit-retry-after",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
    )
    headers = {name: text_of(draw.choice(RESETS), draw) for name in names if draw.random() < 0.5}
    headers["Link"] = text_of('<https://rest.example.com/a?cursor=b%3D>; rel="next"', draw)
    status = draw.choice((200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 0, 999))
    return status, headers, bytes_of(body, draw)


def check_reply(given: tuple[int, dict[str, str], bytes]) -> None:
    status, headers, body = given
    for read in (read_reply, read_sent, read_page):
        reply = read(status, headers, body, secret=KEY, now_s=NOW_S)
        assert isinstance(reply, get_args(Reply))
        assert len(reply.words) <= MAX_WORDS
        assert KEY not in reply.words
        assert "mira@example.com" not in reply.words
        assert reply.reset_s is None or 0 <= reply.reset_s <= LONGEST_WAIT_S
        refused = getattr(reply, "refused", [])
        assert all(one.index >= 0 and KEY not in one.words for one in refused)
        decide(reply, chance=0.5)


DOCUMENTS = [DOCUMENT, a_document()]


def draw_document(draw: random.Random) -> Any:
    return json_of(draw.choice(DOCUMENTS), draw), json_of(draw.choice(DOCUMENTS), draw)


def check_document(given: tuple[Any, Any]) -> None:
    document, patch = given
    for one in (document, merge(document, patch)):
        with suppress(InvalidDocument):
            read_draft(one)
        try:
            reading = read_document(one)
        except InvalidDocument as error:
            if not error.problems:
                raise AssertionError from error
            continue
        compile_mapping(reading.integration())
        shown_again = write_document(reading.document, {"set": True}, {"version": 1})
        kept_for = reading.document["braze"]["rest_endpoint"]
        assert read_document(shown_again, kept_for=kept_for).document == reading.document


def draw_moment(draw: random.Random) -> Any:
    seed = draw.choice(("2026-11-20T11:59:00.000Z", "1795435200000", "1795435200.5", 1795435200, *VALUES))
    return text_of(seed, draw) if isinstance(seed, str) else seed


def check_moment(value: Any) -> None:
    moment, warning = read_moment(value, NOON)
    assert moment.utcoffset() == timedelta(0)
    assert EARLIEST <= moment <= NOON + AHEAD
    assert warning is None or moment == NOON


ENVIRONMENT = {
    "REDIS_URL": "sentinel://a:1,b:2/0?master=m", "SECRET_KEY": "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E", "PORT": "8000",
    "ADMIN_PASSWORD": "long-enough", "API_TOKEN": "long-enough-as-a-token", "PUBLIC_URL": "https://komo.example.org/",
    "EXTRA_BRAZE_HOSTS": "https://a.example.org,http://[::1]:8001", "BRAZE_PROXY": "http://proxy:3128", "LANES": "4",
    "METRICS_PUBLIC": "1", "LOG_LEVEL": "debug", "ALERT_WEBHOOK_URL": "https://a.example.org/x", "DATA_DIR": "./data",
}  # fmt: skip


def draw_environment(draw: random.Random) -> dict[str, str]:
    return {name: text_of(value, draw) if draw.random() < 0.3 else value for name, value in ENVIRONMENT.items()}


def check_environment(environ: Mapping[str, str]) -> None:
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        told = " ".join(error.sentences)
    else:
        told = f"{settings!r} {shown(settings)}"
    secret = environ["SECRET_KEY"].strip()
    said_elsewhere = any(secret in value for name, value in environ.items() if name != "SECRET_KEY")
    assert len(secret) < 12 or said_elsewhere or secret not in told


def named(name: str, draw: Callable[[random.Random], Any], check: Callable[[Any], None], share: int) -> Target:
    return Target(name, draw, check, share)


TARGETS = (
    named("webhook bodies", draw_body, check_body, 30),
    named("proofs", draw_request, check_request, 25),
    named("replies of Braze", draw_reply, check_reply, 6),
    named("documents", draw_document, check_document, 1),
    named("times", draw_moment, check_moment, 25),
    named("settings", draw_environment, check_environment, 5),
)
