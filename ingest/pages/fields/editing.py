"""What a button of the editor does to its rows. Pure: the rows come from a form, and go into the next page."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from ingest.pages.fields.parts import Part, blank_part
from ingest.pages.fields.rows import LISTS, STARTERS, Row, row_of
from ingest.pages.fields.seen import SeenField

Rows = dict[str, list[Row]]

#: What is proposed where nothing says yet what happened: one event for each submission.
FIRST_EVENT: Final[Mapping[str, Any]] = {
    "name": "komo_submission",
    "properties": {"hub": "hub.name", "card": "card.name", "what": "submission.event"},
}


def press(rows: Rows, button: str, seen: Sequence[SeenField]) -> str | None:
    """
    Do what a button says: `add attributes`, `up attributes 3`, `remove-part events 1 properties 0`, `map email`.

    Args:
        rows: Changed in place.
        seen: What `map` may name, by label; what `map-all` takes.

    Returns: The id of the row that it was about, so that somebody goes on there; None if the button is none of these.
    """
    what, _, rest = button.partition(" ")
    if what == "map":
        return _map(rows, [one for one in seen if rest in (one.label, one.call)])
    if what == "map-all":
        return _map(rows, seen)
    if what == "map-event":
        return _add(rows, "events", FIRST_EVENT)
    name, *more = rest.split(" ")
    if name not in LISTS:
        return None
    if what == "add":
        return _add(rows, name, STARTERS[name])
    return _change(rows[name], what, more)


def is_for_all(one: SeenField) -> bool:
    """Whether `map-all` takes it: nothing that a link can set, no heaps of data, nothing that needs an id."""
    if one.suggestion is None or one.group not in ("fields", "answers"):
        return False
    return one.kind not in ("object", "object_array") and "group_id" not in one.suggestion.rule


def _map(rows: Rows, chosen: Iterable[SeenField]) -> str | None:
    first = None
    for one in chosen:
        if one.suggestion:
            added = _add(rows, one.suggestion.list, one.suggestion.rule)
            first = first or added
    return first


def _add(rows: Rows, name: str, rule: Mapping[str, Any]) -> str:
    row = row_of(name, _new_key(row.key for row in rows[name]), deepcopy(dict(rule)))
    rows[name].append(row)
    return row.id


def _change(rows: list[Row], what: str, more: Sequence[str]) -> str | None:
    at = next((at for at, row in enumerate(rows) if more and row.key == more[0]), None)
    if at is None:
        return None
    row = rows[at]
    if what in ("up", "down"):
        to = at + (1 if what == "down" else -1)
        if 0 <= to < len(rows):
            rows[at], rows[to] = rows[to], rows[at]
    elif what == "remove":
        del rows[at]
        return rows[min(at, len(rows) - 1)].id if rows else row.list
    elif what == "add-part" and more[1:] in (["when"], ["properties"]):
        present = parts(row, more[1])
        rows[at] = _with_parts(row, more[1], [*present, blank_part(more[1], _new_key(part.key for part in present))])
    elif what == "remove-part" and len(more) == 3 and more[1] in ("when", "properties"):
        rows[at] = _with_parts(row, more[1], [part for part in parts(row, more[1]) if part.key != more[2]])
    else:
        return None
    return row.id


def parts(row: Row, kind: str) -> tuple[Part, ...]:
    """The conditions or the properties of a row."""
    return row.when if kind == "when" else row.properties


def _with_parts(row: Row, kind: str, changed: Sequence[Part]) -> Row:
    return replace(row, when=tuple(changed)) if kind == "when" else replace(row, properties=tuple(changed))


def _new_key(keys: Iterable[str]) -> str:
    """Not among those that are there, nor a place of the rule that a part may have come from."""
    taken = {int(key[1:]) for key in keys if key.startswith("n") and key[1:].isdecimal()}
    return f"n{max(taken, default=0) + 1}"
