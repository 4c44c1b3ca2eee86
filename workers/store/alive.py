"""
Who is alive: every worker, every web process, and the clock.

komo:alive         zset    "worker <host>:<pid>", "web <host>:<pid>" or "clock" -> when it was last known to be alive,
                           ms of the teller's clock
komo:alive:<name>  string  what it runs with (workers/store/runs.py), JSON; of the clock there is none
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import redis

from workers.errors import StoreUnavailable
from workers.store.connect import reaching_the_store
from workers.store.counted import queue_counts
from workers.store.integration_record import text
from workers.tally import Tally

KEY = "komo:alive"
WORKER, WEB, CLOCK = "worker", "web", "clock"
#: How often a process says that it is alive.
BEAT_S = 15.0
#: Whoever has not said so for as long is late, and is forgotten.
LATE_S, FORGET_S = 45.0, 3600.0
#: How often a process says what it runs with, which does not change.
DESCRIBE_S = 900.0
#: A store that is away is left alone for so long.
REST_S = 30.0

log = logging.getLogger("komo_braze")


class Heartbeat(NamedTuple):
    """Somebody, and how long ago they were known to be alive."""

    #: WORKER, WEB or CLOCK.
    kind: str
    #: "<host>:<pid>"; "" for the clock.
    name: str
    age_s: float
    #: As `workers.store.runs` made it; None where it was not told.
    runs: Mapping[str, Any] | None = None


class Alive:
    """
    Says and tells who is alive, over one connection.

    Args:
        tally: What this process has counted; it travels with the heartbeats.
        runs: What this process runs with, for whoever compares.
        wall: Epoch seconds.
        clock: Seconds, only ever forward.
    """

    #: For those who look.
    LATE_S = LATE_S

    def __init__(
        self,
        connection: redis.Redis,
        tally: Tally | None = None,
        *,
        runs: Mapping[str, Any] | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = connection
        self._tally = Tally() if tally is None else tally
        self._runs = orjson.dumps(runs) if runs else None
        #: The names under which this process beats.
        self._own: set[str] = set()
        self._wall = wall
        self._clock = clock
        #: Of whom this process has heard and has not told yet: ms.
        self._heard: dict[str, int] = {}
        self._told_at = self._forgot_at = self._described_at = float("-inf")
        self._rests_until = float("-inf")

    def beat(self, name: str) -> None:
        """Say that somebody is alive, and of whom was heard; a store that is away is noted in the log alone."""
        if name not in self._own:
            self._own.add(name)
            self._described_at = float("-inf")
        self._heard[name] = int(self._wall() * 1000)
        self._tell()

    def hear(self, name: str) -> None:
        """Note that somebody is alive: told at once the first time, later with this process' beats if there are any."""
        is_new = name not in self._heard
        self._heard[name] = int(self._wall() * 1000)
        if is_new or self._clock() - self._told_at > 2 * BEAT_S:
            self._tell()

    def carry(self) -> None:
        """Bring what was counted to the store, without a heartbeat; never raises because of the store."""
        if self._tally.has_news:
            self._tell()

    def _tell(self) -> None:
        now = self._clock()
        heard = dict(self._heard)
        if now < self._rests_until or not (heard or self._tally.has_news):
            return
        self._told_at = now
        counts = self._tally.take()
        try:
            with reaching_the_store():
                # A heartbeat that has nothing to carry needs no transaction.
                pipe = self._redis.pipeline(transaction=bool(counts))
                if heard:
                    # Another worker may have heard of the clock later.
                    pipe.zadd(KEY, heard, gt=True)
                describes = self._runs and now - self._described_at > DESCRIBE_S
                for name in self._own if describes else ():
                    pipe.set(f"{KEY}:{name}", self._runs or b"", ex=int(FORGET_S))
                queue_counts(pipe, counts)
                pipe.execute()
                counts = {}
                if describes:
                    self._described_at = now
                if now - self._forgot_at > FORGET_S:
                    self._redis.zremrangebyscore(KEY, "-inf", int((self._wall() - FORGET_S) * 1000))
                    self._forgot_at = now
        except StoreUnavailable as error:
            self._rests_until = now + REST_S
            # If it was the answer alone that was lost, these count twice; given up, an outage would not count at all.
            self._tally.give_back(counts)
            log.warning("heartbeat.postponed", extra={"error": type(error).__name__})

    def leave(self, name: str) -> None:
        """Say that somebody ends, and is not missed; never raises because of the store."""
        self.carry()
        try:
            with reaching_the_store():
                self._redis.zrem(KEY, name)
                self._redis.delete(f"{KEY}:{name}")
        except StoreUnavailable as error:
            log.warning("heartbeat.postponed", extra={"error": type(error).__name__})

    def look(self, now_ms: float | None = None) -> Sequence[Heartbeat]:
        """
        Who was alive within the last hour, newest first; those older than LATE_S may be gone.

        Args:
            now_ms: Only in tests; otherwise this machine's clock counts.

        Raises: StoreUnavailable.
        """
        now = self._wall() * 1000 if now_ms is None else now_ms
        with reaching_the_store():
            found: Any = self._redis.zrange(KEY, 0, -1, desc=True, withscores=True)
            runs: Any = self._redis.mget([f"{KEY}:{text(member)}" for member, _ in found]) if found else []
        beats = []
        for (member, at), told in zip(found, runs, strict=True):
            kind, _, name = text(member).partition(" ")
            beats.append(Heartbeat(kind, name, max(0.0, (now - at) / 1000), orjson.loads(told) if told else None))
        return [beat for beat in beats if beat.age_s < FORGET_S]


def whom(kind: str) -> str:
    """The name of this process."""
    return f"{kind} {socket.gethostname()}:{os.getpid()}"
