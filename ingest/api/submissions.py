"""Submissions: which there are, and what became of each."""

from typing import Any

from flask import Response, abort
from flask_smorest import Blueprint

from ingest.api.context import answer, read_object
from ingest.api.parameters import refuse_parameters
from ingest.api.tokens import require_token
from ingest.context import context
from ingest.problems import problem
from schemas.api import SubmissionList, SubmissionQuery, SubmissionWhole
from schemas.api_dead_letters import SubmissionSearch, sought

blueprint = Blueprint(
    "submissions", __name__, url_prefix="/api/v1/submissions", description="What people did on Komo cards"
)
blueprint.before_request(require_token)
blueprint.before_request(refuse_parameters)


@blueprint.route("", methods=["GET"])
@blueprint.arguments(SubmissionQuery, location="query")
@blueprint.response(200, SubmissionList)
def list_submissions(query: dict[str, Any]) -> Response:
    """List submissions, newest first."""
    stores = context().stores
    if "integration" in query:
        stores.integrations.get(query["integration"])
    try:
        items, following = stores.timeline.list(
            query.get("integration"),
            state=query.get("state"),
            event=query.get("event"),
            since=query.get("since"),
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
    except ValueError as error:
        abort(_bad_cursor(error))
    return answer({"items": items, "next": following})


@blueprint.route("/search", methods=["POST"])
@blueprint.doc(requestBody={"required": True, "content": {"application/json": {"schema": SubmissionSearch}}})
@blueprint.response(200, SubmissionList)
def search() -> Response:
    """Find submissions by identifier or text, newest first; a page may be short or empty before the last."""
    asked = SubmissionSearch().load(read_object())
    stores = context().stores
    if "integration" in asked:
        stores.integrations.get(asked["integration"])
    try:
        items, following = stores.search.find(
            identifier=sought(asked["identifier"]) if "identifier" in asked else None,
            text=asked.get("text"),
            integration_id=asked.get("integration"),
            state=asked.get("state"),
            since=asked.get("since"),
            cursor=asked.get("cursor"),
            limit=asked["limit"],
        )
    except ValueError as error:
        abort(_bad_cursor(error))
    return answer({"items": items, "next": following})


@blueprint.route("/<submission_id>", methods=["GET"])
@blueprint.response(200, SubmissionWhole)
def show_submission(submission_id: str) -> Response:
    """Show one submission with its timeline and its raw body."""
    found = context().stores.timeline.show(submission_id)
    if found is None:
        abort(problem(404, "Not found", f"There is no submission {submission_id[:80]}, or it is no longer kept."))
    return answer(found)


def _bad_cursor(error: ValueError) -> Response:
    return problem(422, "Not valid", errors=[{"pointer": "/cursor", "detail": f"{error}."}])
