"""What some samples of a field have in common: numbers, dates, lists, or just text. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from workers.values import MAX_STRING, yes_or_no

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})([.,][0-9]{1,9})?", re.ASCII)
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ISO_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*", re.ASCII)
_WRITTEN_DATE: Final = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}", re.ASCII)
#: A sign between the parts of a list, tried in this order.
_SEPARATORS: Final = ("|", ";", ",")
#: Longer parts are sentences, not entries of a list.
_LONGEST_PART: Final = 30


class Shape(NamedTuple):
    """How a field's values look."""

    #: A type of schemas.mapping.ValueType.
    kind: str = "string"
    #: Of dates that are not ISO 8601; empty also where day and month can't be told apart.
    format: str = ""
    separator: str = ""
    may_be_yes_or_no: bool = False
    is_card_number: bool = False
    #: A text that Braze would not store.
    is_too_long: bool = False


def shape_of(values: Sequence[Any]) -> Shape:
    """
    Args:
        values: Those that are neither null nor blank.
    """
    if not values:
        return Shape(may_be_yes_or_no=True)
    yes_no = all(yes_or_no(_trimmed(value)) is not None for value in values)
    if any(isinstance(value, list | dict) for value in values):
        return _composite(values)
    texts = [str(value).strip() for value in values if not isinstance(value, bool)]
    if len(texts) < len(values):
        return Shape("boolean" if not texts else "string", may_be_yes_or_no=yes_no)
    if any(len(text) > MAX_STRING for text in texts):
        return Shape(is_too_long=True)
    if any(_is_card_number(text) for text in texts):
        return Shape(is_card_number=True)
    if yes_no and not all(text in ("0", "1") for text in texts):
        return Shape("boolean", may_be_yes_or_no=True)
    if all(_NUMBER.fullmatch(text) for text in texts):
        return Shape("number", may_be_yes_or_no=yes_no)
    return _date(texts) or _separated(texts)


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _composite(values: Sequence[Any]) -> Shape:
    if any(isinstance(value, dict) for value in values):
        return Shape("object")
    elements = [element for value in values if isinstance(value, list) for element in value]
    return Shape("object_array" if any(isinstance(element, dict) for element in elements) else "array")


def _date(texts: Sequence[str]) -> Shape | None:
    if all(_ISO_DATE.fullmatch(text) for text in texts):
        return Shape("date")
    if all(_ISO_TIME.fullmatch(text) for text in texts):
        return Shape("datetime")
    found = [_WRITTEN_DATE.fullmatch(text) for text in texts]
    dates = [match for match in found if match]
    if len(dates) < len(texts) or len({(match[2], len(match[4])) for match in dates}) > 1:
        return None
    sign, year = dates[0][2], "Y" * len(dates[0][4])
    # Dots are written day first wherever they are written; for the other signs a day above 12 has to tell.
    if sign == "." or any(int(match[1]) > 12 for match in dates):
        return Shape("date", f"DD{sign}MM{sign}{year}")
    return Shape("date", f"MM{sign}DD{sign}{year}" if any(int(match[3]) > 12 for match in dates) else "")


def _separated(texts: Sequence[str]) -> Shape:
    for sign in _SEPARATORS:
        parts = [text.split(sign) for text in texts]
        many = [one for one in parts if len(one) > 1]
        if len(many) * 2 >= len(parts) and all(_are_entries(one) for one in parts):
            return Shape("array", separator=sign)
    return Shape()


def _are_entries(parts: Sequence[str]) -> bool:
    return all(len(part) <= _LONGEST_PART and len(part.split()) <= 3 for part in parts)


def _is_card_number(text: str) -> bool:
    """13 to 19 digits whose check digit is right. https://en.wikipedia.org/wiki/Luhn_algorithm"""
    if not _DIGITS.fullmatch(text):
        return False
    digits = [int(sign) for sign in reversed(text) if sign.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
