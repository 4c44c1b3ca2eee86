"""
Counts of what single processes know (workers.tally), added up over all of them, whichever host they are on.

komo:counted       hash  what was counted -> how many, ever since; outlives every process
komo:counted:<id>  hash  the same of one integration
"""

from collections.abc import Mapping
from threading import Lock, Timer
from typing import Any, Protocol

from redis.client import Pipeline

from workers.tally import Counts, Tally, Whose

KEY = "komo:counted"


def counted_key(whose: Whose) -> str:
    """Where the counts of an integration are; of "" those of all."""
    return f"{KEY}:{whose}" if whose else KEY


def queue_counts(pipe: Pipeline, counts: Counts) -> None:
    """Queue the adding up."""
    for (whose, field), by in counts.items():
        pipe.hincrby(counted_key(whose), field, by)


def read_counts(raw: Mapping[Any, Any]) -> dict[str, int]:
    """What was counted -> how many."""
    return {field.decode(errors="replace"): int(many) for field, many in raw.items()}


class Carries(Protocol):
    """Brings what is counted to the store: `workers.store.alive.Alive`."""

    def carry(self) -> None: ...


class Courier:
    """
    Carries the counts of a process that has no heartbeat: now and then while there are any, and never at rest.

    Args:
        every_s: The time between a count and its way to the store.
    """

    def __init__(self, carrier: Carries, tally: Tally, every_s: float) -> None:
        self._carrier, self._tally, self._every_s = carrier, tally, every_s
        self._lock = Lock()
        self._timer: Timer | None = None
        tally.on_news = self.call

    def call(self) -> None:
        """See to it that it comes by, once."""
        with self._lock:
            if self._timer is None:
                self._timer = Timer(self._every_s, self._come)
                self._timer.daemon = True
                self._timer.start()

    def _come(self) -> None:
        with self._lock:
            self._timer = None
        self._carrier.carry()
        if self._tally.has_news:
            self.call()
