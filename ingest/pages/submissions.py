"""One submission: what happened to it, why it has not arrived, and what to do about that."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context
from ingest.pages.door import guarded
from ingest.pages.masking import masked_person, without_quotes, without_values
from ingest.preview import preview
from schemas.integration import Integration
from schemas.komo import read_submission
from workers.errors import UnknownIntegration
from workers.store.records import OutOfTime
from workers.store.search import PAGE_SECONDS

blueprint = guarded(Blueprint("submissions_page", __name__, url_prefix="/submissions"))

#: Characters of a body, or of all requests together, that are shown at first.
MOST_OF_A_BODY = 50_000
#: In these nothing changes any more by itself.
FINAL = frozenset({"delivered", "filtered", "discarded"})


@blueprint.get("/<submission_id>")
def show(submission_id: str) -> AnyResponse:
    """
    Everything that is known of it; what people typed only with `?show=values`, the end of long bodies with `?all`.

    An old one may lie behind many others: it is looked for as long as a page may take, and with `?far=yes` to the end.
    """
    seconds = None if "far" in request.args else PAGE_SECONDS
    try:
        found = context().stores.timeline.show(submission_id, seconds=seconds)
    except OutOfTime:
        return Response(render_template("pages/submission_far.html", submission_id=submission_id))
    if found is None:
        return Response(render_template("pages/submission_gone.html", settings=context().settings), 404)
    template = "pages/_submission.html" if "fragment" in request.args else "pages/submission.html"
    told = _told(found, shows_values=request.args.get("show") == "values")
    answer = Response(render_template(template, most=MOST_OF_A_BODY, shows_all="all" in request.args, **told))
    if found["state"] in FINAL and "fragment" in request.args:
        answer.headers["X-Refresh"] = "end"
    return answer


def _told(found: dict[str, Any], *, shows_values: bool) -> dict[str, Any]:
    integration, name = _integration(found["integration"])
    forecast = _forecast(found, integration)
    requests = forecast.get("requests", [])
    person = found["person"]
    if not shows_values:
        found = found | {"timeline": [_without_quotes(step, found["raw"]) for step in found["timeline"]]}
    return {
        "one": found,
        "shows_values": shows_values,
        "is_final": found["state"] in FINAL,
        "name": name,
        "about": _about(found),
        "person": (str(person["value"]) if shows_values else masked_person(person)) if person else "",
        "raw": found["raw"] if shows_values else without_values(found["raw"]),
        "forecast": forecast,
        "requests": [one | {"body": one["body"] if shows_values else without_values(one["body"])} for one in requests],
        "ending": found["timeline"][-1],
        "answer": _last_answer(found),
        "hold_hours": context().settings.hold_hours,
    }


def _without_quotes(step: dict[str, Any], raw: Any) -> dict[str, Any]:
    return step | {"answer": without_quotes(step["answer"], raw)} if step.get("answer") else step


def _integration(integration_id: str) -> tuple[Integration | None, str]:
    try:
        integration = context().stores.integrations.get(integration_id).integration
    except UnknownIntegration:  # removed a moment ago
        return None, integration_id
    return integration, integration.name


def _about(found: dict[str, Any]) -> dict[str, str]:
    """The names of the card and the hub that it came from; empty where it does not say."""
    sections = read_submission(found["raw"], id=found["id"], received_at=_received_at(found)).sections
    return {name: _name(sections.get(name)) for name in ("card", "hub")}


def _name(section: Any) -> str:
    found = section if isinstance(section, Mapping) else {}
    return str(found.get("name") or found.get("id") or "")


def _forecast(found: dict[str, Any], integration: Integration | None) -> dict[str, Any]:
    """What today's rules make of it; nothing where they can't be applied."""
    if integration is None:
        return {}
    try:
        return preview(
            integration, found["raw"], received_at=_received_at(found), submission_id=found["id"],
        )  # fmt: skip
    except Exception:  # a body that brings the rules to a stop is a dead letter, and must still be shown
        return {}


def _received_at(found: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(found["received_at"])


def _last_answer(found: dict[str, Any]) -> dict[str, Any] | None:
    """The last attempt that Braze did not simply take; a request may have been taken for the sake of others in it."""
    answered = [step for step in found["timeline"] if step["what"] in ("attempt", "dead") and step.get("answer")]
    refusals = [step for step in answered if found["reason"] == "refused" or (step.get("status") or 0) // 100 != 2]
    return refusals[-1] if refusals else None
