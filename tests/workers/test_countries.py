"""A country is sent as its code, or not at all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycountry import countries

from tests.workers.any_json import ANY_JSON
from workers.countries import country
from workers.flaws import Flawed


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("au", "AU"),
        ("AUS", "AU"),
        ("Australia", "AU"),
        ("Deutschland", "DE"),
        ("Bundesrepublik Deutschland", "DE"),
        ("ALLEMAGNE", "DE"),
        ("Estados Unidos", "US"),
        ("U.S.A.", "US"),
        ("États-Unis d'Amérique", "US"),
        ("Vereinigte Staaten von Amerika", "US"),
        ("the Netherlands", "NL"),
        ("Côte d’Ivoire", "CI"),
        ("Guinea Bissau", "GW"),
        ("Trinidad & Tobago", "TT"),
        ("St Lucia", "LC"),
        ("Osterreich", "AT"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Česko", "CZ"),
        ("Suomi", "FI"),
        ("Magyarország", "HU"),
        ("日本", "JP"),
        ("中国", "CN"),
        ("대한민국", "KR"),
        ("Россия", "RU"),
        ("Ελλάδα", "GR"),
        ("مصر", "EG"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("NGA", "NG"),
        ("Georgia", "GE"),
        ("England", "GB"),
        ("UK", "GB"),
    ],
)
def test_a_country_is_known_by_its_code_and_by_its_names_in_many_languages(written: str, code: str) -> None:
    """Nobody documents whether Komo's country field holds a name or a code, or in which language."""
    assert country(written) == code


@pytest.mark.parametrize(
    "written", ["Congo", "Korea", "Virgin Islands", "Saint Martin", "Atlantis", "XX", "XK", "EU", "", "7"]
)
def test_a_country_that_is_not_certain_is_left_out(written: str) -> None:
    """Two countries share the name, or no code of the standard has it; Braze would empty the field."""
    assert country(written) == Flawed("country_unknown")


def test_every_code_and_every_english_name_is_known() -> None:
    """But those that two countries share."""
    shared = {"Congo"}

    for entry in countries:
        assert country(entry.alpha_2) == country(entry.alpha_3) == entry.alpha_2
        assert entry.name in shared or country(entry.name) == entry.alpha_2


@settings(deadline=None)
@given(ANY_JSON | st.text("abcdeinstu .-'&", max_size=12))
def test_a_country_is_a_code_of_the_standard_or_left_out(value: Any) -> None:
    """Whatever somebody typed."""
    found = country(value)

    assert found == Flawed("country_unknown") or countries.get(alpha_2=found) is not None
