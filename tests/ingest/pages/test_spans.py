"""From when until when."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from ingest.pages.spans import read_span
from tests.factories import NOON


@pytest.mark.parametrize(("name", "length"), [("hour", timedelta(hours=1)), ("week", timedelta(days=7))])
def test_the_last_hours_count_from_now(name: str, length: timedelta) -> None:
    """And have no end: what comes meanwhile belongs to them."""
    span = read_span({"time": name, "from": "2026-01-01T00:00"}, NOON)

    assert (span.since, span.until) == (NOON - length, None)
    assert span.parameters() == {"time": name}


def test_own_times_are_those_of_the_reader_s_place() -> None:
    """Nine o'clock in Sydney is not nine o'clock in UTC."""
    typed = {"time": "own", "from": "2026-11-20T09:00", "until": "2026-11-20T10:30", "zone": "Australia/Sydney"}

    span = read_span(typed, NOON)

    assert span.since == datetime(2026, 11, 19, 22, 0, tzinfo=UTC)
    assert span.until == datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert span.parameters() == typed


def test_without_a_place_times_are_in_utc() -> None:
    """A browser without scripts says no place, and the page says UTC."""
    assert read_span({"time": "own", "from": "2026-11-20T09:00"}, NOON).since == datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed",
    [
        {"from": "yesterday"},
        {"from": "2026-11-20T09:00", "zone": "Middle/Earth"},
        {"from": "2026-11-20T09:00", "zone": "../../etc/passwd"},
        {"from": "0001-01-01T00:00", "zone": "Asia/Tokyo"},
        {"from": "2026-11-21T09:00", "until": "2026-11-20T09:00"},
    ],
)
def test_times_that_mean_nothing_are_told(typed: dict[str, str], app: Flask) -> None:
    """An empty list would look like an answer."""
    with app.test_request_context():
        assert read_span({"time": "own", **typed}, NOON).problem


def test_no_time_is_all_time() -> None:
    """Also where somebody has made one up."""
    assert read_span({"time": "century", "from": "2026-11-20T09:00"}, NOON).parameters() == {}
