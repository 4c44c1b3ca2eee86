import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from workers.logs import JsonLines, start_logging


class Tape(logging.StreamHandler[io.StringIO]):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.setFormatter(JsonLines())

    @property
    def line(self) -> dict[str, Any]:
        [text] = self.stream.getvalue().splitlines()
        read: dict[str, Any] = json.loads(text)
        return read


@pytest.fixture
def tape() -> Iterator[Tape]:
    tape = Tape()
    log.addHandler(tape)
    yield tape
    log.removeHandler(tape)


log = logging.getLogger("test.of.logs")
log.setLevel(logging.DEBUG)
log.propagate = False


def fail(text: str) -> None:
    raise ValueError(f"can't read {text}")


def test_a_line_is_json_with_a_fixed_name_and_fields(tape: Tape) -> None:
    """Machines search by name and field."""
    log.info("delivery.attempted", extra={"attempt": 3, "status": 429, "integration": "summer-hub"})
    line = tape.line
    assert line.pop("at")[-1] == "Z"
    assert line == {
        "level": "info", "event": "delivery.attempted", "attempt": 3, "status": 429, "integration": "summer-hub",
    }  # fmt: skip


def test_the_time_is_utc_to_the_millisecond() -> None:
    """Lines of several machines are sorted by it."""
    record = logging.makeLogRecord({"msg": "x", "created": 1795518063.25, "msecs": 250.0})
    assert json.loads(JsonLines().format(record))["at"] == "2026-11-24T11:01:03.250Z"


def test_an_error_is_told_by_kind_and_place_but_not_by_its_text(tape: Tape) -> None:
    """The text of an error quotes what a person has typed."""
    try:
        fail("anna@example.com")
    except ValueError:
        log.exception("mapping.failed", extra={"submission": "3e8"})
    text = tape.stream.getvalue()
    assert (tape.line["error"], tape.line["event"]) == ("ValueError", "mapping.failed")
    assert [place.partition(":")[0] for place in tape.line["trace"]] == ["test_logs.py", "test_logs.py"]
    assert "anna" not in text


def test_celery_s_own_words_about_a_failed_task_are_left_out(tape: Tape) -> None:
    """They quote the error, its trace and the arguments."""
    told = {"id": "1", "name": "drain", "exc": "ValueError('anna@example.com')", "traceback": "anna", "args": "anna",
            "kwargs": "anna", "description": "raised unexpected"}  # fmt: skip
    try:
        fail("anna@example.com")
    except ValueError:
        words = "Task %(name)s[%(id)s] %(description)s: %(exc)s\n%(traceback)s"
        log.error(words, told, exc_info=True, extra={"data": told})
    assert "anna" not in tape.stream.getvalue()
    assert (tape.line["event"], tape.line["task"], tape.line["task_id"]) == ("task.failed", "drain", "1")
    assert tape.line["error"] == "ValueError"


def test_celery_s_words_about_a_task_that_went_well_stay(tape: Tape) -> None:
    """Without the arguments that come with them."""
    told = {"id": "1", "name": "drain", "args": "('summer-hub', 3)"}
    log.info("Task %(name)s[%(id)s] received", told, extra={"data": told})
    assert tape.line["event"] == "Task drain[1] received"
    assert "data" not in tape.line


@pytest.mark.parametrize(
    "text", ["GET /webhooks/komo/hub?key=s3cret HTTP/1.1", "'/webhooks?a=1&key=s3cret&b=2'", "?key=s3cret"]
)
def test_the_key_of_a_webhook_address_reaches_no_log(tape: Tape, text: str) -> None:
    """Web servers like to quote the address."""
    log.info("%s", text)
    assert "s3cret" not in tape.line["event"]
    assert tape.line["event"] == text.replace("s3cret", "[key]")


def test_a_field_can_t_take_the_place_of_the_name(tape: Tape) -> None:
    """A submission has an event too."""
    log.info("submission.accepted", extra={"event": "CardViewed", "level": 9, "at": 1})
    assert (tape.line["event"], tape.line["level"]) == ("submission.accepted", "info")


@pytest.mark.parametrize("value", ["half a pair \ud800", 2**70, {1: 2}, {3, 4}, float("nan"), object(), b"\xff", None])
def test_whatever_a_field_holds_the_line_is_written(tape: Tape, value: object) -> None:
    """A line that gets lost is the one that is looked for, and a handler that fails prints everything."""
    log.warning("odd", extra={"value": value})
    assert tape.line["event"] == "odd"


def test_a_line_break_does_not_begin_another_line(tape: Tape) -> None:
    """Nobody may write lines of their own by what they send."""
    log.info("one\ntwo", extra={"why": "a\nb"})
    assert (tape.line["event"], tape.line["why"]) == ("one\ntwo", "a\nb")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("urllib3", "kombu", "amqp")}
    yield root
    root.handlers[:] = before
    root.setLevel(level)
    for name, one in levels.items():
        logging.getLogger(name).setLevel(one)


def test_logging_goes_to_standard_error_once(root: logging.Logger) -> None:
    """Started twice, as a worker may, it must not write every line twice."""
    for level in ("INFO", "DEBUG"):
        start_logging(level)
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
    assert root.level == logging.DEBUG


@pytest.mark.parametrize(("level", "theirs"), [("DEBUG", logging.WARNING), ("ERROR", logging.ERROR)])
def test_libraries_that_quote_what_they_send_are_kept_quiet(root: logging.Logger, level: str, theirs: int) -> None:
    """At DEBUG they would write down addresses and messages."""
    start_logging(level)
    assert logging.getLogger("urllib3.connectionpool").getEffectiveLevel() == theirs
