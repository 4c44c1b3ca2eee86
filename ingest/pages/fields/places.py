"""Where in the editor something is that the schema, or a trial, has found at a place of the document. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ingest.pages.fields.rows import CONTROLS, LISTS, PROPERTIES, Row, is_blank, rule_of
from workers.subscriptions import ATTRIBUTES as CONSENT

#: The control that stands for a whole rule.
_FIRST: Final = {"attributes": "what", "subscriptions": "field", "events": "name", "sends": "id"}
_SOURCE: Final = ("field", "question", "value")


def numbered(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The rows that stand for the rules of the document, in their order."""
    return {name: [row for row in rows[name] if not is_blank(row)] for name in LISTS}


def control_at(pointer: str, rows: Mapping[str, Sequence[Row]]) -> str | None:
    """
    The id of the control for a place in the document; None if the place has no row here.

    Args:
        pointer: A JSON pointer, such as `/attributes/3/format`.
        rows: As `numbered` returns them.
    """
    name, *steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]] or [""]
    if name not in LISTS or not steps or not steps[0].isdecimal() or int(steps[0]) >= len(rows[name]):
        return None
    row, inside = rows[name][int(steps[0])], steps[1:]
    return f"{row.id}.{_control(row, inside)}"


def _control(row: Row, inside: Sequence[str]) -> str:
    first = _FIRST[row.list]
    if not inside:
        return first
    if inside[0] == "when":
        return _part(row, "when", "path", inside[1:], "values") or first
    if inside[0] == PROPERTIES.get(row.list):
        return _part(row, "properties", "name", inside[1:], "what") or first
    if row.list == "attributes" and inside[0] in _SOURCE:
        return "what"
    return inside[0] if inside[0] in CONTROLS[row.list] else first


def _part(row: Row, kind: str, named_by: str, inside: Sequence[str], otherwise: str) -> str | None:
    parts = row.when if kind == "when" else row.properties
    found = next((part for part in parts if inside and part.typed[named_by].strip() == inside[0]), None)
    if found is None:
        return None
    if kind == "properties" and inside[1:] and inside[1] in found.typed:
        otherwise = "what" if inside[1] in _SOURCE else inside[1]
    return f"{kind}.{found.key}.{otherwise if found.typed[named_by].strip() else named_by}"


def row_about(owner: str, rows: Mapping[str, Sequence[Row]]) -> Row | None:
    """
    The row whose rule a warning is about.

    Args:
        owner: What stands before the flaw: an attribute, `event.property`, `sends.2.property`, or a kind of consent.
        rows: As `numbered` returns them.
    """
    start, _, number = owner.partition(".")
    at = number.partition(".")[0]
    if start == "sends" and at.isdecimal() and 0 < int(at) <= len(rows["sends"]):
        return rows["sends"][int(at) - 1]
    if owner in CONSENT.values():
        return next((row for row in rows["subscriptions"] if CONSENT.get(rule_of(row).get("kind", "")) == owner), None)
    return _named(rows["attributes"], "attribute", owner) or _named(rows["events"], "name", owner)


def _named(rows: Sequence[Row], member: str, owner: str) -> Row | None:
    """The one of exactly this name, or else of which the owner is a part."""
    names: list[tuple[Row, Any]] = [(row, rule_of(row).get(member)) for row in rows]
    exact = (row for row, name in names if name == owner)
    return next(exact, None) or next((row for row, name in names if name and owner.startswith(f"{name}.")), None)
