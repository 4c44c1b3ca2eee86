"""Pages to look at what arrived: people, segments, events, requests. They refresh by themselves."""

import time
from datetime import UTC, datetime
from itertools import islice, zip_longest
from typing import Any

import orjson
from flask import Blueprint, abort, render_template, request

from ingest.sandbox.braze import segments
from ingest.sandbox.braze.profiles import Profile
from ingest.sandbox.braze.sandbox import Sandbox

PER_PAGE = 50
EVENTS_SHOWN = 100
SENDS_SHOWN = 100
REQUESTS_SHOWN = 50
#: A value that changed within these seconds is marked.
FRESH_S = 4.0
MAX_RULES = 12


def page_routes(sandbox: Sandbox) -> Blueprint:
    """
    `/` people, `/profiles/<braze_id>` one of them, `/segments`, `/events`, `/sends`, `/requests` and
    `/requests/<number>`.

    With `?fragment=1` a page is only its changing part.
    """
    routes = Blueprint("pages", __name__)
    routes.add_app_template_filter(shown)
    routes.add_app_template_filter(ago)
    routes.add_app_template_filter(clock)
    routes.add_app_template_filter(pretty)
    routes.add_app_template_filter(title)
    routes.add_app_template_filter(fresh)
    routes.add_app_template_filter(counted)
    _people(routes, sandbox)
    _happenings(routes, sandbox)
    return routes


def _people(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/")
    def people() -> str:
        profiles, number = sandbox.workspace.profiles, max(1, request.args.get("page", 1, int))
        with profiles.lock:
            return _render(
                "people", sandbox, people=profiles.page((number - 1) * PER_PAGE, PER_PAGE), total=len(profiles),
                number=number, more=number * PER_PAGE < len(profiles), path=f"/?page={number}",
            )  # fmt: skip

    @routes.get("/profiles/<braze_id>")
    def person(braze_id: str) -> str:
        profiles = sandbox.workspace.profiles
        with profiles.lock:
            one = profiles.by_braze_id(braze_id) or abort(404)
            types = {**sandbox.workspace.types, **sandbox.settings.forced_types}
            return _render("person", sandbox, one=one, types=types, path=f"/profiles/{braze_id}")

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
    return render_template(part, public_url=sandbox.public_url, **values)


def title(profile: Profile | None) -> str:
    """What to call somebody: their name, or the best identifier there is."""
    if profile is None:
        return "unknown"
    parts = [str(profile.standard[part]) for part in ("first_name", "last_name") if profile.standard.get(part)]
    if parts:
        return " ".join(parts)
    alias = next(iter(profile.aliases.values()), None)
    known = (profile.standard.get("email"), profile.external_id, alias, profile.standard.get("phone"), profile.braze_id)
    return str(next(filter(None, known)))


def shown(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(map(shown, value))
    return orjson.dumps(value).decode()


def pretty(body: bytes) -> str:
    """A body, indented where it is JSON."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def ago(at: float) -> str:
    """How long ago an epoch second was."""
    seconds = max(0, int(time.time() - at))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago" if seconds else "just now"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(at: float) -> str:
    """An epoch second as a time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def fresh(at: float | None) -> bool:
    """Whether this was a moment ago."""
    return at is not None and time.time() - at < FRESH_S
