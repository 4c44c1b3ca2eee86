"""An integration's own page: how it does, pause and resume, who changed what, and its end."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, StringField

from ingest.context import context, wake_up
from ingest.outlook import outbox_of
from ingest.pages.connect.frame import STEPS, address_of, is_mapped, step_of
from ingest.pages.connect.saving import BY, refuse
from ingest.pages.door import guarded
from ingest.pages.drawing import shortened
from ingest.pages.figures import integration_figures
from ingest.pages.language import _, later
from ingest.pages.sentences import in_words
from schemas.integration_draft import API_KEY, ENDPOINT, IDENTIFIERS
from schemas.problems import InvalidDocument
from workers.errors import Conflict, StaleVersion
from workers.store.integration_record import StoredIntegration

blueprint = guarded(Blueprint("integration", __name__))

#: Lines of the audit that are shown.
AUDIT_LINES = 30
#: Characters of what is wrong with a draft.
LONGEST_DETAIL = 300
#: What is counted, its name, and half a sentence about it; the rest stands in the figures.
COUNTED = (
    ("received", later("Received"), later("what Komo has posted, without repeats")),
    ("waiting", later("Waiting"), later("on its way, or waiting for its turn")),
    ("held", later("Held"), later("names nobody yet, and waits for the person to identify themselves")),
    ("delivered", later("Delivered"), later("Braze has taken it")),
    ("filtered", later("Filtered"), later("not wanted, or nothing to send for it")),
    ("dead", later("Dead letters"), later("given up, until somebody mends the cause and replays them")),
    ("discarded", later("Discarded"), later("thrown away by a person, or too old")),
    ("duplicates", later("Repeats"), later("came again and did nothing more")),
)


class DeleteForm(FlaskForm):
    """Who removes an integration types what it is called."""

    id = StringField(later("Type its id"))
    discard = BooleanField(later("Also discard what waits, is held or dead"))


@blueprint.get("/integrations/<integration_id>")
def show(integration_id: str) -> AnyResponse:
    """The page; with `fragment` only how it does now."""
    stored = context().stores.integrations.get(integration_id)
    if "fragment" in request.args:
        return Response(render_template("pages/connect/_now.html", **_now(stored)))
    return _page(stored, DeleteForm(formdata=None))


@blueprint.post("/integrations/<integration_id>/pause")
def pause(integration_id: str) -> AnyResponse:
    """Stop sending; accepting goes on."""
    context().stores.integrations.pause(integration_id, by=BY)
    flash(_("Paused. What arrives is kept and waits."))
    return _back(integration_id)


@blueprint.post("/integrations/<integration_id>/resume")
def resume(integration_id: str) -> AnyResponse:
    """Send again, whoever paused."""
    context().stores.integrations.resume(integration_id, by=BY)
    wake_up(integration_id)
    flash(_("It sends again."))
    return _back(integration_id)


@blueprint.post("/integrations/<integration_id>/finish")
def finish(integration_id: str) -> AnyResponse:
    """End the setup: from now on it sends, also what has arrived meanwhile."""
    stored = context().stores.integrations.get(integration_id)
    try:
        context().stores.integrations.save(stored.document, by=BY, if_match=stored.version)
    except InvalidDocument as error:
        flash(_("Something is still missing or wrong: %(what)s", what=_short(error.problems[0].detail)), "danger")
        return _back(integration_id)
    except StaleVersion:
        flash(_("Somebody saved these settings in between: look at them and try again."), "warning")
        return _back(integration_id)
    wake_up(integration_id)
    flash(_("Connected. What has arrived meanwhile is sent now."))
    return _back(integration_id)


@blueprint.post("/integrations/<integration_id>/delete")
def delete(integration_id: str) -> AnyResponse:
    """Remove everything that is kept for it."""
    stored, form = context().stores.integrations.get(integration_id), DeleteForm()
    if (form.id.data or "").strip() != stored.id:
        refuse(form.id, _("This is not its id."))
        return _page(stored, form, 422)
    try:
        context().stores.integrations.delete(integration_id, discard=bool(form.discard.data))
    except Conflict as error:
        refuse(form.discard, f"{_('Not removed.')} {in_words(str(error))}")
        return _page(stored, form, 409)
    flash(_("Removed, with everything that was kept for it."))
    return redirect("/", 303)


def _short(detail: str) -> str:
    """For the cookie, which a browser drops if it is too long."""
    return shortened(in_words(detail), LONGEST_DETAIL)


def _back(integration_id: str) -> AnyResponse:
    return redirect(f"/integrations/{integration_id}", 303)


def _page(stored: StoredIntegration, form: DeleteForm, status: int = 200) -> AnyResponse:
    page = render_template(
        "pages/connect/integration.html", form=form, missing=_missing(stored), is_mapped=is_mapped(stored),
        audit=context().stores.integrations.audit(stored.id, AUDIT_LINES),
        steps=[(label, address_of(stored, key)) for key, label in STEPS],
        webhook_url=stored.shown(context().public_url)["webhook_url"], **_now(stored),
        **({} if stored.draft else integration_figures(stored.integration)),
    )  # fmt: skip
    return Response(page, status)


def _now(stored: StoredIntegration) -> dict[str, Any]:
    stores = context().stores
    ledger = stores.ledger.read(stored.integration)
    ledger["waiting"] += ledger["in_flight"]
    return {
        "stored": stored,
        "standing": None if stored.draft else _standing(stored),
        "outbox": outbox_of(stores.outbox, stored.integration),
        "figures": [(name, label, about, ledger[name]) for name, label, about in COUNTED],
        "dead": ledger["dead"],
    }


def _standing(stored: StoredIntegration) -> dict[str, Any]:
    told = context().stores.standing.tell(stored.integration)
    return told | {"because": in_words(told["because"]) if told["because"] else None}


def _missing(stored: StoredIntegration) -> list[tuple[str, str]]:
    """What a draft lacks in words, and the page that asks for it."""
    words = {
        ENDPOINT: _("where your Braze workspace is"),
        API_KEY: _("a key of Braze"),
        IDENTIFIERS: _("how people are found in Braze"),
    }
    return [(words.get(one, one), address_of(stored, step_of(one))) for one in stored.missing]
