"""GET /metrics: who may read it, and in which form."""

import gzip
from collections.abc import Callable

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ingest.api.tokens import require_token
from ingest.metrics.collector import SystemCollector
from schemas.settings import Settings
from workers.store import Stores


def metrics(stores: Stores, settings: Settings) -> Blueprint:
    """
    The blueprint of /metrics.

    Args:
        settings: `metrics_public` spares the token.
    """
    bp = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SystemCollector(stores, settings))
    guard: Callable[[], Response | None] = (lambda: None) if settings.metrics_public else require_token

    @bp.get("/metrics")
    def show() -> Response:
        if refused := guard():
            return refused
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        answer = Response(encode(registry), content_type=content_type)
        answer.headers["Cache-Control"] = "no-store"
        return _packed(answer)

    return bp


def _packed(answer: Response) -> Response:
    """Packed for those who can unpack it: a thousand integrations are some megabytes of text."""
    answer.vary.add("Accept")
    answer.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0:
        answer.set_data(gzip.compress(answer.get_data(), compresslevel=1))
        answer.content_encoding = "gzip"
    return answer
