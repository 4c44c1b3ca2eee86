"""What the watchdog sees of Celery's worker and clock."""

import pytest
from celery import Celery

from workers.guards import Guard
from workers.store.alive import BEAT_S


@pytest.mark.parametrize("watchdog_s", [1, 4, 10, 60, 3600])
def test_a_loop_at_rest_says_so_long_before_it_would_be_missed(watchdog_s: int) -> None:
    """It is missed after twice the time of the watchdog, which may be shorter than from one heartbeat to the next."""
    assert Guard(Celery(), watchdog_s).loops_every_s <= watchdog_s / 2


@pytest.mark.parametrize("watchdog_s", [0, 60, 3600])
def test_usually_that_is_no_more_often_than_its_heart_beats(watchdog_s: int) -> None:
    """Each time costs the store a write."""
    assert Guard(Celery(), watchdog_s).loops_every_s == BEAT_S
