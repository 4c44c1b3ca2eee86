"""POST /webhooks/komo/<integration_id>: verify, validate, save, answer 202."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from ingest.arrive import arrive
from ingest.guesses import UNKNOWN, held_back
from ingest.metrics.webhooks import note_integration
from ingest.problems import problem
from ingest.verify import is_genuine, may_be_genuine
from ingest.wake import Wake, call
from schemas.body import OneBody, UnreadableBody, read_body
from schemas.integration import Integration
from workers.errors import StaleRules, StoreUnavailable, UnknownIntegration
from workers.store import Stores
from workers.store.inbox import Full, Receipt
from workers.store.integration_record import StoredIntegration
from workers.store.wrong_guesses import WrongGuesses

log = logging.getLogger("komo_braze")

#: What the id of an integration may be.
ID = re.compile(r"[a-z0-9-]{1,63}")
#: Its blueprint.
WEBHOOK = "webhook"
#: Of one request.
MAX_BODY_BYTES = 1_048_576
#: Seconds that a sender is asked to wait where the backlog is full.
RETRY_FULL_S = 30
#: Nobody saves one document more often than this while one request is judged.
MOST_SAVES = 5

#: What nearly every sender says, so that its parsing can be spared.
PLAIN_JSON = (None, "", "application/json")
#: What `ingest.verify` looks at, and where a WSGI server puts it.
PROOF_HEADERS = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in ("Authorization", "webhook-id", "webhook-timestamp", "webhook-signature")
}


def webhook(stores: Stores, wake: Wake) -> Blueprint:
    """
    The blueprint of the webhook.

    Args:
        wake: Publishes a wake-up call for (step, integration id, lane); may raise, which costs time and never data.
    """
    bp, guesses = Blueprint(WEBHOOK, __name__), WrongGuesses(stores.connection)

    @bp.post("/webhooks/komo/<integration_id>")
    def receive(integration_id: str) -> Response:
        try:
            stored, data = _authenticate(stores, integration_id)
        except UnknownIntegration:
            if told := held_back(guesses, request.remote_addr or "", UNKNOWN):
                return told
            raise
        note_integration(integration_id)
        if stored is None:
            if told := held_back(guesses, request.remote_addr or "", integration_id):
                return told
            return problem(401, "Not authenticated", "None of the allowed proofs was given, or it is wrong.")
        if request.environ.get("CONTENT_TYPE") not in PLAIN_JSON and not _is_json(request.mimetype):
            return problem(415, "Unsupported media type", "Send JSON, with Content-Type: application/json.")
        if request.environ.get("HTTP_CONTENT_ENCODING", "").lower() not in ("", "identity"):
            return problem(415, "Unsupported media type", "Send the body as it is, without Content-Encoding.")
        return accept_body(stored, data, stores, wake, delivery_id=request.environ.get("HTTP_WEBHOOK_ID"))

    bp.after_request(_log_refusal)
    return bp


def _log_refusal(answer: Response) -> Response:
    """
    Why somebody's submissions are not taken; what is full, and a store that is away, is told elsewhere.

    Of who proves nothing, or knows no integration, the address stands there too: they may be guessing.
    """
    if answer.status_code != 202 and answer.status_code not in (429, 503):
        given = (request.view_args or {}).get("integration_id", "")
        why = orjson.loads(answer.data).get("title") if answer.mimetype == "application/problem+json" else ""
        # A stranger may have written anything into the path.
        whose = given if ID.fullmatch(given) else None
        told = {"integration": whose, "status": answer.status_code, "why": why}
        if answer.status_code in (401, 404):
            told["address"] = request.remote_addr or ""
        log.warning("webhook.refused", extra=told)
    return answer


def accept_body(
    stored: StoredIntegration, data: bytes, stores: Stores, wake: Wake, *, delivery_id: str | None = None
) -> Response:
    """Keep what an authenticated request brought, and answer as Komo is answered."""
    try:
        bodies = read_body(data)
    except UnreadableBody as error:
        title = "Not JSON" if error.status == 400 else "Not a submission"
        return problem(error.status, title, errors=[one.shown() for one in error.problems])
    if stores.pressure.too_high():
        return _full(stored.id, len(bodies))
    try:
        integration, receipt = _keep(stored, bodies, stores, delivery_id)
    except Full:
        return _full(stored.id, len(bodies))
    for lane in receipt.wake:
        call(integration, lane, stores, wake)
    if log.isEnabledFor(logging.DEBUG):
        ids = [one for one, _ in receipt.submissions]
        log.debug("submission.accepted", extra={"integration": integration.id, "submissions": ids})
    answer = {"submissions": [{"id": one, "duplicate": again} for one, again in receipt.submissions]}
    return Response(orjson.dumps(answer), 202, content_type="application/json")


def _keep(
    stored: StoredIntegration, bodies: list[OneBody], stores: Stores, delivery_id: str | None
) -> tuple[Integration, Receipt]:
    """Judge and save; again with the newest document, if it was saved since we read it."""
    now = datetime.now(UTC)
    for _ in range(MOST_SAVES):
        integration = stored.integration
        arrivals = [
            arrive(one, integration, received_at=now, delivery_id=delivery_id, place=place)
            for place, one in enumerate(bodies)
        ]
        try:
            return integration, stores.inbox.accept(integration, arrivals)
        except StaleRules:
            stored = stores.integrations.get_cached(stored.id, max_age_s=0)
    raise StoreUnavailable("The integration is being saved again and again.")


def _full(integration_id: str, count: int) -> Response:
    log.warning("submission.refused", extra={"integration": integration_id, "count": count, "why": "full"})
    detail = "Too much is waiting already; nothing of this request was kept. Send it again later."
    return problem(429, "Backlog full", detail, headers={"Retry-After": str(RETRY_FULL_S)})


def _authenticate(stores: Stores, integration_id: str) -> tuple[StoredIntegration | None, bytes]:
    """
    Whom the request is for, and its body; None for whoever proves nothing.

    A process may know an integration, or its secrets, a moment later than the API has told them to somebody: so before
    anybody is turned away the store is asked again.

    Raises: UnknownIntegration.
    """
    data: bytes | None = None
    given, url_key = _given(), request.args.get("key") if request.query_string else None
    for max_age_s in (1.0, 0.0):
        try:
            stored = stores.integrations.get_cached(integration_id, max_age_s)
        except UnknownIntegration:
            continue
        proof = _proof(stored)
        # Nobody has to wait for the body of somebody who has nothing to show for it.
        if not may_be_genuine(given, url_key, **proof):
            continue
        data = _read_data() if data is None else data
        if is_genuine(given, url_key, data, **proof):
            return stored, data
    stores.integrations.get_cached(integration_id)
    return None, b""


def _given() -> dict[str, str]:
    """The headers that may prove something, by name. Asking werkzeug for one that is absent costs it an exception."""
    environ = request.environ
    return {name: environ[key] for name, key in PROOF_HEADERS.items() if key in environ}


def _proof(stored: StoredIntegration) -> dict[str, Any]:
    return {
        "methods": stored.integration.webhook_methods,
        "secrets": stored.webhook_secrets,
        "url_keys": stored.url_keys,
    }


def _read_data() -> bytes:
    promised = request.content_length
    if promised is not None and promised > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if promised is not None:
        stream, left = request.environ["wsgi.input"], promised
    else:
        # One byte more, because the stream gives up at its limit, and a body may end there.
        request.max_content_length = left = MAX_BODY_BYTES + 1
        stream = request.stream
    parts = []
    while left and (part := stream.read(left)):  # one read may bring less than it was asked for
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    if len(data) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if promised is not None and len(data) < promised:
        raise BadRequest("The body ended before its Content-Length.")
    return data


def _is_json(mimetype: str) -> bool:
    return not mimetype or mimetype in ("application/json", "text/plain", "text/json") or mimetype.endswith("+json")
