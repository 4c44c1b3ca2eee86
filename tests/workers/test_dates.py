"""Dates are read only where they can mean one thing."""

import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.any_json import ANY_JSON
from workers.dates import as_date, as_datetime, braze_time
from workers.flaws import Flawed


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
        ("DD/MM/YYYY", "17/08/91", Flawed("not_a_date")),
        ("DD/MM/YYYY", "17 Aug 1991", Flawed("not_a_date")),
        ("DD/MM/YY", "17/08/91", "1991-08-17"),
        ("DD/MM/YY", "17/08/68", "2068-08-17"),
        ("DD/MM/YY", "17/08/1991", Flawed("not_a_date")),
        ("D/M/YYYY", "1/2/1991", "1991-02-01"),
        ("DDMMYY", "170891", "1991-08-17"),
        ("DD MMM YYYY", "17 Aug 1991", "1991-08-17"),
        ("DD MMM YYYY", "17 aug. 1991", "1991-08-17"),
        ("DD. MMMM YYYY", "17. März 1991", "1991-03-17"),
        ("DD MMMM YYYY", "17 août 1991", "1991-08-17"),
        ("MMMM DD, YYYY", "AGOSTO 17, 1991", "1991-08-17"),
        ("DD MMMM YYYY", "17 августа 1991", "1991-08-17"),
        ("DD MMMM YYYY", "17 listopada 1991", Flawed("not_a_date")),
        ("DD MMMM YYYY", "17 Smarch 1991", Flawed("not_a_date")),
        ("DD MMMM YYYY", "17 08 1991", Flawed("not_a_date")),
    ],
)
def test_day_and_month_are_never_guessed(pattern: str | None, value: Any, sent: Any) -> None:
    """A birthday in the wrong month looks right until the card arrives; November is October in the next language."""
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
        (None, "1770091506", "2026-02-03T04:05:06.000Z"),
        (None, "2026020312", Flawed("not_a_datetime")),
        (None, "202602031200", Flawed("not_a_datetime")),
        (None, "20260203120000", Flawed("not_a_datetime")),
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


def test_the_hosts_time_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers must not give one person two birthdays."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

        assert as_date()("1991-08-17") == as_date("DD/MM/YYYY")("17/08/1991") == "1991-08-17"
        assert as_datetime()("1991-08-17T23:30:00") == "1991-08-17T23:30:00.000Z"
        assert as_datetime()(1770091506) == "2026-02-03T04:05:06.000Z"
    monkeypatch.undo()
    time.tzset()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([None, "DD/MM/YYYY", "MM/DD/YY", "YYYY-MM-DD HH:mm:ss"]), ANY_JSON)
def test_a_date_is_one_that_braze_keeps_as_such_or_left_out(pattern: str | None, value: Any) -> None:
    """Whatever somebody typed; a year outside of its range would make it a text."""
    for convert, length in ((as_date(pattern), 10), (as_datetime(pattern), 24)):
        found = convert(value)
        assert isinstance(found, Flawed) or len(found) == length


@given(st.dates(max_value=date(3000, 12, 31)))
def test_every_day_is_read_back_from_its_pattern(day: date) -> None:
    """Also those of leap years."""
    assert as_date("DD/MM/YYYY")(f"{day.day}/{day.month}/{day.year:04}") == day.isoformat()
    assert as_date("MMDDYYYY")(f"{day.month:02}{day.day:02}{day.year:04}") == day.isoformat()
