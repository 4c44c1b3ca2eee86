"""Komo's way here."""

from ingest.doctor.address import check_address
from tests.ingest.doctor.conftest import troubles


def test_an_address_that_does_not_answer_is_a_warning() -> None:
    """From here it may look otherwise than from outside."""
    asked: list[str] = []

    def answers(url: str) -> bool:
        asked.append(url)
        return True

    assert troubles(check_address("https://komo.example.org", answers)) == []
    assert asked == ["https://komo.example.org/healthz"]
    [(level, _)] = troubles(check_address("https://komo.example.org", lambda _: False))
    assert level == "warning"
