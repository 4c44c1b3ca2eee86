"""What happened to an integration in equally long parts of a span, drawn from samples of its figures. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from schemas.latency import quantile

#: Counted ever since: of these a point tells by how much they rose. `died` counts deaths, also of what was replayed or
#: discarded since.
COUNTERS = (
    "received", "duplicates", "delivered", "filtered", "died", "discarded", "requests", "objects", "data_points_sent",
    "data_points_saved", "possible_duplicates", "sent", "send_dead", "send_unknown",
)  # fmt: skip
#: As they are at one time.
GAUGES = ("dead", "held", "waiting", "in_flight")


class Sample(NamedTuple):
    """An integration's figures at one time."""

    at_ms: int
    #: When it was looked at before: until then nothing had changed since the sample before. None: nobody knows.
    since_ms: int | None
    #: Counters by their names, latencies by their buckets (schemas.latency).
    counts: Mapping[str | int, int]
    gauges: Sequence[int]
    #: When the oldest submission that waits was accepted or replayed; 0 if none waits.
    oldest_at_ms: int


class Point(NamedTuple):
    """One part of the span; the last one has only begun."""

    start_ms: int
    #: COUNTERS: by how much each rose.
    counts: Mapping[str, int]
    #: GAUGES at its end; of the last one, now.
    gauges: Mapping[str, int]
    #: How old the oldest submission was that waited at its end, ms; 0 if none did.
    oldest_ms: int
    #: How long what was delivered took since it was accepted or replayed; None where nothing was.
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A span in equally long parts, oldest first."""

    step_ms: int
    points: Sequence[Point]
    #: COUNTERS, over all points.
    totals: Mapping[str, int]
    p50_ms: float | None
    p99_ms: float | None

    def line(self, name: str) -> list[int]:
        """One of COUNTERS or GAUGES, a number for each point."""
        return [point.counts[name] if name in point.counts else point.gauges[name] for point in self.points]


class _State(NamedTuple):
    """The figures at the edge of a point."""

    counts: Mapping[str | int, int]
    gauges: Sequence[int]
    oldest_ms: int


_NOTHING = Sample(0, None, {}, (0,) * len(GAUGES), 0)


def draw(samples: Iterable[Sample], *, step_ms: int, points: int, whole: bool) -> Series:
    """
    Spread what happened between samples evenly over the time in which it may have happened.

    Args:
        samples: Oldest first; the last one is of now, and ends the last point. Points begin at multiples of the step.
        whole: Whether nothing had happened before the first sample. Otherwise, what it holds is older than all.
    """
    rising = _rising(samples)
    now_ms, first = rising[-1].at_ms, rising[-1].at_ms // step_ms - points + 1
    starts = [number * step_ms for number in range(first, first + points)]
    times = [sample.at_ms for sample in rising]
    states = [_state(rising, bisect_right(times, at_ms), at_ms, whole) for at_ms in [*starts, now_ms]]
    rises = [_risen(before.counts, after.counts) for before, after in pairwise(states)]
    drawn = [_point(start, risen, end) for start, risen, end in zip(starts, rises, states[1:], strict=True)]
    latency = _latency(_risen(states[0].counts, states[-1].counts))
    totals = {name: sum(point.counts[name] for point in drawn) for name in COUNTERS}
    return Series(step_ms, drawn, totals, quantile(latency, 0.5), quantile(latency, 0.99))


def _rising(samples: Iterable[Sample]) -> list[Sample]:
    """The same, each count at least what it was before: what was counted anew would count backwards."""
    found: list[Sample] = []
    raw: Mapping[str | int, int] = {}
    for sample in samples:
        before = found[-1].counts if found else {}
        counts = {name: before.get(name, 0) + max(0, now - raw.get(name, 0)) for name, now in sample.counts.items()}
        found.append(sample._replace(counts={**before, **counts}))
        raw = sample.counts
    return found


def _state(samples: Sequence[Sample], place: int, at_ms: int, whole: bool) -> _State:
    """
    The figures at one time.

    Args:
        place: Of the first sample that is later.
    """
    if place == len(samples):
        return _as_is(samples[-1], at_ms)
    after, before = samples[place], samples[place - 1] if place else _NOTHING
    if not place and (after.since_ms is None or not whole):
        return _State(after.counts, _NOTHING.gauges, 0)
    start_ms = max(before.at_ms, after.since_ms or 0)
    if at_ms <= start_ms:
        return _as_is(before, at_ms)
    share = (at_ms - start_ms) / (after.at_ms - start_ms)
    counts = {name: _between(before.counts.get(name, 0), now, share) for name, now in after.counts.items()}
    gauges = [_between(was, now, share) for was, now in zip(before.gauges, after.gauges, strict=True)]
    return _State(counts, gauges, _as_is(after if share > 0.5 else before, at_ms).oldest_ms)


def _as_is(sample: Sample, at_ms: int) -> _State:
    return _State(sample.counts, sample.gauges, max(0, at_ms - sample.oldest_at_ms) if sample.oldest_at_ms else 0)


def _between(before: int, after: int, share: float) -> int:
    return before + round((after - before) * share)


def _risen(before: Mapping[str | int, int], after: Mapping[str | int, int]) -> Mapping[str | int, int]:
    if after is before:
        return {}
    return {name: now - before.get(name, 0) for name, now in after.items()}


def _point(start_ms: int, risen: Mapping[str | int, int], end: _State) -> Point:
    counts = {name: risen.get(name, 0) for name in COUNTERS}
    latency = _latency(risen)
    return Point(
        start_ms, counts, dict(zip(GAUGES, end.gauges, strict=True)), end.oldest_ms,
        quantile(latency, 0.5), quantile(latency, 0.99),
    )  # fmt: skip


def _latency(risen: Mapping[str | int, int]) -> dict[int, int]:
    return {name: count for name, count in risen.items() if isinstance(name, int)}
