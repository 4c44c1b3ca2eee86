"""What a browser may do with an answer: nothing from elsewhere, nothing inline, no frames, nothing kept."""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request

from schemas.settings import Settings

#: Bootstrap's style sheet draws its small pictures from data addresses.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: What programs get: should a browser ever show it, it is a text that does nothing.
HEADERS_FOR_PROGRAMS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: A year of https for browsers, wherever PUBLIC_URL says that there is some. Other names of the domain are not ours.
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
#: Everything may be about people, where nothing else is said.
NOT_KEPT = {"Cache-Control": "no-store"}
#: Seconds for which a browser may keep style sheets and scripts without asking.
ASSETS_S = 600


def protect(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer: pages, assets, errors, and what programs get."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = ASSETS_S
    always = HTTPS_ONLY if is_https(settings) else {}
    for_people = HEADERS | always

    def put(response: Response) -> Response:
        is_asset = response.status_code < 400 and (request.endpoint or "").endswith("static")
        if is_asset or response.mimetype == "text/html":
            for name, value in for_people.items():
                response.headers.setdefault(name, value)
        return response

    app.after_request(put)
    app.wsgi_app = _closed(app.wsgi_app, HEADERS_FOR_PROGRAMS | always | NOT_KEPT)  # type: ignore[method-assign, assignment]


def _closed(inner: WSGIApplication, headers: dict[str, str]) -> WSGIApplication:
    """
    The same application, whose answers have at least these headers.

    Around Flask, because werkzeug's own headers would take ten times as long for each webhook's answer.
    """
    pairs = list(headers.items())

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, given: list[tuple[str, str]], *more: Any) -> Any:
            names = {name for name, _ in given}
            return start_response(status, given + [pair for pair in pairs if pair[0] not in names], *more)

        return inner(environ, start)

    return app


def is_https(settings: Settings) -> bool:
    """Whether people reach the pages over https."""
    return (settings.public_url or "").startswith("https://")
