"""What all templates know: filters and functions for showing times, numbers and values."""

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, session, url_for
from markupsafe import Markup

from ingest.context import context
from ingest.pages.directions import apart, json_apart
from ingest.pages.language import _, many, number
from ingest.pages.masking import masked
from ingest.pages.sentences import in_words
from ingest.pages.warning_words import warned_about, warning_in_words
from ingest.pages.words import (
    changes_in_words,
    event_in_words,
    events_known,
    identifier_in_words,
    job_in_words,
    job_state_in_words,
    outcome_in_words,
    reason_advice,
    reason_in_words,
    reason_meaning,
    state_colour,
    state_in_words,
    state_meaning,
    way_in_words,
)
from schemas.dead_letter import REASONS

_WORDS = (
    changes_in_words, event_in_words, identifier_in_words, job_in_words, job_state_in_words, outcome_in_words,
    reason_advice, reason_in_words, reason_meaning, state_colour, state_in_words, state_meaning,
    warned_about, warning_in_words, way_in_words,
)  # fmt: skip


def teach_templates(app: Flask) -> None:
    """Register the filters, and what stands on every page."""
    for one in (number, duration, size, ago, pretty, iso, iso_time, masked, shortened, apart, json_apart, *_WORDS):
        app.add_template_filter(one)
    app.add_template_filter(in_words, "told")
    app.add_template_global(events_known)
    app.add_template_global(kept_hours)
    app.add_template_global(lambda: REASONS, "reasons_known")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_on_every_page)


def _on_every_page() -> dict[str, Any]:
    places = [
        ("overview.show", _("Overview")),
        ("activity.show", _("Activity")),
        ("dead_letters_page.show", _("Dead letters")),
        ("figures.show", _("Cost and health")),
        ("api_docs.show", _("API")),
    ]
    return {"places": places, "is_signed_in": "token" in session, "icon": icon}


def icon(name: str) -> Markup:
    """One of Bootstrap's pictures; it says nothing to who can't see it."""
    address = url_for("bootstrap.static", filename="icons/bootstrap-icons.svg")
    return Markup(
        '<svg class="bi" width="1em" height="1em" fill="currentColor" aria-hidden="true"><use href="{}#{}"/></svg>'
    ).format(address, name)


def duration(seconds: float | None) -> str:
    """A length of time, roughly: 850 ms, 12 s, 5 min, 3 h, 2 d."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    for unit, length, below in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 172_800)):
        if seconds < below:
            return f"{number(round(seconds / length, 1) if seconds / length < 10 else round(seconds / length))} {unit}"
    return f"{number(round(seconds / 86_400))} d"


def size(count: float) -> str:
    """So many bytes, roughly: 850 B, 12 kB, 3.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{number(round(count, 1) if count < 10 else round(count))} {unit}"
        count /= 1000
    return f"{number(round(count, 1))} TB"


def iso(ms: float) -> str:
    """A moment in ms since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kept_hours() -> int:
    """For how long settled submissions can be looked up."""
    return context().settings.retention_hours


def iso_time(moment: datetime) -> str:
    """An aware time as ISO 8601 in UTC."""
    return iso(moment.timestamp() * 1000)


def shortened(text: Any, characters: int) -> str:
    """The beginning of a text that somebody else wrote, on one line."""
    said = " ".join(str(text).split())
    return said if len(said) <= characters else f"{said[: characters - 1]}…"


def ago(at: str | float | None, now: datetime | None = None) -> str:
    """How long ago a moment was, ISO or ms, in words."""
    if at is None:
        return "-"
    then = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at / 1000, UTC)
    seconds = int(((now or datetime.now(UTC)) - then).total_seconds())
    if seconds < 5:
        return _("just now")
    if seconds < 90:
        return many("%(num)d second ago", "%(num)d seconds ago", seconds)
    if seconds < 5400:
        return many("%(num)d minute ago", "%(num)d minutes ago", round(seconds / 60))
    if seconds < 172_800:
        return many("%(num)d hour ago", "%(num)d hours ago", round(seconds / 3600))
    return many("%(num)d day ago", "%(num)d days ago", round(seconds / 86_400))


def pretty(value: Any) -> str:
    """JSON with indentation."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
