"""
What an integration's figures were, minute by minute: samples for charts, in rings of bounded length.

P:flow:minute     stream  samples of different minutes, for an hour; P is {braze_workspace}:<integration_id>
P:flow:quarter    stream  of different quarters of an hour, for a day
P:flow:two_hours  stream  of different steps of two hours, for a week
                          an id is the time (ms) of a sample; s the figures as flow_now.lua tells them, l P:latency as
                          'bucket count ...', f when it was looked before (ms, '' = never): figures that did not change
                          make no sample
komo:flow         hash    ring -> when all integrations were last sampled for it, ms
P:ledger, P:latency, P:state, P:in:<lane>  read only (inbox.py)
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own
from workers.store.scripts import Script
from workers.store.series import COUNTERS, GAUGES, Sample, Series, draw

KEY = "komo:flow"
Span = Literal["hour", "day", "week"]


class Ring(NamedTuple):
    """Samples of one span."""

    name: str
    step_ms: int
    points: int

    @property
    def length(self) -> int:
        """As many samples as there are points, and a few, so that one is older than the first point."""
        return self.points + 4


RINGS: dict[Span, Ring] = {
    "hour": Ring("minute", 60_000, 60),
    "day": Ring("quarter", 900_000, 96),
    "week": Ring("two_hours", 7_200_000, 84),
}
_NAMES = (*COUNTERS, *GAUGES)
#: What an integration has when it is first looked at came since it was made, and is not older than the charts.
NEW_MS = 3_600_000
#: Integrations sampled in one go: others have their turn at the store in between.
AT_ONCE = 100


class Flow:
    """
    Samples and charts, over one connection.

    Args:
        clock: Seconds, only ever forward.
    """

    def __init__(self, connection: redis.Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = connection
        self._clock = clock
        #: By the clock: before, it is nobody's turn.
        self._next_turn_s = float("-inf")
        self._turn = Script(connection, "flow_turn")
        self._sample = Script(connection, "flow_sample")
        self._read = Script(connection, "flow_read")

    def sample(self, integrations: Sequence[Integration], *, now_ms: int | None = None) -> int:
        """
        Keep the figures of all integrations, once a minute whoever asks and how often.

        Args:
            integrations: All there are.
            now_ms: Only in tests; otherwise the store's clock counts.

        Returns: How many samples were added.
        Raises: StoreUnavailable, after which some may have been added.
        """
        if now_ms is None and self._clock() < self._next_turn_s:
            return 0
        steps = [part for ring in RINGS.values() for part in (ring.name, ring.step_ms)]
        now, *turns = self._turn([KEY], ["" if now_ms is None else now_ms, *steps])
        shortest = RINGS["hour"].step_ms
        self._next_turn_s = self._clock() + (shortest - now % shortest) / 1000
        lengths = {ring.name: ring.length for ring in RINGS.values()}
        rings: list[str | int] = []
        for name, before in zip(turns[::2], turns[1::2], strict=True):
            rings += [name.decode(), lengths[name.decode()], before.decode()]
        if not rings:
            return 0
        args: list[str | int] = [int(now), len(rings) + 3, *rings, *_NAMES]
        starts = range(0, len(integrations), AT_ONCE)
        return sum(self._sample_some(integrations[start : start + AT_ONCE], args) for start in starts)

    def _sample_some(self, integrations: Sequence[Integration], args: list[str | int]) -> int:
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            self._sample.queue(pipe, (([own(one)], args) for one in integrations))
            return sum(pipe.execute()[1:])

    def read(self, integration: Integration, span: Span, now_ms: int | None = None) -> Series:
        """
        The last hour in minutes, the last day in quarters of an hour, or the last week in steps of two hours.

        Args:
            now_ms: Only in tests; otherwise the store's clock counts.
        """
        return self.read_many([integration], span, now_ms)[0]

    def read_many(self, integrations: Sequence[Integration], span: Span, now_ms: int | None = None) -> list[Series]:
        """The same for several, in their order, in one exchange with the store."""
        ring = RINGS[span]
        args: list[str | int] = ["" if now_ms is None else now_ms, ring.name, *_NAMES]
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hget(KEY, ring.name)
            self._read.queue(pipe, (([own(one)], args) for one in integrations))
            looked_ms, _, *answers = pipe.execute()
        looked = int(looked_ms) if looked_ms else None
        return [
            _series(answer, ring, looked, _created_ms(one)) for one, answer in zip(integrations, answers, strict=True)
        ]


def _created_ms(integration: Integration) -> int:
    return int(integration.created_at.timestamp() * 1000) if integration.created_at else 0


def _series(answer: list[Any], ring: Ring, looked_ms: int | None, created_ms: int) -> Series:
    now_ms, figures, latency, *told = answer
    samples = [
        _read_sample(int(told[at]), told[at + 1], told[at + 2], int(told[at + 3]) if told[at + 3] else None)
        for at in range(0, len(told), 4)
    ]
    samples = [sample for sample in samples if sample.at_ms < now_ms]  # no others, unless the clock was set back
    whole = len(samples) < ring.length
    samples.append(_read_sample(int(now_ms), figures, latency, looked_ms))
    if samples[0].since_ms is None and samples[0].at_ms - created_ms < NEW_MS:
        samples[0] = samples[0]._replace(since_ms=created_ms)
    return draw(samples, step_ms=ring.step_ms, points=ring.points, whole=whole)


def _read_sample(at_ms: int, figures: bytes, latency: bytes, since_ms: int | None) -> Sample:
    told = [int(figure) for figure in figures.split()] or [0] * (len(_NAMES) + 1)
    counts: dict[str | int, int] = dict(zip(COUNTERS, told, strict=False))
    numbers = [int(number) for number in latency.split()]
    counts.update(zip(numbers[::2], numbers[1::2], strict=True))
    return Sample(at_ms, since_ms, counts, told[len(COUNTERS) : -1], told[-1])
