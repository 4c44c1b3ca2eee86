"""People: everything kept here about one of them."""

from collections.abc import Iterator
from itertools import chain
from threading import Lock
from typing import Any

import orjson
from flask import Response, abort
from flask_smorest import Blueprint

from ingest.api.context import read_object
from ingest.api.jobs import start
from ingest.api.parameters import refuse_parameters
from ingest.api.refused import RETRY_AFTER
from ingest.api.tokens import require_token
from ingest.context import context
from ingest.problems import problem
from schemas.api import ProblemShown
from schemas.api_dead_letters import JobShown, PersonToForget
from workers.export import export, is_usable
from workers.store import Stores

#: Held by the one export of this process: each holds one of its threads for as long as it takes, and submissions come
#: in by the others.
_EXPORTING = Lock()
RETRY_EXPORT_S = 10

blueprint = Blueprint("people", __name__, url_prefix="/api/v1/people", description="Whom submissions are about")
blueprint.before_request(require_token)
blueprint.before_request(refuse_parameters)


@blueprint.route("/forget", methods=["POST"])
@blueprint.doc(requestBody={"required": True, "content": {"application/json": {"schema": PersonToForget}}})
@blueprint.response(202, JobShown)
def forget() -> Response:
    """
    Erase what is kept here about a person.

    What waits, is held or dead is discarded, what is in flight finishes first, settled submissions and remembered
    values are erased. Profiles in Braze are not touched.
    """
    return start("forget", PersonToForget().load(read_object()))


@blueprint.route("/export", methods=["POST"])
@blueprint.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": PersonToForget}}},
    responses={
        "200": {
            "description": "One JSON object on each line, told by its member `what`; without `end` it is not complete.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
        "429": {
            "description": "This process is telling about somebody already, or too many wrong tokens came from here.",
            "content": {"application/problem+json": {"schema": ProblemShown}},
            "headers": RETRY_AFTER,
        },
    },
)
def export_person() -> Response:
    """
    Tell everything that is kept here about a person.

    The same that forgetting finds: submissions that wait, are in flight, held, dead or settled, with their bodies,
    remembered values, and messages in the outbox. It is told line by line, and kept nowhere. Not for tokens that may
    only read.
    """
    asked, stores = PersonToForget().load(read_object()), context().stores
    if not is_usable(asked, stores):
        errors = [{"pointer": "/value", "detail": "is not usable as an identifier of this kind."}]
        abort(problem(422, "Not valid", errors=errors))
    lines = _alone(asked, stores)
    first = [next(lines), next(lines)]  # what is wrong with the store shows now, while there still is an answer for it
    told = (orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in chain(first, lines))
    return Response(told, 200, mimetype="application/x-ndjson")


def _alone(asked: dict[str, Any], stores: Stores) -> Iterator[dict[str, Any]]:
    """The export, while no other runs in this process; it makes room however it ends, as generators are closed."""
    if not _EXPORTING.acquire(blocking=False):
        detail = "Another person is being told about; ask again in a moment."
        abort(problem(429, "One export at a time", detail, headers={"Retry-After": str(RETRY_EXPORT_S)}))
    try:
        yield from export(asked, stores)
    finally:
        _EXPORTING.release()
