"""The third step: which Braze workspace, with which key, and how fast."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from flask import Blueprint, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, PasswordField, SelectChoice, SelectField, StringField

from ingest.context import context
from ingest.pages.connect.number_fields import Number, WholeNumber
from ingest.pages.connect.saving import StepForm, refuse, save_and_go_on, show_step
from ingest.pages.door import guarded
from ingest.pages.language import _, later
from ingest.pages.sentences import in_words
from schemas.braze_hosts import INSTANCES, UnknownHost, rest_endpoint
from schemas.integration import read_document
from schemas.integration_draft import API_KEY
from schemas.problems import InvalidDocument, Problem
from workers.errors import SealBroken
from workers.store.integration_record import StoredIntegration, is_fingerprint

blueprint = guarded(Blueprint("settings_braze", __name__))

#: Stands in for rules that a draft does not have yet; nobody is looked up by it.
_ANY_IDENTIFIER = {"kind": "external_id", "field": "profile.id"}
_LIMITS = {"rate_limit": ("requests", "per_seconds"), "burst_limit": ("burst_requests", "burst_per_seconds")}


class BrazeForm(StepForm):
    """Where, with which key, and the details that few people need."""

    PLACES: ClassVar[Mapping[str, str]] = {
        "/braze/rest_endpoint": "instance",
        "/braze/api_key": "api_key",
        "/braze/workspace": "workspace",
        "/braze/max_objects_per_request": "max_objects",
        "/braze/rate_limit": "requests",
        "/braze/rate_limit/per_seconds": "per_seconds",
        "/braze/burst_limit": "burst_requests",
        "/braze/burst_limit/per_seconds": "burst_per_seconds",
        "/existing_profiles_only": "existing_profiles_only",
        "/send_only_changes": "send_only_changes",
        "/max_age_hours": "max_age_hours",
    }

    instance = SelectField(later("Your Braze instance"), validate_choice=False)
    address = StringField(later("Or paste the address of your dashboard"))
    api_key = PasswordField(later("REST API key"), render_kw={"autocomplete": "new-password", "spellcheck": "false"})
    key_from = StringField(later("Name of an environment variable that holds the key"))
    workspace = StringField(later("Name of the Braze workspace"))
    requests = WholeNumber(later("Requests"))
    per_seconds = Number(later("in how many seconds"))
    burst_requests = WholeNumber(later("In bursts, requests"))
    burst_per_seconds = Number(later("in how many seconds, in bursts"))
    max_objects = WholeNumber(later("Objects in one request"))
    max_age_hours = Number(later("Give up after hours"))
    existing_profiles_only = BooleanField(later("Only update profiles that exist"))
    send_only_changes = BooleanField(later("Send only what has changed"))

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        known, given = {"": _("Choose"), **_instances()}, self.instance.data or ""
        self.instance.choices = [SelectChoice(*one) for one in (known | {given: known.get(given, given)}).items()]

    @property
    def typed(self) -> str:
        """The address that is meant: what is pasted counts."""
        return (self.address.data or "").strip() or (self.instance.data or "").strip()

    def field_at(self, pointer: str) -> Any:
        """What is wrong with an address is told where it was given."""
        if pointer == "/braze/rest_endpoint" and (self.address.data or "").strip():
            return self.address
        if pointer == API_KEY and (self.key_from.data or "").strip():
            return self.key_from
        return super().field_at(pointer)

    def is_complete(self, stored: StoredIntegration) -> bool:
        """Whether what belongs together is there; says what is not."""
        key, name = (self.api_key.data or "").strip(), (self.key_from.data or "").strip()
        if not self.typed and (key or name or not stored.draft):
            refuse(self.instance, _("Choose the instance, or paste an address below."))
        if key and name:
            refuse(self.key_from, _("Give the key or the name of a variable, not both."))
        return not (self.instance.errors or self.key_from.errors)

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document with what this form says."""
        braze = dict(document["braze"])
        _put(braze, "rest_endpoint", self.typed or None)
        key, name = (self.api_key.data or "").strip(), (self.key_from.data or "").strip()
        _put(braze, "api_key", key or ({"from_env": name} if name else None))
        workspace = (self.workspace.data or "").strip()
        if workspace or not is_fingerprint(braze.get("workspace", "")):
            _put(braze, "workspace", workspace or None)
        _put(braze, "max_objects_per_request", self.max_objects.data)
        for member, (requests, seconds) in _LIMITS.items():
            _put_limit(braze, member, self[requests].data, self[seconds].data)
        changed = {
            **document, "braze": braze, "existing_profiles_only": bool(self.existing_profiles_only.data),
            "send_only_changes": bool(self.send_only_changes.data),
        }  # fmt: skip
        _put(changed, "max_age_hours", self.max_age_hours.data)
        return changed


@blueprint.get("/integrations/<integration_id>/braze")
def show(integration_id: str) -> AnyResponse:
    """What is set; of the key only that it is, and its end."""
    stored = context().stores.integrations.get(integration_id)
    return _page(stored, _filled(stored))


@blueprint.post("/integrations/<integration_id>/braze")
def save(integration_id: str) -> AnyResponse:
    """Save, or only ask Braze whether what is typed would do."""
    stored, form = context().stores.integrations.get(integration_id), BrazeForm()
    is_valid = form.validate()
    if not (form.is_complete(stored) and is_valid):
        return _page(stored, form, 422)
    document = form.changed(stored.document)
    if request.form.get("do") == "test":
        return _test(stored, form, document)
    answer = save_and_go_on(stored, "braze", form, document, partial(_page, stored, form))
    became = _corrected(form)
    if became and answer.status_code == 303:
        flash(_("Of the address that you pasted this became: %(endpoint)s.", endpoint=became), "info")
    return answer


def _page(stored: StoredIntegration, form: BrazeForm, status: int = 200, **more: Any) -> AnyResponse:
    key = stored.shown("")["braze"]["api_key"] if stored.has_key else {}
    workspace = stored.document["braze"].get("workspace", "")
    return show_step(
        stored, "braze", form, status, key=key, key_name=stored.api_key_name, lines=more.pop("lines", None),
        made_here=is_fingerprint(workspace), **more,
    )  # fmt: skip


def _filled(stored: StoredIntegration) -> BrazeForm:
    document, braze = stored.document, stored.document["braze"]
    workspace = braze.get("workspace", "")
    burst = braze.get("burst_limit") or {}
    return BrazeForm(data={
        "version": stored.version,
        "instance": braze.get("rest_endpoint", ""),
        "workspace": "" if is_fingerprint(workspace) else workspace,
        "requests": braze["rate_limit"]["requests"], "per_seconds": braze["rate_limit"]["per_seconds"],
        "burst_requests": burst.get("requests"), "burst_per_seconds": burst.get("per_seconds"),
        "max_objects": braze["max_objects_per_request"], "max_age_hours": document.get("max_age_hours"),
        "existing_profiles_only": document["existing_profiles_only"],
        "send_only_changes": document["send_only_changes"],
    })  # fmt: skip


def _test(stored: StoredIntegration, form: BrazeForm, document: dict[str, Any]) -> AnyResponse:
    """Ask Braze, with what is typed; nothing is saved, and nothing is written to a profile."""
    whole = document | {"identifiers": document.get("identifiers") or [_ANY_IDENTIFIER]}
    hosts = context().settings.extra_braze_hosts
    try:
        reading = read_document(whole, extra_hosts=hosts, kept_for=stored.key_is_for)
        key = _key(stored, reading.api_key)
    except InvalidDocument as error:
        form.tell(error.problems)
        return _page(stored, form, 422)
    except SealBroken as error:
        form.tell([Problem(API_KEY, str(error))])
        return _page(stored, form, 422)
    if key is None:
        lines = [("key", False, _("This environment variable is not set where the connector runs."))]
    else:
        lines = context().probe(reading.integration(), key)
    endpoint = reading.document["braze"]["rest_endpoint"]
    retype = bool((form.api_key.data or "").strip())
    return _page(stored, form, lines=[_told(line) for line in lines], endpoint=endpoint, retype=retype)


def _key(stored: StoredIntegration, given: str | dict[str, str] | None) -> str | None:
    if isinstance(given, dict):
        return os.environ.get(given["from_env"], "").strip() or None
    return given or stored.api_key()


def _told(line: tuple[str, bool, str]) -> dict[str, Any]:
    """One line of the test, with a name in plain words and what to do if it is wrong."""
    name, is_right, sentence = line
    in_keys = _("In Braze: Settings > API keys. Open the key, tick this permission, or make a new key with it.")
    known = {
        "host": (_("Address"), _("Compare the address in your browser when you are in Braze with the list above.")),
        "key": (_("Key"), _("In Braze: Settings > API keys. Copy the whole identifier of the key again.")),
        "permission": (_("May write to profiles (users.track)"), in_keys),
        "campaigns.trigger.send": (_("May send campaigns (campaigns.trigger.send)"), in_keys),
        "canvas.trigger.send": (_("May send canvases (canvas.trigger.send)"), in_keys),
        "transactional.send": (_("May send transactional e-mails (transactional.send)"), in_keys),
        "types": (_("Types of your custom attributes"), _("Change the type in the step Fields, or in Braze.")),
    }
    label, advice = known.get(name, (name, _("Change the type in the step Fields, or in Braze.")))
    return {"name": label, "ok": is_right, "sentence": in_words(sentence), "advice": "" if is_right else advice}


def _corrected(form: BrazeForm) -> str | None:
    """What a pasted address became, if it is not what was pasted."""
    pasted = (form.address.data or "").strip()
    try:
        found = rest_endpoint(pasted, context().settings.extra_braze_hosts) if pasted else None
    except UnknownHost:
        return None
    return found if found != pasted else None


def _instances() -> dict[str, str]:
    """What may be chosen, by the REST endpoint that it stands for."""
    extra = [rest_endpoint(one, [one]) for one in context().settings.extra_braze_hosts]
    published = {f"https://{one.rest_host}": f"{one.name} ({one.dashboard_host})" for one in INSTANCES}
    return published | {one: one for one in extra}


def _put(into: dict[str, Any], member: str, value: Any) -> None:
    """Nothing leaves a member out, and what it was anyway stays as it was written."""
    if value is None:
        into.pop(member, None)
    elif into.get(member) != value:
        into[member] = value


def _put_limit(braze: dict[str, Any], member: str, requests: int | None, seconds: float | None) -> None:
    if requests is None and seconds is None:
        if braze.get(member) is not None:
            braze.pop(member)
        return
    limit = dict(braze.get(member) or {})
    _put(limit, "requests", requests)
    _put(limit, "per_seconds", seconds)
    braze[member] = limit
