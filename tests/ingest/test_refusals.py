"""Answers that the front gives by itself."""

import logging
import re
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from ingest.refusals import LINE_EVERY_S, Lines, refuse


class _Exchange:
    status, headers, body = 0, dict[str, str](), b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


def refused(given: dict[str, str], status: int = 413) -> tuple[_Exchange, Any]:
    """The answer, and what its body says."""
    exchange = _Exchange()
    refuse(SimpleNamespace(headers=given), exchange, status, "It is too big.", {"Retry-After": "5"})
    return exchange, orjson.loads(exchange.body)


def test_an_answer_bears_the_sender_s_id_and_so_does_the_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is how a proxy's lines and ours are laid side by side."""
    monkeypatch.setattr("ingest.refusals._LINES", Lines())
    exchange, body = refused({"x-request-id": "edge-7"})

    assert (exchange.status, exchange.headers["X-Request-ID"], exchange.headers["Retry-After"]) == (413, "edge-7", "5")
    assert (body["title"], body["request_id"]) == ("Request Entity Too Large", "edge-7")
    [line] = caplog.records
    told = vars(line)
    assert (line.getMessage(), line.levelno) == ("request.refused", logging.WARNING)
    assert (told["status"], told["why"], told["request_id"]) == (413, "It is too big.", "edge-7")


@pytest.mark.parametrize("given", [{}, {"x-request-id": "ann@example.com"}, {"x-request-id": "a\r\nSet-Cookie: b"}])
def test_who_has_no_id_or_an_odd_one_gets_one(given: dict[str, str]) -> None:
    """A stranger may have written it."""
    exchange, body = refused(given)

    assert re.fullmatch(r"[0-9a-f]{32}", exchange.headers["X-Request-ID"])
    assert body["request_id"] == exchange.headers["X-Request-ID"]


def test_a_flood_of_refusals_is_a_line_in_a_second() -> None:
    """It would fill the disk, and hide the others."""
    lines = Lines()

    assert [lines.untold(503, 7.0 + 0.1 * LINE_EVERY_S * one) for one in range(12)] == [0, *[None] * 9, 9, None]
    assert lines.untold(408, 7.0) == 0
