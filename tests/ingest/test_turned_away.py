"""Who is answered before Flask is seen in the log and in the figures."""

import logging
import re
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from ingest.turned_away import TurnedAway


class _Exchange:
    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, dict[str, str](), b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


def asked(path: str = "/webhooks/komo/a", **headers: str) -> Any:
    """A request, as granian gives it."""
    return SimpleNamespace(path=path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_an_answer_bears_the_sender_s_id_and_so_does_the_line(caplog: pytest.LogCaptureFixture) -> None:
    """It is how a proxy's lines and ours are laid side by side."""
    turned_away, exchange = TurnedAway(), _Exchange()

    turned_away.turn_away(asked(x_request_id="edge-7"), exchange, 413, "It is too big.", headers={"Retry-After": "5"})
    turned_away.tell()

    body = orjson.loads(exchange.body)
    assert (exchange.status, exchange.headers["X-Request-ID"], exchange.headers["Retry-After"]) == (413, "edge-7", "5")
    assert (body["title"], body["request_id"]) == ("Request Entity Too Large", "edge-7")
    [line] = caplog.records
    told = vars(line)
    assert (line.getMessage(), line.levelno) == ("request.refused", logging.WARNING)
    assert (told["status"], told["why"], told["request_id"]) == (413, "It is too big.", "edge-7")


@pytest.mark.parametrize("given", [{}, {"x_request_id": "ann@example.com"}, {"x_request_id": "a\r\nSet-Cookie: b"}])
def test_who_has_no_id_or_an_odd_one_gets_one(given: dict[str, str]) -> None:
    """A stranger may have written it."""
    exchange = _Exchange()

    TurnedAway().turn_away(asked(**given), exchange, 413, "It is too big.")

    assert re.fullmatch(r"[0-9a-f]{32}", exchange.headers["X-Request-ID"])
    assert orjson.loads(exchange.body)["request_id"] == exchange.headers["X-Request-ID"]


def test_many_are_told_in_one_line_without_what_strangers_wrote(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand connections must not fill the disk, and a path may hold a secret."""
    turned_away = TurnedAway()
    for number in range(3):
        turned_away.turn_away(asked(f"/webhooks/komo/{number}", x_request_id=f"r{number}"), _Exchange(), 413, "Big.")
    turned_away.turn_away(asked("/sam@example.com"), _Exchange(), 408, "Too slow.")
    turned_away.tell()
    turned_away.tell()

    lines = [(vars(one)["door"], vars(one)["status"], vars(one)["count"]) for one in caplog.records]
    assert lines == [("/webhooks/", 413, 3), ("/", 408, 1)]
    assert vars(caplog.records[0])["request_id"] == "r0"
    assert not any("sam@example.com" in str(vars(one)) for one in caplog.records)


def test_what_komo_is_refused_is_counted_as_an_answer_of_the_webhook() -> None:
    """A 503 to Komo may be a loss: the alert that waits for it has to see those that never came to Flask."""
    counted: list[tuple[str, int, float]] = []
    turned_away = TurnedAway(lambda *one: counted.append(one))

    turned_away.turn_away(asked(), _Exchange(), 503, "Too much to do.", waited_s=10.0)
    turned_away.turn_away(asked("/sign-in"), _Exchange(), 503, "Too much to do.", waited_s=10.0)

    assert counted == [("", 503, 10.0)]
