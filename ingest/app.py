"""The web process is put together here."""

import os
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from ingest.api import register_api
from ingest.confirm import confirm_writes
from ingest.context import Context, Probe, keep
from ingest.health import health
from ingest.metrics import count_webhooks, metrics
from ingest.pages import register_pages
from ingest.pages.errors import error_page
from ingest.problems import is_for_programs
from ingest.problems import register as register_problems
from ingest.pulse import beat_in_background
from ingest.receive import MAX_BODY_BYTES, webhook
from ingest.request_ids import with_request_ids
from ingest.wake import Wake
from schemas.settings import NEEDED_BY_WEB, Settings, SettingsError, load_settings
from workers.braze.client import BrazeClient
from workers.braze.probe import probe as ask_braze
from workers.crashes import look_for_the_library, start_telling
from workers.errors import StoreUnavailable
from workers.logs import start_logging
from workers.store import Stores, open_stores


class WebApp(Flask):
    """Flask without coroutines: nothing of ours is one, and asking every function of every request takes its time."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is."""
        return func


class PageSessions(SecureCookieSessionInterface):
    """Only people have sessions: for programs, making one would cost more than reading their request."""

    digest_method = staticmethod(sha256)  # Flask's own choice is SHA-1

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if is_for_programs(request.path):
            return self.make_null_session(app)
        return super().open_session(app, request)


def create_app(
    settings: Settings,
    stores: Stores,
    wake: Wake,
    *,
    broker_answers: Callable[[], bool] = lambda: True,
    probe: Probe | None = None,
) -> Flask:
    """
    The WSGI application.

    Args:
        wake: Publishes a wake-up call for (step, integration id, lane).
        broker_answers: Whether a wake-up call would be taken now.
        probe: Asks Braze whether a key would do, without writing to a profile; by default it does.
    """
    app = WebApp(__name__)
    app.url_map.merge_slashes = False  # the redirect would lead to whatever host the request names
    app.session_interface = PageSessions()
    app.config["SECRET_KEY"] = settings.secret_key[0]
    app.config["SECRET_KEY_FALLBACKS"] = list(settings.secret_key[1:])
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES  # a document of a thousand rules is one field of a form
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.wsgi_app = with_request_ids(app.wsgi_app)  # type: ignore[method-assign, assignment]
    register_problems(app, error_page)
    if settings.store_replicas:
        confirm_writes(app, stores)
    app.register_blueprint(health(stores, broker_answers))
    app.register_blueprint(metrics(stores, settings))
    count_webhooks(app, stores.tally)
    app.register_blueprint(webhook(stores, wake))
    probe = probe or partial(ask_braze, client=BrazeClient(proxy=settings.braze_proxy))
    keep(app, Context(stores, settings, wake, probe, broker_answers))
    register_api(app)
    register_pages(app, settings)
    return app


def from_environment() -> Flask:
    """For WSGI servers: `granian --interface wsgi --factory ingest.app:from_environment`."""
    try:
        settings = load_settings(os.environ, need=NEEDED_BY_WEB)
        look_for_the_library(settings)
        stores = open_stores(settings)
    except (SettingsError, StoreUnavailable) as error:
        sys.exit(f"komo-braze: {error}")
    start_logging(settings.log_level)
    start_telling(settings.sentry_dsn, "web")
    from workers.tasks import broker_answers, wake  # reads the environment when it is imported

    beat_in_background(stores.alive)
    return create_app(settings, stores, wake, broker_answers=broker_answers)
