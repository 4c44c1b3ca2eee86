"""What no single member of an integration document shows: rules against each other."""

from collections.abc import Iterator
from typing import Any, get_args

from schemas.attribute_names import STANDARD_DATES
from schemas.mapping import RECIPIENTS, IdentifierKind
from schemas.problems import Problem, pointer


def cross_problems(document: dict[str, Any]) -> Iterator[Problem]:
    """
    What is wrong between members.

    Args:
        document: As it was sent; whatever has a wrong shape is passed over, the schema speaks of that.
    """
    yield from _recipients(document)
    yield from _only_changes(document)
    identifiers, attributes = _rules(document, "identifiers"), _rules(document, "attributes")
    for place, rule in attributes:
        why = _disturbs_the_identifier(rule, [identifier for _, identifier in identifiers])
        if why:
            yield Problem(pointer("attributes", place, "attribute"), why)
        if "format" in rule and "type" not in rule and str(rule.get("attribute")) not in STANDARD_DATES:
            yield Problem(pointer("attributes", place, "format"), "A format needs the type date or datetime.")


def _recipients(document: dict[str, Any]) -> Iterator[Problem]:
    """Source: https://www.braze.com/docs/api/objects_filters/recipient_object/"""
    kinds = {str(rule.get("kind")) for _, rule in _rules(document, "identifiers")}
    for place, rule in _rules(document, "sends"):
        send = str(rule.get("kind"))
        reached = RECIPIENTS.get(send, get_args(IdentifierKind))
        for kind in sorted(kinds.intersection(get_args(IdentifierKind)).difference(reached)):
            why = f"A {send} can't be sent to a person known by {kind}, which the identifiers allow."
            yield Problem(pointer("sends", place, "kind"), why)


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
