"""Jobs: what workers do because a person asked, and how far they are."""

from typing import Any

from flask import Response, abort
from flask_smorest import Blueprint

from ingest.api.context import BY, answer
from ingest.api.parameters import refuse_parameters
from ingest.api.tokens import require_token
from ingest.context import context, start_job
from ingest.problems import problem
from schemas.api_dead_letters import JobList, JobQuery, JobShown
from workers import jobs
from workers.store.jobs import Kind

blueprint = Blueprint("jobs", __name__, url_prefix="/api/v1/jobs", description="Work that a person asked for")
blueprint.before_request(require_token)
blueprint.before_request(refuse_parameters)


@blueprint.route("", methods=["GET"])
@blueprint.arguments(JobQuery, location="query")
@blueprint.response(200, JobList)
def list_jobs(query: dict[str, Any]) -> Response:
    """List jobs, newest first, without their results and the ids that were asked for."""
    return answer({"items": [job.short() for job in context().stores.jobs.recent(query["limit"])]})


@blueprint.route("/<job_id>", methods=["GET"])
@blueprint.response(200, JobShown)
def show_job(job_id: str) -> Response:
    """Show how far a job is. It is kept for seven days after its end."""
    job = context().stores.jobs.get(job_id)
    return answer(job.shown()) if job else _unknown(job_id)


@blueprint.route("/<job_id>/stop", methods=["POST"])
@blueprint.response(200, JobShown)
def stop_job(job_id: str) -> Response:
    """Stop a job for good; what it did stands. One that is over already stays as it is."""
    job = jobs.stop(job_id, context().stores)
    return answer(job.shown()) if job else _unknown(job_id)


def _unknown(job_id: str) -> Response:
    abort(problem(404, "Not found", f"There is no job {job_id[:80]}, or it is no longer kept."))


def start(kind: Kind, asked: dict[str, Any]) -> Response:
    """Make a job, call a worker for it, and answer 202 with where it can be looked at."""
    job = start_job(kind, asked, by=BY)
    return answer(job.shown(), 202, {"Location": f"/api/v1/jobs/{job.id}"})
