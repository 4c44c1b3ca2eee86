"""Submission + identifier rules → person. Asked at acceptance, and again whenever the rules change. Pure."""

from collections.abc import Callable
from typing import Any

from schemas.integration import Integration
from schemas.komo.spellings import is_placeholder
from schemas.mapping import IdentifierRule
from schemas.person import Person
from schemas.submission import Submission, lookup
from workers.errors import BadIdentifier
from workers.standard import email, phone
from workers.values import Flawed, spell

#: Bytes in UTF-8. https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
MAX_EXTERNAL_ID_BYTES = 987
#: Bytes in UTF-8 of an alias name and of its label. https://www.braze.com/docs/api/objects_filters/user_alias_object/
MAX_ALIAS_BYTES = 236


def identify(submission: Submission, integration: Integration) -> Person | None:
    """
    The person a submission is about: what the first rule with a usable value says.

    Null, empty and blank fields count as absent. A placeholder such as "null" is no id: it would make one person of
    everybody. E-mails are trimmed and lower-cased and phones become E.164, also under an alias labelled `email` or
    `phone`; anything else is only trimmed.

    Returns: None where every rule's field is absent.
    Raises: BadIdentifier if one of the fields is there, but no rule gives a usable value. It names flaws, not values.
    """
    flaws = []
    for rule in integration.identifiers:
        value = lookup(submission.sections, rule.field)
        if (not value and value != 0) or (isinstance(value, str) and not value.strip()):
            continue
        found = _normalise(rule, value, integration.default_region)
        if isinstance(found, str):
            return Person(rule.kind, found, rule.alias_label if rule.kind == "user_alias" else None)
        flaws.append(f"{rule.kind}: {found.warning}")
    if flaws:
        raise BadIdentifier("No usable identifier (" + ", ".join(flaws) + ")")
    return None


def _normalise(rule: IdentifierRule, value: Any, region: str | None) -> str | Flawed:
    nature = (rule.alias_label or "").lower() if rule.kind == "user_alias" else rule.kind
    convert: Callable[[Any], Any] = {"email": email, "phone": phone(region)}.get(nature, _trimmed)
    found: str | Flawed = convert(value)
    limit = MAX_ALIAS_BYTES if rule.kind == "user_alias" else MAX_EXTERNAL_ID_BYTES
    if isinstance(found, str) and len(found.encode()) > limit:
        return Flawed("too_long")
    return found


def _trimmed(value: Any) -> str | Flawed:
    """Text or a whole number; nobody is called `true`, and 1.0 may have been another id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return Flawed("not_an_id")
    if is_placeholder(value):
        return Flawed("placeholder")
    spelled: str | Flawed = spell(value)
    return spelled
