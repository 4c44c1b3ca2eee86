"""
Alive, and ready: could this process do its part now, how long has work been due, and how long has anything waited?

Not ready (503) is only what another web process may do better, or what none can do: the store can't be reached or takes
no writes, SECRET_KEY is not the one of this store, or the store has another format than this version knows. What taking
a web process away would only make worse is told with 200: a broker that is away, work that nobody comes for, a backlog
that is full. No names, nothing of people.
"""

from collections.abc import Callable
from time import time
from typing import Any

from flask import Blueprint, Response, jsonify

from ingest.lately import Lately
from schemas.integration import Integration
from workers.errors import StoreUnavailable, UnknownIntegration, UnreadableRecord
from workers.store import Stores
from workers.store.vitals import odd_format, refusal

#: Work that has been due for longer than this means that nobody serves the lanes.
LATE_S = 60
#: Probes come every second and from several places: how long one look counts, and how long a probe waits for it.
STORE_S, STORE_PATIENCE_S = 1.0, 1.0
BROKER_S, BROKER_PATIENCE_S = 5.0, 0.5


def health(stores: Stores, broker_answers: Callable[[], bool]) -> Blueprint:
    """The blueprint of /healthz (this process) and /readyz (what it needs)."""
    bp = Blueprint("health", __name__)
    store = Lately(lambda: _look(stores), good_for_s=STORE_S)
    broker = Lately(broker_answers, good_for_s=BROKER_S)

    @bp.get("/healthz")
    def alive() -> Response:
        return jsonify(status="alive")

    @bp.get("/readyz")
    def ready() -> tuple[Response, int]:
        told = _answer(store) | {"broker": "ok" if _answers(broker) else "unreachable"}
        is_ready = told["store"] == "ok" and not told.keys() & {"secret", "format"}
        return jsonify(status="ready" if is_ready else "not ready", **told), 200 if is_ready else 503

    return bp


def _answer(store: Lately[dict[str, Any]]) -> dict[str, Any]:
    try:
        return store.answer(STORE_PATIENCE_S)
    except (StoreUnavailable, TimeoutError):
        return {"store": "unreachable"}


def _answers(broker: Lately[bool]) -> bool:
    try:
        return broker.answer(BROKER_PATIENCE_S)
    except TimeoutError:
        return False


def _look(stores: Stores) -> dict[str, Any]:
    """Raises: StoreUnavailable."""
    if why := refusal(stores.connection):
        return {"store": f"refuses writes: {why}"}
    if odd := odd_format(stores.connection):
        return {"store": "ok", "format": odd}
    told: dict[str, Any] = {"store": "ok"}
    if not stores.sealed.opens_any():
        told["secret"] = "SECRET_KEY does not open what this store keeps"  # noqa: S105 -- says it, and holds none
    if stores.pressure.too_high():
        told["room"] = "full: new submissions are refused with 429"
    busy, unreadable = _busy(stores)
    if unreadable:
        told["settings"] = f"{unreadable} of the integrations with work can't be read by this version"
    now_s = time()
    late_s = stores.inbox.oldest_due_s(busy, now_s=now_s)
    waiting_s = stores.standing.oldest_waiting_s(busy, now_s=now_s)
    if late_s > LATE_S:
        told["work"] = "late: is a worker running?"
    return told | {"oldest_due_s": round(late_s, 1), "oldest_waiting_s": round(waiting_s, 1)}


def _busy(stores: Stores) -> tuple[list[Integration], int]:
    """Integrations that have work, and how many more whose record this version can't read."""
    integrations, unreadable = [], 0
    for integration_id in stores.inbox.active():
        try:
            integrations.append(stores.integrations.get_cached(integration_id).integration)
        except UnknownIntegration:
            continue
        except UnreadableRecord:
            unreadable += 1
    return integrations, unreadable
