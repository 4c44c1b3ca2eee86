"""Late work."""

from ingest.doctor.work import check_work
from tests.ingest.doctor.conftest import troubles


def test_work_that_nobody_comes_for_is_wrong_and_old_work_a_warning() -> None:
    """While Braze is away what waits gets old, and that is nobody's fault here."""
    assert troubles(check_work(1, 30)) == []
    assert troubles(check_work(180, 30)) == [("wrong", "Work has been due for 3 minutes, and nobody comes.")]
    assert troubles(check_work(0, 7200)) == [("warning", "The oldest submission that waits has waited for 2 hours.")]
