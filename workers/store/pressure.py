"""
How full the store is. New work is refused before the workers lose the memory they need to settle what is there.

komo:pressure  hash  memory: "1" above the mark; waiting_bytes: bodies that wait, over all integrations; maxmemory
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own

#: Of `maxmemory`.
MEMORY_MARK = 0.8
KEY = "komo:pressure"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured last."""

    memory: bool
    waiting_bytes: int
    maxmemory: int


class Pressure:
    """
    Measures in the sweep, and tells the web process.

    Args:
        max_waiting_bytes: None: half of the store's `maxmemory`; without one there is no limit.
    """

    def __init__(
        self,
        connection: redis.Redis,
        integrations: Callable[[], Sequence[Integration]],
        *,
        max_waiting_bytes: int | None,
    ) -> None:
        self._redis = connection
        self._integrations = integrations
        self._max = max_waiting_bytes
        self._read_at = float("-inf")
        self._reading = Reading(memory=False, waiting_bytes=0, maxmemory=0)

    def measure_memory(self) -> None:
        """Look at the store's memory alone: it may fill within seconds."""
        with reaching_the_store():
            used, most = self._memory()
            self._redis.hset(KEY, mapping={"memory": int(_is_high(used, most)), "maxmemory": most})

    def measure(self) -> Reading:
        """Look at the store, and leave the reading there for the web processes."""
        with reaching_the_store():
            used, most = self._memory()
            pipe = self._redis.pipeline(transaction=False)
            for integration in self._integrations():
                pipe.hget(f"{own(integration)}:ledger", "bytes")
            waiting = sum(int(value or 0) for value in pipe.execute())
            reading = Reading(memory=_is_high(used, most), waiting_bytes=waiting, maxmemory=most)
            self._redis.hset(KEY, mapping={"memory": int(reading.memory), "waiting_bytes": waiting, "maxmemory": most})
        return reading

    def _memory(self) -> tuple[int, int]:
        info: dict[str, Any] = self._redis.info("memory")
        return int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))

    def too_high(self) -> bool:
        """Whether new work has to be refused; asks the store at most once a second."""
        now = time.monotonic()
        if now - self._read_at > 1:
            with reaching_the_store():
                memory, waiting, most = self._redis.hmget(KEY, ["memory", "waiting_bytes", "maxmemory"])
            self._reading = Reading(memory == b"1", int(waiting or 0), int(most or 0))
            self._read_at = now
        limit = self._max if self._max is not None else self._reading.maxmemory // 2
        return self._reading.memory or 0 < limit <= self._reading.waiting_bytes


def _is_high(used: int, most: int) -> bool:
    """Whether more is used than the mark; a store without limit is never full."""
    return 0 < most * MEMORY_MARK < used
