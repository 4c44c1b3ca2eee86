"""Dates are read only where they can mean one thing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workers.dates import as_date, as_datetime, braze_time
from workers.values import Flawed


@pytest.mark.parametrize(
    ("pattern", "value", "sent"),
    [
        (None, "1991-08-17", "1991-08-17"),
        (None, " 1991-08-17 ", "1991-08-17"),
        (None, "1991-08-17T23:30:00-10:00", "1991-08-17"),
        (None, "17/08/1991", Flawed("not_a_date")),
        (None, "01/02/1991", Flawed("not_a_date")),
        (None, "19910817", Flawed("not_a_date")),
        (None, "1991-02-30", Flawed("not_a_date")),
        (None, 19910817, Flawed("not_a_date")),
        (None, "3001-01-01", Flawed("date_out_of_range")),
        ("DD/MM/YYYY", "17/08/1991", "1991-08-17"),
        ("DD/MM/YYYY", "1/2/1991", "1991-02-01"),
        ("MM/DD/YYYY", "1/2/1991", "1991-01-02"),
        ("DD/MM/YYYY", "08/17/1991", Flawed("not_a_date")),
        ("DD/MM/YYYY", "1991-08-17", "1991-08-17"),
        ("DD.MM.YYYY", "17-08-1991", Flawed("not_a_date")),
        ("DDMMYYYY", "17081991", "1991-08-17"),
        ("DDMMYYYY", "1781991", Flawed("not_a_date")),
        ("YYYY-DD-MM", "1991-08-17", Flawed("not_a_date")),
        ("YYYY-DD-MM", "1991-17-08", "1991-08-17"),
        ("DD/MM/YYYY HH:mm", "17/08/1991 23:59", "1991-08-17"),
        ("MM/YYYY", "08/1991", "1991-08-01"),
        ("DD/MM/YYYY", "٠١/٠٢/1991", Flawed("not_a_date")),
    ],
)
def test_day_and_month_are_never_guessed(pattern: str | None, value: Any, sent: Any) -> None:
    """A birthday in the wrong month looks right until the card arrives."""
    assert as_date(pattern)(value) == sent


@pytest.mark.parametrize(
    ("pattern", "value", "sent"),
    [
        (None, "2026-02-03T04:05:06.789Z", "2026-02-03T04:05:06.789Z"),
        (None, "2026-02-03T14:05:06+10:00", "2026-02-03T04:05:06.000Z"),
        (None, "2026-02-03 04:05", "2026-02-03T04:05:00.000Z"),
        (None, "2026-02-03", "2026-02-03T00:00:00.000Z"),
        (None, 1770091506, "2026-02-03T04:05:06.000Z"),
        (None, "1770091506789", "2026-02-03T04:05:06.789Z"),
        (None, 7, Flawed("not_a_datetime")),
        (None, True, Flawed("not_a_datetime")),
        (None, 10**30, Flawed("not_a_datetime")),
        (None, "yesterday", Flawed("not_a_datetime")),
        (None, "0001-01-01T00:00:00+10:00", Flawed("datetime_out_of_range")),
        (None, "9999-12-31T23:59:59-10:00", Flawed("datetime_out_of_range")),
        ("DD/MM/YYYY HH:mm:ss", "03/02/2026 04:05:06", "2026-02-03T04:05:06.000Z"),
    ],
)
def test_times_are_sent_in_utc(pattern: str | None, value: Any, sent: Any) -> None:
    """Braze takes a time without a zone for UTC, so that is how one is read as well."""
    assert as_datetime(pattern)(value) == sent


def test_events_carry_milliseconds_and_a_z() -> None:
    """One form, so that the same submission always yields the same bytes."""
    assert braze_time(datetime(2026, 2, 3, 4, 5, 6, 789_999, UTC)) == "2026-02-03T04:05:06.789Z"
