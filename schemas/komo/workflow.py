"""
Shape B: what a workflow's HttpRequest step sends, composed by the customer; and every body that we do not know.

The blocks are those of the body template that we publish. Whatever stands beside them is a field, so that a mapping can
name it.
"""

from collections.abc import Mapping
from typing import Any, Final

from schemas.komo.spellings import FLAT, first_of, read_answer, read_answers

#: Where the members of a block go: section, then the members that have another name there.
_BLOCKS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "site": ("hub", {"siteId": "id", "siteName": "name"}),
    "hub": ("hub", {"hubId": "id", "hubName": "name"}),
    "card": ("card", {"cardId": "id", "cardName": "name", "cardType": "type", "subType": "sub_type"}),
    "session": ("session", {"sessionId": "id"}),
    "profile": ("profile", {"profileId": "id"}),
    "user": ("user", {"userId": "id"}),
    "gameplay": ("result", {"durationSeconds": "duration_s", "result": "outcome"}),
    "result": ("result", {"durationSeconds": "duration_s"}),
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

    Fields come from contact scalars, contact properties, the body's own top level and form fields: the later wins.
    """
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
        sections.setdefault(section, {}).update({names.get(member, member): block[member] for member in block})


def _read_contact(contact: dict[str, Any], sections: dict[str, Any]) -> None:
    fields = sections["fields"]
    contact_id = first_of(contact, "contactId", "contact_id", "id")
    if contact_id is not None:
        sections["contact"] = {"id": contact_id}
    for key, value in contact.items():
        if key == "properties" and isinstance(value, dict):
            continue
        if key not in ("contactId", "contact_id", "id"):
            fields[key] = value
    if isinstance(contact.get("properties"), dict):
        fields.update(contact["properties"])


def _read_form(form: dict[str, Any], sections: dict[str, Any]) -> None:
    entry = {_ENTRY[key]: value for key, value in form.items() if key in _ENTRY}
    if entry:
        sections.setdefault("entry", {}).update(entry)
    fields = form.get("fields")
    if isinstance(fields, dict):
        sections["fields"].update(fields)
    else:
        sections["fields"].update({key: value for key, value in form.items() if key not in _ENTRY})


def _read_answers(body: dict[str, Any], sections: dict[str, Any]) -> list[dict[str, Any]]:
    card = sections.get("card", {})
    kind = first_of(card, "sub_type", "type")
    action, gameplay = body.get("action"), body.get("gameplay")
    answers: list[dict[str, Any]] = []
    if isinstance(action, dict):
        answer = read_answer(action, kind if kind is not None else action.get("type"))
        answers = [answer] if answer else read_answers(action.get("answers"), kind)
    if isinstance(gameplay, dict):
        answers += read_answers(gameplay.get("answers"), kind)
    return answers + read_answers(body.get("answers"), kind)


def _read_changes(changes: Any, fields: dict[str, Any]) -> None:
    """A changed contact property is a field even where the contact beside it does not show it."""
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("property"), str) and "newValue" in change:
            fields.setdefault(change["property"], change["newValue"])
