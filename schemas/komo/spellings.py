"""The names under which Komo's shapes, and the people who write workflow bodies, send the same facts."""

import re
from collections.abc import Mapping
from typing import Any, Final

#: Section and member of a submission.
Place = tuple[str, str]

#: Flat keys of the legacy webhooks; everything else at their top level is a form field or user attribute.
#: https://developers.komo.tech/webhook-events/cards, /form, /site, /prize
LEGACY: Final[Mapping[str, Place]] = {
    "site_id": ("hub", "id"),
    "site_name": ("hub", "name"),
    "user_session_id": ("session", "id"),
    "user_profile_id": ("profile", "id"),
    "card_id": ("card", "id"),
    "card_name": ("card", "name"),
    "card_type": ("card", "type"),
    "score": ("result", "score"),
    "correct": ("result", "correct"),
    "competition_entry_id": ("entry", "id"),
    "submission_id": ("entry", "submission_id"),
    "prize_recipient_id": ("prize", "recipient_id"),
    "prize_id": ("prize", "id"),
    "prize_name": ("prize", "name"),
}

#: Members of `eventData` of the user interaction events. The first block is documented; the rest is what a relay, or
#: an event whose members are not documented, would most likely call the same facts.
#: https://developers.komo.tech/user-interaction-events/base-event-structure, /cards/common-events, /coupons,
#: /survey-events
INTERACTION: Final[Mapping[str, Place]] = {
    "siteId": ("hub", "id"),
    "siteName": ("hub", "name"),
    "userId": ("user", "id"),
    "contactId": ("contact", "id"),
    "cardId": ("card", "id"),
    "cardName": ("card", "name"),
    "cardType": ("card", "type"),
    "cardSubType": ("card", "sub_type"),
    "surveyId": ("survey", "id"),
    "surveyName": ("survey", "name"),
    "recipientId": ("survey", "recipient_id"),
    "offerId": ("coupon", "offer_id"),
    "couponId": ("coupon", "id"),
    "sessionId": ("session", "id"),
    "profileId": ("profile", "id"),
    "score": ("result", "score"),
    "correct": ("result", "correct"),
    "outcome": ("result", "outcome"),
    "status": ("result", "status"),
    "durationSeconds": ("result", "duration_s"),
    "prizeId": ("prize", "id"),
    "prizeName": ("prize", "name"),
    "prizeRecipientId": ("prize", "recipient_id"),
    "entryId": ("entry", "id"),
    "submissionId": ("entry", "submission_id"),
    "qualified": ("entry", "qualified"),
}

#: Flat keys of a body that a customer composed, in the spellings of Komo's own shapes.
FLAT: Final[Mapping[str, Place]] = {
    **INTERACTION,
    **LEGACY,
    "contact_id": ("contact", "id"),
    "user_id": ("user", "id"),
    "session_id": ("session", "id"),
    "profile_id": ("profile", "id"),
    "card_sub_type": ("card", "sub_type"),
    "competitionEntryId": ("entry", "id"),
    "entry_id": ("entry", "id"),
    "coupon_id": ("coupon", "id"),
    "offer_id": ("coupon", "offer_id"),
    "survey_id": ("survey", "id"),
    "survey_name": ("survey", "name"),
    "result": ("result", "outcome"),
    "personality": ("result", "outcome"),
    "duration": ("result", "duration_s"),
    "duration_s": ("result", "duration_s"),
    "duration_seconds": ("result", "duration_s"),
}

_GUID: Final = re.compile(
    r"\{?([0-9a-f]{8})(?:-?([0-9a-f]{4}))(?:-?([0-9a-f]{4}))(?:-?([0-9a-f]{4}))-?([0-9a-f]{12})\}?"
)


#: What programs write where they have no id. https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user
_NOBODY: Final = frozenset(
    {
        "-", "--", "anon", "anonymous", "[object object]", "[]", "{}", "false", "n/a", "na", "nan", "nil", "none",
        "null", "true", "undefined", "unknown",
    }
)  # fmt: skip
#: A variable that nobody filled in: `{{contact.id}}`, `${id}`, `%ID%`, `<id>`.
_UNFILLED: Final = re.compile(r"\{\{.*\}\}|[$#]\{.*\}|%[^%]+%|<[^>]*>", re.DOTALL)
_NO_GUID: Final = re.compile(r"\{?(0{8}(-?0{4}){3}-?0{12}|f{8}(-?f{4}){3}-?f{12})\}?")
_NO_NUMBER: Final = frozenset({"0", "-1", "0.0", "-1.0"})


def is_placeholder(value: Any) -> bool:
    """Whether a text stands where an id is missing, so that everybody without one would share it."""
    if not isinstance(value, str):
        return False
    written = value.strip().casefold()
    return written in _NOBODY or _UNFILLED.fullmatch(written) is not None or _NO_GUID.fullmatch(written) is not None


def is_usable_id(value: Any) -> bool:
    """False for null, blank text, placeholders, 0 and -1, and what can't name anything: a boolean, list or object."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    written = str(value).strip()
    return written != "" and written not in _NO_NUMBER and not is_placeholder(written)


def bare_id(value: Any) -> str:
    """A usable id as text: a GUID in lower case with hyphens and without braces, anything else trimmed."""
    written = str(value).strip()
    guid = _GUID.fullmatch(written.lower())
    return "-".join(guid.groups()) if guid else written


def first_of(body: Mapping[str, Any], *names: str) -> Any:
    """The first of these members that is neither absent, null nor blank, or None."""
    for name in names:
        value = body.get(name)
        if value is not None and value != "":
            return value
    return None


def read_fields(block: Any) -> dict[str, Any]:
    """Fields by their keys, out of an object or of a list of objects that each name a key and a value."""
    if isinstance(block, dict):
        return block
    fields = {}
    for element in block if isinstance(block, list) else ():
        if isinstance(element, dict) and "value" in element:
            key = first_of(element, "key", "uniqueId", "unique_id", "id", "name", "label")
            if isinstance(key, str):
                fields[key] = element["value"]
    return fields
