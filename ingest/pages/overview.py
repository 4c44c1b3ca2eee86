"""The first page: how each integration is doing, and whether everything that it needs is alive."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from flask import Blueprint, render_template, request
from markupsafe import Markup

from ingest.context import context
from ingest.pages.charts import sparkline
from ingest.pages.door import guarded
from ingest.pages.drawing import duration
from ingest.pages.language import _, number
from ingest.pages.troubles import Trouble, trouble_of
from ingest.pages.vital_signs import vital_signs
from workers.store.glance import Look
from workers.store.series import Series

blueprint = guarded(Blueprint("overview", __name__))

#: Integrations on one page.
PER_PAGE = 25
#: What waits for longer is asked why: a moment's wait has no reason that is worth a person's time.
STUCK_MS = 10_000
Tone = Literal["good", "wait", "bad", "idle"]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the figures of an integration's last hour."""

    name: str
    value: str
    line: Markup


@dataclass(frozen=True, slots=True)
class Card:
    """What the overview says of one integration."""

    id: str
    name: str
    tone: Tone
    state: str
    #: Whether anything has ever arrived.
    is_new: bool
    is_draft: bool
    parts: tuple[Part, ...]
    #: How long the oldest has waited; "" if none does.
    oldest: str
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One page of integrations, those that need a person first."""

    wanted: str
    page: int
    pages: int
    found: int
    #: Of all, not only of those that were found.
    total: int
    by_state: dict[str, int]
    waiting: int
    dead: int
    cards: tuple[Card, ...]


@blueprint.get("/")
def show() -> str:
    """All integrations, by pages; with `?q=` those with that text in their names."""
    board = read_board(request.args.get("q", "").strip(), request.args.get("page", 1, type=int))
    template = "pages/_overview.html" if "fragment" in request.args else "pages/overview.html"
    return render_template(template, board=board, signs=vital_signs(context()))


def read_board(wanted: str, page: int) -> Board:
    """
    Args:
        wanted: Part of a name or an id, in any case.
        page: From 1; the last one that there is, if it is more.
    """
    stores = context().stores
    looks = stores.glance.look(stores.integrations.every())
    found = sorted((look for look in looks if _is_wanted(look, wanted.casefold())), key=_by_need)
    pages = max(1, ceil(len(found) / PER_PAGE))
    page = min(max(1, page), pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    flows = stores.flow.read_many([look.integration for look in shown], "hour")
    return Board(
        wanted, page, pages, len(found), len(looks), _count_states(looks), sum(look.waiting for look in looks),
        sum(look.dead for look in looks), tuple(map(_card, shown, flows)),
    )  # fmt: skip


def _is_wanted(look: Look, wanted: str) -> bool:
    return wanted in look.integration.name.casefold() or wanted in look.integration.id


def _by_need(look: Look) -> tuple[int, str, str]:
    """What needs a person first; then by name, so that a page that refreshes itself stays as it is."""
    needs = [
        look.paused == "braze",
        look.gate.is_closed and look.waiting > 0,
        look.dead > 0,
        look.paused == "person" and look.waiting > 0,
        look.integration.draft,
        True,
    ]
    return needs.index(True), look.integration.name.casefold(), look.integration.id


def _state(look: Look) -> tuple[Tone, str]:
    if look.integration.draft:
        return "idle", _("Not set up yet")
    match look.paused:
        case "braze":
            return "bad", _("Paused because of Braze's answer")
        case "person":
            return "wait", _("Paused by a person")
    return "good", _("Active")


def _count_states(looks: list[Look]) -> dict[str, int]:
    counts = {"active": 0, "person": 0, "braze": 0, "draft": 0}
    for look in looks:
        counts["draft" if look.integration.draft else look.paused or "active"] += 1
    return counts


def _card(look: Look, flow: Series) -> Card:
    tone, state = _state(look)
    told: dict[str, Any] = {}
    oldest_ms = flow.points[-1].oldest_ms
    is_stuck = look.paused or oldest_ms > STUCK_MS or (look.gate.is_closed and look.waiting)
    if is_stuck and not look.integration.draft:
        told = context().stores.standing.tell(look.integration)
    return Card(
        look.integration.id, look.integration.name, tone, state, look.received == 0, look.integration.draft,
        _parts(look, flow), duration(oldest_ms / 1000) if oldest_ms else "", tuple(trouble_of(look, told)),
    )  # fmt: skip


def _parts(look: Look, flow: Series) -> tuple[Part, ...]:
    return (
        _part(_("Accepted"), flow.totals["received"], flow.line("received"), 1),
        _part(_("Delivered"), flow.totals["delivered"], flow.line("delivered"), 2),
        _part(_("Waiting now"), look.waiting + look.in_flight, flow.line("waiting"), 4),
        _part(_("Dead"), flow.totals["died"], flow.line("died"), 3),
    )


def _part(name: str, value: int, values: list[int], kind: int) -> Part:
    label = _(
        "%(name)s in the last hour, minute by minute: now %(last)s, at most %(most)s.",
        name=name, last=number(values[-1]), most=number(max(values)),
    )  # fmt: skip
    return Part(name, number(value), sparkline(values, label, kind))
