"""A small segment builder: who fits all of these rules? Pure, but for the lock that callers hold."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.sandbox.braze.profiles import Profile, Profiles

OPERATORS = ("is", "is not", "contains", "more than", "less than", "exists", "did event")


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition; for `did event` the attribute is the event's name."""

    attribute: str
    operator: str
    value: str = ""


def members(profiles: Profiles, rules: Sequence[Rule]) -> list[Profile]:
    """People who fit every rule, the one updated last first. Callers hold the lock of `profiles`."""
    return [one for one in profiles.newest_first() if fits_all(one, rules)]


def fits_all(profile: Profile, rules: Iterable[Rule]) -> bool:
    """Whether a person fits every rule."""
    return all(fits(profile, rule) for rule in rules)


def fits(profile: Profile, rule: Rule) -> bool:
    """Whether a person fits one rule; text is compared without regard to case."""
    if rule.operator == "did event":
        return rule.attribute in profile.tallies
    held = value_of(profile, rule.attribute)
    if rule.operator == "exists":
        return held is not None
    if rule.operator == "is not":
        return not _is(held, rule.value)
    if held is None:
        return False
    if rule.operator == "is":
        return _is(held, rule.value)
    if rule.operator == "contains":
        return _contains(held, rule.value)
    return _compares(held, rule)


def value_of(profile: Profile, attribute: str) -> Any:
    """A custom attribute, a standard one, or the external id; dots lead into objects."""
    if attribute in profile.custom:
        return profile.custom[attribute]
    if attribute in profile.standard:
        return profile.standard[attribute]
    if attribute == "external_id":
        return profile.external_id
    held: Any = {**profile.standard, **profile.custom} if "." in attribute else None
    for part in attribute.split("."):
        held = held.get(part) if isinstance(held, dict) else None
    return held


def _text(value: Any) -> str:
    return str(value).casefold()


def _is(held: Any, value: str) -> bool:
    if isinstance(held, int | float) and not isinstance(held, bool):
        return held == _number(value)
    return held is not None and _text(held) == value.casefold()


def _contains(held: Any, value: str) -> bool:
    if isinstance(held, list):
        return any(_text(one) == value.casefold() for one in held)
    return value.casefold() in _text(held)


def _compares(held: Any, rule: Rule) -> bool:
    bound = _number(rule.value)
    if isinstance(held, int | float) and not isinstance(held, bool):
        return held > bound if rule.operator == "more than" else held < bound
    if isinstance(held, str) and math.isnan(_number(held)):
        return held > rule.value if rule.operator == "more than" else held < rule.value
    return False


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
