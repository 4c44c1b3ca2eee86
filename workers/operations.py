"""
What can be done to an attribute beside setting it, and what two submissions of one person come to. Pure.

    Add(values)                add to an array; a value that is there moves to its end
    Remove(values)             take out of an array
    Change(added, removed)     both at once; no value is in both
    Increment(by)              add to a number
    AddObjects(objects)        add to an array of objects

Every other value is one to set, None is one to clear.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from schemas.attribute_names import IDENTIFYING, STANDARD, SUBSCRIPTION
from workers.values import MAX_COMPOSITE_BYTES, MAX_ELEMENTS

#: So many strings, each as long as may be, stay below what an array may hold.
_MANY_VALUES = 60
_INTEGERS = range(-(2**63), 2**63)


class Operation:
    """Something to do to an attribute. Never changed once made, and no JSON by itself: `as_braze` makes it that."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and self.__class__ is other.__class__ and self._parts == other._parts

    def __hash__(self) -> int:
        return hash((self.__class__, self._parts))

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({', '.join(map(repr, self._parts))})"


class Add(Operation):
    """Add plain values to an array."""

    __slots__ = ()

    def __init__(self, values: Iterable[Any]) -> None:
        super().__init__(tuple(values))

    @property
    def values(self) -> tuple[Any, ...]:
        return self._parts[0]  # type: ignore[no-any-return]


class Remove(Operation):
    """Take plain values out of an array."""

    __slots__ = ()

    def __init__(self, values: Iterable[Any]) -> None:
        super().__init__(tuple(values))

    @property
    def values(self) -> tuple[Any, ...]:
        return self._parts[0]  # type: ignore[no-any-return]


class Change(Operation):
    """Add some values to an array and take others out; no mapping says that, folding comes to it."""

    __slots__ = ()

    def __init__(self, added: Iterable[Any], removed: Iterable[Any]) -> None:
        super().__init__(tuple(added), tuple(removed))

    @property
    def added(self) -> tuple[Any, ...]:
        return self._parts[0]  # type: ignore[no-any-return]

    @property
    def removed(self) -> tuple[Any, ...]:
        return self._parts[1]  # type: ignore[no-any-return]


class Increment(Operation):
    """Add an integer, which may be negative, to a number."""

    __slots__ = ()

    def __init__(self, by: int) -> None:
        super().__init__(by)

    @property
    def by(self) -> int:
        return self._parts[0]  # type: ignore[no-any-return]


class AddObjects(Operation):
    """Add objects to an array of objects."""

    __slots__ = ()

    def __init__(self, objects: Iterable[dict[str, Any]]) -> None:
        super().__init__(tuple(objects))

    __hash__ = None  # type: ignore[assignment]  # objects have none

    @property
    def objects(self) -> tuple[dict[str, Any], ...]:
        return self._parts[0]  # type: ignore[no-any-return]


class _CantFold:
    def __repr__(self) -> str:
        return "CANT_FOLD"


#: What `fold` returns where no one value says the same as two after each other.
CANT_FOLD: Final[Any] = _CantFold()


def is_operation(value: Any) -> bool:
    """Whether the value changes what Braze has, so that sending it twice is not the same as once."""
    return isinstance(value, Operation)


def as_braze(value: Any) -> Any:
    """
    The JSON of an attribute's value; usable as the `default` of `orjson.dumps`.

    Raises: TypeError for what is neither an operation nor JSON.
    Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
    """
    match value:
        case Add(values=values):
            return {"add": values}
        case Remove(values=values):
            return {"remove": values}
        case Change(added=added, removed=removed):
            return {"add": added, "remove": removed}
        case Increment(by=by):
            return {"inc": by}
        case AddObjects(objects=objects):
            return {"$add": objects}
        case None | str() | bool() | int() | float() | list() | dict():
            return value
    raise TypeError(f"{type(value).__name__} is no value of an attribute")


def fold(earlier: Any, later: Any) -> Any:
    """
    What two submissions of one person come to when one attributes object stands for both.

    An array that is already at its 500 elements may keep a value more than the two would after each other.

    Args:
        earlier, later: Values of the same attribute, plain ones or operations.

    Returns: The one value that does the same, or CANT_FOLD: then the two must travel in different requests.
    """
    if not isinstance(later, Operation):
        return later
    return _FOLDS[later.__class__](earlier, later)


def _fold_add(earlier: Any, later: Add) -> Any:
    if earlier is None or _is_plain_list(earlier):
        return _fitting(_at_the_end(earlier or (), later.values))
    if not isinstance(earlier, Add | Remove | Change):
        return CANT_FOLD
    added, removed = _parts(earlier)
    return _change(_fitting(_at_the_end(added, later.values)), _without(removed, later.values))


def _fold_remove(earlier: Any, later: Remove) -> Any:
    if earlier is None:
        return None
    if _is_plain_list(earlier):
        return _without(earlier, later.values) or None
    if not isinstance(earlier, Add | Remove | Change):
        return CANT_FOLD
    added, removed = _parts(earlier)
    gone = [*removed, *_without(later.values, removed)]
    return _change(_without(added, later.values), _fitting(gone) if len(gone) <= MAX_ELEMENTS else CANT_FOLD)


def _fold_change(earlier: Any, later: Change) -> Any:
    folded = fold(earlier, Add(later.added))
    return folded if folded is CANT_FOLD else fold(folded, Remove(later.removed))


def _fold_increment(earlier: Any, later: Increment) -> Any:
    if isinstance(earlier, Increment):
        by = earlier.by + later.by
        return Increment(by) if by in _INTEGERS else CANT_FOLD
    if earlier is None:
        return later.by
    if earlier.__class__ is int:
        return earlier + later.by if earlier + later.by in _INTEGERS else CANT_FOLD
    return earlier + later.by if earlier.__class__ is float else CANT_FOLD


def _fold_objects(earlier: Any, later: AddObjects) -> Any:
    if isinstance(earlier, AddObjects):
        objects = [*earlier.objects, *later.objects]
        return AddObjects(objects) if _is_small(objects) else CANT_FOLD
    if earlier is None or (isinstance(earlier, list) and all(isinstance(one, dict) for one in earlier)):
        objects = [*(earlier or ()), *later.objects]
        return objects if _is_small(objects) else CANT_FOLD
    return CANT_FOLD


_FOLDS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    Add: _fold_add,
    Remove: _fold_remove,
    Change: _fold_change,
    Increment: _fold_increment,
    AddObjects: _fold_objects,
}


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(one, dict) for one in value)


def _parts(earlier: Add | Remove | Change) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if isinstance(earlier, Change):
        return earlier.added, earlier.removed
    return (earlier.values, ()) if isinstance(earlier, Add) else ((), earlier.values)


def _keys(values: Iterable[Any]) -> dict[tuple[type, Any], Any]:
    """true and 1 are two values."""
    return {(value.__class__, value): value for value in values}


def _at_the_end(values: Iterable[Any], added: Iterable[Any]) -> list[Any]:
    new = _keys(added)
    return [*_without(values, new.values()), *new.values()][-MAX_ELEMENTS:]


def _without(values: Iterable[Any], gone: Iterable[Any]) -> list[Any]:
    keys = _keys(gone)
    return [value for value in values if (value.__class__, value) not in keys]


def _fitting(values: list[Any]) -> Any:
    return values if len(values) <= _MANY_VALUES or _is_small(values) else CANT_FOLD


def _is_small(values: list[Any]) -> bool:
    return len(orjson.dumps(values)) <= MAX_COMPOSITE_BYTES


def _change(added: Any, removed: Any) -> Any:
    if added is CANT_FOLD or removed is CANT_FOLD:
        return CANT_FOLD
    if not added:
        return Remove(removed)
    return Change(added, removed) if removed else Add(added)


def data_points(name: str, value: Any) -> int:
    """
    What Braze bills for one attribute of an attributes object; an event costs 1 beside it.

    Args:
        name: As mapped: a dotted one is a member of its object.
        value: Plain, or an operation.
    Source: https://www.braze.com/docs/user_guide/data/infrastructure/data_points/
    """
    if name in SUBSCRIPTION or name in IDENTIFYING or name.startswith("_"):
        return 0
    match value:
        case Add(values=values) | Remove(values=values):
            return len(values)
        case Change(added=added, removed=removed):
            return len(added) + len(removed)
        case AddObjects(objects=objects):
            return sum(map(_leaves, objects))
        case dict():
            return 1 if name in STANDARD else _leaves(value)
        case list():
            return sum(_leaves(one) if isinstance(one, dict) else 0 for one in value) or 1
    return 1


def _leaves(value: Any) -> int:
    if isinstance(value, dict) and "$time" not in value:
        return sum(map(_leaves, value.values())) or 1
    return 1
