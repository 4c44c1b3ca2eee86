"""
Names and codes of languages → a code of Braze's list. Pure.

Source: https://www.braze.com/docs/user_guide/data/unification/user_data/language_codes
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from workers.flaws import Flawed
from workers.locales import locales, one_meaning
from workers.words import MAX_WORDS, plain

#: Distinct spellings remembered.
REMEMBERED = 5_000

_LISTED = (
    "en af agq ak sq am ar hy as ay az ksf bas eu be bem bn bez bs br bg my km ca tzm chr cgg zh swc kw hr cs da "
    "dav dua nl dz guz et eo ewo ee fo fa fil fi fr gl lg ka de gsw el kl gn gu ha haw he hi hu is ig id iu ga it "
    "jv ja dyo kab kln kam kn ks kk ebu ki rw ky ko ku lo la lv ln lt lu lb luo luy jmc mk mg ms ml mt gv mr mas "
    "mer mo mn mfe mua naq ne nd nb nus nyn nn om ps ff pl pt pa qu rm ro rof ru rwk saq se sbp sa gd sr seh ksb "
    "sn ii sd si sk sl so es sw sv shi tl tg ta twq tt te teo th bo ti to tr tk ug uk ur uz vai vi vun cy xh yav "
    "yi yo dje zu or rn su asa bm brx kde kea khq kok mgh ses xog"
)
#: What Braze knows: most of ISO 639-1, and some of three letters.
CODES = frozenset(_LISTED.split())
#: Codes that others use for languages of that list. https://www.iana.org/assignments/language-subtag-registry
_OTHER_CODES = {"no": "nb", "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "cmn": "zh", "prs": "fa"}
#: What people write and the lists do not have.
_SPOKEN = {
    "zh": "Mandarin|Cantonese|中文|汉语|漢語|普通话|國語|国语|Mandarín|Mandarim",
    "fa": "Farsi|Dari",
    "es": "Castellano|Castilian",
    "nl": "Flemish|Flämisch|Vlaams|Flamand",
    "nb": "Norsk|Bokmål|Norwegian|Norwegisch|Norvégien|Noruego|Norvegese|Noors|Norweski|Norska",
    "pa": "Panjabi",
    "ro": "Moldovan",
    "id": "Bahasa|Bahasa Indonesia",
    "ms": "Bahasa Melayu|Bahasa Malaysia",
}
#: Names that the lists have for two.
_AMBIGUOUS = "Lu|Luba|Sami|Ndebele"


def language(value: Any) -> Any:
    """A code of Braze's list, from a code of two or three letters, without the region of en-AU, or a name."""
    found = _language(value) if isinstance(value, str) and len(value) <= MAX_WORDS else None
    return found or Flawed("language_unknown")


@lru_cache(REMEMBERED)
def _language(written: str) -> str | None:
    spelled = plain(written)
    code = re.split("[-_]", spelled, maxsplit=1)[0]
    if code in CODES:
        return code
    if code in _OTHER_CODES:
        return _OTHER_CODES[code]
    names = _names()
    return (names.get(code) if len(code) == 3 else None) or names.get(spelled) or names.get(spelled.partition(" (")[0])


@cache
def _names() -> Mapping[str, str]:
    known = one_meaning((plain(name), code) for name, code in _listed() if code in CODES)
    spoken = {plain(name): code for code, names in _SPOKEN.items() for name in names.split("|")}
    ambiguous = {plain(name) for name in _AMBIGUOUS.split("|")}
    return {name: code for name, code in {**known, **spoken}.items() if name not in ambiguous}


def _listed() -> Iterator[tuple[str, str]]:
    """Codes of three letters as ISO 639 has them, and names as CLDR has them, of a region's variety, too."""
    from pycountry import languages  # only those pay who map a language

    for entry in languages:
        if code := getattr(entry, "alpha_2", None):
            code = _OTHER_CODES.get(code, code)
            yield entry.alpha_3, code
            yield getattr(entry, "bibliographic", entry.alpha_3), code
    for locale in locales():
        for tag, name in locale.languages.items():
            code = tag.partition("_")[0]
            yield name, _OTHER_CODES.get(code, code)
