"""Which attributes a rule may write."""

import pytest

from schemas.attribute_names import misspelling, refusal


@pytest.mark.parametrize(
    "name",
    [
        "first_name",
        "favourite_beach",
        "boat.length_m",
        "Größe",
        "a b",
        "current_location.latitude",
        "twitter.screen_name",
    ],
)
def test_a_usual_name_is_fine(name: str) -> None:
    """Braze takes nearly anything."""
    assert refusal(name) is None


@pytest.mark.parametrize(
    "name", ["external_id", "email.x", "dob.year", "current_location.altitude", "a.$b", "a" * 256, "a.inc"]
)
def test_a_name_that_would_cost_the_object_is_refused(name: str) -> None:
    """At save, where a person can still mend it."""
    assert refusal(name)


def test_only_another_case_of_a_standard_name_is_a_misspelling() -> None:
    """`Email` becomes a custom attribute; `email_2` is meant to be one."""
    assert misspelling("Email")
    assert misspelling("email") is None
    assert misspelling("email_2") is None
