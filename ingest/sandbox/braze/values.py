"""What becomes of the value of a custom attribute: its type, operations, and the ways in which Braze drops it."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from ingest.sandbox.braze import formats
from ingest.sandbox.braze.validation import is_number

#: https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types
MAX_STRING = 255
MAX_ARRAY = 500
MAX_OBJECT_BYTES = 100 * 1024
ARRAY_OPERATIONS = frozenset({"add", "remove"})
OBJECT_ARRAY_OPERATIONS = frozenset({"$add", "$remove", "$update"})
_BAD_KEY = re.compile(r"[ .$]")
_TRUE, _FALSE = frozenset({"1", "true", "t"}), frozenset({"0", "false", "f"})


@dataclass(frozen=True, slots=True)
class Written:
    """A value that Braze stores."""

    value: Any
    #: The value's type, to be fixed for the whole workspace; None where the value does not tell.
    kind: str | None
    points: int
    #: Something was lost on the way, without a word in the reply.
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A value that Braze ignores without saying so."""

    why: str
    #: No page says what happens to it.
    undocumented: bool = False


def write(before: Any, sent: Any, fixed: str | None, *, forced: bool, merge: bool) -> Written | Dropped:
    """
    The value of a custom attribute after an update.

    Args:
        before: The value so far; None where there is none.
        sent: The value in the request; not null.
        fixed: The attribute's type in this workspace, if it has one.
        forced: Whether values are turned into that type where possible.
        merge: Whether `_merge_objects` is true in the attributes object.
    """
    if isinstance(sent, str):
        return _coerced(sent, "time" if formats.looks_like_time(sent) else "string", fixed, forced)
    if isinstance(sent, bool):
        return _coerced(sent, "boolean", fixed, forced)
    if isinstance(sent, int | float):
        return _coerced(sent, "number", fixed, forced)
    if isinstance(sent, list):
        return _write_list(sent, fixed)
    return _write_object(before, sent, fixed, merge)


def _coerced(sent: Any, kind: str, fixed: str | None, forced: bool) -> Written | Dropped:
    if kind == "string" and len(sent) > MAX_STRING:
        return Dropped("string_too_long")
    if fixed is None or fixed == kind:
        return Written(sent, kind, 1)
    if kind == "time" and fixed == "string":
        return Written(sent, "string", 1)
    turned = _turn(sent, fixed) if forced else None
    return Dropped("type_mismatch") if turned is None else Written(turned, fixed, 1)


def _turn(sent: Any, kind: str) -> Any:
    """Source: https://www.braze.com/docs/user_guide/data/activation/custom_data/managing_custom_data"""
    text = str(sent).lower() if isinstance(sent, bool) else str(sent)
    if kind == "string":
        return text
    if kind == "boolean" and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind == "number" and not isinstance(sent, bool):
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            return None
    return None


def _write_list(sent: list[Any], fixed: str | None) -> Written | Dropped:
    if sent and all(isinstance(one, dict) for one in sent):
        return _fit_objects(sent, fixed, sum(map(leaves, sent)))
    if fixed not in (None, "array") and (sent or fixed != "object_array"):
        return Dropped("type_mismatch")
    if any(one is None or isinstance(one, dict | list) for one in sent):
        return Dropped("array_element", undocumented=True)
    return _fit_array(list(dict.fromkeys(sent)), 1, "array" if sent else None)


def _fit_array(values: list[Any], points: int, kind: str | None = "array") -> Written | Dropped:
    if any(isinstance(one, str) and len(one) > MAX_STRING for one in values):
        return Dropped("array_element_too_long", undocumented=True)
    if len(values) > MAX_ARRAY:
        return Written(values[-MAX_ARRAY:], kind, points, lost="array_too_long")
    return Written(values, kind, points)


def _fit_objects(items: list[Any], fixed: str | None, points: int) -> Written | Dropped:
    if fixed not in (None, "object_array"):
        return Dropped("type_mismatch")
    why = next(filter(None, map(_check_nested, items)), None)
    if why:
        return Dropped(why)
    return Dropped("object_too_large") if _too_large(items) else Written(items, "object_array", points)


def _write_object(before: Any, sent: dict[str, Any], fixed: str | None, merge: bool) -> Written | Dropped:
    keys = sent.keys()
    if keys == {"inc"}:
        return _increment(before, sent["inc"], fixed)
    if keys and keys <= ARRAY_OPERATIONS:
        return _change_array(before, sent, fixed)
    if keys and keys <= OBJECT_ARRAY_OPERATIONS:
        return _change_objects(before, sent, fixed, merge)
    if fixed not in (None, "object"):
        return Dropped("type_mismatch")
    why = _check_nested(sent)
    if why:
        return Dropped(why)
    whole = merged(before, sent) if merge and isinstance(before, dict) else sent
    return Dropped("object_too_large") if _too_large(whole) else Written(whole, "object", leaves(sent))


def _increment(before: Any, by: Any, fixed: str | None) -> Written | Dropped:
    if not isinstance(by, int) or isinstance(by, bool):
        return Dropped("bad_increment", undocumented=True)
    if fixed not in (None, "number"):
        return Dropped("type_mismatch")
    return Written((before if is_number(before) else 0) + by, "number", 1)


def _change_array(before: Any, sent: dict[str, Any], fixed: str | None) -> Written | Dropped:
    if fixed not in (None, "array"):
        return Dropped("type_mismatch")
    added, removed = sent.get("add", []), sent.get("remove", [])
    if not isinstance(added, list) or not isinstance(removed, list):
        return Dropped("bad_array_operation", undocumented=True)
    if any(one is None or isinstance(one, dict | list) for one in [*added, *removed]):
        return Dropped("array_element", undocumented=True)
    fresh = dict.fromkeys(added)
    stay = [one for one in (before or []) if one not in fresh]
    kept = [one for one in [*stay, *fresh] if one not in removed]
    return _fit_array(kept, len(added) + len(removed))


def _change_objects(before: Any, sent: dict[str, Any], fixed: str | None, merge: bool) -> Written | Dropped:
    """Braze's order: add, remove, update. Source: https://www.braze.com/docs/user_guide/data/activation/attributes/array_of_objects"""
    items = [*(before or []), *sent.get("$add", [])] if isinstance(sent.get("$add", []), list) else None
    removals, updates = sent.get("$remove", []), sent.get("$update", [])
    if items is None or not isinstance(removals, list) or not isinstance(updates, list):
        return Dropped("bad_array_operation", undocumented=True)
    if not all(isinstance(one, dict) for one in [*items, *removals, *updates]):
        return Dropped("bad_array_operation", undocumented=True)
    for one in removals:
        items = [item for item in items if not _picked(item, one)]
    for one in updates:
        new = one.get("$new_object")
        if not isinstance(new, dict):
            return Dropped("bad_array_operation", undocumented=True)
        items = [(merged(item, new) if merge else new) if _picked(item, one) else item for item in items]
    points = sum(map(leaves, sent.get("$add", []))) + len(removals) + sum(leaves(one["$new_object"]) for one in updates)
    return _fit_objects(items, fixed, points)


def _picked(item: dict[str, Any], by: dict[str, Any]) -> bool:
    key = by.get("$identifier_key")
    return isinstance(key, str) and key in item and item[key] == by.get("$identifier_value")


def _check_nested(value: Any) -> str | None:
    """Why Braze drops the whole attribute for something inside it; None where it does not."""
    if value is None:
        return "null_inside_object"
    if isinstance(value, str):
        return "nested_string_too_long" if len(value) > MAX_STRING else None
    if isinstance(value, list):
        return next(filter(None, map(_check_nested, value)), None)
    if not isinstance(value, dict):
        return None
    if "$time" in value:
        at = formats.read_time(value["$time"])
        return None if at is not None and len(value) == 1 else "bad_time_inside_object"
    if any(not key or len(key) > MAX_STRING or _BAD_KEY.search(key) for key in value):
        return "bad_key_inside_object"
    return next(filter(None, map(_check_nested, value.values())), None)


def _too_large(value: Any) -> bool:
    return len(orjson.dumps(value)) > MAX_OBJECT_BYTES


def merged(before: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """A deep merge: what is not mentioned stays."""
    whole = dict(before)
    for key, value in sent.items():
        old = whole.get(key)
        whole[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole


def leaves(value: Any) -> int:
    """How many single values an object holds: what Braze bills for it."""
    if isinstance(value, dict) and "$time" not in value:
        return sum(map(leaves, value.values())) or 1
    return 1
