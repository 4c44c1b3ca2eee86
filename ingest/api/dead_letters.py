"""Dead letters: why they were given up, and what a person does with them."""

from collections.abc import Sequence
from typing import Any

from flask import Response, abort
from flask_smorest import Blueprint

from ingest.api.context import BY, answer, read_object
from ingest.api.jobs import start
from ingest.api.parameters import refuse_parameters
from ingest.api.tokens import require_token
from ingest.context import context
from ingest.problems import problem
from schemas.api_dead_letters import (
    JobShown,
    LetterList,
    LetterQuery,
    LettersChosen,
    LettersToReplay,
    LetterWhole,
    RehearsalShown,
    letter_filter,
)
from schemas.dead_letter import LetterFilter, ReplayOptions, no_letter
from workers.chosen import unknown
from workers.rehearse import dry_run

blueprint = Blueprint(
    "dead_letters", __name__, url_prefix="/api/v1/dead-letters", description="Submissions that we stopped trying"
)
blueprint.before_request(require_token)
blueprint.before_request(refuse_parameters)


def _takes(schema: Any) -> Any:
    """Documents a body that the view reads by itself."""
    return blueprint.doc(requestBody={"required": True, "content": {"application/json": {"schema": schema}}})


@blueprint.route("", methods=["GET"])
@blueprint.arguments(LetterQuery, location="query")
@blueprint.response(200, LetterList)
def list_dead_letters(query: dict[str, Any]) -> Response:
    """List dead letters, newest first."""
    cursor, limit = query.pop("cursor", None), query.pop("limit")
    try:
        items, following = context().stores.dead_letters.list(_filter(query), cursor=cursor, limit=limit)
    except ValueError as error:
        abort(problem(422, "Not valid", errors=[{"pointer": "/cursor", "detail": f"{error}."}]))
    return answer({"items": items, "next": following})


@blueprint.route("/<submission_id>", methods=["GET"])
@blueprint.response(200, LetterWhole)
def show_dead_letter(submission_id: str) -> Response:
    """Show why a submission is dead, how often it was tried, Braze's last answer, and its raw body."""
    found = context().stores.dead_letters.show(submission_id)
    if found is None:
        abort(_unknown([submission_id]))
    return answer(found)


@blueprint.route("/replay", methods=["POST"])
@_takes(LettersToReplay)
@blueprint.response(202, RehearsalShown)
def replay() -> Response:
    """
    Put dead letters back, by ids or by a filter, under the rules that are current now; GET the job for progress.

    A dry run changes nothing, so a token for reading may ask for it.
    """
    options = _chosen(LettersToReplay().load(read_object()))
    return _rehearse(options) if options.dry_run else start("replay", options.to_json())


@blueprint.route("/discard", methods=["POST"])
@_takes(LettersChosen)
@blueprint.response(202, JobShown)
def discard() -> Response:
    """Give dead letters up for good, by ids or by a filter; GET the job for progress."""
    return start("discard", _chosen(LettersChosen().load(read_object())).to_json())


def _unknown(ids: Sequence[str]) -> Response:
    return problem(404, "Not found", no_letter(ids))


def _chosen(asked: dict[str, Any]) -> ReplayOptions:
    """Which letters, and how; aborts with 404 if every id is unknown, raises UnknownIntegration."""
    ids = tuple(dict.fromkeys(asked["ids"])) if "ids" in asked else None
    if ids and unknown(ids, context().stores, all_or_none=True):
        abort(_unknown(ids))
    return ReplayOptions(
        ids=ids,
        filter=_filter(asked.get("filter", asked)) if ids is None else None,
        dry_run=asked.get("dry_run", False),
        rate=asked.get("rate"),
        events_not_older_than_hours=asked.get("events_not_older_than_hours"),
    )


def _filter(asked: dict[str, Any]) -> LetterFilter:
    if "integration" in asked:
        context().stores.integrations.get(asked["integration"])
    return letter_filter(asked)


def _rehearse(options: ReplayOptions) -> Response:
    """The job is over when it is answered. The requests hold what people typed: they are told now, and not kept."""
    stores = context().stores
    found = dry_run(options, stores)
    matched = sum(found["outcomes"].values())
    result = {"outcomes": found["outcomes"], "complete": found["complete"]}
    job = stores.jobs.keep_finished("replay", options.to_json(), result, by=BY, matched=matched)
    told = job.shown() | {"dry_run": True, "matched": matched, **found}
    return answer(told, 202, {"Location": f"/api/v1/jobs/{job.id}"})
