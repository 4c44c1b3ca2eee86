"""How callers behave: what is in flight for whom, how far apart, how full; and the last requests in full."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: Kind of identifier, value (an alias as label and name).
Person = tuple[str, Any]
#: Requests that stay readable, and how much of each body.
REQUESTS_KEPT = 200
MAX_BODY_KEPT = 64 * 1024
#: Bounds of the counts of spacings, in milliseconds.
SPACING_BOUNDS_MS = (100, 500, 1000, 1500, 1900, 2000, 5000)


def person_of(given: Any) -> Person | None:
    """Who an object is about, by its identifier as sent; None where it has none."""
    if not isinstance(given, dict):
        return None
    value = given.get("external_id")
    if value is not None:
        return ("external_id", str(value))
    alias = given.get("user_alias")
    if isinstance(alias, dict):
        return ("user_alias", (str(alias.get("alias_label")), str(alias.get("alias_name"))))
    for kind in ("braze_id", "email", "phone"):
        if given.get(kind) is not None:
            return (kind, str(given[kind]))
    return None


@dataclass
class SeenRequest:
    """One call to the API."""

    number: int
    #: Epoch second of arrival.
    at: float
    method: str
    path: str
    user_agent: str
    body: bytes
    status: int = 0
    answer: bytes = b""
    took_ms: float = 0.0
    objects: int = 0
    #: What was done to the call on request: a fault in one line.
    fault: str = ""
    violations: list[str] = field(default_factory=list)


class Traffic:
    """Counts of everything, exact; the last requests in full."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: dict[Person, int] = {}
        self._answered_at: dict[Person, float] = {}
        self._seen: deque[SeenRequest] = deque(maxlen=REQUESTS_KEPT)
        self._numbers = 0
        self._open = 0
        self.most_open = 0
        self.most_for_one_person = 0
        self.overlaps = 0
        self.statuses: Counter[int] = Counter()
        #: Objects in a request that took effect -> how many such requests.
        self.fill: Counter[int] = Counter()
        #: Upper bound in milliseconds ("" for more) -> how many spacings.
        self.spacings: Counter[str] = Counter()
        self.min_spacing_s: float | None = None

    def arrive(self, method: str, path: str, user_agent: str, body: bytes, now: float) -> SeenRequest:
        """Note that a call has come."""
        with self._lock:
            self._numbers += 1
            seen = SeenRequest(self._numbers, now, method, path, user_agent, body[:MAX_BODY_KEPT])
            self._seen.append(seen)
        return seen

    def leave(self, seen: SeenRequest, status: int, answer: bytes, now: float) -> None:
        """Note how it was answered; status 0 for a connection that was cut."""
        with self._lock:
            seen.status, seen.answer, seen.took_ms = status, answer[:MAX_BODY_KEPT], (now - seen.at) * 1000
            self.statuses[status] += 1

    @contextmanager
    def in_flight(self, people: set[Person]) -> Iterator[list[Person]]:
        """
        While a request about these people is being answered.

        Yields: Those of them who are in another request at this very moment.
        """
        overlapping = self._enter(people)
        try:
            yield overlapping
        finally:
            self._exit(people)

    def _enter(self, people: set[Person]) -> list[Person]:
        now = time.monotonic()
        overlapping = []
        with self._lock:
            self._open += 1
            self.most_open = max(self.most_open, self._open)
            for person in people:
                before = self._in_flight.get(person, 0)
                self._in_flight[person] = before + 1
                if before:
                    overlapping.append(person)
                self.most_for_one_person = max(self.most_for_one_person, before + 1)
                answered_at = self._answered_at.get(person)
                if answered_at is not None:
                    self._note_spacing(now - answered_at)
            self.overlaps += len(overlapping)
        return overlapping

    def _exit(self, people: set[Person]) -> None:
        with self._lock:
            self._open -= 1
            for person in people:
                left = self._in_flight[person] - 1
                if left:
                    self._in_flight[person] = left
                else:
                    del self._in_flight[person]

    def _note_spacing(self, spacing_s: float) -> None:
        if self.min_spacing_s is None or spacing_s < self.min_spacing_s:
            self.min_spacing_s = spacing_s
        milliseconds = spacing_s * 1000
        self.spacings[next((f"<{bound}" for bound in SPACING_BOUNDS_MS if milliseconds < bound), "more")] += 1

    def took_effect(self, people: Iterable[Person], objects: int) -> None:
        """Note that a request was accepted: from here the spacing to the next about the same person is counted."""
        now = time.monotonic()
        with self._lock:
            self.fill[objects] += 1
            self._answered_at.update(dict.fromkeys(people, now))

    def newest(self, limit: int) -> list[SeenRequest]:
        with self._lock:
            return list(self._seen)[: -limit - 1 : -1]

    def as_json(self) -> dict[str, Any]:
        """Counts of requests, fill, people in flight and spacing."""
        with self._lock:
            requests = self.fill.total()
            objects = sum(size * many for size, many in self.fill.items())
            return {
                "requests": self._numbers,
                "statuses": {str(status): many for status, many in sorted(self.statuses.items())},
                "accepted_requests": requests,
                "objects": objects,
                "biggest_request": max(self.fill, default=0),
                "smallest_request": min(self.fill, default=0),
                "mean_fill": round(objects / requests, 2) if requests else 0.0,
                "fill": {str(size): many for size, many in sorted(self.fill.items())},
                "in_flight": self._open,
                "max_in_flight": self.most_open,
                "max_in_flight_per_person": self.most_for_one_person,
                "overlaps": self.overlaps,
                "min_spacing_ms": None if self.min_spacing_s is None else round(self.min_spacing_s * 1000, 1),
                "spacings_ms": dict(self.spacings),
            }
