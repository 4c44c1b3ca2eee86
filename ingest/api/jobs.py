"""Jobs: what workers do because a person asked, and how far they are."""

import logging
from contextlib import suppress
from typing import Any
from uuid import uuid4

from flask import Response, abort
from flask_smorest import Blueprint

from ingest.api.context import BY, answer, context
from ingest.api.tokens import require_token
from ingest.problems import problem
from schemas.api_dead_letters import JobShown
from workers.errors import LeaseLost
from workers.store.jobs import Job, Kind

log = logging.getLogger("komo_braze")

blueprint = Blueprint("jobs", __name__, url_prefix="/api/v1/jobs", description="Work that a person asked for")
blueprint.before_request(require_token)


@blueprint.route("/<job_id>", methods=["GET"])
@blueprint.response(200, JobShown)
def show_job(job_id: str) -> Response:
    """Show how far a job is. It is kept for seven days after its end."""
    job = context().stores.jobs.get(job_id)
    if job is None:
        abort(problem(404, "Not found", f"There is no job {job_id[:80]}, or it is no longer kept."))
    return answer(job.shown())


def start(kind: Kind, asked: dict[str, Any]) -> Response:
    """Make a job, call a worker for it, and answer 202 with where it can be looked at."""
    job = context().stores.jobs.create(kind, asked, by=BY)
    try:
        context().wake("job", job.id, 0)
    except Exception as error:  # whatever a broker's client raises: the job is kept, and the sweep finds it
        log.warning("wake.failed", extra={"job": job.id, "error": type(error).__name__})
    return taken(job)


def keep_finished(kind: Kind, asked: dict[str, Any], *, matched: int, result: dict[str, Any]) -> Job:
    """Make a job of what is done already; should a worker have taken it at once, it comes to the same result."""
    jobs, token = context().stores.jobs, uuid4().hex
    job = jobs.create(kind, asked, by=BY)
    if jobs.take(job.id, token):
        with suppress(LeaseLost):
            jobs.begin(job.id)
            jobs.note(job.id, matched=matched)
            jobs.finish(job.id, state="done", result=result)
        jobs.let_go(job.id, token)
    return jobs.get(job.id) or job


def taken(job: Job, **more: Any) -> Response:
    """202 with the job."""
    return answer(job.shown() | more, 202, {"Location": f"/api/v1/jobs/{job.id}"})
