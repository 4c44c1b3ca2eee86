"""
Texts of others amid our own words: whatever they hold, they must not turn around what stands beside them. Pure.

Arabic and Hebrew run from right to left, and a text may hold signs that turn around everything behind them. In HTML an
element of its own with `dir="auto"`, or `<bdi>`, keeps that inside. Where there is no element, in a title, a label, or
the middle of a sentence, two signs that nobody sees do the same.
Source: https://www.unicode.org/reports/tr9/ (isolates), https://www.w3.org/International/articles/inline-bidi-markup/
"""

import re
import unicodedata

from markupsafe import Markup

#: First strong isolate, and pop directional isolate.
BEGIN, END = "\u2068", "\u2069"
#: Bidirectional classes of what changes the direction of anything.
_TURNING = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})
#: What would end, or begin, an isolate within ours.
_ISOLATES = re.compile("[\u2066-\u2069]")
#: A text in JSON with its quotation marks; the last one may be missing where the JSON was cut.
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def is_turning(text: str) -> bool:
    """Whether any sign of a text runs from right to left, or turns others around."""
    return not text.isascii() and any(unicodedata.bidirectional(sign) in _TURNING for sign in text)


def apart(text: object) -> str:
    """A text to be put among other words; one that only runs from left to right stays as it is."""
    said = str(text)
    return f"{BEGIN}{_ISOLATES.sub('', said)}{END}" if is_turning(said) else said


def json_apart(text: str) -> Markup:
    """JSON as HTML in which each text keeps its direction to itself, and that still is copied as it was."""
    parts, end = list[Markup](), 0
    for found in _JSON_TEXT.finditer(text) if is_turning(text) else ():
        if is_turning(found[0]):
            parts += Markup.escape(text[end : found.start()]), Markup("<bdi>{}</bdi>").format(found[0])
            end = found.end()
    return Markup("").join([*parts, Markup.escape(text[end:])])
