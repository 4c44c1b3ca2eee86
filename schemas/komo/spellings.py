"""The names under which Komo's shapes, and the people who write workflow bodies, send the same facts."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.submission import MISSING

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
}

#: Members of one answer. https://developers.komo.tech/user-interaction-events/cards/carousel (vote, itemId); the
#: members of `card-answered` are not documented.
_ANSWER: Final[Mapping[str, tuple[str, ...]]] = {
    "question_id": ("questionId", "question_id"),
    "question": ("question", "questionText", "item"),
    "answer": ("answer", "answerText", "vote", "direction"),
    "answer_id": ("answerId", "answer_id", "itemId"),
    "correct": ("correct", "isCorrect", "is_correct"),
    "kind": ("kind",),
}
_ANSWERED: Final = frozenset(_ANSWER["answer"] + ("answerId", "answer_id"))

#: Every spelling of a member of an answer.
ANSWER_NAMES: Final = frozenset(name for names in _ANSWER.values() for name in names)


def is_usable_id(value: Any) -> bool:
    """False for null, blank text, and what can't name anything: a boolean, list or object."""
    if isinstance(value, str):
        return value != "" and not value.isspace()
    return isinstance(value, int | float) and not isinstance(value, bool)


def first_of(body: Mapping[str, Any], *names: str) -> Any:
    """The first of these members that is neither absent, null nor blank, or None."""
    for name in names:
        value = body.get(name)
        if value is not None and value != "":
            return value
    return None


def read_answer(block: Mapping[str, Any], kind: Any = None) -> dict[str, Any] | None:
    """
    One element of `answers` out of a block in any spelling, or None if nobody answered anything there.

    Args:
        kind: What sort of question it was in Komo's words (`Quiz`, `Poll`, `Swiper`), unless the block says so itself.
    """
    if _ANSWERED.isdisjoint(block):
        return None
    answer = {}
    for member, names in _ANSWER.items():
        value = next((block[name] for name in names if name in block), MISSING)
        if value is not MISSING:
            answer[member] = value
    if kind is not None:
        answer.setdefault("kind", kind)
    return answer


def read_answers(block: Any, kind: Any = None) -> list[dict[str, Any]]:
    """The elements of `answers` out of a list of blocks or of plain answers, or an object of question and answer."""
    if isinstance(block, dict):
        pairs = [{"question": question, "answer": answer} for question, answer in block.items()]
        return [pair if kind is None else {**pair, "kind": kind} for pair in pairs]
    if not isinstance(block, list):
        return []
    answers = (
        read_answer(element if isinstance(element, dict) else {"answer": element}, kind)
        for element in block
        if element is not None
    )
    return [answer for answer in answers if answer]
