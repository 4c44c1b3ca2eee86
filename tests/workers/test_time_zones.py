"""A time zone is sent by its name in the IANA database, or not at all."""

from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings

from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.time_zones import time_zone


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("australia/sydney", "Australia/Sydney"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("Sydney", "Australia/Sydney"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("(UTC+01:00) Amsterdam", "Europe/Amsterdam"),
        ("W. Europe Standard Time", "Europe/Berlin"),
    ],
)
def test_a_zone_is_known_by_its_name_in_iana_rails_and_windows(written: str, zone: str) -> None:
    """Braze takes the first two and ignores the third without a word."""
    assert time_zone(written) == zone


@pytest.mark.parametrize("written", ["Samoa", "GMT+2", "+10:00", "EST", "Atlantis", ""])
def test_a_zone_that_is_not_certain_is_left_out(written: str) -> None:
    """An offset has no summer time, and Rails has moved Samoa."""
    assert time_zone(written) == Flawed("time_zone_unknown")


@settings(deadline=None)
@given(ANY_JSON)
def test_a_zone_is_one_of_the_database_or_left_out(value: Any) -> None:
    """Whatever somebody typed."""
    found = time_zone(value)

    assert found == Flawed("time_zone_unknown") or found in available_timezones()
