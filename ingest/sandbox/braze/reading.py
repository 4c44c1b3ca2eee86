"""The endpoints that read: people by identifier, attribute and event names, campaigns (there are none)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from ingest.sandbox.braze import formats
from ingest.sandbox.braze.door import Answer, Call, check, message
from ingest.sandbox.braze.profiles import Profile, Profiles
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.track import SYNTAX

MAX_IDS = 50
ATTRIBUTES_PER_PAGE = 50
EVENTS_PER_PAGE = 250
TOO_MANY_IDS = "The max number of external_ids and aliases per request was exceeded"
#: https://www.braze.com/docs/api/endpoints/export/custom_attributes/get_custom_attributes/
TYPE_NAMES = {
    "string": "String", "number": "Number", "boolean": "Boolean", "time": "Date", "array": "Array",
    "object": "Object", "object_array": "Object Array",
}  # fmt: skip


def _behind_door(sandbox: Sandbox, call: Call, permission: str, kind: str, answer: Callable[[], Answer]) -> Answer:
    refused, headers = check(sandbox, call, permission, kind)
    given = refused or answer()
    return replace(given, headers={**given.headers, **headers})


def answer_export(sandbox: Sandbox, call: Call) -> Answer:
    """
    POST /users/export/ids.

    Source: https://www.braze.com/docs/api/endpoints/export/user_data/post_users_identifier/
    """
    return _behind_door(sandbox, call, "users.export.ids", "export", lambda: _export(sandbox, call))


def _export(sandbox: Sandbox, call: Call) -> Answer:
    try:
        asked = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return message(400, SYNTAX)
    if not isinstance(asked, dict):
        return message(400, SYNTAX)
    wanted = asked.get("fields_to_export")
    if not isinstance(wanted, list) or not wanted:
        return message(400, "'fields_to_export' is required")
    external_ids, aliases = asked.get("external_ids", []), asked.get("user_aliases", [])
    if not isinstance(external_ids, list) or not isinstance(aliases, list):
        return message(400, "'external_ids' and 'user_aliases' must be arrays")
    if len(external_ids) + len(aliases) > MAX_IDS:
        return message(400, TOO_MANY_IDS)
    with sandbox.workspace.profiles.lock:
        found, missing = _look_up(sandbox.workspace.profiles, asked, external_ids, aliases)
        users = [{name: value for name, value in export(one).items() if name in wanted} for one in found]
    body: dict[str, Any] = {"message": "success", "users": users}
    if missing:
        body["invalid_user_ids"] = missing
    return Answer(201, orjson.dumps(body))


def _look_up(
    profiles: Profiles, asked: dict[str, Any], external_ids: list[Any], aliases: list[Any]
) -> tuple[list[Profile], list[Any]]:
    found: dict[str, Profile] = {}
    missing: list[Any] = []

    def keep(profile: Profile | None, asked_for: Any) -> None:
        if profile is None:
            missing.append(asked_for)
        else:
            found[profile.braze_id] = profile

    for external_id in external_ids:
        keep(profiles.by_external_id(str(external_id)), external_id)
    for alias in aliases:
        parts = alias if isinstance(alias, dict) else {}
        keep(profiles.by_alias(str(parts.get("alias_label")), str(parts.get("alias_name"))), alias)
    if asked.get("braze_id") is not None:
        keep(profiles.by_braze_id(str(asked["braze_id"])), asked["braze_id"])
    for member, contact in (("email_address", "email"), ("phone", "phone")):
        if asked.get(member) is not None:
            found.update({one.braze_id: one for one in profiles.sharing(contact, str(asked[member]))})
    return list(found.values()), missing


def export(profile: Profile) -> dict[str, Any]:
    """One person as Braze exports them: fields without a value are left out."""
    events = [
        {"name": name, "first": formats.iso(tally.first), "last": formats.iso(tally.last), "count": tally.count}
        for name, tally in profile.tallies.items()
    ]
    aliases = [{"alias_label": label, "alias_name": name} for label, name in profile.aliases.items()]
    whole = {
        "external_id": profile.external_id,
        "user_aliases": aliases,
        "braze_id": profile.braze_id,
        "created_at": formats.iso(profile.created_at),
        **profile.standard,
        "custom_attributes": profile.custom,
        "custom_events": events,
    }
    return {name: value for name, value in whole.items() if value not in (None, [], {})}


def answer_custom_attributes(sandbox: Sandbox, call: Call) -> Answer:
    """GET /custom_attributes: names with the type fixed for each; `cursor` is the last name of the page before."""

    def page() -> Answer:
        after = call.query.get("cursor", "")
        with sandbox.workspace.profiles.lock:
            fixed = {**sandbox.workspace.types, **sandbox.settings.forced_types}
        names = sorted(name for name in fixed if name > after)
        shown: list[dict[str, Any]] = [
            {"name": name, "data_type": TYPE_NAMES[fixed[name]], "array_length": None, "status": "Active",
             "description": None, "tag_names": []}
            for name in names[:ATTRIBUTES_PER_PAGE]
        ]  # fmt: skip
        link = {}
        if len(names) > ATTRIBUTES_PER_PAGE:
            last = quote(names[ATTRIBUTES_PER_PAGE - 1])
            link["link"] = f'<{sandbox.public_url}/custom_attributes?cursor={last}>; rel="next"'
        return Answer(200, orjson.dumps({"message": "success", "attributes": shown}), headers=link)

    return _behind_door(sandbox, call, "custom_attributes.get", "other", page)


def answer_events_list(sandbox: Sandbox, call: Call) -> Answer:
    """GET /events/list: names of events, `page` counted from 0."""

    def page() -> Answer:
        number = int(call.query.get("page", "0")) if call.query.get("page", "0").isdigit() else 0
        with sandbox.workspace.profiles.lock:
            names = sorted(sandbox.workspace.event_counts)
        shown = names[number * EVENTS_PER_PAGE : (number + 1) * EVENTS_PER_PAGE]
        return Answer(200, orjson.dumps({"message": "success", "events": shown}))

    return _behind_door(sandbox, call, "events.list", "other", page)


def answer_campaigns_list(sandbox: Sandbox, call: Call) -> Answer:
    """GET /campaigns/list: the sandbox has no campaigns yet."""

    def page() -> Answer:
        return Answer(200, orjson.dumps({"message": "success", "campaigns": []}))

    return _behind_door(sandbox, call, "campaigns.list", "other", page)
