"""POST /webhooks/komo/<integration_id>: verify, validate, save, answer 202."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ingest.arrive import arrive
from ingest.problems import problem
from ingest.verify import is_genuine
from schemas.body import OneBody, UnreadableBody, read_body
from schemas.integration import Integration
from workers.errors import StaleRules, StoreUnavailable
from workers.store import Stores
from workers.store.inbox import Full, Receipt
from workers.store.integration_record import StoredIntegration

log = logging.getLogger("komo_braze")

#: Of one request.
MAX_BODY_BYTES = 1_048_576
#: Seconds that a sender is asked to wait where the backlog is full.
RETRY_FULL_S = 30
#: Nobody saves one document more often than this while one request is judged.
MOST_SAVES = 5

Wake = Callable[[str, str, int], None]


def webhook(stores: Stores, wake: Wake) -> Blueprint:
    """
    The blueprint of the webhook.

    Args:
        wake: Publishes a wake-up call for (step, integration id, lane); may raise, which costs time and never data.
    """
    bp = Blueprint("webhook", __name__)

    @bp.post("/webhooks/komo/<integration_id>")
    def receive(integration_id: str) -> Response:
        stored = stores.integrations.get_cached(integration_id)
        data = _read_data()
        if not _genuine(stored, data):
            return problem(401, "Not authenticated", "None of the allowed proofs was given, or it is wrong.")
        if request.mimetype and not _is_json(request.mimetype):
            return problem(415, "Unsupported media type", "Send JSON, with Content-Type: application/json.")
        return accept_body(stored, data, stores, wake, delivery_id=request.headers.get("webhook-id"))

    return bp


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
        _call(integration.id, lane, stores, wake)
    log.debug("submission.accepted", extra={"integration": integration.id, "count": len(bodies)})
    answer = {"submissions": [{"id": one, "duplicate": again} for one, again in receipt.submissions]}
    return Response(orjson.dumps(answer), 202, mimetype="application/json")


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


def _call(integration_id: str, lane: int, stores: Stores, wake: Wake) -> None:
    """The submission is safe by now: a broker that is away only costs the second until the next sweep."""
    try:
        wake("drain", integration_id, lane)
    except Exception as error:
        log.warning("wake.failed", extra={"integration": integration_id, "error": type(error).__name__})
        try:
            integration = stores.integrations.get_cached(integration_id).integration
            stores.inbox.forget_wake(integration, lane)
        except StoreUnavailable:
            log.warning("wake.kept", extra={"integration": integration_id, "lane": lane})


def _full(integration_id: str, count: int) -> Response:
    log.warning("submission.refused", extra={"integration": integration_id, "count": count, "why": "full"})
    detail = "Too much is waiting already; nothing of this request was kept. Send it again later."
    return problem(429, "Backlog full", detail, headers={"Retry-After": str(RETRY_FULL_S)})


def _read_data() -> bytes:
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    data: bytes = request.stream.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return data


def _genuine(stored: StoredIntegration, data: bytes) -> bool:
    return is_genuine(
        request.headers,
        request.args.get("key"),
        data,
        methods=stored.integration.webhook_methods,
        secrets=stored.webhook_secrets,
        url_keys=stored.url_keys,
    )


def _is_json(mimetype: str) -> bool:
    return mimetype in ("application/json", "text/plain", "text/json") or mimetype.endswith("+json")
