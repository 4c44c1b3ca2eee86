"""A short run of the chaos: a few faults of each kind, the same checks as in the long one."""

import signal

from tests.benchmarks.processes import Machine
from tests.chaos.story import Options, run


def test_whatever_is_killed_or_answered_nothing_is_lost_doubled_unseen_or_out_of_order() -> None:
    """The long run is for people who have ten minutes; what breaks it at once should not wait for them."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with Machine() as machine:
            broken = run(Options(seconds=12, seed=20, rate=40, people=60), machine)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert broken == []
