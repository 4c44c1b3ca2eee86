"""The second step: where Komo posts to, how it proves that it is Komo, and whether something has arrived."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, TextAreaField

from ingest.context import context
from ingest.pages.connect.bodies import bodies
from ingest.pages.connect.frame import address_of, next_address
from ingest.pages.connect.saving import BY, StepForm, refuse, save_and_go_on, show_step
from ingest.pages.door import guarded
from ingest.pages.language import _, later
from ingest.pages.recent import MOST, as_mappings_see, newest, shape_of
from schemas.submission import Submission, lookup
from workers.errors import SealBroken
from workers.store.integration_record import SECRETS, StoredIntegration, Which

blueprint = guarded(Blueprint("settings_komo", __name__))

#: Members of `accept`, and where a submission has what they are compared with, and its name.
FILTERS: Mapping[str, tuple[tuple[str, str], tuple[str, str] | None]] = {
    "site_ids": (("hub", "id"), ("hub", "name")),
    "card_ids": (("card", "id"), ("card", "name")),
    "events": (("submission", "event"), None),
}
#: Suggestions for one filter.
MOST_SUGGESTED = 20


class KomoForm(StepForm):
    """Ways of proving, and what is wanted at all."""

    PLACES: ClassVar[Mapping[str, str]] = {
        "/webhook": "bearer",
        "/accept/site_ids": "site_ids",
        "/accept/card_ids": "card_ids",
        "/accept/events": "events",
    }

    bearer = BooleanField(later("The secret in a header"))
    url_key = BooleanField(later("A key in the address"))
    signature = BooleanField(later("A signature (Standard Webhooks)"))
    site_ids = TextAreaField(later("Only these hubs"))
    card_ids = TextAreaField(later("Only these cards"))
    events = TextAreaField(later("Only these events"))

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document with what this form says."""
        accept = dict(document["accept"]) | {name: _lines(self[name].data) for name in FILTERS}
        return {**document, "webhook": {**document["webhook"], "methods": self._methods(document)}, "accept": accept}

    def _methods(self, document: Mapping[str, Any]) -> list[str]:
        """In the order that they have, so that nothing changes where nobody changed anything."""
        chosen = [name for name in ("bearer", "url_key", "signature") if self[name].data]
        before: Sequence[str] = document["webhook"]["methods"]
        return [one for one in before if one in chosen] + [one for one in chosen if one not in before]


@blueprint.get("/integrations/<integration_id>/komo")
def show(integration_id: str) -> AnyResponse:
    """Address, secrets and what to paste; with `fragment`, only whether something has arrived."""
    stored = context().stores.integrations.get(integration_id)
    if "fragment" in request.args:
        return Response(
            render_template("pages/connect/_first.html", stored=stored, **_arrived(stored, _seen(stored, 1)))
        )
    return _page(stored, _filled(stored))


@blueprint.post("/integrations/<integration_id>/komo")
def save(integration_id: str) -> AnyResponse:
    """Save ways and filters."""
    stored, form = context().stores.integrations.get(integration_id), KomoForm()
    if not (form.bearer.data or form.url_key.data or form.signature.data):
        refuse(form.bearer, _("Allow one way at least, or nothing can arrive."))
    if form.bearer.errors or not form.validate():
        return _page(stored, form, 422)
    return save_and_go_on(stored, "komo", form, form.changed(stored.document), partial(_page, stored, form))


@blueprint.post("/integrations/<integration_id>/rotate")
def rotate(integration_id: str) -> AnyResponse:
    """New secrets, shown this once; loading the answer again makes no other ones."""
    stored, which = context().stores.integrations.get(integration_id), _which()
    if request.form.get("revision") != stored.revision:
        flash(_("These settings have changed since the page was loaded, so nothing was made anew."), "warning")
        return redirect(address_of(stored, "komo"), 303)
    fresh = context().stores.integrations.rotate(integration_id, which, by=BY)
    return _page(context().stores.integrations.get(integration_id), None, fresh=fresh)


@blueprint.post("/integrations/<integration_id>/retire")
def retire(integration_id: str) -> AnyResponse:
    """Let the previous secrets stop working."""
    stored = context().stores.integrations.get(integration_id)
    context().stores.integrations.retire(integration_id, _which(), by=BY)
    flash(_("The previous one no longer works."))
    return redirect(address_of(stored, "komo"), 303)


def _page(
    stored: StoredIntegration, form: KomoForm | None, status: int = 200, *, fresh: Mapping[str, str] | None = None
) -> AnyResponse:
    webhook_url, seen = stored.shown(context().public_url)["webhook_url"], _seen(stored)
    more = {
        "webhook_url": webhook_url, "bodies": bodies(), "fresh": fresh, "secrets": _shown_secrets(stored, fresh),
        "following": next_address(stored, "komo"), "suggested": _suggestions(seen), **_arrived(stored, seen),
        "previous": {which: stored.has_previous(which) for which in SECRETS},
    }  # fmt: skip
    return show_step(stored, "komo", form or _filled(stored, anew=True), status, **more)


def _filled(stored: StoredIntegration, *, anew: bool = False) -> KomoForm:
    document = stored.document
    told: dict[str, Any] = {name: "\n".join(document["accept"][name]) for name in FILTERS}
    told |= {name: name in document["webhook"]["methods"] for name in ("bearer", "url_key", "signature")}
    about: dict[str, Any] = {"formdata": None} if anew else {}
    return KomoForm(data={"version": stored.version, **told}, **about)


def _shown_secrets(stored: StoredIntegration, fresh: Mapping[str, str] | None) -> Mapping[str, str]:
    """All of them while it is being set up, else only those that were made just now."""
    if fresh is not None or not stored.draft:
        return fresh or {}
    try:
        return {"webhook_secret": stored.webhook_secrets[0], "url_key": stored.url_keys[0]}
    except SealBroken:  # nobody can read them any more, but new ones can be made here
        return {}


def _seen(stored: StoredIntegration, most: int = MOST) -> list[Submission]:
    return as_mappings_see(newest(stored.integration, context().stores, most))


def _arrived(stored: StoredIntegration, seen: Sequence[Submission]) -> dict[str, Any]:
    """How many were received, and the newest that is still kept."""
    received = context().stores.ledger.read(stored.integration)["received"]
    if not seen:
        return {"received": received, "first": None}
    newest_one = seen[0]
    card = lookup(newest_one.sections, ("card", "name"))
    about = {"shape": shape_of(newest_one), "event": newest_one.event, "card": str(card) if card else ""}
    return {"received": received, "first": {**about, "at": newest_one.sections["submission"]["received_at"]}}


def _suggestions(seen: Sequence[Submission]) -> dict[str, list[tuple[str, str]]]:
    """For each filter, values of real submissions with their names."""
    return {name: _values(seen, value, label) for name, (value, label) in FILTERS.items()}


def _values(seen: Sequence[Submission], value: tuple[str, str], label: tuple[str, str] | None) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for one in seen:
        text = lookup(one.sections, value)
        if isinstance(text, str) and text.strip():
            name = lookup(one.sections, label) if label else ""
            found.setdefault(text.strip(), name if isinstance(name, str) else "")
    return list(found.items())[:MOST_SUGGESTED]


def _which() -> Sequence[Which]:
    found = [one for one in SECRETS if one == request.form.get("which")]
    return found or abort(404)


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]
