"""Shape A: the legacy webhook, one flat object in which reserved keys and form fields share the top level."""

from typing import Any, Final

from schemas.komo.answers import ASKED, LISTS, asked_answer, listed_answers, named
from schemas.komo.spellings import LEGACY

#: The event names that the documentation lists; the list is a lower bound.
#: https://developers.komo.tech/webhook-events/cards, /form, /site, /prize; https://developers.komo.tech/events/cards/quiz
EVENTS: Final = frozenset(
    {
        "CardViewed",
        "CardCoverClicked",
        "QuizStarted",
        "CompetitionEntrySuccess",
        "SignUpSuccess",
        "SiteViewed",
        "PrizeAwarded",
    }
)

#: The envelope; reached through `raw`. https://developers.komo.tech/webhook-events/cards
_ENVELOPE: Final = ("id", "event", "timestamp")

_RESERVED: Final = tuple((key, section, member) for key, (section, member) in LEGACY.items())

#: A caption of the documentation that its examples show as a key with an empty value.
#: https://developers.komo.tech/webhook-events/cards
_CAPTION: Final = "User attributes"

#: No legacy event is documented to bring answers or an outcome; one that does is read, and keeps them as fields.
_PLAYED: Final = ASKED.union(LISTS, ("outcome",))


def is_legacy(body: dict[str, Any]) -> bool:
    """A text in `event`, and a hub's id beside it or a name that is known to be one of these events."""
    event = body.get("event")
    return isinstance(event, str) and "trigger" not in body and ("site_id" in body or event in EVENTS)


def read_sections(body: dict[str, Any]) -> dict[str, Any]:
    """The sections of a legacy body. A form field with a reserved name is reached through `raw`."""
    # Copying all and moving what is reserved takes half the time of looking at every key.
    fields = body.copy()
    sections: dict[str, Any] = {"fields": fields, "answers": []}
    for key, section, member in _RESERVED:
        if key in body:
            value = fields.pop(key)
            if section in sections:
                sections[section][member] = value
            else:
                sections[section] = {member: value}
    for key in _ENVELOPE:
        fields.pop(key, None)
    if fields.get(_CAPTION) == "":
        del fields[_CAPTION]
    if not _PLAYED.isdisjoint(fields):
        _read_play(fields, sections)
    return sections


def _read_play(fields: dict[str, Any], sections: dict[str, Any]) -> None:
    kind = sections.get("card", {}).get("type")
    answer = asked_answer(fields, kind)
    sections["answers"] = [answer] if answer else listed_answers(fields, kind)
    if "outcome" in fields:
        sections.setdefault("result", {})["outcome"] = named(fields["outcome"])
