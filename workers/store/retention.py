"""
What is let go, and when: settled records by age and number, dead letters and what is held by age, what was seen.
Counted, never silent.

What a day's submissions were seen by stays for as long as one of them waits, is held or an open letter
(open_letters.lua).
"""

import time
from typing import Any

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.holding import Holding
from workers.store.keys import own, shared
from workers.store.scripts import Script

DAY_MS = 86_400_000
#: Records, or letters, let go in one call, and bytes of them, so that it holds the store up for a few ms at most.
MOST_RECORDS, MOST_BYTES = 500, 500_000
#: Calls of each kind in one go; what is left goes the next time.
MOST_CALLS = 100


class Retention:
    """
    Keeps an integration's history within bounds.

    Args:
        hours: How long settled submissions stay searchable and repeats are recognised.
        keep: How many settled submissions stay searchable per integration.
        dead_hours: How long dead letters are kept, counted from their death.
        hold_hours: How long what names nobody is held, counted from its acceptance.
    """

    def __init__(
        self, connection: redis.Redis, *, hours: int, keep: int, dead_hours: int = 720, hold_hours: int = 24
    ) -> None:
        self._redis = connection
        self._hours = hours
        self._keep = keep
        self._dead_hours = dead_hours
        self._hold_hours = hold_hours
        self._holding = Holding(connection, hours=hold_hours)
        self._expire = Script(connection, "expire")
        self._expire_dead = Script(connection, "expire_dead")
        self._days = Script(connection, "forget_days")

    def trim(self, integration: Integration, *, now_ms: int | None = None) -> int:
        """
        Let go of what is too old or too much, a bounded number at a time; returns how many submissions went.

        What is held in vain becomes filtered, and so does not count among them.
        """
        now = int(time.time() * 1000) if now_ms is None else now_ms
        oldest = now - self._hours * 3_600_000
        gone = self._bit_by_bit(self._expire, [own(integration)], [oldest, self._keep])
        keys = [own(integration), shared(integration.braze.workspace)]
        gone += self._bit_by_bit(self._expire_dead, keys, [integration.id, now - self._dead_hours * 3_600_000])
        self._holding.expire(integration, now_ms=now)
        self._forget_days(integration, oldest, now)
        return gone

    def _bit_by_bit(self, script: Script, keys: list[str], args: list[str | int]) -> int:
        """Others have their turn at the store in between."""
        total = 0
        for _ in range(MOST_CALLS):
            gone, more = script(keys, [*args, MOST_RECORDS, MOST_BYTES])
            total += int(gone)
            if not more:
                break
        return total

    def _forget_days(self, integration: Integration, oldest_ms: int, now_ms: int) -> None:
        """Drop the days whose every submission is settled and older than the retention."""
        prefix, held_day = own(integration), self._holding.oldest_day(integration)
        # What was held stands in its lane by the time at which it was joined, behind what was accepted after it.
        hold_days = self._hold_hours // 24 + 2
        with reaching_the_store():
            lanes, redo, version = self._redis.hmget(f"{prefix}:state", ["lanes", "redo", "version"])
            if redo:  # while they are judged again, the oldest may lie anywhere
                return
            streams = [f"{prefix}:in:{lane}" for lane in range(int(lanes or 0))]
            firsts: list[Any] = [self._redis.xrange(stream, count=1) for stream in streams]
        unsettled_days = [_day(found[0]) for found in firsts if found] + ([] if held_day is None else [held_day])
        keep_from = min([oldest_ms // DAY_MS, *(day - hold_days for day in unsettled_days)])
        self._days([prefix], [keep_from, now_ms // DAY_MS, version or b""])


def _day(entry: tuple[bytes, dict[bytes, bytes]]) -> int:
    # A head starts with its order and the day of its acceptance.
    return int(entry[1][b"h"].split(b",", 2)[1])
