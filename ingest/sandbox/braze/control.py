"""The control API for tests and demos, /sandbox/api: look inside, order faults, change settings, start over."""

from dataclasses import asdict
from typing import Any

import orjson
from flask import Blueprint, Response, request

from ingest.sandbox.braze import formats, segments
from ingest.sandbox.braze.faults import read_fault
from ingest.sandbox.braze.profiles import Happening, Profile
from ingest.sandbox.braze.reading import export
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.traffic import SeenRequest

MAX_LIMIT = 10_000


def control_routes(sandbox: Sandbox) -> Blueprint:
    """
    Open to anybody who can reach it, so serve it on the loopback only.

    GET state (also summary), settings, profiles (identifier, `attribute`+`operator`+`value`, `offset`, `limit`),
    events (`name`, `braze_id`, `limit`), sends (`kind`, `id`, `outcome`, `limit`), violations, silent-drops, requests
    (`limit`), faults, event-ids (`prefix`, `after`, `limit` for the ids themselves); POST faults (one or a list),
    settings, reset, settle.
    """
    routes = Blueprint("control", __name__, url_prefix="/sandbox/api")
    _reading(routes, sandbox)
    _ledgers(routes, sandbox)
    _changing(routes, sandbox)
    return routes


def _reading(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/state")
    @routes.get("/summary")
    def state() -> Response:
        return _json(sandbox.summary())

    @routes.get("/settings")
    def settings() -> Response:
        return _json(sandbox.settings.as_json())

    @routes.get("/profiles")
    def profiles() -> Response:
        return _json(_profiles(sandbox))

    @routes.get("/events")
    def events() -> Response:
        return _json({"items": _events(sandbox)})

    @routes.get("/sends")
    def sends() -> Response:
        return _json({"counts": sandbox.messages.counts(), "items": _sends(sandbox)})


def _ledgers(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/violations")
    def violations() -> Response:
        return _json(sandbox.ledgers.violations.as_json(_limit()))

    @routes.get("/silent-drops")
    def silent_drops() -> Response:
        return _json(sandbox.ledgers.silent_drops.as_json(_limit()))

    @routes.get("/requests")
    def requests() -> Response:
        return _json({"items": [request_as_json(seen) for seen in sandbox.traffic.newest(_limit())]})

    @routes.get("/faults")
    def faults() -> Response:
        return _json({"items": [fault.as_json() for fault in sandbox.faults.waiting()]})

    @routes.get("/event-ids")
    def event_ids() -> Response:
        with sandbox.workspace.profiles.lock:
            ids = sandbox.ledgers.event_ids
            summary = ids.summary()
            if request.args:
                prefix, after = request.args.get("prefix", ""), request.args.get("after", "")
                summary["ids"] = ids.with_prefix(prefix, after, _limit())
        return _json(summary)


def _changing(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/faults")
    def add_faults() -> Response:
        given = _body()
        try:
            for fault in [read_fault(one) for one in (given if isinstance(given, list) else [given])]:
                sandbox.faults.add(fault)
        except (ValueError, TypeError, AttributeError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"waiting": len(sandbox.faults.waiting())}, 201)

    @routes.delete("/faults")
    def drop_faults() -> Response:
        sandbox.faults.clear()
        return _json({"waiting": 0})

    @routes.post("/settings")
    def change_settings() -> Response:
        given = _body()
        if not isinstance(given, dict):
            return _json({"error": "Settings are a JSON object."}, 400)
        try:
            sandbox.settings.change(given)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return _json(sandbox.settings.as_json())

    @routes.post("/reset")
    def reset() -> Response:
        sandbox.reset()
        return _json({"reset": True})

    @routes.post("/settle")
    def settle() -> Response:
        done = sandbox.settle(request.args.get("timeout_s", 10.0, float))
        return _json({"settled": done}, 200 if done else 504)


def _profiles(sandbox: Sandbox) -> dict[str, Any]:
    asked, people = request.args, sandbox.workspace.profiles
    offset, limit = max(0, asked.get("offset", 0, int)), _limit()
    with people.lock:
        if asked.get("external_id"):
            found = [one for one in [people.by_external_id(asked["external_id"])] if one]
        elif asked.get("braze_id"):
            found = [one for one in [people.by_braze_id(asked["braze_id"])] if one]
        elif asked.get("alias_name"):
            found = [one for one in [people.by_alias(asked.get("alias_label", ""), asked["alias_name"])] if one]
        elif asked.get("email") or asked.get("phone"):
            contact = "email" if asked.get("email") else "phone"
            found = people.sharing(contact, asked[contact])
        elif asked.get("attribute"):
            rule = segments.Rule(asked["attribute"], asked.get("operator", "is"), asked.get("value", ""))
            found = segments.members(people, [rule])
        else:
            return {"total": len(people), "items": [profile_as_json(one) for one in people.page(offset, limit)]}
        return {"total": len(found), "items": [profile_as_json(one) for one in found[offset : offset + limit]]}


def _events(sandbox: Sandbox) -> list[dict[str, Any]]:
    name, braze_id = request.args.get("name"), request.args.get("braze_id")
    with sandbox.workspace.profiles.lock:
        kept = list(sandbox.workspace.newest_events)
    kept.reverse()
    chosen = [one for one in kept if name in (None, one.name) and braze_id in (None, one.braze_id)]
    return [happening_as_json(one) for one in chosen[: _limit()]]


def _sends(sandbox: Sandbox) -> list[dict[str, Any]]:
    asked = {name: request.args[name] for name in ("kind", "id", "outcome") if request.args.get(name)}
    found = [one.as_json() for one in sandbox.messages.newest(MAX_LIMIT)]
    return [one for one in found if all(one[name] == value for name, value in asked.items())][: _limit()]


def profile_as_json(profile: Profile) -> dict[str, Any]:
    """One person with everything known, the newest events in full."""
    return {
        **export(profile),
        "standard": profile.standard,
        "custom_attributes": profile.custom,
        "updated_at": formats.iso(profile.updated_at),
        "changed_at": {name: formats.iso(at) for name, at in profile.changed_at.items()},
        "event_counts": {name: tally.count for name, tally in profile.tallies.items()},
        "events": [happening_as_json(one) for one in profile.recent],
    }


def happening_as_json(what: Happening) -> dict[str, Any]:
    """One event or purchase."""
    return {**asdict(what), "arrived_at": formats.iso(what.arrived_at)}


def request_as_json(seen: SeenRequest) -> dict[str, Any]:
    """One call; bodies as JSON where they are, else as text."""
    return {
        **asdict(seen),
        "at": formats.iso(seen.at),
        "took_ms": round(seen.took_ms, 2),
        "body": _readable(seen.body),
        "answer": _readable(seen.answer),
    }


def _readable(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _limit() -> int:
    return min(max(1, request.args.get("limit", 100, int)), MAX_LIMIT)


def _body() -> Any:
    try:
        return orjson.loads(request.get_data() or b"{}")
    except orjson.JSONDecodeError:
        return None


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body, default=str), status, content_type="application/json")
