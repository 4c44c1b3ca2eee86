"""Choosing what goes to Braze: shown, tried while typing, saved."""

from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context, wake_up
from ingest.pages.connect.frame import frame
from ingest.pages.door import guarded
from ingest.pages.fields import trial_words
from ingest.pages.fields.editing import press
from ingest.pages.fields.page import FieldsPage, in_words
from ingest.pages.fields.parts import blank_part
from ingest.pages.fields.places import control_at
from ingest.pages.fields.rows import STARTERS, row_of
from ingest.pages.language import _
from schemas.problems import InvalidDocument
from workers.errors import Conflict, StaleVersion

#: How the audit calls whoever saved.
BY: Final = "page"
#: A thousand rules, and a pasted body, are a large form.
MAX_FORM_BYTES: Final = 8_388_608

#: A new condition and a new property, for the script to copy; it puts keys in place of ROW, NEW and PART.
_BLANK: Final = {kind: blank_part(kind, "PART") for kind in ("when", "properties")}

blueprint = Blueprint("fields", __name__)


@blueprint.before_request
def _take_large_forms() -> None:
    request.max_content_length = request.max_form_memory_size = MAX_FORM_BYTES


guarded(blueprint)


@blueprint.get("/integrations/<integration_id>/fields")
def show(integration_id: str) -> AnyResponse:
    """The rules as they are saved."""
    stored = context().stores.integrations.get(integration_id)
    return _draw(FieldsPage.of_stored(stored, context(), everything=bool(request.args.get("everything"))))


@blueprint.post("/integrations/<integration_id>/fields")
def change(integration_id: str) -> AnyResponse:
    """Whatever a button says: save, or go on editing with nothing saved yet."""
    stored, button = context().stores.integrations.get(integration_id), request.form.get("do", "")
    if "whole" not in request.form:  # the rules that it lacks would count as removed
        abort(400)
    page = FieldsPage.of_form(stored, context(), request.form)
    if button in ("save", "later"):
        return _save(page, finishes=button == "save" or not stored.integration.draft)
    if button == "forget-sample":
        page.sample = ""
    elif button not in ("preview", "everything"):
        before = FieldsPage.of_form(stored, context(), request.form)  # the rows of `page` are about to change
        seen = before.proposals if button == "map-all" else before.seen if button.startswith("map ") else ()
        page.goes_on = press(page.rows, button, seen) or ""
    page.everything = page.everything or button == "everything"
    return _draw(page)


@blueprint.post("/integrations/<integration_id>/fields/preview")
def preview(integration_id: str) -> AnyResponse:
    """The part of the page that shows what would be sent, for the form as it is typed."""
    stored = context().stores.integrations.get(integration_id)
    page = FieldsPage.of_form(stored, context(), request.form)
    return Response(render_template("pages/fields/_trial.html", **_shown(page)))


def _save(page: FieldsPage, *, finishes: bool) -> AnyResponse:
    integrations = context().stores.integrations
    save = integrations.save if finishes else integrations.save_draft
    was_draft = page.stored.integration.draft
    if page.find_twice():
        return _draw(page, 422)
    try:
        save(page.document, by=BY, if_match=page.version)
    except InvalidDocument as error:
        page.place(error.problems)
        return _draw(page, 422)
    except StaleVersion:
        return _draw(_stale(page), 412)
    except Conflict as error:
        page.top.append(in_words(str(error)))
        return _draw(page, 409)
    if finishes:
        wake_up(page.stored.id)
    flash(_("Saved. Everything that Komo posts goes to Braze from now on.") if was_draft and finishes else _("Saved."))
    return redirect(url_for("fields.show", integration_id=page.stored.id), 303)


def _stale(page: FieldsPage) -> FieldsPage:
    """Saving again now would be on purpose."""
    page.version = page.stored.version
    page.top.append(
        _(
            "Somebody saved these settings in between. What you typed is still here, and not saved: look at what has "
            "changed, then save again to put yours in its place."
        )
    )
    return page


def _draw(page: FieldsPage, status: int = 200) -> AnyResponse:
    if request.args.get("fragment"):
        return Response(render_template("pages/fields/_editor.html", **_shown(page)), status)
    around = frame(page.stored, "fields")
    return Response(render_template("pages/fields/page.html", **around | _shown(page)), status)


def _shown(page: FieldsPage) -> dict[str, Any]:
    page.trial  # noqa: B018 - before the drawing, so that what is wrong with a sample is known on top
    return {
        "page": page, "stored": page.stored, "trial_words": trial_words,
        "control_at": control_at, "in_words": in_words, "blank": _BLANK,
        "starters": {name: row_of(name, "NEW", dict(rule)) for name, rule in STARTERS.items()},
    }  # fmt: skip
