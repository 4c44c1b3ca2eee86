"""
Dates and times, read only where they can mean one thing and written as Braze stores them. Pure.

Formats and years: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from workers.values import Convert, Flawed

#: Outside of these years Braze keeps a time as a string, and drops an object that holds one.
YEARS = range(1, 3001)
#: Below this (the year 1973) a number is hardly a time.
SECONDS_FROM = 100_000_000
#: From here on a number counts milliseconds: as seconds it would be the year 5138.
MILLISECONDS_FROM = 100_000_000_000

_TOKENS = {"YYYY": "year", "MM": "month", "DD": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_TOKEN = re.compile("|".join(_TOKENS))
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?", re.ASCII | re.DOTALL)
_EPOCH = re.compile(r"\d{9,14}(\.\d{1,9})?", re.ASCII)


def as_date(pattern: str | None = None) -> Convert:
    """
    A converter to `YYYY-MM-DD`, from an ISO 8601 date or time, or from the pattern. Day and month are never guessed.

    Args:
        pattern: YYYY, MM, DD, HH, mm, ss and the signs between them. A date as ISO 8601 writes it is taken too, unless
            the pattern itself begins with the year.
    """
    read = _reader(pattern)

    def convert(value: Any) -> Any:
        found = read(value.strip()) if isinstance(value, str) else None
        if found is None:
            return Flawed("not_a_date")
        return found.date().isoformat() if found.year in YEARS else Flawed("date_out_of_range")

    return convert


def as_datetime(pattern: str | None = None) -> Convert:
    """A converter to ISO 8601 in UTC, from what `as_date` takes or from epoch seconds or milliseconds. No zone: UTC."""
    read = _reader(pattern)

    def convert(value: Any) -> Any:
        found = read(value.strip()) if isinstance(value, str) else None
        if found is None:
            found = _from_epoch(value)
        if found is None:
            return Flawed("not_a_datetime")
        return to_utc(found)

    return convert


def to_utc(moment: datetime) -> Any:
    """`2026-02-03T04:05:06.789Z`; naive times are UTC."""
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return Flawed("datetime_out_of_range")
    return braze_time(moment) if moment.year in YEARS else Flawed("datetime_out_of_range")


def braze_time(moment: datetime) -> str:
    """A time in UTC as Braze's events and attributes take it. https://www.braze.com/docs/api/objects_filters/event_object/"""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _reader(pattern: str | None) -> Callable[[str], datetime | None]:
    if pattern is None:
        return _from_iso
    expression = _expression(pattern)

    def read(written: str) -> datetime | None:
        match = expression.fullmatch(written)
        if match is None:
            return None if pattern.startswith("YYYY") else _from_iso(written)
        parts = {"month": 1, "day": 1} | {name: int(digits) for name, digits in match.groupdict().items()}
        return _built(parts)

    return read


def _expression(pattern: str) -> re.Pattern[str]:
    """Numbers may lack a leading zero where a sign follows or ends them, not where the next number follows at once."""
    expression, place, named = "", 0, set[str]()
    for token in _TOKEN.finditer(pattern):
        expression += re.escape(pattern[place : token.start()])
        place, name = token.end(), _TOKENS[token[0]]
        alone = _TOKEN.match(pattern, place) is None and (not expression or expression[-1] not in ")")
        digits = r"\d{4}" if name == "year" else r"\d{1,2}" if alone else r"\d{2}"
        expression += f"({digits})" if name in named else f"(?P<{name}>{digits})"
        named.add(name)
    return re.compile(expression + re.escape(pattern[place:]), re.ASCII)


def _built(parts: dict[str, int]) -> datetime | None:
    try:
        return datetime(**parts)  # type: ignore[arg-type]  # noqa: DTZ001  (zoneless as written; read as UTC later)
    except (TypeError, ValueError):
        return None


def _from_iso(written: str) -> datetime | None:
    if _ISO.fullmatch(written) is None:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _from_epoch(value: Any) -> datetime | None:
    if isinstance(value, str) and _EPOCH.fullmatch(value.strip()):
        value = float(value)
    if value.__class__ not in (int, float) or abs(value) < SECONDS_FROM:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
