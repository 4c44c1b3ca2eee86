"""
Names and codes of countries → ISO 3166-1 alpha-2. Pure.

Braze empties the field where it does not know the value, without an error, so what is not certain never leaves here.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import gettext
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from workers.flaws import Flawed
from workers.locales import locales, one_meaning
from workers.words import MAX_WORDS, plain

#: Distinct spellings remembered.
REMEMBERED = 5_000

#: What people write and the lists do not have.
_SPOKEN = {
    "GB": (
        "UK|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Schottland|"
        "Angleterre|Écosse|Grande-Bretagne|Inglaterra|Escocia|Gran Bretaña|Grã-Bretanha|Inghilterra|Scozia|"
        "Gran Bretagna|Engeland|Schotland|Groot-Brittannië|Storbritannien|Anglia|Англия|Великобритания|イギリス|"
        "英国|英國|영국"
    ),
    "US": "America|USA|États-Unis|EE.UU.|EEUU|EUA|Estados Unidos de América|Amerika|США|アメリカ|美国|美國|미국",
    "AE": "UAE|Emirates|VAE|EAU|ОАЭ|الإمارات",
    "NL": "Holland|Holanda|Hollande|Olanda|Holandia|Голландия",
    "CZ": ("Czech Republic|Tschechien|Tschechische Republik|République tchèque|República Checa|Repubblica Ceca|Česko"),
    "KR": "South Korea|Südkorea|Corée du Sud|Corea del Sur|한국|韩国|韓国",
    "KP": "North Korea",
    "CD": "Congo-Kinshasa|DR Congo|DRC",
    "CG": "Congo-Brazzaville",
    "RU": "Russia|Россия",
    "TR": "Turkey|Türkiye",
    "CI": "Ivory Coast",
    "CV": "Cape Verde",
    "MK": "Macedonia",
    "MM": "Burma",
    "MO": "Macau",
    "PS": "Palestine",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "VA": "Vatican",
    "IE": "Republic of Ireland|Eire",
    "BA": "Bosnia|Bosnien",
    "NZ": "Aotearoa",
    "GR": "Ελλάς",
    "SA": "السعودية",
    "HK": "香港|홍콩",
    "TW": "台湾|臺灣|대만",
    "FM": "Micronesia",
    "BN": "Brunei",
}
#: The lists give these to one of two.
_AMBIGUOUS = "Congo|Kongo|Konqo|Korea|Corea|Corée|Coreia|Virgin Islands|Saint Martin|St. Martin"
#: Languages whose official names are translated without mistakes; CLDR has the common names of all others.
_TRANSLATIONS = "de fr es pt pt_BR it nl pl sv da nb fi cs tr ja zh_CN zh_TW ko ar el hu ro ru"
_SIGNS = re.compile(r"[.,'()\-]+")


def country(value: Any) -> Any:
    """An alpha-2 code, from it, the alpha-3 code, or the common or official name in any of many languages."""
    found = _country(value) if isinstance(value, str) and len(value) <= MAX_WORDS else None
    return found or Flawed("country_unknown")


@lru_cache(REMEMBERED)
def _country(written: str) -> str | None:
    if len(written) == 2 or written.isupper():
        code = _codes().get(written.upper())
        if code:
            return code
    name = _key(written)
    return _names().get(name) or _names().get(name.removeprefix("the "))


def _key(name: str) -> str:
    """Without the signs that come and go: U.S.A., Côte d'Ivoire, Guinea-Bissau, Trinidad & Tobago."""
    spelled = plain(name)
    without = _SIGNS.sub(lambda sign: " " if sign[0] in "-," else "", spelled)
    return " ".join(without.replace("&", " and ").split())


@cache
def _codes() -> Mapping[str, str]:
    from pycountry import countries  # 30 ms that only those pay who map a country

    return {code: entry.alpha_2 for entry in countries for code in (entry.alpha_2, entry.alpha_3)}


@cache
def _names() -> Mapping[str, str]:
    known = one_meaning((_key(name), code) for name, code in _listed() if code in _codes())
    spoken = {_key(name): code for code, names in _SPOKEN.items() for name in names.split("|")}
    ambiguous = {_key(name) for name in _AMBIGUOUS.split("|")}
    return {name: code for name, code in {**known, **spoken}.items() if name not in ambiguous}


def _listed() -> Iterator[tuple[str, str]]:
    """Names and codes as ISO 3166-1, its translations and CLDR have them."""
    from pycountry import LOCALES_DIR, countries

    translations = [
        gettext.translation("iso3166-1", LOCALES_DIR, languages=[language], fallback=True).gettext
        for language in _TRANSLATIONS.split()
    ]
    for entry in countries:
        yield entry.alpha_3, entry.alpha_2
        for member in ("name", "official_name", "common_name"):
            if name := getattr(entry, member, None):
                yield name, entry.alpha_2
                yield from ((translate(name), entry.alpha_2) for translate in translations)
    for locale in locales():
        yield from ((name, code) for code, name in locale.territories.items())
        yield from ((name.partition(" (")[0], code) for code, name in locale.territories.items())
