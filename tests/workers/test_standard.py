"""Braze's own attributes take what they take; anything else stays behind."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.attribute_names import STANDARD
from schemas.submission import MISSING
from tests.workers.any_json import ANY_JSON
from workers.flaws import Flawed
from workers.standard import standard


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
        {"Longitude": 151.2, "Latitude": -33.9},
        {"coords": {"latitude": -33.9, "longitude": 151.2, "accuracy": 10}},
        {"type": "Point", "coordinates": [151.2, -33.9]},
        "-33.9, 151.2",
        "-33.9 151.2",
    ],
)
def test_a_location_is_read_by_the_names_of_its_parts(value: Any) -> None:
    """Or by the order that each form has: maps write latitude first, GeoJSON longitude."""
    assert sent("current_location", value) == {"longitude": 151.2, "latitude": -33.9}


@pytest.mark.parametrize(
    ("attribute", "value", "warning"),
    [
        ("gender", "yes", "gender_unknown"),
        ("gender", 1, "gender_unknown"),
        ("country", "Atlantis", "country_unknown"),
        ("country", "XX", "country_unknown"),
        ("language", "xx", "language_unknown"),
        ("time_zone", "Gotham", "time_zone_unknown"),
        ("dob", "17/08/1991", "not_a_date"),
        ("dob", "0001-01-01", "date_out_of_range"),
        ("image_url", "javascript:alert(1)", "image_url_not_valid"),
        ("image_url", "https://example.com/" + "x" * 1024, "image_url_not_valid"),
        ("current_location", "151.2,-33.9", "location_not_valid"),
        ("current_location", "{151.2", "location_not_valid"),
        ("current_location", [151.2, -33.9], "location_not_valid"),
        ("current_location", "[-33.9, 151.2]", "location_not_valid"),
        ("current_location", {"lat": 0, "lng": "0"}, "location_not_valid"),
        ("current_location", {"lat": None, "lng": 1}, "location_not_valid"),
        ("image_url", "https://localhost", "image_url_not_valid"),
        ("image_url", "https://example.com/a b.png", "image_url_not_valid"),
        ("image_url", 7, "image_url_not_valid"),
        ("dob", "1991-08-16T14:00:00.000Z", "date_of_birth_has_a_time"),
        ("dob", 19910817, "not_a_date"),
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


@pytest.mark.parametrize(
    ("value", "pattern", "date"),
    [
        ("1991-08-17T00:00:00.000Z", None, "1991-08-17"),
        ("1991-08-17T00:00:00+10:00", None, "1991-08-17"),
        ("1991-08-17T23:30:00-10:00", None, "1991-08-17"),
        ("1991-08-17T18:00:00", None, "1991-08-17"),
        ("17/08/91", "DD/MM/YY", "1991-08-17"),
        ("17/08/30", "DD/MM/YY", "1930-08-17"),
        ("17/08/05", "DD/MM/YY", "2005-08-17"),
        ("17/08/25", "DD/MM/YY", Flawed("not_a_date")),
        ("08/1991", "MM/YYYY", Flawed("date_of_birth_incomplete")),
        ("1991", "YYYY", Flawed("date_of_birth_incomplete")),
        ("17 août 1991", "DD MMMM YYYY", "1991-08-17"),
    ],
)
def test_a_birthday_is_the_day_that_was_written(value: str, pattern: str | None, date: Any) -> None:
    """Peers shift it by the time zone of a browser or server; and 25 is a year of two centuries."""
    assert sent("dob", value, pattern=pattern) == date


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(STANDARD)),
    st.sampled_from([None, "AU"]),
    st.sampled_from([None, "DD/MM/YYYY", "MMMM D, YY", "YYYYMMDD"]),
    ANY_JSON | st.from_regex(r"\A\d{1,4}[/-]\d{1,2}[/-]\d{1,4}\Z"),
)
def test_whatever_comes_in_nothing_is_raised_and_what_goes_out_can_be_sent(
    attribute: str, region: str | None, pattern: str | None, value: Any
) -> None:
    """A submission that crashes its mapping is a dead letter of ours, not of the person's."""
    found = sent(attribute, value, region, pattern)
    kept = found.value if isinstance(found, Flawed) else found

    assert kept is MISSING or orjson.dumps(kept)


def test_other_names_are_custom_attributes() -> None:
    """Names are case-sensitive: Email is not email."""
    assert standard("Email", region=None, pattern=None) is None
