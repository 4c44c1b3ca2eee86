"""The running system by HTTP: the webhook, the management API by its own description, the pages, and the sandboxes."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Map

from ingest.app import create_app
from ingest.problems import is_for_programs
from ingest.sandbox.braze.app import create_app as sandbox_braze
from ingest.sandbox.hub.app import HubSettings
from ingest.sandbox.hub.app import create_app as sandbox_hub
from schemas.settings import load_settings
from tests.benchmarks.processes import Machine
from tests.factories import a_body
from tests.fuzz.commands import commands
from tests.fuzz.mutate import NAMES, VALUES, json_of, text_of
from tests.fuzz.parsers import draw_body
from tests.fuzz.run import KEPT_IN, Finding, Target, feed
from tests.fuzz.system import PASSWORD, TOKEN, System
from tests.visitor import Visitor, form_fields
from workers.store import open_stores

#: In a virtual environment of its own, beside what the connector itself needs.
SCHEMATHESIS = Path(sys.prefix) / "fuzz" / "bin" / "schemathesis"
#: What its description can't say: rules between members, and that an item's address matches that of a search too.
#: Whoever shows no token is looked for by `_without_token`, as many of them are told to wait.
UNCHECKED = "positive_data_acceptance,allow_header_conformance,ignored_auth,missing_required_header"
SETTINGS = Path(__file__).parent / "schemathesis.toml"
PATIENCE_S = 60.0
BUTTONS = ("preview", "save", "test", "replay-all", "1")
ENDS = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
ANSWERS = {202, 400, 401, 404, 411, 413, 415, 422, 429, 431}
Told = tuple[str, int, float, list[Finding]]


def run(inputs: int, seed: int) -> list[Told]:
    """All of them, one after the other. Returns: name, inputs, seconds and findings of each part."""
    told: list[Told] = []
    with Machine() as machine:
        system = System(machine)
        secret = system.connect("seeded")
        for number in range(20):
            system.post("seeded", secret, orjson.dumps(a_body(f"m{number}", number=number)))
        told.append(_timed("webhook by HTTP", lambda: _webhook(system, inputs, seed)))
        typed = commands(system.settings | {"PUBLIC_URL": system.url}, machine.directory)
        them = (_pages(system), typed, _sandbox_braze(), _sandbox_hub())
        told += [_fed(target, inputs, seed) for target in them]
        told.append(_timed("API by its document", lambda: _by_description(system, inputs, seed)))
        troubles = system.troubles()
        machine.keep_logs = bool(troubles)
        found = [Finding("logs", one.splitlines()[0], str(machine.directory)) for one in troubles[:5]]
        told.append(("logs", 0, 0.0, found))
    return told


def _timed(name: str, part: Callable[[], tuple[int, list[Finding]]]) -> Told:
    began = time.monotonic()
    done, found = part()
    return name, done, time.monotonic() - began, found


def _fed(target: Target, inputs: int, seed: int) -> Told:
    until = time.monotonic() + 300
    return _timed(target.name, lambda: feed(target, inputs, f"{seed} {target.name}", until))


def _webhook(system: System, inputs: int, seed: int) -> tuple[int, list[Finding]]:
    """Every answer is one that Komo can understand, and what was answered 202 is in the ledger."""
    draw, secret, accepted = random.Random(seed), system.connect("fuzzed"), set()
    found: dict[str, Finding] = {}
    for _ in range(inputs):
        data = draw_body(draw)
        headers = {"Content-Type": draw.choice(("application/json", "", "text/plain", "a/b", "application/x+json"))}
        if draw.random() < 0.1:
            headers |= {"X-Forwarded-For": text_of("1.2.3.4, ::1", draw).encode("latin-1", "replace").decode("latin-1")}
            headers = {name: re.sub(r"[\r\n\x00]", "", value).strip() for name, value in headers.items()}
        answer = system.post("fuzzed", secret, data, **headers)
        if answer.status_code == 202:
            accepted |= {one["id"] for one in answer.json()["submissions"]}
        elif answer.status_code not in ANSWERS:
            found[str(answer.status_code)] = _kept("webhook by HTTP", f"answers {answer.status_code}", repr(data))
    wrong = _unbalanced(system, accepted)
    return inputs, [*found.values(), *([_kept("webhook by HTTP", wrong, repr(accepted))] if wrong else [])]


def _unbalanced(system: System, accepted: set[str]) -> str:
    until = time.monotonic() + PATIENCE_S
    ledger = system.ledger("fuzzed")
    while ledger["waiting"] + ledger["in_flight"] and time.monotonic() < until:
        time.sleep(0.2)
        ledger = system.ledger("fuzzed")
    if ledger["received"] != sum(ledger[name] for name in ENDS):
        return f"does not add up: {ledger}"
    if ledger["received"] != len(accepted):
        return f"{len(accepted)} accepted, {ledger['received']} received"
    if ledger["waiting"] + ledger["in_flight"]:
        return f"{ledger['waiting']} still wait"
    asked = (system.session.get(f"{system.url}/api/v1/submissions/{one}", timeout=30) for one in accepted)
    lost = sum(answer.status_code != 200 for answer in asked)
    return f"{lost} of {len(accepted)} are not there" if lost else ""


def _by_description(system: System, inputs: int, seed: int) -> tuple[int, list[Finding]]:
    """Schemathesis reads what the API says of itself, and holds it to that."""
    if not SCHEMATHESIS.exists():
        return 0, [Finding("API by its document", "schemathesis is not installed", "run `make fuzz`")]
    command = [
        str(SCHEMATHESIS), "--config-file", str(SETTINGS), "run", f"{system.url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--max-examples", str(max(inputs // 50, 1)), "--seed", str(seed), "--no-color", "--checks", "all",
        "--exclude-checks", UNCHECKED, "--phases", "examples,coverage,fuzzing",
    ]  # fmt: skip
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=900, cwd=KEPT_IN, env=environ, check=False
    )  # fmt: skip
    made = re.search(r"([\d,]+) generated", ended.stdout)
    done = int(made[1].replace(",", "")) if made else 0
    found = _without_token(system)
    if ended.returncode == 0 and done:
        return done, found
    lines = [line.strip() for line in ended.stdout.splitlines() if re.match(r"\s*- [A-Z]+\d+ |\s+❌ \S", line)]
    whole = ended.stdout + ended.stderr
    return done, [*found, _kept("API by its document", "; ".join(lines)[:300] or "it could not be run", whole)]


def _without_token(system: System) -> list[Finding]:
    """Nobody gets at anything without a token, or with a wrong one."""
    described = system.session.get(f"{system.url}/api/v1/openapi.json", timeout=30).json()["paths"]
    let_in = []
    for path, verbs in described.items():
        for verb in verbs.keys() - {"parameters"}:
            for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": f"Basic {TOKEN}"}):
                address = system.url + re.sub(r"\{[^}]+\}", "seeded", path)
                answer = requests.request(verb, address, json={}, headers=headers, timeout=30)
                if answer.status_code not in (401, 429):
                    let_in.append(f"{verb} {path}: {answer.status_code}")
    return [_kept("API without a token", let_in[0], "\n".join(let_in))] if let_in else []


def _kept(part: str, what: str, told: str) -> Finding:
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    file = KEPT_IN / f"{part}.txt"
    file.write_text(f"{part}: {what}\n\n{told}", encoding="utf-8", errors="backslashreplace")
    return Finding(part, what, str(file))


def _pages(system: System) -> Target:
    """Every page and form, signed in and not: never a 500."""
    settings = load_settings(system.settings)
    app = create_app(settings, open_stores(settings), lambda *_: None, probe=lambda *_: [])
    app.config["SESSION_COOKIE_SECURE"] = False
    app.config["WTF_CSRF_ENABLED"] = False  # so that forms are read
    visitor, stranger = Visitor(app.test_client()), Visitor(app.test_client())
    assert visitor.sign_in(PASSWORD).status_code == 200
    known = {"integration_id": ["seeded", "fuzzed", "draft"], "submission_id": _ids(system), "job_id": ["a"]}
    away = {"door.sign_out", "door.try_password"}
    rules = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.endswith("static")]
    shown = [rule for rule in rules if not is_for_programs(rule.rule) and rule.endpoint not in away]
    chosen = [(rule.rule, method) for rule in shown for method in _methods(rule)]
    forms: dict[str, list[tuple[str, str]]] = {}

    def draw_visit(draw: random.Random) -> tuple[str, str, dict[str, str], dict[str, str], bool]:
        rule, method = draw.choice(chosen)
        path = _filled(rule, known, draw)
        page = path.rpartition("/")[0] if method == "POST" and path.count("/") > 2 and draw.random() < 0.3 else path
        if page not in forms and len(forms) < 200:
            forms[page] = form_fields(visitor.client.get(page, follow_redirects=True).text)
        fields = dict(forms.get(page, ()))
        fields = {name: _typed(value, draw) for name, value in fields.items() if draw.random() < 0.95}
        for name in draw.sample(("do", "add", "ids", "cursor", "show", "q", "page", "time", "from", "zone"), 2):
            fields[name] = _typed(
                draw.choice(("preview", "save", "test", "replay-all", "1", *known["submission_id"])), draw
            )
        query = {name: _typed("1", draw) for name in draw.sample(("fragment", "page", "span", "since", "next"), 2)}
        return method, path, query, fields, draw.random() < 0.1

    def check_visit(given: tuple[str, str, dict[str, str], dict[str, str], bool]) -> None:
        method, path, query, fields, is_stranger = given
        client = (stranger if is_stranger else visitor).client
        _answer(client, method, path, query_string=query, data=fields if method == "POST" else None)

    return Target("pages", draw_visit, check_visit)


def _methods(rule: Any) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _ids(system: System) -> list[str]:
    items = (
        system.session.get(f"{system.url}/api/v1/submissions?integration=seeded", timeout=30).json().get("items", [])
    )
    return [str(one["id"]) for one in items[:5]] or ["a"]


def _typed(value: str, draw: random.Random) -> str:
    return text_of(value, draw) if draw.random() < 0.25 else value


def _filled(rule: str, known: Mapping[str, list[str]], draw: random.Random) -> str:
    """A route as an address."""

    def fill(found: re.Match[str]) -> str:
        name = found[1].rpartition(":")[2]
        return _typed(draw.choice(known.get(name, ["a"])), draw).replace("/", "").replace("?", "") or "a"

    return re.sub(r"<([^>]+)>", fill, rule)


def _answer(client: FlaskClient, method: str, path: str, **options: Any) -> None:
    answer = client.open(path, method=method, headers={"Accept": "text/html"}, **options)
    try:
        assert answer.status_code < 500, answer.status_code
    finally:
        answer.close()


def _sandbox_braze() -> Target:
    key = "sandbox-rest-key"
    return _of_app("sandbox Braze", sandbox_braze(), {"Authorization": f"Bearer {key}"})


def _sandbox_hub() -> Target:
    app = sandbox_hub(HubSettings(webhook_url="http://127.0.0.1:1/webhooks/komo/a"))
    return _of_app("sandbox hub", app, {})


def _of_app(name: str, app: Flask, headers: dict[str, str]) -> Target:
    """Every route with JSON and forms; a fault that was asked for is an answer, an exception is a finding."""
    app.config["PROPAGATE_EXCEPTIONS"] = True
    client, routes = app.test_client(), _routes(app.url_map)
    person = {"external_id": "m1", "first_name": "Mira"}
    event = {"external_id": "m1", "name": "e", "time": "2026-11-20T12:00:00Z", "properties": {"a": 1}}
    seeds: tuple[Any, ...] = (
        {"attributes": [person], "events": [event], "purchases": []},
        {"campaign_id": "a", "recipients": [{"external_user_id": "m1", "trigger_properties": {"a": 1}}]},
        {"external_ids": ["m1"], "fields_to_export": ["external_id"]}, {"delay_ms": 0, "email": "mira@example.com"},
    )  # fmt: skip

    def draw_call(draw: random.Random) -> tuple[str, str, bytes, str]:
        path, method = draw.choice(routes)
        body = json_of(draw.choice(seeds), draw)
        as_form = draw.random() < 0.3
        kind = "application/x-www-form-urlencoded" if as_form else "application/json"
        text = f"{draw.choice(NAMES)}={draw.choice(VALUES)}&email=a%40b.c&answer=1".encode(errors="replace")
        return method, _filled(path, {}, draw), text if as_form else orjson.dumps(body), kind

    def check_call(given: tuple[str, str, bytes, str]) -> None:
        method, path, body, kind = given
        client.open(path, method=method, data=body, content_type=kind, headers=headers).close()

    return Target(name, draw_call, check_call)


def _routes(rules: Map) -> list[tuple[str, str]]:
    return [(rule.rule, method) for rule in rules.iter_rules() for method in _methods(rule)]
