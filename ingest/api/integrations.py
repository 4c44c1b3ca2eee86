"""Integrations: their documents, and everything that is done to them."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from flask import Response, abort, request
from flask.views import MethodView
from flask_smorest import Blueprint

from ingest.api.context import BY, answer, if_match, read_object
from ingest.api.parameters import refuse_parameters
from ingest.api.tokens import require_token
from ingest.connection import try_connection
from ingest.context import context, wake_up
from ingest.outlook import outbox_of
from ingest.preview import PREVIEW_ID, preview
from ingest.problems import problem
from schemas.api import (
    DeleteQuery,
    IntegrationList,
    IntegrationPatch,
    IntegrationReplaced,
    IntegrationShown,
    LedgerShown,
    ListQuery,
    NewSecrets,
    PreviewAnswer,
    PreviewRequest,
    TestReport,
    WhichSecret,
)
from schemas.body import UnreadableBody, read_body
from schemas.integration import Integration, read_document
from schemas.integration_document import IntegrationDocument
from schemas.merge_patch import merge
from schemas.problems import InvalidDocument, Problem
from workers.errors import Conflict, StaleVersion, UnknownIntegration
from workers.store.integration_record import SECRETS, Saved, StoredIntegration

blueprint = Blueprint(
    "integrations", __name__, url_prefix="/api/v1/integrations", description="Routes from a hub to a Braze workspace"
)
blueprint.before_request(require_token)
blueprint.before_request(refuse_parameters)

#: Edits without If-Match are tried on whatever version is there, this often.
PATCH_ATTEMPTS = 5


def _takes(schema: Any, kind: str = "application/json", *, required: bool = True) -> Any:
    """Documents a body that the view reads by itself."""
    return blueprint.doc(requestBody={"required": required, "content": {kind: {"schema": schema}}})


#: Documents the guard of an edit.
_guarded = blueprint.doc(
    parameters=[{"in": "header", "name": "If-Match", "schema": {"type": "string"}, "description": "The version read."}]
)


@blueprint.route("")
class Integrations(MethodView):
    """All integrations."""

    @blueprint.arguments(ListQuery, location="query")
    @blueprint.response(200, IntegrationList)
    def get(self, query: dict[str, Any]) -> Response:
        """List integrations in the order of their ids."""
        stores = context().stores
        ids = [one for one in stores.integrations.ids() if one > query.get("cursor", "")]
        page, rest = ids[: query["limit"]], ids[query["limit"] :]
        items = [_told(stored) for stored in map(_get_if_there, page) if stored]
        return answer({"items": items, "next": page[-1] if rest else None})

    @_takes(IntegrationDocument)
    @blueprint.response(201, IntegrationShown)
    def post(self) -> Response:
        """Create an integration. Its secrets are shown this once."""
        return _saved(context().stores.integrations.save(read_object(), by=BY, only_new=True))


@blueprint.route("/<integration_id>")
class OneIntegration(MethodView):
    """One document."""

    @blueprint.response(200, IntegrationShown)
    def get(self, integration_id: str) -> Response:
        """Show an integration."""
        return _shown(context().stores.integrations.get(integration_id))

    @_guarded
    @_takes(IntegrationReplaced(partial=("id",)))
    @blueprint.response(200, IntegrationShown)
    @blueprint.alt_response(201, schema=IntegrationShown, success=True)
    def put(self, integration_id: str) -> Response:
        """Create an integration or replace its document. If-Match with the version guards against edits in between."""
        document = _with_id(read_object(), integration_id)
        _refuse_star_for_nothing(integration_id)
        saved = context().stores.integrations.save(document, by=BY, if_match=if_match())
        if not saved.created:
            wake_up(integration_id)
        return _saved(saved)

    @_guarded
    @_takes(IntegrationPatch(partial=True), "application/merge-patch+json")
    @blueprint.response(200, IntegrationShown)
    def patch(self, integration_id: str) -> Response:
        """Change some members of the document: a JSON merge patch (RFC 7396)."""
        saved = _patch(integration_id, _with_id(read_object(), integration_id), if_match())
        wake_up(integration_id)
        return _saved(saved)

    @blueprint.arguments(DeleteQuery, location="query")
    @blueprint.response(204)
    def delete(self, query: dict[str, Any], integration_id: str) -> Response:
        """Remove all that is kept for an integration; refused while submissions wait, are held or dead."""
        context().stores.integrations.delete(integration_id, discard=query["discard"], if_match=if_match())
        return Response(status=204)


@blueprint.route("/<integration_id>/test", methods=["POST"])
@blueprint.response(200, TestReport)
def test(integration_id: str) -> Response:
    """Ask Braze, line by line, whether host, key, permissions and types are right. Never writes to a profile."""
    lines = try_connection(context().stores.integrations.get(integration_id), context().probe)
    told = [{"name": name, "ok": ok, "detail": detail} for name, ok, detail in lines]
    return answer({"ok": all(line["ok"] for line in told), "lines": told})


@blueprint.route("/<integration_id>/preview", methods=["POST"])
@_takes(PreviewRequest)
@blueprint.response(200, PreviewAnswer)
def show_preview(integration_id: str) -> Response:
    """Run a submission through rules, saved or not, without keeping or sending anything."""
    asked = PreviewRequest().load(read_object())
    integration = _rules(integration_id, asked.get("document"))
    body, submission_id = _submission(asked)
    memory, received_at = context().stores.memory, datetime.now(UTC)
    names, known = memory.names(integration.braze.workspace, ()), partial(memory.known, integration)
    told = preview(integration, body, received_at=received_at, submission_id=submission_id, names=names, known=known)
    return answer(told)


@blueprint.route("/<integration_id>/pause", methods=["POST"])
@blueprint.response(200, IntegrationShown)
def pause(integration_id: str) -> Response:
    """Stop sending; accepting goes on."""
    return _shown(context().stores.integrations.pause(integration_id, by=BY))


@blueprint.route("/<integration_id>/resume", methods=["POST"])
@blueprint.response(200, IntegrationShown)
def resume(integration_id: str) -> Response:
    """Send again, whoever paused."""
    stored = context().stores.integrations.resume(integration_id, by=BY)
    wake_up(integration_id)
    return _shown(stored)


@blueprint.route("/<integration_id>/rotate-secret", methods=["POST"])
@_takes(WhichSecret, required=False)
@blueprint.response(200, NewSecrets)
def rotate_secret(integration_id: str) -> Response:
    """Make new secrets, shown this once. The previous ones work until they are retired or the next rotation."""
    which = _which()
    return answer(context().stores.integrations.rotate(integration_id, which, by=BY))


@blueprint.route("/<integration_id>/retire-secret", methods=["POST"])
@_takes(WhichSecret, required=False)
@blueprint.response(204)
def retire_secret(integration_id: str) -> Response:
    """Let the previous secrets stop working."""
    context().stores.integrations.retire(integration_id, _which(), by=BY)
    return Response(status=204)


@blueprint.route("/<integration_id>/ledger", methods=["GET"])
@blueprint.response(200, LedgerShown)
def ledger(integration_id: str) -> Response:
    """What became of everything, in numbers."""
    stores = context().stores
    return answer(stores.ledger.read(stores.integrations.get(integration_id).integration))


def _get_if_there(integration_id: str) -> StoredIntegration | None:
    try:
        return context().stores.integrations.get(integration_id)
    except UnknownIntegration:
        return None


def _shown(stored: StoredIntegration, status: int = 200, **more: Any) -> Response:
    return answer(_told(stored) | more, status, {"ETag": f'"{stored.version}"'})


def _told(stored: StoredIntegration) -> dict[str, Any]:
    stores = context().stores
    standing = stores.standing.tell(stored.integration)
    outbox = outbox_of(stores.outbox, stored.integration)
    return stored.shown(context().public_url) | {"standing": standing, "outbox": outbox}


def _saved(saved: Saved) -> Response:
    warnings = [warning.shown() for warning in saved.warnings]
    return _shown(saved.stored, 201 if saved.created else 200, warnings=warnings, **saved.secrets)


def _refuse_star_for_nothing(integration_id: str) -> None:
    """`If-Match: *` asks for something that is there: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1"""
    if request.headers.get("If-Match", "").strip() == "*" and _get_if_there(integration_id) is None:
        raise StaleVersion(f"There is no integration {integration_id} to replace.")


def _with_id(document: dict[str, Any], integration_id: str) -> dict[str, Any]:
    if document.get("id", integration_id) != integration_id:
        raise InvalidDocument([Problem("/id", f"The address says {integration_id}.")])
    return document | {"id": integration_id}


def _patch(integration_id: str, changes: dict[str, Any], wanted: int | None) -> Saved:
    integrations = context().stores.integrations
    for _ in range(PATCH_ATTEMPTS):
        stored = integrations.get(integration_id)
        try:
            version = stored.version if wanted is None else wanted
            return integrations.save(merge(stored.document, changes), by=BY, if_match=version)
        except StaleVersion:
            if wanted is not None:
                raise
    raise StaleVersion("The document is changing too fast; try again.")


def _which() -> Any:
    found = read_object(optional=True)
    which = WhichSecret().load(found).get("which")
    return [which] if which else SECRETS


def _rules(integration_id: str, document: Any) -> Integration:
    """
    The rules of a document that need not be saved, nor have a key; else the saved ones.

    Raises: Conflict if those are a draft's.
    """
    if document is None:
        saved = context().stores.integrations.get(integration_id).integration
        if saved.draft:
            raise Conflict(f"{integration_id} is not set up yet: give the document to try.")
        return saved
    if not isinstance(document, dict):
        raise InvalidDocument([Problem("/document", "Give an integration document.")])
    braze = document.get("braze")
    if isinstance(braze, dict) and not isinstance(braze.get("api_key"), str):
        document = document | {"braze": braze | {"api_key": "not-used-here"}}
    try:
        reading = read_document(document | {"id": integration_id}, extra_hosts=context().settings.extra_braze_hosts)
    except InvalidDocument as error:
        raise InvalidDocument(Problem(f"/document{one.pointer}", one.detail) for one in error.problems) from None
    return _in_its_workspace(reading.integration(), integration_id)


def _in_its_workspace(integration: Integration, integration_id: str) -> Integration:
    """A document that names no workspace means the one it has, if it is for the same host."""
    stored = None if integration.braze.workspace else _get_if_there(integration_id)
    if stored is None or stored.draft or stored.integration.braze.rest_endpoint != integration.braze.rest_endpoint:
        return integration
    return replace(integration, braze=replace(integration.braze, workspace=stored.integration.braze.workspace))


def _submission(asked: dict[str, Any]) -> tuple[dict[str, Any], str]:
    body, past = asked.get("submission"), asked.get("submission_id")
    if isinstance(body, dict):
        return _as_received(body), PREVIEW_ID
    if not isinstance(past, str):
        raise InvalidDocument([Problem("/submission", "Give a submission, or the submission_id of a past one.")])
    found = context().stores.timeline.show(past)
    if found is None:
        abort(problem(404, "Not found", f"There is no submission {past[:80]}, or it is no longer kept."))
    return found["raw"], past


def _as_received(body: dict[str, Any]) -> dict[str, Any]:
    """The body, if the webhook would take it."""
    try:
        (one,) = read_body(orjson.dumps(body))
    except orjson.JSONEncodeError:  # deeper than it writes, and so far deeper than the webhook takes
        raise InvalidDocument([Problem("/submission", "is too deep.")]) from None
    except UnreadableBody as error:
        raise InvalidDocument(Problem(f"/submission{one.pointer}", one.detail) for one in error.problems) from None
    return one.body
