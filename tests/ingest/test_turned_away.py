"""Who is answered before Flask is seen in the log and in the figures."""

import logging

import pytest

from ingest.turned_away import TurnedAway


class _Exchange:
    def __init__(self) -> None:
        self.told: list[int] = []

    def response_bytes(self, status: int, _: list[tuple[str, str]], __: bytes) -> None:
        self.told.append(status)


def test_many_are_told_in_one_line_without_what_strangers_wrote(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand connections must not fill the disk, and a path may hold a secret."""
    turned_away, exchange = TurnedAway(), _Exchange()
    with caplog.at_level(logging.WARNING, "komo_braze"):
        for number in range(3):
            turned_away.turn_away(f"/webhooks/komo/{number}", exchange, 413, "Too big.")
        turned_away.turn_away("/sam@example.com", exchange, 408, "Too slow.")
        turned_away.tell()
        turned_away.tell()

    lines = [(one.message, vars(one)["door"], vars(one)["status"], vars(one)["count"]) for one in caplog.records]
    assert exchange.told == [413, 413, 413, 408]
    assert lines == [("front.refused", "/webhooks/", 413, 3), ("front.refused", "/", 408, 1)]
    assert "sam@example.com" not in caplog.text


def test_what_komo_is_refused_is_counted_as_an_answer_of_the_webhook() -> None:
    """A 503 to Komo may be a loss: the alert that waits for it has to see those that never came to Flask."""
    counted: list[tuple[str, int, float]] = []
    turned_away = TurnedAway(lambda *one: counted.append(one))

    turned_away.turn_away("/webhooks/komo/a", _Exchange(), 503, "Too much to do.", waited_s=10.0)
    turned_away.turn_away("/sign-in", _Exchange(), 503, "Too much to do.", waited_s=10.0)

    assert counted == [("", 503, 10.0)]
