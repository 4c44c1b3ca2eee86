"""Numbers are read only where they can mean one thing."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.numbers import number


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("7", 7),
        (" +7 ", 7),
        ("−7", -7),
        ("7.5", 7.5),
        ("1.234", 1.234),
        ("7,5", 7.5),
        ("-0,25", -0.25),
        ("0,125", 0.125),
        ("1234,567", 1234.567),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("12,34,567.50", 1234567.5),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1 234,56", 1234.56),
        ("1\u202f234\u00a0567", 1234567),
        ("1'234.56", 1234.56),
    ],
)
def test_the_decimal_sign_is_told_from_the_separator_of_thousands(written: str, read: Any) -> None:
    """Half the world writes a comma where the other half writes a dot."""
    found = number(written)

    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize("written", ["1,234", "-12,500", "999,000"])
def test_a_number_that_may_be_two_is_left_out(written: str) -> None:
    """A price a thousand times too high is worse than none."""
    assert number(written) == Flawed("number_ambiguous")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "7 kg",
        "1,2,3",
        "1,23,4",
        "1.234.56",
        "1..2",
        "--7",
        "+-7",
        "1 2",
        "1 234e5",
        "5,",
        ",5",
        "1_000",
        "٧",
        [7],
    ],
)
def test_what_is_no_number_is_left_out(value: Any) -> None:
    """Cutting a number out of a text would be a guess."""
    assert number(value) == Flawed("not_a_number")


@settings(deadline=None)
@given(ANY_JSON | st.text("0123456789.,-+eE '\u00a0"))
def test_a_number_is_one_that_json_can_hold_or_left_out(value: Any) -> None:
    """A value that can't be written would block its lane for ever."""
    found = number(value)

    assert isinstance(found, Flawed) or (type(found) in (int, float) and orjson.loads(orjson.dumps(found)) == found)


@settings(deadline=None)
@given(st.integers(-(10**17), 10**17))
def test_an_integer_survives_its_separators(value: int) -> None:
    """From a thousand on with two of them, so that they can be nothing else."""
    if abs(value) >= 10**6:
        assert number(f"{value:,}") == number(f"{value:,}".replace(",", ".")) == value
