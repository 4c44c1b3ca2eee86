"""What the pages' templates know: values, names and times in words."""

import time
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint

from ingest.sandbox.braze.profiles import Profile

#: What changed within these seconds is marked.
FRESH_S = 5.0
#: Longer values are shown in part, with the rest on request.
LONG_CHARS = 240
#: Colours of the circles beside names.
TONES = 6


def teach_templates(routes: Blueprint) -> None:
    """Register the filters."""
    for one in (shown, ago, clock, pretty, title, fresh, counted, initials, tone, moment):
        routes.add_app_template_filter(one)


def title(profile: Profile | None) -> str:
    """What to call somebody: their name, or the best identifier there is."""
    if profile is None:
        return "unknown"
    parts = [str(profile.standard[part]) for part in ("first_name", "last_name") if profile.standard.get(part)]
    if parts:
        return " ".join(parts)
    alias = next(iter(profile.aliases.values()), None)
    known = (profile.standard.get("email"), profile.external_id, alias, profile.standard.get("phone"), profile.braze_id)
    return str(next(filter(None, known)))


def initials(name: str) -> str:
    """One or two letters of a name."""
    letters = [next((letter for letter in word if letter.isalnum()), "") for word in name.split()[:8]]
    found = [letter for letter in letters if letter]
    return "".join(dict.fromkeys([found[0], found[-1]]) if len(found) > 1 else found).upper() or "?"


def tone(braze_id: str) -> int:
    """A colour's number, the same for a person every time."""
    return sum(braze_id.encode()) % TONES


def shown(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(map(shown, value))
    return orjson.dumps(value).decode()


def pretty(body: bytes) -> str:
    """A body, indented where it is JSON."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def ago(at: float) -> str:
    """How long ago an epoch second was."""
    seconds = max(0, int(time.time() - at))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago" if seconds else "just now"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(at: float) -> str:
    """An epoch second as a time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def moment(at: float) -> str:
    """An epoch second as ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def fresh(at: float | None) -> bool:
    """Whether this was a moment ago."""
    return at is not None and time.time() - at < FRESH_S
