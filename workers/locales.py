"""Names of countries, languages and months as the world's languages have them, from CLDR. Pure, loaded at first use."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

#: Languages in which forms are written. https://cldr.unicode.org/
LOCALES = (
    "en de fr es pt pt_PT it nl pl sv da nb nn fi cs tr ja zh zh_Hant ko ar el hu ro ru "
    "uk bg hr sr sr_Latn sl sk lt lv et is ga ca eu gl he fa hi th vi id ms fil af sq mk ka hy"
)


def locales() -> Iterator["Locale"]:
    """The data of each of these languages. A few milliseconds each, so only those pay who map such a name."""
    from babel import Locale

    return (Locale.parse(name) for name in LOCALES.split())


def one_meaning(names: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """
    Names that mean one thing in every language.

    Args:
        names: Of a name, as it is looked up, and what it means in one language.
    """
    meanings = defaultdict[str, set[str]](set)
    for name, meaning in names:
        meanings[name].add(meaning)
    return {name: found.pop() for name, found in meanings.items() if name and len(found) == 1}
