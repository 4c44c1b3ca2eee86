"""How a mapping says in which order a date is written: YYYY, MM, DD and the like, and the signs between them."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: What each token stands for. Two-digit years and names of months are read only where a format asks for them.
TOKENS: Final = {
    "YYYY": "year",
    "YY": "short_year",
    "MMMM": "month_name",
    "MMM": "month_name",
    "MM": "month",
    "M": "month",
    "DD": "day",
    "D": "day",
    "HH": "hour",
    "H": "hour",
    "mm": "minute",
    "ss": "second",
}
_TOKEN = re.compile("|".join(TOKENS))


class Part(NamedTuple):
    """A token and what stands before it."""

    before: str
    token: str
    #: A key of a date and time, `short_year` or `month_name`.
    name: str


def parts(pattern: str) -> Iterator[Part]:
    """A format's tokens in their order, and at the end what follows the last one, with an empty token."""
    place = 0
    for found in _TOKEN.finditer(pattern):
        yield Part(pattern[place : found.start()], found[0], TOKENS[found[0]])
        place = found.end()
    yield Part(pattern[place:], "", "")


def format_problem(pattern: str) -> str | None:
    """Why a text is no format, in one sentence; None if it is one."""
    found = list(parts(pattern))
    names = [part.name for part in found if part.name]
    if any(sign.isalnum() and sign != "T" for part in found for sign in part.before):
        return "Write the date as YYYY, MM, DD, HH, mm, ss and the signs between them, such as DD/MM/YYYY."
    if not {"year", "short_year"} & set(names):
        return "A format needs the year: YYYY, or YY where it is written with two digits."
    kinds = ["month" if name == "month_name" else "year" if name == "short_year" else name for name in names]
    if len(set(kinds)) < len(kinds):
        return "A format names each part of the date once."
    return None
