"""What an integration document may say, but probably does not mean. For people, each with its place."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from schemas.attribute_names import STANDARD, STANDARD_TYPES, misspelling
from schemas.paths import ELEMENT, SECTIONS, parse_element_path, parse_path
from schemas.problems import Problem, pointer
from schemas.submission import Path

#: Names of Braze's recommended events, which it checks against a schema of its own.
#: https://www.braze.com/docs/user_guide/data/activation/events/recommended_events/
RECOMMENDED_EVENTS = frozenset(
    f"ecommerce.{name}"
    for name in (
        "product_viewed",
        "cart_updated",
        "checkout_started",
        "order_placed",
        "order_refunded",
        "order_cancelled",
    )
)

_Parse = Callable[[str], Path]
_Rule = Mapping[str, Any]


def warnings_about(document: Mapping[str, Any]) -> Iterator[Problem]:
    """
    Args:
        document: A valid one, with defaults.
    """
    if len(document["identifiers"]) > 1:
        yield Problem("/identifiers", "With more than one identifier the data of one person may end in two profiles.")
    for place, rule in enumerate(document["attributes"]):
        for member, why in _attribute_warnings(rule):
            yield Problem(pointer("attributes", place, member), why)
    yield from _twice(document["attributes"])
    yield from _whole_and_member(document["attributes"])
    yield from _silent(document["subscriptions"])
    for place, rule in enumerate(document["events"]):
        if rule["name"] in RECOMMENDED_EVENTS:
            why = f"Braze checks {rule['name']} against a schema of its own and refuses what does not fit; use another."
            yield Problem(pointer("events", place, "name"), why)
    for at, path, for_each in _paths(document):
        found = _unknown(path, for_each)
        if found:
            yield Problem(at, found)


def _attribute_warnings(rule: _Rule) -> Iterator[tuple[str, str]]:
    name = rule["attribute"]
    why = misspelling(name)
    if why:
        yield "attribute", why
    declared = rule.get("type", "string")
    if name in STANDARD and declared != "string" and declared not in STANDARD_TYPES[name]:
        yield "type", f"{name} has its own type in Braze and is read as that; the type {declared} has no effect."


def _twice(rules: list[_Rule]) -> Iterator[Problem]:
    """Rules for one attribute, unless each has its own conditions."""
    seen: dict[str, list[Any]] = defaultdict(list)
    for place, rule in enumerate(rules):
        name, when = rule["attribute"], rule.get("when") or {}
        if when in seen[name]:
            why = f"Another rule writes {name} too: the later one that yields a value wins."
            yield Problem(pointer("attributes", place, "attribute"), why)
        seen[name].append(when)


def _whole_and_member(rules: list[_Rule]) -> Iterator[Problem]:
    wholes = {rule["attribute"] for rule in rules if rule["operation"] != "merge"}
    for place, rule in enumerate(rules):
        parts = rule["attribute"].split(".")
        above = next((name for name in (".".join(parts[:n]) for n in range(1, len(parts))) if name in wholes), None)
        if above:
            why = f"Another rule writes {above} as a whole, which drops what Braze has in it; let that one merge."
            yield Problem(pointer("attributes", place, "attribute"), why)


def _silent(rules: list[_Rule]) -> Iterator[Problem]:
    for place, rule in enumerate(rules):
        if rule.get("when_yes") is None and rule.get("when_no") is None:
            why = "Neither when_yes nor when_no says anything, so this rule never does anything."
            yield Problem(pointer("subscriptions", place), why)


def _paths(document: Mapping[str, Any]) -> Iterator[tuple[str, Path, Path | None]]:
    """Where a path stands, the path, and the list that it is about an element of."""
    for path in document["accept"].get("when") or {}:
        yield pointer("accept", "when", path), parse_path(path), None
    for member in ("identifiers", "attributes", "subscriptions", "events", "sends"):
        for place, rule in enumerate(document[member]):
            at, for_each = pointer(member, place), rule.get("for_each")
            parse = parse_path if for_each is None else parse_element_path
            about = None if for_each is None else parse_path(for_each)
            if for_each is not None:
                yield f"{at}/for_each", parse_path(for_each), None
            yield from ((at + step, path, about) for step, path in _paths_in(rule, parse))


def _paths_in(rule: _Rule, parse: _Parse) -> Iterator[tuple[str, Path]]:
    if "field" in rule:
        yield "/field", parse(rule["field"])
    for path in rule.get("when") or {}:
        yield pointer("when", path), parse(path)
    for member in ("properties", "trigger_properties"):
        for name, source in (rule.get(member) or {}).items():
            if isinstance(source, str):
                yield pointer(member, name), parse(source)
            elif "field" in source:
                yield pointer(member, name, "field"), parse(source["field"])


def _unknown(path: Path, for_each: Path | None) -> str | None:
    """Why a path leads nowhere: its section has no member of that name. Other people's names are free."""
    section, *keys = path
    if section == ELEMENT:
        if for_each != ("answers",):
            return None
        section = "answers"
    elif section == "answers":
        if not keys:
            return None
        if not keys[0].isdecimal():
            return f"answers is a list: write answers[0].{keys[0]}, use question, or an event with for_each."
        keys = keys[1:]
    members = SECTIONS[section]
    if not members or not keys or keys[0] in members:
        return None
    close = get_close_matches(keys[0], members, 1)
    meant = f"did you mean {close[0]}?" if close else f"it has {', '.join(members)}."
    return f"{section} has no {keys[0]}; {meant}"
