"""How long something took, counted in buckets whose bounds grow by half an octave. Pure."""

from collections.abc import Mapping

#: Bucket n holds what took at most 2^(n/2) ms, and more than the one before: from 4 ms to 99 days. What lies outside
#: counts in the first or the last.
LOWEST, HIGHEST = 4, 66
#: What took longer counts as this in sums, so that a clock that was set does not spoil them.
LONGEST_MS = 2 ** (HIGHEST // 2)


def bucket_of(ms: int) -> int:
    """The bucket of so many whole milliseconds: the least n of which ms <= 2^(n/2), that is ms * ms <= 2^n."""
    return min(HIGHEST, max(LOWEST, (ms * ms - 1).bit_length())) if ms > 0 else LOWEST


def bounds_of(bucket: int) -> tuple[float, float]:
    """More than the first, and at most the second, in ms."""
    return 0.0 if bucket <= LOWEST else 2 ** ((bucket - 1) / 2), 2 ** (bucket / 2)


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """
    The time that this share of all took at most, in ms, as if those of one bucket lay evenly between its bounds.

    Args:
        histogram: Bucket -> how many.
        share: From 0 to 1; 0.5 is the median.

    Returns: At most a factor of 1.42 from the true one; None where nothing was counted.
    """
    total = sum(histogram.values())
    if not total:
        return None
    rank, below = share * total, 0
    for bucket in sorted(bucket for bucket, count in histogram.items() if count):
        lower, upper = bounds_of(bucket)
        if rank <= below + histogram[bucket]:
            return lower + (upper - lower) * max(0.0, rank - below) / histogram[bucket]
        below += histogram[bucket]
    return upper
