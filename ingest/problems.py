"""Every error as `application/problem+json` (RFC 9457), but for people who look at pages."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from schemas import ValidationError
from schemas.problems import InvalidDocument, problems_of
from workers.errors import Conflict, SealBroken, StaleVersion, StoreUnavailable, UnknownIntegration
from workers.logs import REQUEST_ID

log = logging.getLogger("komo_braze")

#: Paths whose callers are programs, but for the page that stands among them; elsewhere a browser gets a page.
MACHINE_PATHS = ("/api/", "/webhooks/", "/metrics")
PAGE_AMONG_THEM = "/api/docs"
#: Draws an error for a person: status, and what a program would be told.
ErrorPage = Callable[[int, str], Response]
_PAGE = "komo_braze_error_page"
#: Seconds after which a store that was away is probably back.
RETRY_STORE_S = 5


def problem(
    status: int,
    title: str,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    An answer that says what is wrong.

    Args:
        title: The kind of problem, the same every time.
        detail: This occurrence, in one sentence.
        errors: Every single problem, with its place: {"pointer": "/attributes/0/field", "detail": "..."}.

    Source: https://www.rfc-editor.org/rfc/rfc9457
    """
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    if request_id := REQUEST_ID.get():
        body["request_id"] = request_id
    return Response(orjson.dumps(body), status, headers, mimetype="application/problem+json")


def register(app: Flask, page: ErrorPage | None = None) -> None:
    """
    Make these the app's errors: whatever a view raises, the caller gets a problem and never a traceback.

    Args:
        page: Makes the page that a browser gets instead.
    """
    if page:
        app.extensions[_PAGE] = page
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(UnknownIntegration, lambda error: _answer(404, "Not found", str(error)))
    app.register_error_handler(StaleVersion, lambda error: _answer(412, "Changed meanwhile", str(error)))
    app.register_error_handler(Conflict, lambda error: _answer(409, "Not now", str(error)))
    app.register_error_handler(StoreUnavailable, _store_away)
    app.register_error_handler(SealBroken, _seal_broken)
    app.register_error_handler(Exception, _unexpected)


def is_for_programs(path: str) -> bool:
    """Whether whoever asks for this path is a program: it has no session, and reads no pages."""
    return path.startswith(MACHINE_PATHS) and path.rstrip("/") != PAGE_AMONG_THEM


def _answer(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A page for a person, a problem for a program."""
    page = _page_wanted()
    if page is None:
        return problem(status, title, detail, headers=headers)
    answer = page(status, detail)
    answer.headers.update(headers or {})
    return answer


def _http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    if page := _page_wanted():
        return page(status, error.description or "")
    errors = [one.shown() for one in problems_of(_messages(error))]
    answer = problem(status, HTTPStatus(status).phrase, "" if errors else error.description or "", errors=errors)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _messages(error: HTTPException) -> Any:
    """What webargs found wrong, without the level that says where in the request it looked."""
    by_place = getattr(error, "data", {}).get("messages", {})
    return {name: inner for found in by_place.values() for name, inner in found.items()}


def _page_wanted() -> ErrorPage | None:
    """What draws the error, if it is a browser that asks."""
    accepted = request.accept_mimetypes
    is_browser = (
        not is_for_programs(request.path)
        and accepted.best_match(["application/problem+json", "application/json", "text/html"]) == "text/html"
    )
    return current_app.extensions.get(_PAGE) if is_browser else None


def _invalid(error: ValidationError) -> Response:
    found = error.problems if isinstance(error, InvalidDocument) else problems_of(error.messages)
    return problem(422, "Not valid", errors=[one.shown() for one in found])


def _store_away(error: StoreUnavailable) -> Response:
    log.warning("store.unavailable", extra={"why": str(error)})
    detail = "The store can't be used at present; nothing is wrong with the request."
    return _answer(503, "Store unavailable", detail, {"Retry-After": str(RETRY_STORE_S)})


def _seal_broken(error: SealBroken) -> Response:
    log.error("seal.broken")
    return _answer(500, "Sealed under another key", str(error))


def _unexpected(error: Exception) -> Response:
    log.exception("request.failed", extra={"error": type(error).__name__})
    return _answer(500, "Internal error", "Something unexpected happened; the log says what.")
