"""The data-capture form: what a person typed → the strings that Komo would post, or what is wrong with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from .cards import Card, FormField

#: Longest text taken from one field, in characters.
MAX_FIELD_CHARS = 200

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Posted(Protocol):
    """What a web framework gives for a posted form: one key may hold several values."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class Filled:
    """A form as filled in: `values` by field key, every one a string, and `problems` by field key."""

    values: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)


def read_form(card: Card, posted: Posted) -> Filled:
    """
    Read a card's form.

    Empty optional fields stay, as empty strings; the consent is "true" or "false"; several choices are one string
    with commas. How Komo writes the last two is not documented, except for a given consent.
    Source: https://developers.komo.tech/webhook-events/form
    """
    values = {spec.key: _value(spec, posted.getlist(spec.key)) for spec in card.fields}
    problems = {spec.key: problem for spec in card.fields if (problem := _problem(spec, values[spec.key]))}
    return Filled(values, problems)


def _value(spec: FormField, given: list[str]) -> str:
    if spec.kind == "consent":
        return "true" if given else "false"
    if spec.kind == "choices":
        return ",".join(choice for choice in spec.choices if choice in given)
    return given[0].strip() if given else ""


def _problem(spec: FormField, value: str) -> str:
    if not value:
        return f"{spec.label} is needed." if spec.required else ""
    if len(value) > MAX_FIELD_CHARS:
        return f"{spec.label} may have at most {MAX_FIELD_CHARS} characters."
    return _wrong_kind(spec, value)


def _wrong_kind(spec: FormField, value: str) -> str:
    match spec.kind:
        case "email" if not _EMAIL.fullmatch(value):
            return "This does not look like an email address."
        case "date" if not _is_date(value):
            return "Please give a date like 1991-08-17."
        case "number" if not re.fullmatch(r"\d{1,4}(\.\d{1,2})?", value):
            return "Please give a number like 7.5."
        case "select" if value not in spec.choices:
            return "Please pick one from the list."
        case _:
            return ""


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("1991-08-17")
