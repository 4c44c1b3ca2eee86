import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.latency import HIGHEST, LOWEST, bounds_of, bucket_of, quantile

MONTH_MS = 30 * 86_400_000


@given(st.integers(-5, 2 * MONTH_MS))
def test_every_time_lies_within_the_bounds_of_its_bucket(ms: int) -> None:
    """A clock that was set back makes times below zero, which count as none."""
    lower, upper = bounds_of(bucket_of(ms))

    assert lower < max(ms, 1) <= upper * (1 + 1e-12)


def test_buckets_reach_from_a_few_milliseconds_to_more_than_a_month() -> None:
    """As long as a dead letter is kept, and twice as long."""
    assert [bucket_of(ms) for ms in (-1, 0, 1, 4, 5, 6, 1000, 10**12)] == [LOWEST] * 4 + [5, 6, 20, HIGHEST]
    assert bounds_of(HIGHEST)[1] > 2 * MONTH_MS


@given(st.lists(st.integers(4, MONTH_MS), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_off_by_half_an_octave_at_most(times: list[int], share: float) -> None:
    """So much for some sixty numbers that hold any number of times."""
    histogram: dict[int, int] = {}
    for ms in times:
        histogram[bucket_of(ms)] = histogram.get(bucket_of(ms), 0) + 1
    true = sorted(times)[math.ceil(share * len(times) - 1e-9) - 1]

    told = quantile(histogram, share)

    assert told is not None
    lower, upper = bounds_of(bucket_of(true))
    assert lower <= told <= upper * (1 + 1e-12)


@pytest.mark.parametrize(
    ("histogram", "share", "ms"),
    [
        ({}, 0.5, None),
        ({20: 0}, 0.5, None),
        ({4: 10}, 0.5, 2.0),
        ({20: 1}, 1.0, 1024.0),
        ({4: 50, 20: 50}, 0.5, 4.0),
        ({4: 98, 20: 2}, 1.0, 1024.0),
    ],
)
def test_a_quantile_lies_between_the_bounds_of_its_bucket(
    histogram: dict[int, int], share: float, ms: float | None
) -> None:
    """Halfway through a bucket's count is halfway between its bounds."""
    assert quantile(histogram, share) == ms
