"""Who may use the management API: bearer tokens, one for everything and one for reading."""

import logging
from hmac import compare_digest

import orjson
from flask import Response, request

from ingest.context import context
from ingest.guesses import API, held_back
from ingest.problems import problem

log = logging.getLogger("komo_braze")

READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: These are asked by POST, because a question has a body, and change nothing either.
QUESTIONS = frozenset({"submissions.search", "integrations.test", "integrations.show_preview"})
#: This one too, as long as it is a dry run.
REHEARSED = "dead_letters.replay"


def require_token() -> Response | None:
    """Before every request: 401 without a known token, 429 after too many, 403 for a change with one for reading."""
    settings = context().settings
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else ""
    if _same(given, settings.api_token):
        return None
    if not _same(given, settings.api_read_token):
        address = request.remote_addr or ""
        if told := held_back(context().guesses, address, API):
            return told
        log.warning("access.refused", extra={"door": API, "address": address})
        headers = {"WWW-Authenticate": "Bearer"}
        return problem(401, "Not authenticated", "Send Authorization: Bearer with an API token.", headers=headers)
    if request.method in READING or request.endpoint in QUESTIONS or _is_dry_run():
        return None
    log.warning("access.denied", extra={"asked": f"{request.method} {request.endpoint}"})
    return problem(403, "Not allowed", "This token may only read.")


def _is_dry_run() -> bool:
    if request.endpoint != REHEARSED:
        return False
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        return False
    return isinstance(body, dict) and body.get("dry_run") is True


def _same(given: str, wanted: str | None) -> bool:
    return bool(given and wanted) and compare_digest(given.encode(), (wanted or "").encode())
