"""
What this process alone knows, counted in memory until it is carried to the store (workers.store.counted).

Counting costs a lock that is free and two entries of a dictionary: no command, no thread, no file.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

#: Whose count it is: the id of an integration, or "" for all of them together.
Whose = str
#: Whose, and of what -> how many.
Counts = Mapping[tuple[Whose, str], int]
#: The bound above the last one.
ABOVE = "+Inf"
#: Of a histogram's sum, in place of a bound.
SUM = "sum"


class Histogram(NamedTuple):
    """How many measurements were at most as high as each bound, and more than the bound before."""

    name: str
    #: Ascending; what is above the last one counts as ABOVE.
    bounds: tuple[float, ...]
    #: Parts of a unit in which sums are kept, as the store adds whole numbers.
    parts: int

    def field(self, label: str, value: float) -> str:
        """Where a measurement counts; it names the bound, so that versions with other bounds may share a store."""
        at = bisect_left(self.bounds, value)
        return f"{self.name} {label} {self.bounds[at] if at < len(self.bounds) else ABOVE}"


#: Seconds from a request of Komo's to our answer.
WEBHOOK = Histogram("webhook_s", (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), 1_000_000)
#: Seconds from a request of ours to Braze's answer; its deadline is 30.
CALL = Histogram("call_s", (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30), 1_000_000)
#: Objects in one request; 75 is the most that Braze usually takes.
BATCH = Histogram("batch", (1, 2, 5, 10, 25, 50, 70, 75, 100, 150), 1)
#: Seconds of the scripts on the hot paths, with the way to the store and back.
SCRIPT = Histogram("script_s", (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1), 1_000_000)


class Tally:
    """Counts that wait to be carried to the store; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[Whose, str]] = Counter()

    @property
    def has_news(self) -> bool:
        """Whether there is something to carry."""
        return bool(self._counts)

    def webhook(self, integration_id: Whose, status: int, seconds: float) -> None:
        """
        An answer to Komo.

        Args:
            integration_id: "" where it is not known to exist: strangers must not make up names.
        """
        self._add(WEBHOOK, "", seconds, (integration_id, f"webhook {status}"))

    def call(self, integration_id: Whose, kind: str, status: int, seconds: float) -> None:
        """
        An answer of Braze's.

        Args:
            kind: `track`, or the kind of messages.
            status: 0 where there was no answer.
        """
        known = status if 100 <= status < 600 else 0
        self._add(CALL, kind, seconds, (integration_id, f"call {kind} {known}"))

    def batch(self, objects: int) -> None:
        """A request of so many objects."""
        self._add(BATCH, "", objects)

    def script(self, name: str, seconds: float) -> None:
        """A script that the store has carried out."""
        self._add(SCRIPT, name, seconds)

    def take(self) -> Counts:
        """Everything counted since the last time; whoever takes it carries it, or gives it back."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, counts: Counts) -> None:
        """It could not be carried."""
        with self._lock:
            self._counts.update(counts)

    def _add(self, histogram: Histogram, label: str, value: float, also: tuple[Whose, str] | None = None) -> None:
        bucket = "", histogram.field(label, value)
        total = "", f"{histogram.name} {label} {SUM}"
        with self._lock:
            counts = self._counts
            counts[bucket] += 1
            counts[total] += round(value * histogram.parts)
            if also:
                counts[also] += 1
