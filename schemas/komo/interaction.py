"""
Shape C: a user interaction event, as a browser hands it to tag managers and somebody relays it to us.

In Google Tag Manager the name sits in `event`; in Adobe it is `event` and `eventInfo`, with the other blocks inside.
https://developers.komo.tech/user-interaction-events
"""

from typing import Any, Final

from schemas.komo.answers import ANSWER_NAMES, ANSWERED, ASKED, WEAK, listed_answers, named, read_answer
from schemas.komo.spellings import INTERACTION, first_of, read_fields
from schemas.komo.texts import unwrapped

_BLOCKS: Final = frozenset({"event", "eventName", "eventData", "eventInfo", "extensionData", "trackedData"})

#: Where the browser was and where in the card; reached through `raw`, and no answers of a person.
#: https://developers.komo.tech/user-interaction-events/base-event-structure, /base-event-data,
#: /cards/common-events, /cards/carousel
_SURROUNDINGS: Final = frozenset(
    {
        "timestamp",
        "pageTitle",
        "hostName",
        "pathName",
        "queryString",
        "url",
        "referrer",
        "referer",
        "refererDomain",
        "languages",
        "userAgent",
        "clientIp",
        "clientRegion",
        "clientCity",
        "clientCityLatLong",
        "isBot",
        "pageId",
        "pageSlug",
        "scope",
        "itemIndex",
        "answers",
        "fields",
    }
)
_NO_FIELDS: Final = _SURROUNDINGS | ANSWER_NAMES | _BLOCKS


def is_interaction(body: dict[str, Any]) -> bool:
    """An object in `eventData` or `eventInfo`, maybe as JSON inside a text: a tag manager's variables are texts."""
    return isinstance(unwrapped(body.get("eventData")), dict) or isinstance(unwrapped(body.get("eventInfo")), dict)


def event_name(body: dict[str, Any]) -> str:
    """The name, wherever the tag manager put it, or an empty text."""
    names = (blocks.get(key) for blocks in (body, _blocks(body)) for key in ("eventName", "event"))
    return next((name for name in names if isinstance(name, str) and name), "")


def event_data(body: dict[str, Any]) -> dict[str, Any]:
    """The block that every event has; in Adobe it may be `eventInfo` itself."""
    blocks = _blocks(body)
    data = unwrapped(blocks.get("eventData"))
    return data if isinstance(data, dict) else blocks


def read_sections(body: dict[str, Any]) -> dict[str, Any]:
    """The sections of a user interaction event. What a relay added at the top level is a field."""
    blocks, data = _blocks(body), event_data(body)
    fields = {key: value for key, value in body.items() if key not in _BLOCKS}
    sections: dict[str, Any] = {"fields": fields, "answers": []}
    # Beside a question, and without any better name, these are its answer.
    answering = () if ASKED.isdisjoint(data) or not ANSWERED.isdisjoint(data) else WEAK
    for key, value in data.items():
        if key in INTERACTION:
            section, member = INTERACTION[key]
            sections.setdefault(section, {})[member] = named(value) if member == "outcome" else value
        elif key not in _NO_FIELDS and key not in answering:
            fields[key] = value
    fields.update(read_fields(unwrapped(data.get("fields"))))
    _read_answers(data, sections)
    for section, key in (("tracked", "trackedData"), ("extension", "extensionData")):
        block = unwrapped(blocks.get(key, body.get(key)))
        if isinstance(block, dict):
            sections[section] = block
    return sections


def _blocks(body: dict[str, Any]) -> dict[str, Any]:
    info = unwrapped(body.get("eventInfo"))
    return info if isinstance(info, dict) else body


def _read_answers(data: dict[str, Any], sections: dict[str, Any]) -> None:
    card = sections.get("card", {})
    # A vote's sub-type says how its items are laid out.
    kind = card.get("type") if "vote" in data else first_of(card, "sub_type", "type")
    answer = read_answer(data, kind)
    # Without a member that is an answer by itself, a list of chosen options may be it.
    own_list = answer is not None and ANSWERED.isdisjoint(data)
    sections["answers"] = ([answer] if answer else []) + ([] if own_list else listed_answers(data, kind))
    if answer and "correct" in data:
        # Here it tells whether this answer is right, not how many were.
        del sections["result"]["correct"]
