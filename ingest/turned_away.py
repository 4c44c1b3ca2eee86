"""What is answered before Flask: told in the form of all our errors, counted and logged, so that nobody goes unseen."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import orjson

from ingest.metrics.webhooks import WEBHOOKS
from ingest.pages.protection import HEADERS_FOR_PROGRAMS, NOT_KEPT

log = logging.getLogger("komo_braze")

#: Counts an answer of the webhook: "" because nobody knows whose it is, status, seconds until the answer.
CountWebhook = Callable[[str, int, float], None]
_HEADERS = {"Content-Type": "application/problem+json", **NOT_KEPT, **HEADERS_FOR_PROGRAMS, "Connection": "close"}


class Answerable(Protocol):
    """A request, as granian gives it, that has no answer yet."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class TurnedAway:
    """Turns requests away; may be shared between threads."""

    def __init__(self, count_webhook: CountWebhook | None = None) -> None:
        self._count_webhook, self._lock = count_webhook, threading.Lock()
        #: Door and status -> how often since somebody was told.
        self._untold: Counter[tuple[str, int]] = Counter()

    def turn_away(
        self,
        path: str,
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
            path: Of the request; as strangers write it, it is not noted.
            waited_s: How long it has waited for us; 0 where we waited for the sender.
        """
        is_webhook = path.startswith(WEBHOOKS)
        if is_webhook and self._count_webhook:
            self._count_webhook("", status, waited_s)
        with self._lock:
            self._untold[WEBHOOKS if is_webhook else "/", status] += 1
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        exchange.response_bytes(status, list((_HEADERS | (headers or {})).items()), orjson.dumps(body))

    def tell(self) -> None:
        """Log who was turned away since the last time: a line for each door and status, however many they were."""
        with self._lock:
            told, self._untold = self._untold, Counter()
        for (door, status), count in told.items():
            log.warning("front.refused", extra={"door": door, "status": status, "count": count})
