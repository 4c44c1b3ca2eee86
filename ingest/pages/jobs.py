"""Jobs: how far something is that a person asked for. They go on when nobody looks."""

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context
from ingest.pages.door import guarded
from workers import jobs
from workers.store.jobs import Job

blueprint = guarded(Blueprint("jobs_page", __name__, url_prefix="/jobs"))

#: Finished ones that are listed.
LISTED = 8
#: Of all jobs, how many are looked at for those that are not over.
LOOKED_AT = 50


@blueprint.get("")
def show_latest() -> str:
    """Those at work, and the last ones; as a part of other pages it keeps itself fresh."""
    template = "pages/_jobs.html" if "fragment" in request.args else "pages/jobs.html"
    return render_template(template, jobs=latest())


@blueprint.get("/<job_id>")
def show(job_id: str) -> AnyResponse:
    """One of them."""
    job = context().stores.jobs.get(job_id) or abort(404)
    template = "pages/_job.html" if "fragment" in request.args else "pages/job.html"
    answer = Response(render_template(template, job=job, through=through(job), left=_left_alone(job)))
    if job.finished and "fragment" in request.args:
        answer.headers["X-Refresh"] = "end"
    return answer


@blueprint.post("/<job_id>/stop")
def stop(job_id: str) -> AnyResponse:
    """End it where it is; what it did stands."""
    jobs.stop(job_id, context().stores) or abort(404)
    return redirect(url_for("jobs_page.show", job_id=job_id), 303)


def latest() -> dict[str, list[dict[str, Any]]]:
    """The jobs that are not over, and the last ones that are, newest first, each with how far it is."""
    recent = context().stores.jobs.recent(LOOKED_AT)
    them = [job for job in recent if not (job.asked or {}).get("dry_run")]
    return {
        "open": [{"job": job, "through": through(job)} for job in them if not job.finished],
        "over": [{"job": job, "through": through(job)} for job in them if job.finished][:LISTED],
    }


def through(job: Job) -> int:
    """How many are through, done or left alone; never more than there are."""
    return min(job.done + job.skipped, job.matched) if job.matched else job.done + job.skipped


def _left_alone(job: Job) -> dict[str, int]:
    """Why some were left as they are, and how many."""
    result = job.result or {}
    skipped, gone = result.get("skipped"), result.get("gone")
    return skipped if isinstance(skipped, dict) else {"gone": len(gone)} if isinstance(gone, list) and gone else {}
