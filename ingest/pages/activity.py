"""Submissions as they happen, and how to find the one that somebody asks about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.context import context
from ingest.pages.door import guarded
from ingest.pages.spans import Span, read_span
from schemas.api import STATES
from workers.store.letters import iso
from workers.store.timeline import read_cursor

blueprint = guarded(Blueprint("activity", __name__, url_prefix="/activity"))

#: Submissions on one page.
PAGE = 50
#: Characters of what is searched for.
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see; empty texts are no condition."""

    integration: str
    state: str
    event: str
    card: str
    span: Span
    #: These may name a person: they never stand in an address.
    who: str
    text: str
    cursor: str

    @property
    def is_personal(self) -> bool:
        return bool(self.who or self.text)

    def parameters(self) -> dict[str, str]:
        """Of an address that shows the same."""
        found = {"integration": self.integration, "state": self.state, "event": self.event, "card": self.card}
        return {name: value for name, value in found.items() if value} | self.span.parameters()


def read_asked(given: Mapping[str, str], now: datetime) -> Asked:
    """What a form or an address asks for; a state that there is none of is no condition."""
    integration, event, card, who, text, cursor = (
        given.get(name, "").strip()[:LONGEST] for name in ("integration", "event", "card", "who", "text", "cursor")
    )
    state = given.get("state", "")
    return Asked(integration, state if state in STATES else "", event, card, read_span(given, now), who, text, cursor)


@blueprint.get("")
def show() -> AnyResponse:
    """The newest submissions; whoever has what is not personal in the address may keep it as a bookmark."""
    given = {name: value for name, value in request.args.items() if name not in ("who", "text")}
    return _answer(read_asked(given, datetime.now(UTC)))


@blueprint.post("")
def search() -> AnyResponse:
    """The same by person or by text, which stay out of addresses and their logs."""
    asked = read_asked(request.form, datetime.now(UTC))
    if asked.is_personal or asked.span.problem:
        return _answer(asked)
    return redirect(url_for("activity.show", **asked.parameters()), 303)  # type: ignore[arg-type]


def _answer(asked: Asked) -> AnyResponse:
    rows, following, is_wrong = _find(asked)
    told: dict[str, Any] = {
        "asked": asked, "rows": rows, "following": following, "is_wrong": is_wrong, "states": STATES,
        "looked_back_to": _time_of(following), "names": {one.id: one.name for one in _integrations()},
    }  # fmt: skip
    template = "pages/_activity.html" if "fragment" in request.args else "pages/activity.html"
    return Response(render_template(template, **told), 422 if asked.span.problem or is_wrong else 200)


def _find(asked: Asked) -> tuple[list[Any], str | None, bool]:
    """Rows, where to go on, and whether the page that was asked for is none."""
    if asked.span.problem:
        return [], None, False
    try:
        rows, following = context().stores.search.find_rows(
            identifier=(None, asked.who, None) if asked.who else None,
            text=asked.text or None,
            integration_id=asked.integration or None,
            state=asked.state or None,
            event=asked.event or None,
            card=asked.card or None,
            since=asked.span.since,
            until=asked.span.until,
            cursor=asked.cursor or None,
            limit=PAGE,
        )
    except ValueError:  # of the cursor
        return [], None, True
    return rows, following, False


def _time_of(cursor: str | None) -> str | None:
    place = read_cursor(cursor)
    return iso(place.ms) if place else None


def _integrations() -> Any:
    return context().stores.integrations.every()
