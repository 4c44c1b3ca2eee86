"""Names in the world's languages."""

from workers.locales import LOCALES, locales, one_meaning


def test_a_name_that_means_two_things_is_none() -> None:
    """In one language it is November, in the next one October."""
    assert one_meaning([("listopad", "11"), ("mai", "5"), ("listopad", "10"), ("mai", "5"), ("", "1")]) == {"mai": "5"}


def test_every_language_has_its_data() -> None:
    """A name that CLDR does not know would only show when somebody maps a country."""
    assert len(list(locales())) == len(LOCALES.split()) == len(set(LOCALES.split()))
