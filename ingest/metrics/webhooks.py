"""How Komo's requests are answered: counted around the application, so that nothing that takes time is left out."""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request

from workers.tally import Tally

#: Where a request notes whom it was for, once that is known to exist.
INTEGRATION = "komo_braze.integration"
WEBHOOKS = "/webhooks/"


def note_integration(integration_id: str) -> None:
    """Say whom the present request is for; only of an integration that there is."""
    request.environ[INTEGRATION] = integration_id


def count_webhooks(app: Flask, tally: Tally) -> None:
    """Let every answer to a webhook be counted."""
    app.wsgi_app = _Counting(app.wsgi_app, tally.webhook)  # type: ignore[method-assign]


class _Counting:
    def __init__(self, answer: WSGIApplication, count: Callable[[str, int, float], None]) -> None:
        self._answer, self._count = answer, count

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(WEBHOOKS):
            return self._answer(environ, start_response)
        started = perf_counter()

        def starting(status: str, *args: Any) -> Any:
            self._count(environ.get(INTEGRATION, ""), int(status[:3]), perf_counter() - started)
            return start_response(status, *args)

        return self._answer(environ, starting)
