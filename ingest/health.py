"""
Alive, and ready: do store and broker answer, how long has work been due, and how long has anything waited, due or not?
No names, nothing of people.
"""

import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from schemas.integration import Integration
from workers.errors import StoreUnavailable, UnknownIntegration
from workers.store import Stores

#: Work that has been due for longer than this means that nobody serves the lanes.
LATE_S = 60


def health(stores: Stores, broker_answers: Callable[[], bool]) -> Blueprint:
    """The blueprint of /healthz (this process) and /readyz (what it needs)."""
    bp = Blueprint("health", __name__)

    @bp.get("/healthz")
    def alive() -> Response:
        return jsonify(status="alive")

    @bp.get("/readyz")
    def ready() -> tuple[Response, int]:
        told: dict[str, Any] = {"store": "ok", "broker": "ok" if broker_answers() else "unreachable"}
        try:
            busy, now_s = _busy(stores), time.time()
            late_s = stores.inbox.oldest_due_s(busy, now_s=now_s)
            waiting_s = stores.standing.oldest_waiting_s(busy, now_s=now_s)
            told |= {"oldest_due_s": round(late_s, 1), "oldest_waiting_s": round(waiting_s, 1)} | (
                {"work": "late: is a worker running?"} if late_s > LATE_S else {}
            )
        except StoreUnavailable:
            told["store"] = "unreachable"
        # Without a broker submissions are still kept, and the store is all that this process needs for that.
        is_ready = told["store"] == "ok"
        return jsonify(status="ready" if is_ready else "not ready", **told), 200 if is_ready else 503

    return bp


def _busy(stores: Stores) -> list[Integration]:
    """Integrations that have work."""
    integrations = []
    for integration_id in stores.inbox.active():
        try:
            integrations.append(stores.integrations.get_cached(integration_id).integration)
        except UnknownIntegration:
            continue
    return integrations
