"""What people typed, hidden until somebody asks to see it. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: In place of a value, whatever its length.
DOTS = "\u2022\u2022\u2022\u2022\u2022"
STARS = "***"
#: Characters of a value that can be told from the words around it.
LEAST_QUOTED = 3
_EMAIL = re.compile(r"(.)[^@]*@(.)[^@]*?(\.[^.@]+)?", re.DOTALL)


def masked(value: str) -> str:
    """
    An identifier that can be recognised by who knows it, and not read by who does not: m***@e***.com, +61***12, 7***.

    Args:
        value: As it is kept.
    """
    email = _EMAIL.fullmatch(value)
    if email:
        return f"{email[1]}{STARS}@{email[2]}{STARS}{email[3] or ''}"
    if value.startswith("+") and value[1:].isdigit() and len(value) > 8:
        return f"{value[:3]}{STARS}{value[-2:]}"
    return f"{value[0]}{STARS}" if len(value) > 3 else STARS


def masked_person(person: Mapping[str, Any] | None) -> str:
    """The same of {kind, value, alias_label}; empty where nobody is known."""
    return masked(str(person["value"])) if person else ""


def without_quotes(text: str, body: Any) -> str:
    """
    The words of others without what they quote of a body.

    Args:
        text: On one line, as answers are kept.
        body: JSON; of its texts and numbers, those of LEAST_QUOTED characters or more count.
    """
    quoted = {" ".join(str(one).split()) for one in _leaves(body)}
    sought = sorted(
        (re.escape(one) for one in quoted if len(one) >= LEAST_QUOTED and one in text), key=len, reverse=True
    )
    return re.sub(rf"(?<!\w)(?:{'|'.join(sought)})(?!\w)", DOTS, text) if sought else text


def _leaves(value: Any) -> Iterator[Any]:
    """The values in JSON that are texts or numbers."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _leaves(inner)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        yield value


def without_values(value: Any) -> Any:
    """JSON with its keys and its shape; texts, numbers and yes and no become dots. What is empty stays so."""
    if isinstance(value, dict):
        return {key: without_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_values(inner) for inner in value]
    return value if value in (None, "") else DOTS
