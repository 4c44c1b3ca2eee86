"""An address is sent as Braze takes it, or not at all."""

import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.any_json import ANY_JSON
from workers.emails import email
from workers.flaws import Flawed

#: ICANN's list, as it was when hypothesis was published.
TOP_LEVEL = Path(hypothesis.__file__).parent / "vendor" / "tlds-alpha-by-domain.txt"


@pytest.mark.parametrize("address", ["mira@gmail.con", "mira@example.cmo", "mira@example.xx", "mira@example.zz"])
def test_a_mistyped_top_level_domain_costs_the_address_alone(address: str) -> None:
    """Braze would refuse the whole object for it, first name and all."""
    assert email(address) == Flawed("email_not_valid")


def test_no_top_level_domain_is_taken_for_a_mistyped_one() -> None:
    """Somebody lives there."""
    listed = [line.strip().lower() for line in TOP_LEVEL.read_text().splitlines() if line.strip() and line[0] != "#"]

    assert len(listed) > 1000
    assert [domain for domain in listed if email(f"mira@example.{domain}") != f"mira@example.{domain}"] == []


@settings(deadline=None)
@given(ANY_JSON | st.from_regex(r"\A[a-zé.+ ]{1,9}@[a-z.-]{1,12}\.(com|de|xx)\Z"))
def test_an_address_is_one_that_braze_takes_or_left_out(value: Any) -> None:
    """Whatever somebody typed."""
    found = email(value)

    if found != Flawed("email_not_valid"):
        local, _, host = found.rpartition("@")
        assert found == found.lower()
        assert not re.search(r"\s", found)
        assert 0 < len(local) <= 64
        assert "" not in local.split(".")
        assert host.isascii()
        assert all(0 < len(label) <= 63 for label in host.split("."))
