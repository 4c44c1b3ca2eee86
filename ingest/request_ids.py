"""Every request has an id: the sender's, where it is a sane one, or one that is made up. Lines and answers bear it."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from workers.logs import REQUEST_ID

HEADER = "X-Request-ID"
#: What may stand in our lines and answers though a stranger wrote it.
SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def request_id_of(given: str) -> str:
    """What the sender calls its request, or 32 digits that are made up where that is nothing to repeat."""
    return given if SANE.fullmatch(given) else os.urandom(16).hex()


def with_request_ids(inner: Wsgi) -> Wsgi:
    """The same WSGI application, where each request has an id."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *more)

        before = REQUEST_ID.set(request_id)
        try:
            return inner(environ, start)
        finally:
            REQUEST_ID.reset(before)

    return app
