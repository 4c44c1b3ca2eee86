"""Words as people write them, brought to one spelling so that they can be looked up. Pure."""

import re
from unicodedata import normalize

#: Longer than any name of a country, language or gender, and than any yes or no.
MAX_WORDS = 100

#: Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are letters, not accents.
_ACCENTS = re.compile("[\u0300-\u036f]")
#: Signs that people type in several forms, and letters that others write without their strokes.
_SPELLINGS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "‐": "-", "‑": "-", "–": "-", "—": "-"}
) | str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})


def plain(written: str) -> str:
    """Lower case, without accents and needless blanks: `Îles  Åland` is `iles aland`. Other scripts keep theirs."""
    if written.isascii():
        return " ".join(written.lower().split())
    folded = normalize("NFD", normalize("NFKC", written).casefold())
    return normalize("NFC", " ".join(_ACCENTS.sub("", folded).translate(_SPELLINGS).split()))
