"""Dead letters as people ask for them: which ones, and how they are to be replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

#: Why a submission is dead.
REASONS = ("bad_identifier", "no_usable_value", "refused", "too_big", "too_old", "mapping_failed")


#: Letters a second that a replay may be asked for.
LEAST_RATE, MOST_RATE = 0.001, 100_000


class SoughtPerson(NamedTuple):
    """An identifier as somebody typed it, before it is normalised."""

    #: None: any kind.
    kind: str | None
    value: str
    #: Only for user aliases; None: any label.
    alias_label: str | None = None


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters are meant: those that meet every condition that is set."""

    integration: str | None = None
    #: One of REASONS.
    reason: str | None = None
    #: Died at or after, and at or before, these times (aware).
    since: datetime | None = None
    until: datetime | None = None
    identifier: SoughtPerson | None = None
    #: Stands in the body, the reason or Braze's words; case does not matter.
    text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; what is not set is left out."""
        told: dict[str, Any] = {
            "integration": self.integration,
            "reason": self.reason,
            "since": self.since and self.since.astimezone(UTC).isoformat(),
            "until": self.until and self.until.astimezone(UTC).isoformat(),
            "identifier": self.identifier and self.identifier._asdict(),
            "text": self.text,
        }
        return {name: value for name, value in told.items() if value is not None}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> "LetterFilter":
        """What `to_json` returned; raises ValueError, KeyError or TypeError if it was not that."""
        since, until, identifier = told.get("since"), told.get("until"), told.get("identifier")
        return LetterFilter(
            integration=told.get("integration"),
            reason=told.get("reason"),
            since=datetime.fromisoformat(since) if since else None,
            until=datetime.fromisoformat(until) if until else None,
            identifier=SoughtPerson(**identifier) if identifier else None,
            text=told.get("text"),
        )


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What a replay is asked to do. Either `ids` or `filter` is set; with both, letters have to meet both."""

    #: Submission ids.
    ids: tuple[str, ...] | None = None
    filter: LetterFilter | None = None
    #: Move nothing, and tell what would be sent.
    dry_run: bool = False
    #: Letters a second, at most; None: as fast as it goes.
    rate: float | None = None
    #: Leave out events that happened longer ago than this; attributes are sent all the same.
    events_not_older_than_hours: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for a job's `asked`; what is not set is left out."""
        told: dict[str, Any] = {
            "ids": None if self.ids is None else list(self.ids),
            "filter": self.filter and self.filter.to_json(),
            "dry_run": self.dry_run or None,
            "rate": self.rate,
            "events_not_older_than_hours": self.events_not_older_than_hours,
        }
        return {name: value for name, value in told.items() if value is not None}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> "ReplayOptions":
        """What `to_json` returned; raises ValueError, KeyError or TypeError if it was not that."""
        ids, letters = told.get("ids"), told.get("filter")
        return ReplayOptions(
            ids=None if ids is None else tuple(ids),
            filter=None if letters is None else LetterFilter.from_json(letters),
            dry_run=bool(told.get("dry_run")),
            rate=told.get("rate"),
            events_not_older_than_hours=told.get("events_not_older_than_hours"),
        )


def no_letter(ids: Sequence[str]) -> str:
    """A sentence for whoever named nothing but ids of which there is no dead letter."""
    named = ", ".join(one[:80] for one in ids[:10])
    if len(ids) == 1:
        return f"There is no dead letter {named}, or it is no longer kept."
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return f"There are no dead letters {named}{more}, or they are no longer kept."
