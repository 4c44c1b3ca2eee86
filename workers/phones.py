"""
Phone numbers as people type them → E.164. Pure.

Ten digits without a plus sign are an American number to Braze, whatever the person meant.
Source: https://www.braze.com/docs/user_guide/message_building_by_channel/sms_mms_and_rcs/message_setup/user_phone_numbers/
"""

import re
from functools import lru_cache
from typing import Any

import phonenumbers

from workers.flaws import Convert, Flawed

#: Distinct numbers remembered: the same ones come back with every submission of a person.
REMEMBERED = 20_000
#: Longer than any phone number that somebody typed with signs between its digits.
MAX_LENGTH = 40

#: Letters that belong to a number: what announces it, and what announces the extension behind it.
_LETTERS = re.compile(r"(tel(efon|ephone)?|phone|mob(ile)?)?[^a-z]*((ext(n|ension)?|x|int|durchwahl|dw)[^a-z]*)?")


def phone(region: str | None) -> Convert:
    """
    A converter to E.164, without the extension.

    Args:
        region: ISO alpha-2 code of the country in which national numbers are read; without one they are left out.
    """

    def convert(value: Any) -> Any:
        if value.__class__ is int:
            value = str(value)
        return _phone(value, region) if value.__class__ is str else Flawed("phone_not_valid")

    return convert


@lru_cache(REMEMBERED)
def _phone(written: str, region: str | None) -> Any:
    written = written.strip()
    if not 3 < len(written) <= MAX_LENGTH or _LETTERS.fullmatch(written.lower()) is None:
        return Flawed("phone_not_valid")
    found = _valid(written, region)
    if found is None and written.startswith("00"):
        found = _valid(f"+{written[2:]}", None)  # So it is dialled in most countries, though not in all.
    return found or Flawed("phone_not_valid")


def _valid(written: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
