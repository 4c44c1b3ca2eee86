"""
Numbers as people and forms write them. Pure.

Which sign stands before the decimals is a matter of country, so a number is only read where it can mean one thing:

    7   -7   7.5   1e3          as programs write them; a dot alone is always the decimal sign
    7,5   0,125   1234,567      a comma alone is the decimal sign, unless it may separate thousands:
    1,234                       left out, as it is 1234 to some and 1.234 to others
    1.234,56   1,234.56         the last of two different signs is the decimal sign
    1.234.567   1,234,567       a sign that stands twice separates thousands
    1 234,56   1'234.56         blanks and apostrophes do so, too
"""

import re
from math import isfinite
from typing import Any

from workers.flaws import Flawed

#: More digits than this are no number that somebody counted.
MAX_DIGITS = 40

_PLAIN = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL = re.compile(r"\d{1,40}(\.\d{1,40})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}([ \u00a0\u2009\u202f'’]\d{3})+(?=\D|$)", re.ASCII)
_SEPARATED = {
    "comma before dot": re.compile(r"\d{1,3}(,\d{2,3})*,\d{3}\.\d{1,40}", re.ASCII),
    "dot before comma": re.compile(r"\d{1,3}(\.\d{3})+,\d{1,40}", re.ASCII),
    "several commas": re.compile(r"\d{1,3}(,\d{2,3})*,\d{2,3},\d{3}", re.ASCII),
    "several dots": re.compile(r"\d{1,3}(\.\d{3}){2,}", re.ASCII),
    "decimal comma": re.compile(r"\d{1,40},\d{1,40}", re.ASCII),
}
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)


def number(value: Any) -> Any:
    """An integer of 64 bits or a finite float: "7" is 7, "7,5" is 7.5, and so is 7.5."""
    kind = value.__class__
    if kind is str:
        if value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        value = _read(value.strip())
        kind = value.__class__
    if kind is int:
        return value if -(2**63) <= value < 2**63 else Flawed("number_out_of_range")
    if kind is float:
        return value if isfinite(value) else Flawed("number_out_of_range")
    return value if kind is Flawed else Flawed("not_a_number")


def _read(written: str) -> int | float | Flawed | None:
    match = _PLAIN.fullmatch(written)
    if match is not None:
        return int(written) if match[1] is None and match[2] is None else float(written)
    if len(written) > 2 * MAX_DIGITS:
        return None
    sign, digits = ("-", written[1:]) if written[:1] in ("-", "−") else ("", written.removeprefix("+"))
    if _AMBIGUOUS.fullmatch(digits):
        return Flawed("number_ambiguous")
    plain = _without_separators(_GROUPED.sub(_digits_alone, digits, count=1))
    match = None if plain is None else _DECIMAL.fullmatch(plain)
    if match is None:
        return None
    return int(sign + match[0]) if match[1] is None else float(sign + match[0])


def _digits_alone(match: re.Match[str]) -> str:
    """A match starts at the front only: groups elsewhere are no thousands."""
    return "".join(sign for sign in match[0] if sign.isdigit()) if match.start() == 0 else match[0]


def _without_separators(digits: str) -> str | None:
    """The number as programs write it; None if the separators make no sense."""
    if _DECIMAL.fullmatch(digits):
        return digits
    found = next((name for name, pattern in _SEPARATED.items() if pattern.fullmatch(digits)), None)
    match found:
        case "comma before dot" | "several commas":
            return digits.replace(",", "")
        case "dot before comma":
            return digits.replace(".", "").replace(",", ".")
        case "several dots":
            return digits.replace(".", "")
        case "decimal comma":
            return digits.replace(",", ".")
        case _:
            return None
