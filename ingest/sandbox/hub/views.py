"""The hub's pages: the hub itself, a card from cover to form, and what became of an entry."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from urllib.parse import quote, urljoin
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from . import bodies, wheel
from .bodies import Body, Shape
from .cards import CARDS, CONSENT, SITE_NAME, Card
from .connector import Connector, Delivery
from .form import Filled, read_form
from .play import Chance, Luck, Play, play_questions, shares, spin
from .settings import HubSettings
from .visitor import Entry, Page
from .visits import PlayedEntry, Visit, Visits

SHAPES: dict[Shape, str] = {
    "legacy_workflow": "Legacy webhooks, answers by a workflow step",
    "legacy": "Legacy webhooks alone (they know no answers)",
    "interaction": "Interaction events alone (they name no person)",
}
LUCK: dict[Luck, str] = {"fair": "Fair wheel", "win": "Always win", "lose": "Never win"}

bp = Blueprint("hub", __name__)


@dataclass(frozen=True)
class Hub:
    """What the views work with."""

    settings: HubSettings
    connector: Connector
    visits: Visits
    now: Callable[[], datetime]
    chance: Chance


@bp.app_context_processor
def _for_every_page() -> dict[str, object]:
    return {
        "site_name": SITE_NAME,
        "shapes": SHAPES,
        "lucks": LUCK,
        "shape": _shape(),
        "luck": _luck(),
        "visit": _visit(),
        "settings": _hub().settings,
        "braze_link": _braze_link(),
        "connector_link": _connector_link,
    }


@bp.get("/")
def home() -> str:
    played = {one.card.slug for one in _visit().entries.values()}
    return render_template("home.html", cards=CARDS.values(), played=played)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.post("/seen")
def site_seen() -> ResponseReturnValue:
    visitor, at = _visit().visitor, _hub().now()
    if _shape() == "interaction":
        return _posted(bodies.interaction("page-view", visitor, _page(), at=at))
    return _posted(bodies.site_viewed(visitor, at=at))


@bp.get("/cards/<slug>")
def card(slug: str) -> str:
    return _card_page(_card(slug))


@bp.post("/cards/<slug>/seen")
def card_seen(slug: str) -> ResponseReturnValue:
    card, visitor, at = _card(slug), _visit().visitor, _hub().now()
    if _shape() == "interaction":
        return _posted(bodies.interaction("card-viewed", visitor, _page(), at=at, card=card))
    return _posted(bodies.card_viewed(visitor, card, at=at))


@bp.post("/cards/<slug>/start")
def start(slug: str) -> ResponseReturnValue:
    return _posted(*_start(_card(slug)))


@bp.post("/cards/<slug>/play")
def play(slug: str) -> ResponseReturnValue:
    """Decide the game, once: until its form is filled in, a card keeps its result."""
    card, visit = _card(slug), _visit()
    if slug not in visit.plays:
        if slug not in visit.started:
            _post(*_start(card))
        try:
            visit.plays[slug] = _play(card, visit)
        except ValueError as problem:
            return _card_page(card, problem=str(problem)), 422
        visit.votes[slug] = _post(*bodies.voting_bodies(visit.visitor, card, visit.plays[slug], shape=_shape()))
    if request.accept_mimetypes.best == "application/json":
        return {"slice": visit.plays[slug].slice, "next": url_for(".card", slug=slug)}
    return redirect(url_for(".card", slug=slug), 303)


@bp.post("/cards/<slug>/entries")
def enter(slug: str) -> ResponseReturnValue:
    card, visit = _card(slug), _visit()
    if slug not in visit.plays:
        return redirect(url_for(".card", slug=slug), 303)
    filled = read_form(card, request.form)
    if filled.problems:
        return _card_page(card, filled=filled), 422
    play = visit.plays.pop(slug, None)
    if play is None:  # the same form, sent twice at once
        return redirect(url_for(".card", slug=slug), 303)
    played = _keep_entry(card, play, visit, filled)
    _hub().connector.deliver([one for one in played.deliveries if not one.accepted])
    return redirect(url_for(".entry", entry_id=played.entry.id), 303)


@bp.get("/entries/<entry_id>")
def entry(entry_id: str) -> str:
    return render_template("entry.html", played=_played(entry_id), others=CARDS.values())


@bp.post("/entries/<entry_id>/send-again")
def send_again(entry_id: str) -> ResponseReturnValue:
    """What was not accepted goes again; if all was, all goes again, which shows that nothing is done twice."""
    deliveries = _played(entry_id).deliveries
    _hub().connector.deliver([one for one in deliveries if not one.accepted] or deliveries)
    return redirect(url_for(".entry", entry_id=entry_id, _anchor="behind"), 303)


@bp.get("/behind-the-scenes")
def behind() -> str:
    return render_template("behind.html", deliveries=list(reversed(_visit().deliveries)))


@bp.post("/settings")
def change_settings() -> ResponseReturnValue:
    """Unknown values change nothing."""
    for name, known in (("shape", SHAPES), ("luck", LUCK)):
        if request.form.get(name) in known:
            session[name] = request.form[name]
    visit = _visit()
    profile_id = str(uuid5(UUID(visit.visitor.session_id), "profile")) if request.form.get("signed_in") else None
    visit.visitor = replace(visit.visitor, profile_id=profile_id)
    return redirect(url_for(".home"), 303)


@bp.post("/new-visitor")
def new_visitor() -> ResponseReturnValue:
    """A new session and a new contact, as on another person's phone; the hub's settings stay."""
    session.pop("id", None)
    return redirect(url_for(".home"), 303)


def _hub() -> Hub:
    return cast(Hub, current_app.extensions["hub"])


def _visit() -> Visit:
    if "id" not in session:
        session["id"] = str(uuid4())
    return _hub().visits.of(session["id"])


def _shape() -> Shape:
    return cast(Shape, session.get("shape", "legacy_workflow"))


def _luck() -> Luck:
    return cast(Luck, session.get("luck", "fair"))


def _card(slug: str) -> Card:
    return CARDS.get(slug) or abort(404, "There is no such card in this hub.")


def _played(entry_id: str) -> PlayedEntry:
    return _visit().entries.get(entry_id) or abort(404, "This entry is not yours, or the hub was restarted since.")


def _card_page(card: Card, *, problem: str = "", filled: Filled | None = None) -> str:
    visit = _visit()
    return render_template(
        "card.html",
        card=card,
        play=visit.plays.get(card.slug),
        slices=wheel.draw(card.segments) if card.segments else [],
        shares=shares,
        problem=problem,
        values=filled.values if filled else {**visit.form, CONSENT.key: ""},  # consent is given anew each time
        problems=filled.problems if filled else {},
    )


def _start(card: Card) -> list[Body]:
    """Begin a game. Only cards that ask questions have an event for that, and only as a legacy webhook."""
    visit, at = _visit(), _hub().now()
    visit.started[card.slug] = at
    if not card.questions or _shape() == "interaction":
        return []
    return [bodies.quiz_started(visit.visitor, card, at=at)]


def _play(card: Card, visit: Visit) -> Play:
    now, started_at = _hub().now(), visit.started[card.slug]
    if card.segments:
        return spin(card, _hub().chance, luck=_luck(), started_at=started_at, now=now)
    return play_questions(card, request.form, started_at=started_at, now=now)


def _keep_entry(card: Card, play: Play, visit: Visit, filled: Filled) -> PlayedEntry:
    """Turn a played card and its form into an entry with its bodies; none but a vote was posted yet."""
    visit.started.pop(card.slug, None)
    visit.captured(filled.values)
    entry = Entry(str(uuid4()), str(uuid4()), filled.values)
    made = bodies.entry_bodies(visit.visitor, card, play, entry, shape=_shape(), at=_hub().now(), page=_page())
    deliveries = [Delivery(body) for body in made]
    visit.deliveries.extend(deliveries)
    played = PlayedEntry(entry, card, play, [*visit.votes.pop(card.slug, []), *deliveries])
    visit.keep(played)
    return played


def _post(*made: Body) -> list[Delivery]:
    deliveries = [Delivery(body) for body in made]
    _visit().deliveries.extend(deliveries)
    _hub().connector.deliver(deliveries)
    return deliveries


def _posted(*made: Body) -> ResponseReturnValue:
    return {"posted": [{"event": one.event, "accepted": one.accepted} for one in _post(*made)]}


def _page() -> Page:
    """The page that a person looks at, which is not the address that the hub's own scripts call."""
    return Page(
        host=request.host,
        path="/",
        url=request.host_url,
        languages=tuple(request.accept_languages.values()),
        user_agent=request.user_agent.string,
    )


def _braze_link() -> str:
    return _link(_hub().settings.braze_url, "{email}", _visit().form.get("email", ""))


def _connector_link(submission_id: str) -> str:
    return _link(_hub().settings.connector_url, "{submission_id}", submission_id)


def _link(url: str, gap: str, value: str) -> str:
    """The address with its gap filled; with nothing to fill it, the front page of the same place."""
    return url.replace(gap, quote(value, safe="")) if value or gap not in url else urljoin(url, "/")
