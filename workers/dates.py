"""
Dates and times, read only where they can mean one thing and written as Braze stores them. Pure.

Formats and years: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from schemas.date_format import Part, parts
from workers.flaws import Convert, Flawed
from workers.locales import locales, one_meaning
from workers.words import plain

#: Outside of these years Braze keeps a time as a string, and drops an object that holds one.
YEARS = range(1, 3001)
#: Below this (the year 1973) a number is hardly a time.
SECONDS_FROM = 100_000_000
#: From here on a number counts milliseconds: as seconds it would be the year 5138.
MILLISECONDS_FROM = 100_000_000_000

#: The first year of the century that a two-digit year is of, or None where it can't be told.
Century = Callable[[int], int | None]
#: Two-digit years from here on are of the 1900s, as in POSIX and Python's `strptime`.
#: https://docs.python.org/3/library/time.html#time.strptime
PIVOT = 69

#: Distinct dates remembered per pattern: birthdays come back with every visit of a person.
REMEMBERED = 5_000

_NAME = r"[^\W\d_]+\.?|[0-9]{1,2}月"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?", re.ASCII | re.DOTALL)
#: Ten digits of seconds or thirteen of milliseconds: other numbers of digits are those of dates written without signs.
_EPOCH = re.compile(r"\d{10}(\d{3})?(\.\d{1,9})?", re.ASCII)


def _posix_century(year: int) -> int:
    return 1900 if year >= PIVOT else 2000


def as_date(pattern: str | None = None) -> Convert:
    """
    A converter to `YYYY-MM-DD`, from an ISO 8601 date or time, or from the pattern. Day and month are never guessed.

    The date is the one that was written, whatever the time and offset beside it.

    Args:
        pattern: As `schemas.date_format` knows them. A date as ISO 8601 writes it is taken too, unless the pattern
            itself begins with the year. Without YY a year has four digits, without MMM a month is a number.
    """
    read = reader(pattern)

    @lru_cache(REMEMBERED)
    def convert_text(written: str) -> Any:
        found = read(written.strip())
        return Flawed("not_a_date") if found is None else date_of(found)

    return lambda value: convert_text(value) if isinstance(value, str) else Flawed("not_a_date")


def date_of(moment: datetime) -> Any:
    """The date of a moment, as it was written."""
    return moment.date().isoformat() if moment.year in YEARS else Flawed("date_out_of_range")


def as_datetime(pattern: str | None = None) -> Convert:
    """A converter to ISO 8601 in UTC, from what `as_date` takes or from epoch seconds or milliseconds. No zone: UTC."""
    read = reader(pattern)

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
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return Flawed("datetime_out_of_range")
    return braze_time(moment) if moment.year in YEARS else Flawed("datetime_out_of_range")


def braze_time(moment: datetime) -> str:
    """A time in UTC as Braze's events and attributes take it. https://www.braze.com/docs/api/objects_filters/event_object/"""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def reader(pattern: str | None, century: Century = _posix_century) -> Callable[[str], datetime | None]:
    """
    What reads a text as ISO 8601 or as the pattern says; None for a text that is no such date.

    Args:
        century: Of a year with two digits, or None where it can't be told.
    """
    if pattern is None:
        return from_iso
    pieces = list(parts(pattern))
    expression = _expression(pieces)
    begins_with_year = pieces[0].name == "year" and not pieces[0].before

    def read(written: str) -> datetime | None:
        match = expression.fullmatch(written)
        if match is not None:
            return _built(match.groupdict(), century)
        return None if begins_with_year else from_iso(written)

    return read


def _expression(pieces: list[Part]) -> re.Pattern[str]:
    expression, named = "", set[str]()
    for place, (before, _, name) in enumerate(pieces):
        expression += re.escape(before)
        if name:
            found = _digits(pieces, place)
            expression += f"({found})" if name in named else f"(?P<{name}>{found})"
            named.add(name)
    return re.compile(expression, re.IGNORECASE)


def _digits(pieces: list[Part], place: int) -> str:
    """Numbers may lack a leading zero where a sign follows or ends them, not where the next number follows at once."""
    before, _, name = pieces[place]
    follower = pieces[place + 1]
    match name:
        case "month_name":
            return _NAME
        case "year":
            return "[0-9]{4}"
        case "short_year":
            return "[0-9]{2}"
    alone = (follower.before or not follower.token) and (before or not place)
    return "[0-9]{1,2}" if alone else "[0-9]{2}"


@cache
def _months() -> Mapping[str, str]:
    """Names and abbreviations of months in many languages, and their numbers; what means two months is in none."""
    kinds = [(kind, width) for kind in ("format", "stand-alone") for width in ("wide", "abbreviated")]
    found = (locale.months[kind][width] for locale in locales() for kind, width in kinds)
    return one_meaning((plain(name).rstrip("."), str(number)) for names in found for number, name in names.items())


def _built(found: dict[str, str], century: Century) -> datetime | None:
    if "month_name" in found:
        found["month"] = _months().get(plain(found.pop("month_name")).rstrip("."), "0")
    if "short_year" in found:
        year = int(found.pop("short_year"))
        start = century(year)
        found["year"] = "0" if start is None else str(start + year)
    numbers = {"month": 1, "day": 1} | {name: int(digits) for name, digits in found.items()}
    try:
        return datetime(**numbers)  # type: ignore[arg-type]  # noqa: DTZ001  (zoneless as written; read as UTC later)
    except (TypeError, ValueError):
        return None


def from_iso(written: str) -> datetime | None:
    """A date or time that begins with `YYYY-MM-DD`; naive without an offset."""
    if _ISO.fullmatch(written) is None:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _from_epoch(value: Any) -> datetime | None:
    if isinstance(value, str) and _EPOCH.fullmatch(value.strip()) and not _is_an_hour(value.strip()):
        value = float(value)
    if value.__class__ not in (int, float) or abs(value) < SECONDS_FROM:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _is_an_hour(digits: str) -> bool:
    """Whether ten digits may as well be a date and an hour: `2026020312`."""
    try:
        return datetime.strptime(digits, "%Y%m%d%H").year >= 1900  # noqa: DTZ007  (only whether it is one)
    except ValueError:
        return False
