"""The sandbox as a web process: Braze's API, a control API for tests, and pages to look at."""

import os

from flask import Flask, Response, render_template, request

from ingest.sandbox.braze.api import api_routes, read_call, send
from ingest.sandbox.braze.control import control_routes
from ingest.sandbox.braze.door import Answer, Call, let_in, message
from ingest.sandbox.braze.pages import page_routes
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import PERMISSIONS, Settings
from ingest.sandbox.braze.traffic import SeenRequest

#: Far above what Braze takes, so that the sandbox itself can answer 413.
MAX_READ_BYTES = 64 * 1024 * 1024
#: Everything the pages need comes from here.
CONTENT_SECURITY_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


def create_app(sandbox: Sandbox | None = None) -> Flask:
    """
    A stand-in Braze on one WSGI application; one process, any number of threads.

    Args:
        sandbox: Its state; a fresh one if left out. It stays reachable as `app.extensions["sandbox"]`.
    """
    held = sandbox or Sandbox()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_READ_BYTES
    app.url_map.strict_slashes = True
    app.url_map.redirect_defaults = False
    app.extensions["sandbox"] = held
    app.register_blueprint(api_routes(held))
    app.register_blueprint(control_routes(held))
    app.register_blueprint(page_routes(held))

    def no_such_path(_: Exception) -> Response | tuple[str, int]:
        if request.method == "GET" and "Authorization" not in request.headers:
            return render_template("sandbox_braze/missing.html"), 404
        return send(let_in(held, read_call(request), lambda call, seen: _unknown(held, call, seen)))

    app.register_error_handler(404, no_such_path)
    app.register_error_handler(405, no_such_path)
    app.after_request(_protect)
    return app


def _unknown(sandbox: Sandbox, call: Call, seen: SeenRequest) -> Answer:
    if call.path.endswith("/"):
        sandbox.note_violation(seen, "trailing_slash", call.path[:200])
    return message(404, "Invalid URL")


def _protect(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def from_environment() -> Flask:
    """
    The application as the demo starts it.

    Environment: `SANDBOX_BRAZE_KEY` is the REST key that holds every permission (default `sandbox-rest-key`);
    `SANDBOX_BRAZE_PUBLIC` the address to enter as REST endpoint, shown on the pages (default: none shown).
    """
    key = os.environ.get("SANDBOX_BRAZE_KEY") or "sandbox-rest-key"
    settings = Settings(keys={key: PERMISSIONS})
    return create_app(Sandbox(settings, public_url=os.environ.get("SANDBOX_BRAZE_PUBLIC", "").rstrip("/")))
