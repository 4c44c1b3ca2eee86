"""Cost and health over time: what came and went, what it cost in Braze, and how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, get_args

from flask import Blueprint, abort, render_template, request, url_for

from ingest.context import context
from ingest.pages.curves import Tile, added, charts, small_charts, tiles
from ingest.pages.door import guarded
from ingest.pages.language import _
from schemas.integration import Integration
from workers.store.flow import Span
from workers.store.glance import Gate
from workers.store.series import Series

blueprint = guarded(Blueprint("figures", __name__, url_prefix="/figures"))

#: Integrations that are added up on one page.
PER_PAGE = 25
SPANS: tuple[Span, ...] = get_args(Span)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which figures somebody wants to see."""

    #: "" for all.
    integration: str
    span: Span
    page: int

    def parameters(self, **other: Any) -> dict[str, Any]:
        """For an address; what is usual is left out."""
        told = {"integration": self.integration, "span": self.span, "page": self.page} | other
        return {name: value for name, value in told.items() if value not in ("", 1)}


@dataclass(frozen=True, slots=True)
class Row:
    """One integration among several."""

    id: str
    name: str
    series: Series


@dataclass(frozen=True, slots=True)
class Allowance:
    """What Braze allows a workspace, and what is left of it."""

    workspace: str
    gate: Gate

    @property
    def used(self) -> int:
        return max(0, (self.gate.limit or 0) - self.gate.left) if self.gate.left is not None else 0


@blueprint.get("")
def show() -> str:
    """One integration, or all of them by pages, over an hour, a day or a week."""
    asked, every = _asked(), context().stores.integrations.every()
    ready = sorted((one for one in every if not one.draft), key=lambda one: (one.name.casefold(), one.id))
    pages = max(1, ceil(len(ready) / PER_PAGE))
    start = (min(asked.page, pages) - 1) * PER_PAGE
    chosen = [one for one in ready if one.id == asked.integration] if asked.integration else ready[start:][:PER_PAGE]
    if asked.integration and not chosen:
        abort(404)
    found = context().stores.flow.read_many(chosen, asked.span)
    series = added(found)
    template = "pages/_figures.html" if "fragment" in request.args else "pages/figures.html"
    return render_template(
        template, asked=asked, spans=_spans(), integrations=ready, chosen=chosen, pages=pages,
        page=min(asked.page, pages), tiles=tiles(series), allowances=_allowances(chosen), ends=_ends(asked.span),
        charts=charts(series, most_objects=_most_objects(chosen), is_sum=len(chosen) > 1),
        rows=[Row(one.id, one.name, its) for one, its in zip(chosen, found, strict=True)] if len(chosen) > 1 else [],
    )  # fmt: skip


@blueprint.get("/part")
def part() -> str:
    """The last hour of one integration, for its own page."""
    wanted = request.args.get("integration", "")
    integration = context().stores.integrations.get_cached(wanted).integration
    return render_template("pages/_integration_figures.html", **integration_figures(integration))


def integration_figures(integration: Integration) -> dict[str, Any]:
    """What `pages/_integration_figures.html` shows: the last hour of one integration."""
    series = context().stores.flow.read(integration, "hour")
    return {
        "figures_of": integration.id, "small_charts": small_charts(series), "small_tiles": _few(tiles(series)),
        "ends": _ends("hour"), "more": url_for("figures.show", integration=integration.id),
    }  # fmt: skip


def _asked() -> Asked:
    span = request.args.get("span", "hour")
    if span not in SPANS:
        abort(404)
    page = max(1, request.args.get("page", 1, type=int))
    return Asked(request.args.get("integration", "").strip(), span, page)


def _few(found: Sequence[Tile]) -> list[Tile]:
    return [tile for tile in found if tile.is_main]


def _spans() -> dict[Span, str]:
    return {"hour": _("Last hour"), "day": _("Last day"), "week": _("Last week")}


def _ends(span: Span) -> tuple[str, str]:
    """What stands at both ends of a chart."""
    begins = {"hour": _("60 minutes ago"), "day": _("24 hours ago"), "week": _("7 days ago")}
    return begins[span], _("now")


def _most_objects(integrations: Sequence[Integration]) -> int:
    return max((one.braze.max_objects_per_request for one in integrations), default=0)


def _allowances(integrations: Sequence[Integration]) -> list[Allowance]:
    """Of each Braze workspace that has told its limit."""
    looks = context().stores.glance.look(integrations)
    gates = {look.integration.braze.workspace: look.gate for look in looks}
    return [Allowance(name, gate) for name, gate in sorted(gates.items()) if gate.limit]
