"""Braze's own attributes take what they take; anything else stays behind."""

from typing import Any

import pytest

from workers.standard import standard
from workers.values import Flawed


def sent(attribute: str, value: Any, region: str | None = None, pattern: str | None = None) -> Any:
    convert = standard(attribute, region=region, pattern=pattern)
    assert convert is not None
    return convert(value)


@pytest.mark.parametrize(
    "address",
    [
        "mira.kestrel@example.com",
        "o'neil+tag@mail.example.co.uk",
        "inês@example.com",
        "a@xn--bcher-kva.example",
        "ab@gmail.com",
        "mira.k+hub@outlook.com",
        "x" * 64 + "@example.com",
    ],
)
def test_a_good_address_is_sent(address: str) -> None:
    """Braze's rules are wider than one would think."""
    assert sent("email", address) == address


def test_an_address_is_sent_in_lower_case_without_blanks_around_it() -> None:
    """It also selects people, and two spellings must not become two of them."""
    assert sent("email", " Mira.Kestrel@Example.COM ") == "mira.kestrel@example.com"


@pytest.mark.parametrize(
    "address",
    [
        "mira",
        "@example.com",
        "mira@",
        "mira@example",
        "mira@@example.com",
        "mira kestrel@example.com",
        ".mira@example.com",
        "mira.@example.com",
        "mi..ra@example.com",
        '"mira"@example.com',
        "mira@127.0.0.1",
        "mira@-example.com",
        "mira@exämple.com",
        "mira@example.c",
        "mira@example.123",
        "a@gmail.com",
        "mi$ra@hotmail.com",
        "x" * 65 + "@example.com",
        "mira@" + "x" * 64 + ".com",
        7,
        ["mira@example.com"],
    ],
)
def test_a_bad_address_costs_itself_and_not_the_person(address: Any) -> None:
    """Braze would refuse the whole object, first name and all."""
    assert sent("email", address) == Flawed("email_not_valid")


@pytest.mark.parametrize(
    ("region", "value", "number"),
    [
        ("AU", "0412 345 678", "+61412345678"),
        ("AU", "+61 491 570 006", "+61491570006"),
        (None, "+61491570006", "+61491570006"),
        ("AU", 412345678, "+61412345678"),
        ("US", "(415) 555-0132", "+14155550132"),
        (None, "0412 345 678", Flawed("phone_not_valid")),
        ("US", "0412 345 678", Flawed("phone_not_valid")),
        ("AU", "000", Flawed("phone_not_valid")),
        ("AU", "call me", Flawed("phone_not_valid")),
        ("AU", "4" * 300, Flawed("phone_not_valid")),
        ("AU", True, Flawed("phone_not_valid")),
    ],
)
def test_phone_numbers_are_read_in_the_region_and_never_as_american_ones(
    region: str | None, value: Any, number: Any
) -> None:
    """Braze takes ten digits without a plus sign for an American number."""
    assert sent("phone", value, region) == number


@pytest.mark.parametrize(
    ("value", "letter"),
    [("M", "M"), ("female", "F"), ("Non-Binary", "O"), ("n/a", "N"), ("I’d rather not say", "P"), ("Woman ", "F")],
)
def test_common_words_for_gender_become_their_letter(value: str, letter: str) -> None:
    """Forms ask in words."""
    assert sent("gender", value) == letter


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("AU", "AU"),
        ("au", "AU"),
        ("AUS", "AU"),
        ("Australia", "AU"),
        ("United  Kingdom", "GB"),
        ("UK", "GB"),
        ("South Korea", "KR"),
        ("Turkey", "TR"),
        ("Côte d'Ivoire", "CI"),
    ],
)
def test_countries_are_sent_as_two_letters(value: str, code: str) -> None:
    """Braze empties the field where it does not know the name."""
    assert sent("country", value) == code


@pytest.mark.parametrize(("value", "code"), [("en", "en"), ("EN-au", "en"), ("pt_BR", "pt")])
def test_languages_have_two_letters_and_no_region(value: str, code: str) -> None:
    """Browsers say en-AU."""
    assert sent("language", value) == code


def test_a_time_zone_is_spelled_as_its_database_spells_it() -> None:
    """Braze ignores what it does not know."""
    assert sent("time_zone", "australia/sydney") == "Australia/Sydney"


@pytest.mark.parametrize(
    "value",
    [
        {"longitude": 151.2, "latitude": -33.9},
        {"lng": "151.2", "lat": "-33.9"},
        '{"lon": 151.2, "lat": -33.9}',
    ],
)
def test_a_location_is_read_by_the_names_of_its_parts(value: Any) -> None:
    """In a pair without names nobody knows which is which."""
    assert sent("current_location", value) == {"longitude": 151.2, "latitude": -33.9}


@pytest.mark.parametrize(
    ("attribute", "value", "warning"),
    [
        ("gender", "yes", "gender_unknown"),
        ("gender", 1, "gender_unknown"),
        ("country", "Atlantis", "country_unknown"),
        ("country", "XX", "country_unknown"),
        ("language", "english", "language_unknown"),
        ("language", "xx", "language_unknown"),
        ("time_zone", "Sydney", "time_zone_unknown"),
        ("dob", "17/08/1991", "not_a_date"),
        ("dob", "0001-01-01", "date_out_of_range"),
        ("image_url", "javascript:alert(1)", "image_url_not_valid"),
        ("image_url", "https://example.com/" + "x" * 1024, "image_url_not_valid"),
        ("current_location", "151.2,-33.9", "location_not_valid"),
        ("current_location", "{151.2", "location_not_valid"),
        ("current_location", {"latitude": 151.2, "longitude": 0}, "location_not_valid"),
        ("current_location", {"latitude": 1}, "location_not_valid"),
        ("first_name", "x" * 256, "string_too_long"),
        ("email_open_tracking_disabled", "maybe", "not_a_boolean"),
        ("date_of_first_session", "long ago", "not_a_datetime"),
    ],
)
def test_what_does_not_fit_is_left_out_by_name(attribute: str, value: Any, warning: str) -> None:
    """The warning names the flaw; the value may be personal."""
    assert sent(attribute, value) == Flawed(warning)


def test_dates_of_birth_follow_the_declared_format() -> None:
    """Komo does not say how it writes a birthday."""
    assert sent("dob", "17/08/1991", pattern="DD/MM/YYYY") == "1991-08-17"


def test_other_names_are_custom_attributes() -> None:
    """Names are case-sensitive: Email is not email."""
    assert standard("Email", region=None, pattern=None) is None
