from hypothesis import given
from hypothesis import strategies as st

from workers.store.series import GAUGES, Sample, draw

MINUTE = 60_000
NOON = 1_000_000 * MINUTE


def a_sample(minute: float, received: int, since: float | None = None, *, waiting: int = 0, oldest: int = 0) -> Sample:
    """Figures some minutes after noon."""
    gauges = [waiting if name == "waiting" else 0 for name in GAUGES]
    since_ms = None if since is None else NOON + int(since * MINUTE)
    return Sample(NOON + int(minute * MINUTE), since_ms, {"received": received, 10: received}, gauges, oldest)


def received(*samples: Sample, whole: bool = True, points: int = 5) -> list[int]:
    return draw(samples, step_ms=MINUTE, points=points, whole=whole).line("received")


def test_each_part_tells_what_happened_in_it() -> None:
    """The last part has only begun, and ends now."""
    assert received(*(a_sample(n, 10 * n * n, n - 1) for n in range(1, 5)), a_sample(4.5, 200, 4)) == [
        10, 30, 50, 70, 40,
    ]  # fmt: skip


def test_what_came_after_a_long_silence_is_not_spread_over_it() -> None:
    """Nothing is written while nothing changes, but everything was looked at."""
    assert received(a_sample(-30, 100, -31), a_sample(4, 160, 3), a_sample(4.5, 160, 4)) == [0, 0, 0, 60, 0]


def test_what_happened_while_nobody_sampled_is_spread_evenly() -> None:
    """Nobody knows better, and one tall bar would be a lie."""
    assert received(a_sample(0.5, 0, -0.5), a_sample(4.5, 40, 0.5), a_sample(4.75, 40, 4.5)) == [5, 10, 10, 10, 5]


def test_a_late_sample_counts_for_the_minutes_that_it_is_about() -> None:
    """A sweep comes when it can, not at full minutes."""
    assert received(a_sample(0, 0, -1), a_sample(1.25, 100, 0), a_sample(4.9, 100, 4)) == [80, 20, 0, 0, 0]


def test_what_is_older_than_all_samples_did_not_happen_in_the_first_part() -> None:
    """Else the first chart after an upgrade would hold a year in a minute."""
    assert received(a_sample(2, 10**6), a_sample(3, 10**6 + 5, 2), a_sample(4.5, 10**6 + 5, 4)) == [0, 0, 5, 0, 0]
    assert received(a_sample(2, 10**6, 1), a_sample(4.5, 10**6, 4), whole=False) == [0, 0, 0, 0, 0]


def test_what_is_counted_anew_never_counts_backwards() -> None:
    """A chart of what happened has nothing below its axis."""
    assert received(a_sample(1, 10, 0), a_sample(2, 3, 1), a_sample(3, 7, 2), a_sample(4.5, 7, 3)) == [10, 0, 4, 0, 0]


def test_gauges_are_those_at_the_end_of_each_part() -> None:
    """The age of what waits rises while nothing is written."""
    oldest = NOON + MINUTE // 2
    series = draw(
        [
            a_sample(0, 1, -1),
            a_sample(1, 5, 0, waiting=4, oldest=oldest),
            a_sample(4.5, 5, 4, waiting=4, oldest=oldest),
        ],
        step_ms=MINUTE, points=5, whole=True,
    )  # fmt: skip

    assert series.line("waiting") == [4] * 5
    assert [point.oldest_ms / MINUTE for point in series.points] == [0.5, 1.5, 2.5, 3.5, 4.0]


def test_latencies_are_told_of_each_part_and_of_all() -> None:
    """None where nothing was delivered: zero would be very fast."""
    quick: dict[str | int, int] = {"delivered": 2, 10: 2}
    slow: dict[str | int, int] = {"delivered": 4, 10: 2, 30: 2}
    none = (0,) * len(GAUGES)
    samples = [
        Sample(NOON, NOON - MINUTE, {}, none, 0),
        Sample(NOON + MINUTE, NOON, quick, none, 0),
        Sample(NOON + 2 * MINUTE, NOON + MINUTE, slow, none, 0),
        Sample(NOON + 2 * MINUTE + 1, NOON + 2 * MINUTE, slow, none, 0),
    ]
    series = draw(samples, step_ms=MINUTE, points=3, whole=True)

    assert [point.p50_ms is not None and point.p50_ms <= 32 for point in series.points] == [True, False, False]
    assert series.points[2].p50_ms is None
    assert series.points[2].p99_ms is None
    assert series.points[1].p50_ms is not None
    assert series.points[1].p50_ms > 2**14
    assert (series.p50_ms, series.totals["delivered"]) == (32.0, 4)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 19), st.integers(0, 50)), min_size=2, max_size=30),
    st.integers(1, 90),
)
def test_nothing_is_lost_between_parts(steps: list[tuple[int, int, int]], points: int) -> None:
    """Whatever is spread adds up again, and nothing is below zero."""
    samples, at, total = [], 0, 0
    for gap, silent, rise in steps:
        since, at, total = at + min(silent, gap - 1), at + gap, total + rise
        samples.append(a_sample(at / 3, total, since / 3))
    series = draw(samples, step_ms=MINUTE, points=points, whole=True)

    assert min(series.line("received")) >= 0
    assert series.totals["received"] <= total
    long = draw(samples, step_ms=MINUTE, points=300, whole=True)
    assert sum(long.line("received")) == total == long.totals["received"]
