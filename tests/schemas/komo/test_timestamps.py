"""When something happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.komo.timestamps import read_moment

RECEIVED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-02-03T04:05:06.789Z", MOMENT.replace(microsecond=789000)),
        ("2026-02-03T04:05:06Z", MOMENT),
        ("2026-02-03T04:05:06.7Z", MOMENT.replace(microsecond=700000)),
        ("2026-02-03T04:05:06.7891234Z", MOMENT.replace(microsecond=789123)),
        ("2026-02-03T04:05:06.789123456789Z", MOMENT.replace(microsecond=789123)),
        ("2026-02-03T15:05:06+11:00", MOMENT),
        ("2026-02-03T15:05:06+1100", MOMENT),
        ("2026-02-02T22:05:06-06:00", MOMENT),
        ("2026-02-03T04:05:06", MOMENT),
        ("2026-02-03 04:05:06", MOMENT),
        (" 2026-02-03t04:05:06z ", MOMENT),
        ("20260203T040506Z", MOMENT),
        ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC)),
        ("20260203", datetime(2026, 2, 3, tzinfo=UTC)),
        (1770091506, MOMENT),
        (1770091506.5, MOMENT.replace(microsecond=500000)),
        (1770091506000, MOMENT),
        ("1770091506", MOMENT),
        ("1770091506.5", MOMENT.replace(microsecond=500000)),
        ("1770091506250", MOMENT.replace(microsecond=250000)),
        (946684800, datetime(2000, 1, 1, tzinfo=UTC)),
        (946684800000, datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_from_every_usual_spelling(value: Any, moment: datetime) -> None:
    """Komo shows one format; whoever composes a workflow body may use any."""
    assert read_moment(value, RECEIVED_AT) == (moment, None)
    assert read_moment(value, RECEIVED_AT)[0].tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        (None, "occurred_at_absent"),
        ("", "occurred_at_absent"),
        (" ", "occurred_at_absent"),
        ("yesterday", "occurred_at_unreadable"),
        ("03/02/2026", "occurred_at_unreadable"),
        ("2026-13-03T04:05:06Z", "occurred_at_unreadable"),
        ("{{timestamp}}", "occurred_at_unreadable"),
        (True, "occurred_at_unreadable"),
        ([], "occurred_at_unreadable"),
        ({"$date": 1}, "occurred_at_unreadable"),
        (1e300, "occurred_at_unreadable"),
        (float("nan"), "occurred_at_unreadable"),
        (-(2**63), "occurred_at_unreadable"),
        ("9" * 400, "occurred_at_unreadable"),
        ("0001-01-01T00:00:00+05:00", "occurred_at_unreadable"),
        ("9999-12-31T23:59:59-05:00", "occurred_at_unreadable"),
        (0, "occurred_at_before_2000"),
        ("1999-12-31T23:59:59.999Z", "occurred_at_before_2000"),
        ("0001-01-01T00:00:00", "occurred_at_before_2000"),
        ("2026-03-01T12:05:01Z", "occurred_at_in_the_future"),
        ("5000-01-01T00:00:00Z", "occurred_at_in_the_future"),
        (1770091506 * 10**4, "occurred_at_in_the_future"),
        (1770091506 * 10**6, "occurred_at_unreadable"),
    ],
)
def test_what_can_not_be_believed_is_the_time_of_receipt_with_a_warning(value: Any, warning: str) -> None:
    """An event without time is worth more than no event, and a wrong time is worth less than none."""
    assert read_moment(value, RECEIVED_AT) == (RECEIVED_AT, warning)


def test_five_minutes_ahead_are_a_clock_and_more_are_an_error() -> None:
    """Clocks differ a little, and Braze takes events of the near future as they are."""
    ahead = RECEIVED_AT + timedelta(minutes=5)
    assert read_moment(ahead.isoformat(), RECEIVED_AT) == (ahead, None)
