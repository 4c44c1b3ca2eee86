"""
Where each submission stands, and what happened to it.

Nothing is indexed: a record per batch costs a tenth of one per submission. A listing reads a bounded part of the
streams (records.py), newest first; a single submission is found by its id, which holds the day of its acceptance.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any

import redis

from schemas.attempts import Attempts
from schemas.deaths import Death
from schemas.integration import Integration
from schemas.person import Person
from workers.store.accepted import Accepted
from workers.store.found import Found, Place, Source
from workers.store.lazy_merge import merge_newest
from workers.store.records import Look, Records
from workers.store.standing import Standing

#: Submissions that one listing looks at; where few of them are wanted, its page is short or empty.
LOOKED_AT = 10_000
DAY_MS = 86_400_000
#: Between the clocks of the processes and the store's, at most.
CLOCKS_MS = 600_000

#: See `submission_id`: a day since 1970 and 8 bytes, in hexadecimal.
ID = re.compile(r"([0-9a-f]{1,6})([0-9a-f]{16})")
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})\.([0-9]{1,4})\.([a-z0-9-]{1,63})\.([a-z]+(?::[0-9]{1,4})?)")


class Timeline:
    """
    Listings and single submissions.

    Args:
        integrations: Every integration, for listings that name none.
        clock: Seconds, only ever forward.
    """

    def __init__(
        self,
        connection: redis.Redis,
        integrations: Callable[[], Sequence[Integration]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accepted = Accepted(connection)
        self._clock = clock
        self._records = Records(connection)
        self._standing = Standing(connection)
        self._integrations = integrations

    def list(
        self,
        integration_id: str | None = None,
        *,
        state: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """
        Submissions in short; what was accepted or settled last comes first.

        Args:
            since: Only those received at or after this time.
            cursor: As returned by the call before; raises ValueError if it is not one.

        Returns: The items, and the cursor of the next page or None. A page may be short, or empty, before the last.
        """
        below = read_cursor(cursor)
        since_ms = int(since.timestamp() * 1000) if since else 0
        items: list[dict[str, Any]] = []
        for number, found in enumerate(
            islice(self._newest_first(integration_id, state, below, since_ms), LOOKED_AT), 1
        ):
            if state in (None, found.state) and event in (None, found.head[6]) and found.head[4] >= since_ms:
                items.append(short(found))
            if len(items) >= limit or number == LOOKED_AT:
                return items, write_cursor(found.place)
        return items, None

    def show(
        self, wanted_id: str, integration_id: str | None = None, *, seconds: float | None = None
    ) -> dict[str, Any] | None:
        """
        One submission with its timeline and its raw body; None if it is not here or no longer kept.

        Args:
            integration_id: Where it is, if that is known.
            seconds: For how long to look for it, about; None: until everything was looked through.

        Raises: OutOfTime if not everything could be looked through in that time.
        """
        match = ID.fullmatch(wanted_id)
        if match is None:
            return None
        day, digest = int(match[1], 16), match[2]
        since_ms = max(0, day * DAY_MS - CLOCKS_MS)
        look = Look(day, digest, since_ms, self._clock, self._clock() + seconds if seconds is not None else None)
        for source in self._where(integration_id, look):
            found = self._records.find(source, look)
            if found:
                tried, deaths = self._records.past(source, found)
                steps = _steps(found, tried, deaths)
                if found.state == "waiting":
                    steps.append(self._waits(source, found))
                return _whole(found, tried, steps)
        return None

    def _where(self, integration_id: str | None, look: Look) -> Iterator[Source]:
        """The streams in which it may lie, each read as late as possible: it may be on its way from one to the next."""
        integrations = self._meant(integration_id)
        accepted = self._accepted.by(integrations, look.day, look.digest)
        for one in accepted:
            yield from self._records.sources(one)
        if not accepted:
            for _, source in self._records.ends(integrations, None, None, look.since_ms):
                yield self._records.with_flight(source)

    def _waits(self, source: Source, found: Found) -> dict[str, Any]:
        """The last step of what waits: why, and until when."""
        lane = int(source.lane) if source.lane is not None else None
        person = Person(*found.head[3]).key if found.head[3] else ""
        return {"what": "waits", **self._standing.waits(source.integration, lane, person)}

    def _newest_first(
        self, integration_id: str | None, state: str | None, below: Place | None, since_ms: int
    ) -> Iterator[Found]:
        since_ms = max(0, since_ms - CLOCKS_MS)
        streams = [
            (end, partial(self._records.newest_first, source, end, below, since_ms))
            for end, source in self._records.ends(self._meant(integration_id), state, below, since_ms)
        ]
        return merge_newest(streams, attrgetter("place"))

    def _meant(self, integration_id: str | None) -> Sequence[Integration]:
        return [one for one in self._integrations() if integration_id in (None, one.id)]


def read_cursor(cursor: str | None) -> Place | None:
    """The place that a listing goes on below. Raises: ValueError if it is no cursor."""
    if not cursor:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ValueError("the cursor is not one of ours")
    return Place(int(match[1]), int(match[2]), f"{match[4]} {match[5]}", int(match[3]))


def write_cursor(place: Place) -> str:
    """The cursor of a page that ends at this place."""
    integration_id, _, name = place.stream.partition(" ")
    return f"{place.entry_id}.{place.at}.{integration_id}.{name}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short(found: Found) -> dict[str, Any]:
    """A submission as lists show it."""
    return {
        "id": found.id,
        "integration": found.integration.id,
        "event": found.head[6],
        "state": found.state,
        "reason": reason_of(found),
        "received_at": _time(found.head[4]),
        "settled_at": _time(found.at_ms) if found.at_ms else None,
    }


def reason_of(found: Found) -> str | None:
    """Why a submission was filtered, discarded or is dead."""
    return found.notes[0] if found.state in ("dead", "filtered", "discarded") and found.notes else None


def _whole(found: Found, tried: Attempts, steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    person = found.head[3]
    identifier = None if person is None else {"kind": person[0], "value": person[1], "alias_label": person[2]}
    return short(found) | {"person": identifier, "attempts": tried.number, "timeline": steps, "raw": found.body()}


def _steps(found: Found, tried: Attempts, deaths: Sequence[Death]) -> list[dict[str, Any]]:
    """From its receipt to where it stands: a life for each replay, and the last one."""
    steps: list[dict[str, Any]] = [{"what": "received", "at": _time(found.head[4]), "version": found.head[5]}]
    attempts = tried.numbered()
    for death in deaths:
        steps.append({"what": "mapped", "version": death.version})
        steps += _told(one for one in attempts if one[0] <= death.attempts)
        attempts = [one for one in attempts if one[0] > death.attempts]
        steps.append({"what": "dead", "at": _time(death.at_ms), "reason": death.reason})
        if death.replayed_ms:
            steps.append({"what": "replayed", "at": _time(death.replayed_ms)})
    return [*steps, *_mapped(found), *_told(attempts), *_end(found)]


def _told(attempts: Iterable[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [{"what": "attempt", "attempt": number, **one, "at": _time(one["at"])} for number, one in attempts]


def _mapped(found: Found) -> list[dict[str, Any]]:
    # What was filtered, or found dead, at the door was judged by the rules of that moment.
    step = {"what": "mapped", "version": found.extra.get("version") or found.head[5]}
    if found.state in ("delivered", "filtered"):
        return [step | {"warnings": [*found.notes]}]
    return [step | {"warnings": found.extra["warnings"]}] if "warnings" in found.extra else []


def _end(found: Found) -> list[dict[str, Any]]:
    """How it ended, if it has ended."""
    if found.state == "dead":
        more = {name: found.extra[name] for name in ("status", "answer", "replays") if found.extra.get(name)}
        return [{"what": "dead", "at": _time(found.at_ms), "reason": found.notes[0], **more}]
    death = []
    if "died_ms" in found.extra:
        death.append({"what": "dead", "at": _time(found.extra["died_ms"]), "reason": found.notes[0]})
    return [*death, {"what": found.state, "at": _time(found.at_ms)}] if found.at_ms else []
