"""What stands between a browser and everybody who would like to use it."""

import re
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ingest.app import create_app
from ingest.context import Probe
from schemas.settings import Settings
from tests.visitor import PASSWORD, Visitor
from workers.store import Stores

FORM = "application/x-www-form-urlencoded"
EVERYWHERE = ("/", "/sign-in", "/nowhere", "/healthz", "/readyz", "/api/v1/openapi.json", "/api/docs", "/api/v1/jobs",
              "/webhooks/komo/nobody", "/static/nothing.css")  # fmt: skip


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_is_protected(app: Flask, path: str) -> None:
    """Errors and what programs get too: a browser can be led to any of them."""
    answer = app.test_client().get(path)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_assets_are_kept_by_browsers(app: Flask) -> None:
    """Everything else may be about people."""
    answer = app.test_client().get("/bootstrap/static/css/bootstrap.min.css")

    answer.close()
    assert answer.status_code == 200
    assert "no-store" not in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_cookie_is_bound_to_this_host_and_to_https(settings: Settings, stores: Stores, probe: Probe) -> None:
    """Nobody on the way, and no other name of the domain, can plant or read it."""
    client = create_app(settings, stores, lambda *_: None, probe=probe).test_client()
    cookie = client.get("/sign-in", base_url="https://komo.example.org").headers["Set-Cookie"]

    assert cookie.startswith("__Host-komo_braze=")
    parts = set(cookie.split("; ")[1:])
    assert parts == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_a_planted_session_is_worth_nothing_after_somebody_signs_in(stranger: Visitor, app: Flask) -> None:
    """Whoever put it there would otherwise be signed in with them."""
    stranger.open("/sign-in")
    before = stranger.client.get_cookie("komo_braze")
    assert before is not None
    stranger.sign_in()

    other = app.test_client()
    other.set_cookie("komo_braze", before.value)

    assert other.get("/").status_code == 302
    after = stranger.client.get_cookie("komo_braze")
    assert after is not None
    assert after.value != before.value


#: What anybody may ask for; the webhook has proofs of its own, and no form is taken without its token.
OPEN = {
    "health.alive", "health.ready", "door.sign_in", "door.try_password", "door.sign_out", "door.choose_language",
    "api_docs.show", "api_docs.static", "api-docs.openapi_json", "static", "bootstrap.static", "webhook.receive",
}  # fmt: skip


def test_a_stranger_sees_nothing_whatever_the_address(stranger: Visitor, app: Flask) -> None:
    """A new page or route must not forget the door."""
    seen = set()
    for rule in app.url_map.iter_rules():
        path = re.sub("<[^>]+>", "x", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = stranger.client.open(path, method=method)
            to_the_door = answer.status_code == 302 and answer.location.startswith("/sign-in")
            if not to_the_door and answer.status_code not in (401, 429):
                seen.add(rule.endpoint)

    assert seen == OPEN


def test_no_form_is_taken_without_its_token(visitor: Visitor, app: Flask) -> None:
    """Another site could send it in the name of whoever is signed in; a new form must not forget this."""
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and is_page(rule.rule)]

    assert len(rules) > 15
    for rule in rules:
        path = rule.rule
        for name in rule.arguments:
            path = "".join("x" if part.endswith(f"{name}>") else part for part in split(path))
        assert visitor.client.post(path, data={"password": PASSWORD}).status_code == 400, rule.rule


def is_page(rule: str) -> bool:
    return not rule.startswith(("/api/", "/webhooks/"))


def split(path: str) -> list[str]:
    """A rule's fixed parts, and its variables."""
    return path.replace("<", "\0<").replace(">", ">\0").split("\0")


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "//[", "/\tevil", "javascript:1", "\\\\evil"]
)
def test_signing_in_leads_nowhere_else(stranger: Visitor, where: str) -> None:
    """A link with our address in front would be trusted, and half an address must not end in an error."""
    stranger.open("/sign-in")
    answer = stranger.send("/sign-in", password=PASSWORD, follow=False)
    assert answer.status_code == 302

    assert stranger.client.get("/sign-in", query_string={"next": where}).location == "/"


def test_whom_somebody_looked_for_travels_in_no_address_of_ours(stranger: Visitor) -> None:
    """An address that was made by hand must not come back in others, which end up in the log of a proxy."""
    address = "/activity?who=sam@example.com&text=peanuts&state=dead"

    assert stranger.client.get(address).location == "/sign-in?next=/activity?state%3Ddead"
    stranger.sign_in()
    page = stranger.open(address).text
    assert "sam@example.com" not in page
    assert "peanuts" not in page


def test_the_name_that_a_request_gives_us_is_never_used(visitor: Visitor) -> None:
    """Anybody can write anything there."""
    for path in EVERYWHERE:
        answer = visitor.client.get(path, headers={"Host": "evil.example"})
        assert b"evil.example" not in answer.data + repr(answer.headers).encode(), path


def test_the_door_takes_no_heaps_of_data(app: Flask) -> None:
    """It is open to everybody."""
    answer = app.test_client().post("/sign-in", data=b"a=b&" * 100_000, content_type=FORM)

    assert answer.status_code == 413


def deep(levels: int) -> str:
    return '{"value": ' * levels + "1" + "}" * levels


@pytest.mark.parametrize("levels", [65, 255, 900, 3000])
def test_a_rule_of_any_depth_is_no_error_of_ours(visitor: Visitor, stores: Stores, levels: int) -> None:
    """The form carries its rules, and somebody may have written in them."""
    stores.integrations.save(
        {
            "id": "summer", "name": "Summer",
            "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "a-key", "workspace": "acme"},
            "identifiers": [{"kind": "external_id", "field": "member_id"}],
            "attributes": [{"field": "first_name", "attribute": "first_name"}],
        },
        by="test",
    )  # fmt: skip
    for name in ("attributes.0.rule", "events.0.rule", "sends.0.rule", "subscriptions.0.rule"):
        rule: dict[str, Any] = {name: deep(levels)}
        answer = visitor.send("/integrations/summer/fields", do="preview", whole="1", **rule)
        assert answer.status_code in (200, 422), name


@pytest.mark.parametrize(
    "body",
    [
        deep(65), deep(900), deep(100_000), "[" * 300 + "]" * 300, "9" * 400, '{"id": NaN}', '{"id": 1e999}',
        '{"id": "\\ud800"}', '{"id": "a", "id": "b"}', '{"version": 99999999999999999999999}', "\x00", '"\\u0000"', "",
        '{"id": "x", "name": "x", "attributes": [{"attribute": "a", "value": ' + deep(40) + "}]}",
        '{"id": "x", "name": "x", "attributes": [{"attribute": "a", "value": ' + deep(300) + "}]}",
    ],
)  # fmt: skip
def test_odd_json_is_refused_and_never_an_error_of_ours(app: Flask, settings: Settings, body: str) -> None:
    """Numbers without end, halves of characters, members that occur twice, and depths beyond any document."""
    client: FlaskClient = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {settings.api_token}"
    paths = (
        "/api/v1/integrations",
        "/api/v1/submissions/search",
        "/api/v1/people/forget",
        "/api/v1/dead-letters/replay",
    )
    for path in paths:
        answer = client.post(path, data=body.encode(), content_type="application/json")
        assert answer.status_code in (400, 413, 422), path
        assert answer.mimetype == "application/problem+json"
        orjson.loads(answer.data)
