"""Pages to look at what arrived: people, segments, events, requests. They refresh by themselves."""

from itertools import islice, zip_longest
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request

from ingest.sandbox.braze import segments
from ingest.sandbox.braze.drawing import LONG_CHARS, teach_templates, title
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.search import matching

PER_PAGE = 50
EVENTS_SHOWN = 100
SENDS_SHOWN = 100
REQUESTS_SHOWN = 50
MESSAGES_SHOWN = 20
#: Consent stands in a place of its own.
CONSENT = ("email_subscribe", "push_subscribe", "subscription_groups")
MAX_RULES = 12


def page_routes(sandbox: Sandbox) -> Blueprint:
    """
    `/` people (`q` finds some of them), `/profiles/<braze_id>` one of them, `/segments`, `/events`, `/sends`,
    `/requests` and `/requests/<number>`.

    With `?fragment=1` a page is only its changing part.
    """
    routes = Blueprint("pages", __name__)
    teach_templates(routes)
    _people(routes, sandbox)
    _happenings(routes, sandbox)
    return routes


def _people(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/")
    def people() -> str:
        profiles, number = sandbox.workspace.profiles, max(1, request.args.get("page", 1, int))
        words, offset = request.args.get("q", "").strip()[:200], (number - 1) * PER_PAGE
        with profiles.lock:
            found = matching(profiles, words) if words else profiles.newest_first()
            page = list(islice(found, offset, offset + PER_PAGE + 1))
            return _render(
                "people", sandbox, people=page[:PER_PAGE], total=len(profiles), number=number, words=words,
                more=len(page) > PER_PAGE, path=f"/?{urlencode({'q': words, 'page': number})}",
            )  # fmt: skip

    @routes.get("/profiles/<braze_id>")
    def person(braze_id: str) -> str:
        profiles = sandbox.workspace.profiles
        with profiles.lock:
            one = profiles.by_braze_id(braze_id) or abort(404)
            types = {**sandbox.workspace.types, **sandbox.settings.forced_types}
            return _render(
                "person", sandbox, one=one, types=types, consent=CONSENT, path=f"/profiles/{braze_id}",
                messages=sandbox.messages.to(braze_id, MESSAGES_SHOWN),
            )  # fmt: skip

    @routes.get("/segments")
    def segment() -> str:
        rules, workspace = _rules(), sandbox.workspace
        with workspace.profiles.lock:
            names = sorted({*workspace.types, "email", "external_id", "first_name", "country", *workspace.event_counts})
            found = segments.members(workspace.profiles, rules) if rules else []
            return _render(
                "segments", sandbox, rules=rules, rows=[*rules, segments.Rule("", "is")][:MAX_RULES], names=names,
                operators=segments.OPERATORS, total=len(workspace.profiles), count=len(found), people=found[:PER_PAGE],
            )  # fmt: skip


def _happenings(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/events")
    def events() -> str:
        workspace = sandbox.workspace
        with workspace.profiles.lock:
            newest = list(islice(reversed(workspace.newest_events), EVENTS_SHOWN))
            names = {what.braze_id: title(workspace.profiles.by_braze_id(what.braze_id)) for what in newest}
            counts = workspace.event_counts.most_common(20)
            total = workspace.event_counts.total()
        return _render("events", sandbox, events=newest, names=names, counts=counts, total=total, path="/events")

    @routes.get("/sends")
    def sends() -> str:
        newest, profiles = sandbox.messages.newest(SENDS_SHOWN), sandbox.workspace.profiles
        with profiles.lock:
            names = {one.braze_id: title(profiles.by_braze_id(one.braze_id)) for one in newest if one.braze_id}
        return _render(
            "sends", sandbox, sends=newest, names=names, counts=sandbox.messages.counts(),
            kinds=sandbox.messages.sent_by_id(), path="/sends",
        )  # fmt: skip

    @routes.get("/requests")
    def requests() -> str:
        books = sandbox.ledgers
        with sandbox.workspace.profiles.lock:
            points = books.data_points.total()
        return _render(
            "requests", sandbox, seen=sandbox.traffic.newest(REQUESTS_SHOWN), traffic=sandbox.traffic.as_json(),
            violations=books.violations, drops=books.silent_drops, points=points, path="/requests",
        )  # fmt: skip

    @routes.get("/requests/<int:number>")
    def one_request(number: int) -> str:
        seen = next((one for one in sandbox.traffic.newest(REQUESTS_SHOWN * 10) if one.number == number), None)
        return _render("request", sandbox, one=seen or abort(404))


def _rules() -> list[segments.Rule]:
    asked = request.args
    rows = zip_longest(asked.getlist("attribute"), asked.getlist("operator"), asked.getlist("value"), fillvalue="")
    rules = [
        segments.Rule(name.strip(), operator, value.strip())
        for name, operator, value in rows
        if name.strip() and operator in segments.OPERATORS
    ]
    return rules[:MAX_RULES]


def _render(name: str, sandbox: Sandbox, **values: Any) -> str:
    part = f"sandbox_braze/_{name}.html" if request.args.get("fragment") else f"sandbox_braze/{name}.html"
    return render_template(part, public_url=sandbox.public_url, long_chars=LONG_CHARS, **values)
