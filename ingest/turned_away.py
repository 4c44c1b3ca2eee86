"""
What is answered before Flask: told in the form of all our errors, counted and logged, so that nobody goes unseen.

Each answer bears the id of its request. Of a flood there is one line in a second: it must not fill the disk.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import orjson

from ingest.metrics.webhooks import WEBHOOKS
from ingest.pages.protection import HEADERS_FOR_PROGRAMS, NOT_KEPT
from ingest.request_ids import HEADER, request_id_of

log = logging.getLogger("komo_braze")

#: Counts an answer of the webhook: "" because nobody knows whose it is, status, seconds until the answer.
CountWebhook = Callable[[str, int, float], None]
_HEADERS = {"Content-Type": "application/problem+json", **NOT_KEPT, **HEADERS_FOR_PROGRAMS, "Connection": "close"}


class Answerable(Protocol):
    """A request, as granian gives it, that has no answer yet."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


@dataclass(slots=True)
class _Untold:
    """Those that nobody was told of, all for one reason; the first of them by its id."""

    request_id: str
    count: int = 0


class TurnedAway:
    """Turns requests away; may be shared between threads."""

    def __init__(self, count_webhook: CountWebhook | None = None) -> None:
        self._count_webhook, self._lock = count_webhook, threading.Lock()
        #: By door, status and why.
        self._untold: dict[tuple[str, int, str], _Untold] = {}

    def turn_away(
        self,
        scope: Any,
        exchange: Answerable,
        status: int,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        waited_s: float = 0.0,
    ) -> None:
        """
        Answer, and end the connection.

        Args:
            scope: Of the request, as granian gives it; what strangers wrote there is not noted, but for a sane id.
            detail: What is wrong, in one sentence.
            waited_s: How long it has waited for us; 0 where we waited for the sender.
        """
        is_webhook = scope.path.startswith(WEBHOOKS)
        if is_webhook and self._count_webhook:
            self._count_webhook("", status, waited_s)
        request_id = request_id_of(scope.headers.get("x-request-id") or "")
        with self._lock:
            key = (WEBHOOKS if is_webhook else "/", status, detail)
            self._untold.setdefault(key, _Untold(request_id)).count += 1
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "request_id": request_id,
        }
        answered = {**_HEADERS, HEADER: request_id, **(headers or {})}
        exchange.response_bytes(status, list(answered.items()), orjson.dumps(body))

    def tell(self) -> None:
        """Log who was turned away since the last time: a line for each door and reason, however many they were."""
        with self._lock:
            told, self._untold = self._untold, {}
        for (door, status, why), untold in told.items():
            log.warning(
                "request.refused",
                extra={
                    "door": door,
                    "status": status,
                    "why": why,
                    "count": untold.count,
                    "request_id": untold.request_id,
                },
            )
