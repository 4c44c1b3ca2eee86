"""A phone number is sent as E.164, or not at all."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.phones import phone


@pytest.mark.parametrize(
    ("region", "value", "number"),
    [
        ("AU", "0412 345 678", "+61412345678"),
        ("AU", "+61 (0)412 345 678", "+61412345678"),
        ("AU", "61412345678", "+61412345678"),
        ("AU", 412345678, "+61412345678"),
        ("AU", "0011 44 7911 123456", "+447911123456"),
        ("AU", "0044 7911 123456", "+447911123456"),
        (None, "0044 7911 123456", "+447911123456"),
        ("AU", "0412 345 678 ext 12", "+61412345678"),
        ("US", "(415) 555-0132 x5", "+14155550132"),
        ("AU", "Tel.: 0412 345 678", "+61412345678"),
        ("IT", "06 6982", "+39066982"),
        ("FR", "06.12.34.56.78", "+33612345678"),
    ],
)
def test_numbers_are_read_in_the_integrations_region(region: str | None, value: Any, number: str) -> None:
    """Peers read Australian mobiles as American ones."""
    assert phone(region)(value) == number


@pytest.mark.parametrize(
    ("region", "value"),
    [
        (None, "0412 345 678"),
        ("US", "0412 345 678"),
        ("AU", "1-800-FLOWERS"),
        ("AU", "0412 345 678 / 02 9876 5432"),
        ("AU", "+61"),
        ("AU", "4" * 300),
        ("AU", 0.5),
        ("AU", True),
        ("AU", None),
    ],
)
def test_a_number_that_can_not_be_placed_is_left_out(region: str | None, value: Any) -> None:
    """Ten digits without a plus sign are an American number to Braze."""
    assert phone(region)(value) == Flawed("phone_not_valid")


@settings(deadline=None)
@given(st.sampled_from([None, "AU", "DE", "JP", "US"]), ANY_JSON | st.text("0123456789+() -x", max_size=20))
def test_a_number_is_valid_or_left_out(region: str | None, value: Any) -> None:
    """Whatever somebody typed."""
    found = phone(region)(value)

    assert found == Flawed("phone_not_valid") or phonenumbers.is_valid_number(phonenumbers.parse(found))
