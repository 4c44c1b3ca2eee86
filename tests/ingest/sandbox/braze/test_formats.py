"""Formats that Braze knows by name."""

from datetime import UTC, datetime

import pytest

from ingest.sandbox.braze import formats


@pytest.mark.parametrize(
    "address",
    ["jo@example.com", "jo.b+tag@mail.example.co", "ž@example.com", "a_b^c@xn--bcher-kva.com", "jo..b@example.com"],
)
def test_addresses_that_braze_takes(address: str) -> None:
    """A stand-in that is stricter than Braze would hide people that Braze accepts."""
    assert formats.is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "not an address", "jo@example", ".jo@example.com", "jo.@example.com", '"jo"@example.com', "jo@1.2.3.4",
        "j@gmail.com", "jo..b@hotmail.com", "jo@-a.com", "jo @example.com", "jo@bücher.de", "jo@example.test",
        "a" * 65 + "@example.com", "jo@example.com ", "",
    ],
)  # fmt: skip
def test_addresses_that_braze_refuses(address: str) -> None:
    """Every rule of Braze's page on e-mail validation that can be checked without a list of domains."""
    assert not formats.is_email(address)


@pytest.mark.parametrize(
    ("number", "fits"), [("+61412345678", True), ("0412345678", False), ("+6141", False), ("", False)]
)
def test_only_valid_international_numbers_are_phones(number: str, fits: bool) -> None:
    """A national number is read as an American one by Braze, so the stand-in refuses it."""
    assert formats.is_phone(number) is fits


@pytest.mark.parametrize(
    "text", ["2026-11-20T03:14:15Z", "2026-11-20T03:14:15:000Z", "2026-11-20T14:14:15+11:00", "2026-11-20 03:14:15"]
)
def test_every_published_way_to_write_a_time_is_read(text: str) -> None:
    """Events carry times in any of these."""
    assert formats.read_time(text) == datetime(2026, 11, 20, 3, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", None, 1795518063, "2026-13-01"])
def test_what_is_no_time_is_not_read(text: object) -> None:
    """An epoch number is no event time for Braze."""
    assert formats.read_time(text) is None


@pytest.mark.parametrize(
    ("text", "is_time"),
    [("2026-11-20", True), ("11/20/2026", True), ("20261120", False), ("0412345678", False), ("beach house", False)],
)
def test_only_written_out_dates_become_times(text: str, is_time: bool) -> None:
    """A phone number or a code must stay a text."""
    assert formats.looks_like_time(text) is is_time
