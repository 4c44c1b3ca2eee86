"""What is remembered of earlier deaths."""

from typing import Any

import pytest

from schemas.deaths import LAST, Death, packed, read_deaths


def test_what_is_kept_can_be_read() -> None:
    """Also of one that was not replayed yet."""
    deaths = [Death(1, "refused", 2, 3, 4), Death(5, "too_old", 6, 0)]

    assert read_deaths(packed(deaths)) == deaths
    assert packed(deaths)[1] == [5, "too_old", 6, 0, None]


def test_the_last_ones_are_kept() -> None:
    """A letter may be replayed every day for ever."""
    deaths = [Death(number, "refused", 1, number) for number in range(LAST + 3)]

    assert read_deaths(packed(deaths)) == deaths[-LAST:]


@pytest.mark.parametrize("kept", [None, [], [None], [[1, "refused"]], ["refused"]])
def test_what_is_no_death_is_left_out(kept: Any) -> None:
    """A timeline that can't be shown helps nobody."""
    assert read_deaths(kept) == []
