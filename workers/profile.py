"""What one person's attributes come to in a request: the submissions' values, folded oldest first. Pure."""

from collections.abc import Sequence
from typing import Any

from schemas.attribute_names import GROUPS
from schemas.person import Person
from workers.operations import CANT_FOLD, Operation, fold

#: Objects that are always written whole, with or without Braze's flag to merge.
_ALWAYS_WHOLE = frozenset({"user_alias", "current_location"})
#: Values that must stay out of reach of Braze's flag to merge.
_REPLACING = frozenset({dict, *Operation.__subclasses__()})


class Profile:
    """One person's attributes in a request."""

    __slots__ = ("bystanders", "merged", "person", "positions", "whole")

    def __init__(self, person: Person, existing_only: bool) -> None:
        self.person = person
        #: The identifier, then name to value; an object replaces what Braze has.
        self.whole: dict[str, Any] = person.identifier()
        #: Objects that Braze merges into what it has.
        self.merged: dict[str, Any] = {}
        #: Whose attributes these are, and who only needs the alias to exist.
        self.positions: list[int] = []
        self.bystanders: list[int] = []
        if existing_only:
            self.whole["_update_existing_only"] = True
        elif person.kind == "user_alias":
            self.whole["_update_existing_only"] = False

    def take(self, position: int, attributes: dict[str, Any]) -> bool:
        """
        Fold in what the next submission says: later values win, operations change what is there.

        Returns: False if one object can't say both; this profile must then be thrown away.
        """
        if not attributes:
            self.bystanders.append(position)
            return True
        first = not self.positions
        self.positions.append(position)
        whole, merged = self.whole, self.merged
        if not merged and "." not in "\n".join(attributes) and (first or not _has_to_be_folded(attributes)):
            whole.update(attributes)
            return True
        if first and self._take_first(attributes):
            return True
        for name, value in attributes.items():
            if "." in name:
                taken = self._take_member(name, value, first)
            elif first or (name != GROUPS and not isinstance(value, Operation)):
                merged.pop(name, None)
                whole[name] = value
                continue
            else:
                taken = self._fold(name, value)
            if not taken:
                return False
        return True

    def _take_first(self, attributes: dict[str, Any]) -> bool:
        """The usual case, quickly: members whose objects are not named as a whole beside them."""
        dotted = [name for name in attributes if "." in name]
        if not attributes.keys().isdisjoint([name.partition(".")[0] for name in dotted]):
            return False
        self.whole.update(attributes)
        for name in dotted:
            self._take_member(name, self.whole.pop(name), True)
        return True

    def _take_member(self, name: str, value: Any, first: bool) -> bool:
        """Into its object; where an operation is due to that, the later rule wins within one submission."""
        top, *path = name.split(".")
        if isinstance(self.whole.get(top), Operation):
            if not first:
                return False
            del self.whole[top]
        for key in reversed(path):
            value = {key: value}
        target = self.whole if top in self.whole else self.merged
        target[top] = _deep(target.get(top), value)
        return True

    def _fold(self, name: str, value: Any) -> bool:
        whole = self.whole
        if name not in whole:
            whole[name] = value
            return name not in self.merged
        whole[name] = _both_groups(whole[name], value) if name == GROUPS else fold(whole[name], value)
        return whole[name] is not CANT_FOLD

    def objects(self) -> Sequence[dict[str, Any]]:
        """
        One attributes object; two where some objects replace and others merge: that is said per attributes object.

        The two share no attribute, so that their order, which Braze does not promise, makes no difference.

        Source: https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support/
        """
        person, whole, merged = self.person, self.whole, self.merged
        if person.kind in ("email", "phone"):
            whole[person.kind] = person.value  # No attribute may stand in for what the person is found by.
        if not merged:
            return (whole,)
        replacing = [name for name, value in whole.items() if value.__class__ in _REPLACING]
        if not _ALWAYS_WHOLE.issuperset(replacing):
            start = {name: whole[name] for name in (*person.identifier(), "_update_existing_only") if name in whole}
            return (whole, {**start, "_merge_objects": True, **merged})
        return ({**whole, "_merge_objects": True, **merged},)


def _has_to_be_folded(attributes: dict[str, Any]) -> bool:
    return GROUPS in attributes or any(isinstance(value, Operation) for value in attributes.values())


def _both_groups(earlier: Any, later: Any) -> Any:
    """One element per group, the later one."""
    if not isinstance(earlier, list) or not isinstance(later, list):
        return later
    return list({group["subscription_group_id"]: group for group in [*earlier, *later]}.values())


def _deep(base: Any, change: Any) -> Any:
    """What Braze's own merge comes to; both sides stay as they are."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    return base | {key: _deep(base.get(key), value) for key, value in change.items()}
