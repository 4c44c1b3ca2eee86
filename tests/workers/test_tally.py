"""What a process counts by itself."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from workers.tally import ABOVE, BATCH, CALL, SUM, Counts, Histogram, Tally


def test_a_measurement_counts_under_the_first_bound_that_holds_it() -> None:
    """Bounds belong to their bucket, as Prometheus has it."""
    few = Histogram("time", (0.1, 1), 1000)

    assert [few.field("a", value) for value in (0, 0.1, 0.11, 1, 1.01)] == [
        "time a 0.1",
        "time a 0.1",
        "time a 1",
        "time a 1",
        f"time a {ABOVE}",
    ]


def test_what_is_taken_is_gone_and_what_is_given_back_counts_again() -> None:
    """Neither lost nor told twice, whatever becomes of the way to the store."""
    tally = Tally()
    tally.batch(75)
    tally.call("summer-hub", "track", 201, 0.2)

    taken = tally.take()

    assert not tally.has_news
    assert taken == {
        ("", BATCH.field("", 75)): 1,
        ("", f"{BATCH.name}  {SUM}"): 75,
        ("", CALL.field("track", 0.2)): 1,
        ("", f"{CALL.name} track {SUM}"): 200_000,
        ("summer-hub", "call track 201"): 1,
    }
    tally.batch(25)
    tally.give_back(taken)
    assert tally.take()["", f"{BATCH.name}  {SUM}"] == 100


@pytest.mark.parametrize("status", [0, -1, 99, 600, 10**9])
def test_a_status_that_is_none_makes_no_name_of_its_own(status: int) -> None:
    """Every name is kept for ever, so there may only be so many."""
    tally = Tally()
    tally.call("summer-hub", "track", status, 0.2)

    assert ("summer-hub", "call track 0") in tally.take()


def _count_and_take(tally: Tally) -> Counts:
    for _ in range(500):
        tally.batch(1)
    return tally.take()


def test_threads_lose_none_of_each_other_s_counts() -> None:
    """Sixteen of them share one tally."""
    tally, before = Tally(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: _count_and_take(tally), range(40)))
    finally:
        sys.setswitchinterval(before)

    assert sum(one.get(("", BATCH.field("", 1)), 0) for one in [*found, tally.take()]) == 20_000
