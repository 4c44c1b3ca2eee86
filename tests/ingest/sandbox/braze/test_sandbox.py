"""The sandbox put together."""

from ingest.sandbox.braze.applying import Work
from ingest.sandbox.braze.sandbox import Sandbox


def test_late_work_of_before_a_reset_is_forgotten() -> None:
    """It would appear in the next test."""
    sandbox = Sandbox()
    sandbox.schedule.add(Work([{"external_id": "jo"}], [], []), (200, 200))
    sandbox.reset()
    assert sandbox.settle(5)
    assert sandbox.summary()["profiles"] == 0
