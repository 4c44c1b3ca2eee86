"""
Builders: session, card, answers and clock → the bodies that Komo would post; pure.

Three shapes exist. A, the legacy webhook: flat, numbers and booleans as strings, field names as Komo documents them.
B, the `HttpRequest` step of a workflow: the customer composes it; here as the connector's body template has it.
C, user interaction events: a browser feed that a customer may relay.

Sources: https://developers.komo.tech/webhook-events/cards, /form, /site and /prize (A),
https://developers.komo.tech/workflows (B), https://developers.komo.tech/user-interaction-events (C).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal
from uuid import UUID, uuid4, uuid5

from .cards import CARDS, PERSONALITY, POLL, QUIZ, SITE_ID, SITE_NAME, WHEEL, Card
from .play import Answer, Play, play_questions, spin
from .visitor import Entry, Page, Visitor, known_by

Body = dict[str, Any]
NewId = Callable[[], str]
#: What the hub posts: A with answers as B; A alone, in which answers do not exist; or C alone.
Shape = Literal["legacy_workflow", "legacy", "interaction"]

#: Part of the contact in shape B by name; whatever else was captured is one of its properties.
_CONTACT_KEYS = ("email", "first_name", "last_name")

#: An invented person, as `sample_bodies` fills in every form, and what the cards ask beside that.
SAMPLE_FORM: Mapping[str, str] = {
    "first_name": "Mira",
    "last_name": "Kestrel",
    "email": "mira.kestrel@example.com",
    "mobile": "+61491570006",
    "date_of_birth": "1991-08-17",
    "country": "Australia",
    "optin": "true",
}
SAMPLE_EXTRAS: Mapping[str, dict[str, str]] = {
    QUIZ.slug: {"preferred_boat": "Dinghy", "favourite_team": "Harbourside Gulls"},
    POLL.slug: {"interests": "Sailing,Food"},
    PERSONALITY.slug: {"boat_length": "7.5"},
    WHEEL.slug: {"postcode": "04170"},
}


def fresh_id() -> str:
    return str(uuid4())


def site_viewed(visitor: Visitor, *, at: datetime, new_id: NewId = fresh_id) -> Body:
    return _legacy("SiteViewed", visitor, at, new_id)


def card_viewed(visitor: Visitor, card: Card, *, at: datetime, new_id: NewId = fresh_id) -> Body:
    return _legacy("CardViewed", visitor, at, new_id) | _legacy_card(card)


def quiz_started(visitor: Visitor, card: Card, *, at: datetime, new_id: NewId = fresh_id) -> Body:
    """Komo has this one name for quizzes, polls and personality tests."""
    return _legacy("QuizStarted", visitor, at, new_id) | _legacy_card(card)


def competition_entry_success(
    visitor: Visitor, card: Card, play: Play, entry: Entry, *, at: datetime, new_id: NewId = fresh_id
) -> Body:
    return (
        _legacy("CompetitionEntrySuccess", _apart_from(entry, visitor), at, new_id)
        | _legacy_card(card, play)
        | {"competition_entry_id": entry.id, "submission_id": entry.submission_id}
        | dict(entry.fields)
    )


def prize_awarded(
    visitor: Visitor, card: Card, play: Play, entry: Entry, *, at: datetime, new_id: NewId = fresh_id
) -> Body:
    """Raises: ValueError if nothing was won."""
    if play.prize is None:
        raise ValueError("nothing was won")
    return (
        _legacy("PrizeAwarded", _apart_from(entry, visitor), at, new_id)
        | _legacy_card(card, play)
        | {"prize_recipient_id": new_id(), "prize_id": play.prize.id, "prize_name": play.prize.name}
        | {"competition_entry_id": entry.id, "submission_id": entry.submission_id}
        | dict(entry.fields)
    )


def gameplay_action(visitor: Visitor, card: Card, answer: Answer, *, at: datetime, new_id: NewId = fresh_id) -> Body:
    action = {"type": "Answer", "question": answer.question.text, "answer": answer.option.text}
    if answer.question.has_right_answer:
        action["correct"] = _text(answer.option.correct)
    return _workflow("Gameplay.Action", visitor, card, at, new_id) | {"action": action}


def gameplay_ended(visitor: Visitor, card: Card, play: Play, *, at: datetime, new_id: NewId = fresh_id) -> Body:
    gameplay = {"status": "Completed", "durationSeconds": _text(play.duration_s)}
    if play.outcome:
        gameplay["result"] = play.outcome
    if card is QUIZ:
        gameplay |= {
            "score": _text(play.score),
            "correct": _text(play.correct),
            "questions": _text(len(play.answers)),
        }
    return _workflow("Gameplay.Ended", visitor, card, at, new_id) | {"gameplay": gameplay}


def interaction(
    name: str, visitor: Visitor, page: Page, *, at: datetime, card: Card | None = None, **extra: str | bool
) -> Body:
    """Shape C. It names nobody: `trackedData` holds the custom properties only, as an admin would choose them."""
    tracked = {key: value for key, value in visitor.attributes.items() if key not in _CONTACT_KEYS}
    data = _browser(page, at) | _interaction_hub(visitor) | (_interaction_card(card) if card else {}) | extra
    return {"eventName": name, "eventData": data} | ({"trackedData": tracked} if tracked else {})


def card_answered(visitor: Visitor, page: Page, card: Card, answer: Answer, *, at: datetime) -> Body:
    picked: dict[str, str | bool] = {
        "questionId": card.question_id(answer.question),
        "question": answer.question.text,
        "answerId": card.answer_id(answer.question, answer.option),
        "answer": answer.option.text,
    }
    if answer.question.has_right_answer:
        picked["isCorrect"] = answer.option.correct
    return interaction("card-answered", visitor, page, at=at, card=card, **picked)


def entry_bodies(
    visitor: Visitor,
    card: Card,
    play: Play,
    entry: Entry,
    *,
    shape: Shape,
    at: datetime,
    page: Page | None = None,
    new_id: NewId = fresh_id,
) -> list[Body]:
    """
    Everything that one played card and its form lead to, in the order in which it is posted.

    The form goes first. The answers to a game follow it although they were given earlier, as a workflow that starts
    where the game ends would have them; those of a poll went ahead: `voting_bodies`.
    """
    if shape == "interaction":
        shown = page or Page()
        answered = [card_answered(visitor, shown, card, answer, at=play.played_at) for answer in play.answers]
        return [*answered, interaction("form-submission", visitor, shown, at=at, card=card, scope="Card")]
    bodies = [competition_entry_success(visitor, card, play, entry, at=at, new_id=new_id)]
    if shape == "legacy_workflow":
        if card is not POLL:
            bodies += _actions(visitor, card, play, new_id)
        bodies.append(gameplay_ended(visitor, card, play, at=play.played_at, new_id=new_id))
    if play.prize:
        bodies.append(prize_awarded(visitor, card, play, entry, at=at, new_id=new_id))
    return bodies


def voting_bodies(visitor: Visitor, card: Card, play: Play, *, shape: Shape, new_id: NewId = fresh_id) -> list[Body]:
    """
    What is posted as soon as a card is played, before its form: a vote in a poll.

    Who has filled in no form yet is a contact without a name there.
    """
    return _actions(visitor, card, play, new_id) if card is POLL and shape == "legacy_workflow" else []


def _actions(visitor: Visitor, card: Card, play: Play, new_id: NewId) -> list[Body]:
    return [gameplay_action(visitor, card, one, at=play.played_at, new_id=new_id) for one in play.answers]


def sample_bodies(
    *,
    shape: Shape = "legacy_workflow",
    at: datetime = datetime(2026, 2, 3, 4, 9, 58, 230000, UTC),
    new_id: NewId | None = None,
) -> list[Body]:
    """One visit from end to end: an invented person sees the hub and plays all four cards, winning at the wheel.

    The same arguments give the same bodies, ids included, unless `new_id` is given.
    """
    numbers = count(1)
    ids = new_id or (lambda: str(uuid5(UUID(SITE_ID), f"sample {next(numbers)}")))
    visitor = Visitor(session_id=ids(), contact_id=ids(), user_id=ids())
    bodies = [interaction("page-view", visitor, Page(), at=at)] if shape == "interaction" else []
    bodies = bodies or [site_viewed(visitor, at=at, new_id=ids)]
    for card in CARDS.values():
        entry = Entry(ids(), ids(), {**SAMPLE_FORM, **SAMPLE_EXTRAS[card.slug]})
        play = _sample_play(card, at)
        bodies += opening_bodies(visitor, card, shape=shape, at=at, new_id=ids)
        bodies += voting_bodies(visitor, card, play, shape=shape, new_id=ids)
        visitor = known_by(visitor, entry.fields)
        bodies += entry_bodies(visitor, card, play, entry, shape=shape, at=at, new_id=ids)
    return bodies


def opening_bodies(
    visitor: Visitor, card: Card, *, shape: Shape, at: datetime, page: Page | None = None, new_id: NewId = fresh_id
) -> list[Body]:
    """What is posted before a form is filled in: the card is seen and, if it asks questions, started."""
    if shape == "interaction":
        return [interaction("card-viewed", visitor, page or Page(), at=at, card=card)]
    started = [quiz_started(visitor, card, at=at, new_id=new_id)] if card.questions else []
    return [card_viewed(visitor, card, at=at, new_id=new_id), *started]


def _sample_play(card: Card, at: datetime) -> Play:
    if card.segments:
        return spin(card, _first_stop, luck="win", started_at=at, now=at)
    picked = {f"q{number}": "1" for number, _ in enumerate(card.questions, start=1)}
    return play_questions(card, picked, started_at=at, now=at)


def _first_stop(stops: int) -> int:  # noqa: ARG001 - chance is asked with the number of stops
    return 0


def _legacy(event: str, visitor: Visitor, at: datetime, new_id: NewId) -> Body:
    """The envelope of every legacy event; `user_profile_id` is left out for people who have not signed in."""
    profile = {"user_profile_id": visitor.profile_id} if visitor.profile_id else {}
    return {
        "id": new_id(),
        "event": event,
        "timestamp": _to_the_millisecond(at),
        "site_id": SITE_ID,
        "site_name": SITE_NAME,
        "user_session_id": visitor.session_id,
        **profile,
        **visitor.attributes,
    }


def _apart_from(entry: Entry, visitor: Visitor) -> Visitor:
    """Attributes and form fields share the top level: one that is both stands there once, as a form field."""
    return replace(visitor, attributes={k: v for k, v in visitor.attributes.items() if k not in entry.fields})


def _legacy_card(card: Card, play: Play | None = None) -> Body:
    """The card block. Score and correct are documented as numbers, but every example has them as strings."""
    return {
        "card_id": card.id,
        "card_name": card.name,
        "card_type": card.type,
        "score": _text(play.score if play else 0),
        "correct": _text(play.correct if play else 0),
    }


def _workflow(trigger: str, visitor: Visitor, card: Card, at: datetime, new_id: NewId) -> Body:
    named = {key: visitor.attributes[key] for key in _CONTACT_KEYS if key in visitor.attributes}
    properties = {key: value for key, value in visitor.attributes.items() if key not in _CONTACT_KEYS}
    return {
        "trigger": trigger,
        "runId": new_id(),
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "site": {"id": SITE_ID, "name": SITE_NAME},
        "contact": {"contactId": visitor.contact_id, **named, **({"properties": properties} if properties else {})},
        "card": {"id": card.id, "name": card.name, "type": card.type},
    }


def _browser(page: Page, at: datetime) -> Body:
    return {
        "timestamp": _to_the_millisecond(at),
        "pageTitle": SITE_NAME,
        "hostName": page.host,
        "pathName": page.path,
        "queryString": page.query,
        "url": page.url,
        "referrer": page.referrer,
        "languages": list(page.languages),
        "userAgent": page.user_agent,
    }


def _interaction_hub(visitor: Visitor) -> Body:
    return {
        "siteId": SITE_ID,
        "siteName": SITE_NAME,
        "userId": visitor.user_id,
        "contactId": visitor.contact_id,
    }


def _interaction_card(card: Card) -> Body:
    """Polls and personality tests count as quizzes of a sub type. Komo has no list of types; this is a guess."""
    kind = "Quiz" if card.questions else card.type
    return {"cardId": card.id, "cardType": kind, "cardSubType": card.sub_type, "cardName": card.name}


def _text(value: int | bool) -> str:
    return str(value).lower()


def _to_the_millisecond(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
