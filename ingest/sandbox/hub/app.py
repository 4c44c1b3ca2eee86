"""The sandbox hub's web process is put together here."""

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import Forbidden, HTTPException

from .connector import Connector
from .play import Chance
from .settings import HubSettings
from .views import Hub, bp
from .visits import Visits

__all__ = ["HubSettings", "create_app", "from_environment"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_MAX_FORM_BYTES = 64 * 1024


def _utcnow() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: HubSettings,
    *,
    connector: Connector | None = None,
    now: Callable[[], datetime] = _utcnow,
    chance: Chance = secrets.randbelow,
) -> Flask:
    """
    Build the hub. Visits live in this process, so that it must be the only one that serves them.

    Args:
        settings: Where to post, and which links to show.
        connector: Posts for the hub; by default one made from the settings.
        now: The clock, aware and in UTC.
        chance: Decides where the wheel stops.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="sandbox_hub",  # cookies are shared by all ports of a host
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_MAX_FORM_BYTES,
    )
    app.extensions["hub"] = Hub(
        settings=settings,
        connector=connector or Connector(settings.webhook_url, settings.webhook_secret),
        visits=Visits(),
        now=now,
        chance=chance,
    )
    app.register_blueprint(bp)
    app.before_request(_refuse_other_sites)
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, _show_error)
    return app


def from_environment() -> Flask:
    """For `granian --interface wsgi --factory`; raises ValueError if a setting is missing or wrong."""
    return create_app(HubSettings.from_mapping(os.environ))


def _refuse_other_sites() -> None:
    """Another site's page must not fill in forms here. https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site"""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise Forbidden("This form was sent from another site.")


def _add_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _show_error(error: HTTPException) -> tuple[str, int]:
    return render_template("error.html", error=error), error.code or 500
