"""From when until when somebody wants to look, as a form says it: the last hour, or two times of where they are."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.pages.language import _

#: By the name that a form gives them.
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
OWN = "own"


class Span(NamedTuple):
    """What was asked for, and what it means."""

    #: One of LENGTHS, OWN, or empty for all time.
    name: str = ""
    #: As typed into fields for local times.
    from_: str = ""
    until_: str = ""
    #: Of the reader; empty is UTC.
    zone: str = ""
    since: datetime | None = None
    until: datetime | None = None
    #: A sentence, where a time can't be read.
    problem: str = ""

    def parameters(self) -> dict[str, str]:
        """As they stand in an address; what is empty is left out."""
        own = {"from": self.from_, "until": self.until_, "zone": self.zone} if self.name == OWN else {}
        return {name: value for name, value in {"time": self.name, **own}.items() if value}


def read_span(given: Mapping[str, str], now: datetime) -> Span:
    """
    Args:
        given: `time`, `from`, `until` and `zone` as a form sends them.
        now: Aware.
    """
    name = given.get("time", "")
    if name in LENGTHS:
        return Span(name, since=now - LENGTHS[name])
    if name != OWN:
        return Span()
    from_, until_, zone = (given.get(each, "").strip() for each in ("from", "until", "zone"))
    try:
        place = ZoneInfo(zone) if zone else UTC
        since, until = _moment(from_, place), _moment(until_, place)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return Span(OWN, from_, until_, problem=_("Write times as 2026-01-31T09:00."))
    problem = _("The first time is later than the second one.") if since and until and since > until else ""
    return Span(OWN, from_, until_, zone, since, until, problem)


def _moment(text: str, place: ZoneInfo | object) -> datetime | None:
    if not text:
        return None
    return datetime.fromisoformat(text).replace(tzinfo=place).astimezone(UTC)  # type: ignore[arg-type]
