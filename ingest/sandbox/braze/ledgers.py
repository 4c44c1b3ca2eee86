"""What Braze does without saying so, what it bills, and what callers should not have done: counted and kept."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

#: Entries of each kind of ledger that stay readable; the counts go on.
KEPT = 1000
#: Different event ids that are remembered; beyond, `not_kept` counts.
MAX_EVENT_IDS = 5_000_000


class Ledger:
    """Counts by kind, and the last entries in full."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(self, at: float, kind: str, detail: str, person: str | None = None) -> None:
        """
        Note one thing.

        Args:
            at: Epoch second.
            kind: A fixed name, such as `unknown_alias`.
            detail: What it was about, in one line.
            person: A braze_id, where there is one.
        """
        with self._lock:
            self._counts[kind] += 1
            self._entries.append({"at": at, "kind": kind, "detail": detail, "braze_id": person})

    def counts(self) -> dict[str, int]:
        """Kind -> how often."""
        with self._lock:
            return dict(self._counts)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._entries)[: -limit - 1 : -1]

    def as_json(self, limit: int) -> dict[str, Any]:
        """`total`, `counts` by kind, and the newest `entries`."""
        counts = self.counts()
        return {"total": sum(counts.values()), "counts": counts, "entries": self.newest(limit)}


class EventIds:
    """How often each value of the event property `komo_submission_id` came: the exact multiset."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.total = 0
        self.not_kept = 0

    def add(self, event_id: str) -> None:
        self.total += 1
        before = self._counts.get(event_id, 0)
        if before == 0 and len(self._counts) >= MAX_EVENT_IDS:
            self.not_kept += 1
        else:
            self._counts[event_id] = before + 1

    def count_of(self, event_id: str) -> int:
        return self._counts.get(event_id, 0)

    def with_prefix(self, prefix: str, after: str, limit: int) -> dict[str, int]:
        """Ids and their counts in alphabetical order, from behind `after`."""
        names = sorted(name for name in self._counts if name.startswith(prefix) and name > after)
        return {name: self._counts[name] for name in names[:limit]}

    def summary(self, shown: int = 20) -> dict[str, Any]:
        """How many came, how many are different, how many came more than once, and some of those."""
        repeated = {name: count for name, count in self._counts.items() if count > 1}
        return {
            "total": self.total,
            "distinct": len(self._counts),
            "repeated": len(repeated),
            "extra": sum(repeated.values()) - len(repeated),
            "not_kept": self.not_kept,
            "examples": dict(list(repeated.items())[:shown]),
        }


@dataclass
class Ledgers:
    """The sandbox's books."""

    silent_drops: Ledger = field(default_factory=Ledger)
    violations: Ledger = field(default_factory=Ledger)
    #: Data points by what was written. https://www.braze.com/docs/user_guide/data/infrastructure/data_points
    data_points: Counter[str] = field(default_factory=Counter)
    event_ids: EventIds = field(default_factory=EventIds)
