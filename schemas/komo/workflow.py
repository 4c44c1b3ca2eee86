"""
Shape B: what a workflow's HttpRequest step sends, composed by the customer; and every body that we do not know.

The blocks are those of the body template that we publish. Whatever stands beside them is a field, so that a mapping can
name it.
"""

from collections.abc import Mapping
from typing import Any, Final

from schemas.komo.answers import asked_answer, listed_answers, named, read_answer
from schemas.komo.spellings import FLAT, first_of, read_fields
from schemas.komo.texts import unwrapped

_RESULT: Final = {
    "durationSeconds": "duration_s",
    "duration_seconds": "duration_s",
    "duration": "duration_s",
    "personality": "outcome",
    "personalityResult": "outcome",
    "outcomeName": "outcome",
}

#: Where the members of a block go: section, then the members that have another name there.
_BLOCKS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "site": ("hub", {"siteId": "id", "siteName": "name"}),
    "hub": ("hub", {"hubId": "id", "hubName": "name"}),
    "card": ("card", {"cardId": "id", "cardName": "name", "cardType": "type", "subType": "sub_type"}),
    "session": ("session", {"sessionId": "id"}),
    "profile": ("profile", {"profileId": "id"}),
    "user": ("user", {"userId": "id"}),
    "gameplay": ("result", {"result": "outcome", **_RESULT}),
    "result": ("result", {"name": "outcome", **_RESULT}),
    "prize": ("prize", {"prizeId": "id", "prizeName": "name", "recipientId": "recipient_id"}),
    "coupon": ("coupon", {"couponId": "id", "offerId": "offer_id"}),
    "survey": ("survey", {"surveyId": "id", "surveyName": "name"}),
    "entry": ("entry", {"entryId": "id", "submissionId": "submission_id"}),
}

_ENTRY: Final[Mapping[str, str]] = {
    "submissionId": "submission_id",
    "submission_id": "submission_id",
    "entryId": "id",
    "entry_id": "id",
    "competitionEntryId": "id",
    "qualified": "qualified",
    "isQualified": "qualified",
}

#: What a body made from our template says about itself; reached through `raw`.
_ENVELOPE: Final = frozenset({"trigger", "event", "eventName", "id", "runId", "run_id", "timestamp"})

_MAY_BE_TEXT: Final = frozenset({*_BLOCKS, "contact", "form", "action", "changes"})

#: Structure that is read below, or through `raw`, but is no field.
_STRUCTURE: Final = frozenset({"contact", "form", "action", "changes", "answers"})


def event_name(body: Mapping[str, Any]) -> str:
    """The first text among the members that name what happened, or an empty one."""
    names = (body.get(key) for key in ("trigger", "event", "eventName", "event_name", "type"))
    return next((name for name in names if isinstance(name, str) and name), "")


def timestamp(body: Mapping[str, Any]) -> Any:
    """What the body says about when, in the spellings that are likely."""
    return first_of(body, "timestamp", "occurredAt", "occurred_at")


def delivery_id(body: Mapping[str, Any]) -> Any:
    """What names this delivery: a component's id in Komo's own bodies, the run in those of a workflow."""
    return first_of(body, "id", "runId", "run_id")


def read_sections(body: dict[str, Any]) -> dict[str, Any]:
    """
    The sections of a composed body.

    Fields come from contact scalars, contact properties, the body's own top level and form fields: the later wins. A
    block may come as JSON inside a text.
    """
    if any(value.__class__ is str and value[:1] in ("{", "[") for value in body.values()):
        body = {key: unwrapped(value) if key in _MAY_BE_TEXT else value for key, value in body.items()}
    fields: dict[str, Any] = {}
    sections: dict[str, Any] = {"fields": fields, "answers": []}
    contact = body.get("contact")
    if isinstance(contact, dict):
        _read_contact(contact, sections)
    _read_top_level(body, sections)
    form = body.get("form")
    if isinstance(form, dict):
        _read_form(form, sections)
    sections["answers"] = _read_answers(body, sections)
    _read_changes(body.get("changes"), fields)
    return sections


def _read_top_level(body: dict[str, Any], sections: dict[str, Any]) -> None:
    fields = sections["fields"]
    envelope = _ENVELOPE if isinstance(body.get("trigger"), str) else frozenset()
    flat: list[str] = []
    for key, value in body.items():
        if key in _BLOCKS and (isinstance(value, dict) or value is None):
            _read_block(key, value or {}, sections)
        elif key in _STRUCTURE and isinstance(value, dict | list | None):
            continue
        elif key not in envelope:
            fields[key] = value
            if key in FLAT:
                flat.append(key)
    # Blocks come before flat keys, wherever they stand.
    for key in flat:
        section, member = FLAT[key]
        sections.setdefault(section, {}).setdefault(member, body[key])


def _read_block(key: str, block: dict[str, Any], sections: dict[str, Any]) -> None:
    section, names = _BLOCKS[key]
    if block:
        members = {names.get(member, member): value for member, value in block.items()}
        if section == "result" and "outcome" in members:
            members["outcome"] = named(members["outcome"])
        sections.setdefault(section, {}).update(members)


def _read_contact(contact: dict[str, Any], sections: dict[str, Any]) -> None:
    fields = sections["fields"]
    contact_id = first_of(contact, "contactId", "contact_id", "id")
    if contact_id is not None:
        sections["contact"] = {"id": contact_id}
    for key, value in contact.items():
        if key == "properties" and isinstance(unwrapped(value), dict | list):
            continue
        if key not in ("contactId", "contact_id", "id"):
            fields[key] = value
    fields.update(read_fields(unwrapped(contact.get("properties"))))


def _read_form(form: dict[str, Any], sections: dict[str, Any]) -> None:
    entry = {_ENTRY[key]: value for key, value in form.items() if key in _ENTRY}
    if entry:
        sections.setdefault("entry", {}).update(entry)
    fields = unwrapped(form.get("fields"))
    if isinstance(fields, dict | list):
        sections["fields"].update(read_fields(fields))
    else:
        sections["fields"].update({key: value for key, value in form.items() if key not in _ENTRY})


def _read_answers(body: dict[str, Any], sections: dict[str, Any]) -> list[dict[str, Any]]:
    card = sections.get("card", {})
    kind = first_of(card, "sub_type", "type")
    action = body.get("action")
    answers: list[dict[str, Any]] = []
    if isinstance(action, dict):
        answer = read_answer(action, kind if kind is not None else action.get("type"))
        answers = [answer] if answer else listed_answers(action, kind)
    for name in ("gameplay", "result", "survey", "form"):
        block = body.get(name)
        answers += listed_answers(block, kind) if isinstance(block, dict) else []
    own = asked_answer(body, kind)
    return answers + ([own] if own else listed_answers(body, kind))


def _read_changes(changes: Any, fields: dict[str, Any]) -> None:
    """A changed contact property is a field even where the contact beside it does not show it."""
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("property"), str) and "newValue" in change:
            fields.setdefault(change["property"], change["newValue"])
