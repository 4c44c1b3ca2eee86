"""What no single member of an integration document shows: rules against each other, and what is not there yet."""

from collections.abc import Iterator
from typing import Any

from schemas.attribute_names import STANDARD_DATES, misspelling
from schemas.problems import Problem, pointer

_NOT_YET = "not there yet"


def cross_problems(document: dict[str, Any]) -> Iterator[Problem]:
    """
    What is wrong between members, or can't be used yet.

    Args:
        document: As it was sent; whatever has a wrong shape is passed over, the schema speaks of that.
    """
    yield from _not_yet(document)
    yield from _only_changes(document)
    identifiers, attributes = _rules(document, "identifiers"), _rules(document, "attributes")
    for place, rule in attributes:
        why = _disturbs_the_identifier(rule, [identifier for _, identifier in identifiers])
        if why:
            yield Problem(pointer("attributes", place, "attribute"), why)
        if "format" in rule and "type" not in rule and rule.get("attribute") not in STANDARD_DATES:
            yield Problem(pointer("attributes", place, "format"), "A format needs the type date or datetime.")


def warnings_about(document: dict[str, Any]) -> Iterator[Problem]:
    """What is allowed, but probably not meant. `document` is a valid one."""
    if len(document["identifiers"]) > 1:
        yield Problem("/identifiers", "With more than one identifier the data of one person may end in two profiles.")
    for place, rule in enumerate(document["attributes"]):
        why = misspelling(rule["attribute"])
        if why:
            yield Problem(pointer("attributes", place, "attribute"), why)


def _not_yet(document: dict[str, Any]) -> Iterator[Problem]:
    for member, noun in (("subscriptions", "Subscriptions"), ("sends", "Sends")):
        if document.get(member):
            yield Problem(pointer(member), f"{noun} are {_NOT_YET}; leave the list empty.")
    for place, rule in _rules(document, "attributes"):
        operation = rule.get("operation", "set")
        if operation in ("add", "remove", "increment", "merge"):
            yield Problem(pointer("attributes", place, "operation"), f"{operation} is {_NOT_YET}; use set.")
        for member in ("on_null", "on_empty"):
            if rule.get(member) == "clear":
                yield Problem(pointer("attributes", place, member), f"clear is {_NOT_YET}; use skip.")


def _only_changes(document: dict[str, Any]) -> Iterator[Problem]:
    if document.get("existing_profiles_only") is True and document.get("send_only_changes", True) is True:
        yield Problem(
            "/send_only_changes",
            "With existing_profiles_only this must be false: Braze skips unknown people without saying so, "
            "and what it skipped would count as sent.",
        )


def _disturbs_the_identifier(rule: dict[str, Any], identifiers: list[dict[str, Any]]) -> str | None:
    """
    Without another identifier Braze finds people by `email`, else by `phone`, so these can change whom data is about.

    Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
    """
    name = rule.get("attribute")
    if name not in ("email", "phone"):
        return None
    by_kind = {kind: [one for one in identifiers if one.get("kind") == kind] for kind in ("email", "phone")}
    if name == "email" and by_kind["phone"]:
        return "Where the identifier may be a phone number, email can't be written: Braze would look for the address."
    if any(one.get("field") != rule.get("field") for one in by_kind[name]):
        return f"Where the identifier is the {name}, {name} can only be written from the same field."
    return None


def _rules(document: dict[str, Any], member: str) -> list[tuple[int, dict[str, Any]]]:
    rules = document.get(member)
    return [(i, rule) for i, rule in enumerate(rules if isinstance(rules, list) else []) if isinstance(rule, dict)]
