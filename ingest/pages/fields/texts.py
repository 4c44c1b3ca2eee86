"""Values of a document as texts in a form's controls, and back. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

#: Browsers drop line ends from inputs, and nobody can type a NUL.
_UNSEEN = str.maketrans({"\r": None, "\n": None, "\0": "�"})


def same(typed: str, shown: str) -> bool:
    """Whether a control still says what was shown, whatever a browser does to line ends."""
    return typed == shown or typed.translate(_UNSEEN) == shown.translate(_UNSEEN)


def show_constant(value: Any) -> str:
    """A constant as it is typed: text as such, unless that would be read as something else."""
    if isinstance(value, str) and read_constant(value) == value:
        return value
    return orjson.dumps(value).decode()


def read_constant(text: str) -> Any:
    """What is typed as a fixed value: a number, true, false, null or any JSON is that, the rest is text."""
    text = text.strip()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    # A number of more digits than a number can hold is a text of digits.
    return text if isinstance(found, float) and text.lstrip("-").isdecimal() else found


def show_source(source: Any) -> tuple[str, str]:
    """Where a value comes from: field, question or value, and which."""
    if isinstance(source, str):
        return "field", source
    members: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
    if "value" in members:
        return "value", show_constant(members["value"])
    kind = "question" if "question" in members else "field"
    return kind, str(members.get(kind) or "")


def source_of(kind: str, text: str) -> dict[str, Any]:
    """The one member that says where a value comes from."""
    if kind == "value":
        return {"value": read_constant(text)}
    return {"question" if kind == "question" else "field": text.strip()}


def show_wanted(wanted: Any) -> tuple[str, bool]:
    """What a condition asks for: its values, one a line, and whether nothing will do as well."""
    values = wanted if isinstance(wanted, list) else [wanted]
    lines = [one if isinstance(one, str) else orjson.dumps(one).decode() for one in values if one is not None]
    return "\n".join(lines), None in values


def read_wanted(text: str, absent: bool) -> Any:
    """The values of a condition, a single one without a list; numbers and true are texts, as all are compared so."""
    values: list[Any] = [line.strip() for line in text.splitlines() if line.strip()]
    values += [None] if absent else []
    return values[0] if len(values) == 1 else values
