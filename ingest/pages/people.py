"""Forgetting a person: everything that is kept here about them."""

from collections.abc import Mapping
from typing import Any, get_args

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context, start_job
from ingest.pages.door import guarded
from ingest.pages.language import _
from ingest.pages.masking import masked
from schemas.mapping import IdentifierKind

blueprint = guarded(Blueprint("people_page", __name__, url_prefix="/people"))

KINDS: tuple[str, ...] = get_args(IdentifierKind)
#: Characters of an identifier.
LONGEST = 1000


@blueprint.get("/forget")
def ask() -> AnyResponse:
    """Whom to forget; of a submission, the person whom it is about."""
    submission_id = request.args.get("submission", "")
    if not submission_id:
        return _form({}, {})
    person = _person_of(submission_id)
    if person is None:
        return _form({}, {"value": _("That submission names nobody, or is no longer kept. Say who it is.")})
    return _confirm(person, submission_id)


@blueprint.post("/forget")
def forget() -> AnyResponse:
    """Ask once more, saying what goes; then begin."""
    submission_id = request.form.get("submission", "")
    person = _person_of(submission_id) if submission_id else _typed(request.form)
    if person is None:
        return _form({}, {"value": _("That submission names nobody, or is no longer kept. Say who it is.")})
    problems = _problems(person)
    if problems:
        return _form(person, problems)
    if request.form.get("sure") != "yes":
        return _confirm(person, submission_id)
    job = start_job("forget", {name: value for name, value in person.items() if value}, by="page")
    return redirect(url_for("jobs_page.show", job_id=job.id), 303)


def _typed(form: Mapping[str, str]) -> dict[str, Any]:
    kind = form.get("kind", "")
    label = form.get("alias_label", "").strip() if kind == "user_alias" else ""
    return {"kind": kind, "value": form.get("value", "").strip(), "alias_label": label}


def _problems(person: Mapping[str, Any]) -> dict[str, str]:
    """By field, what is wrong."""
    found = {}
    if person.get("kind") not in KINDS:
        found["kind"] = _("Choose one.")
    if not person.get("value") or len(person["value"]) > LONGEST:
        found["value"] = _("Type the identifier of the person.")
    if person.get("kind") == "user_alias" and not person.get("alias_label"):
        found["alias_label"] = _("An alias is found by its label and its name: type the label.")
    return found


def _person_of(submission_id: str) -> dict[str, Any] | None:
    found = context().stores.timeline.show(submission_id)
    return found["person"] if found else None


def _form(typed: Mapping[str, Any], problems: Mapping[str, str]) -> AnyResponse:
    page = render_template("pages/forget.html", typed=typed, problems=problems, kinds=KINDS)
    return Response(page, 422 if problems else 200)


def _confirm(person: Mapping[str, Any], submission_id: str) -> AnyResponse:
    """A person who was typed in is shown as typed; one out of a submission stays masked."""
    name = masked(str(person["value"])) if submission_id else str(person["value"])
    return Response(render_template("pages/forget_confirm.html", person=person, name=name, submission_id=submission_id))
