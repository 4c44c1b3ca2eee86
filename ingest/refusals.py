"""
Answers that the front gives by itself, without Flask, in the form of all our errors.

Each bears the id of its request. A line tells of it, but of one status no more than one in a second: a flood must not
fill the disk.
"""

import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any, Protocol

import orjson

from ingest.pages.protection import HEADERS_FOR_PROGRAMS, NOT_KEPT
from ingest.request_ids import HEADER, request_id_of

log = logging.getLogger("komo_braze")

#: Between two lines of one status.
LINE_EVERY_S = 1.0
_HEADERS = {
    "Content-Type": "application/problem+json", **NOT_KEPT, **HEADERS_FOR_PROGRAMS, "Connection": "close"
}  # fmt: skip


class Answering(Protocol):
    """What takes the answer to one request."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Lines:
    """Which refusals are told, and how many were not; from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: Status -> when the last line was, and how many more there were since.
        self._last: dict[int, tuple[float, int]] = {}

    def untold(self, status: int, now_s: float) -> int | None:
        """How many of this status the next line has to tell of beside its own; None where there is to be none."""
        with self._lock:
            at_s, more = self._last.get(status, (-LINE_EVERY_S, 0))
            is_due = now_s - at_s >= LINE_EVERY_S
            self._last[status] = (now_s, 0) if is_due else (at_s, more + 1)
        return more if is_due else None


_LINES = Lines()


def refuse(scope: Any, exchange: Answering, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
    """
    Answer, and end the connection with it.

    Args:
        scope: Of the request, as granian gives it; nothing of it but the id stands in a line or an answer.
        detail: What is wrong, in one sentence.
    """
    request_id = request_id_of(scope.headers.get("x-request-id") or "")
    more = _LINES.untold(status, time.monotonic())
    if more is not None:
        told = {"status": status, "why": detail, "more": more, "request_id": request_id}
        log.warning("request.refused", extra=told)
    body = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail,
        "request_id": request_id,
    }  # fmt: skip
    answered = {**_HEADERS, HEADER: request_id, **(headers or {})}
    exchange.response_bytes(status, list(answered.items()), orjson.dumps(body))
