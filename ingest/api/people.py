"""People: everything kept here about one of them."""

from flask import Response
from flask_smorest import Blueprint

from ingest.api.context import read_object
from ingest.api.jobs import start
from ingest.api.tokens import require_token
from schemas.api_dead_letters import JobShown, PersonToForget

blueprint = Blueprint("people", __name__, url_prefix="/api/v1/people", description="Whom submissions are about")
blueprint.before_request(require_token)


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
