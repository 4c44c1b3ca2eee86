"""The tiles and charts of a span of figures, each with what it means."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ingest.pages.charts import Chart, Kind, Line, Unit, Value, chart
from ingest.pages.drawing import duration, iso
from ingest.pages.language import _, number
from workers.store.series import COUNTERS, GAUGES, Point, Series


class Tile(NamedTuple):
    """One figure of the whole span."""

    name: str
    value: str
    #: Half a sentence: what it means, what is good.
    meaning: str
    #: Whether it stands on an integration's own page too.
    is_main: bool = False


def added(found: Sequence[Series]) -> Series:
    """
    Several integrations as one.

    Counts are added; of ages and latencies the greatest stands for all, since the slowest is what somebody looks for.
    """
    if len(found) == 1:
        return found[0]
    points = [_added(points) for points in zip(*(one.points for one in found), strict=True)]
    totals = {name: sum(one.totals[name] for one in found) for name in COUNTERS}
    step_ms = found[0].step_ms if found else 0
    return Series(step_ms, points, totals, _worst(one.p50_ms for one in found), _worst(one.p99_ms for one in found))


def _added(points: Sequence[Point]) -> Point:
    return Point(
        points[0].start_ms,
        {name: sum(point.counts[name] for point in points) for name in COUNTERS},
        {name: sum(point.gauges[name] for point in points) for name in GAUGES},
        max(point.oldest_ms for point in points),
        _worst(point.p50_ms for point in points), _worst(point.p99_ms for point in points),
    )  # fmt: skip


def _worst(values: Iterable[Value]) -> Value:
    return max((value for value in values if value is not None), default=None)


def tiles(series: Series) -> list[Tile]:
    """The figures of the whole span."""
    total, now = series.totals, series.points[-1] if series.points else None
    waiting = now.gauges["waiting"] + now.gauges["in_flight"] if now else 0
    found = [
        Tile(_("Accepted"), _count(total["received"]), _("submissions that arrived and are kept"), True),
        Tile(_("Delivered"), _count(total["delivered"]), _("submissions that Braze has taken"), True),
        Tile(_("Waiting now"), _count(waiting), _("on their way; near 0 is good"), True),
        Tile(_("Died"), _count(total["died"]), _("became dead letters and need a person; 0 is good"), True),
        Tile(_("Half within"), _time(series.p50_ms), _("from accepted to delivered (p50)"), True),
        Tile(_("99 of 100 within"), _time(series.p99_ms), _("from accepted to delivered (p99)"), True),
        Tile(_("Data points sent"), _count(total["data_points_sent"]), _("what Braze may bill: each value written")),
        Tile(_("Data points saved"), _saved(total["data_points_saved"], total["data_points_sent"]),
             _("left out because Braze has the same value already; more is better")),
        Tile(_("Requests"), _count(total["requests"]), _("calls to Braze; fewer for the same work is better")),
        Tile(_("Objects in a request"), _share(total["objects"], total["requests"]),
             _("attributes and events that travel together, on average; more is better")),
        Tile(_("Possible duplicates"), _count(total["possible_duplicates"]),
             _("events sent again because an answer was lost; 0 is usual")),
        Tile(_("Duplicates ignored"), _count(total["duplicates"]),
             _("posted by Komo more than once, and counted once")),
    ]  # fmt: skip
    if any(total[name] for name in ("sent", "send_dead", "send_unknown")):
        found.append(Tile(_("Messages asked for"), _count(total["sent"]), _("that Braze has taken to send")))
    return found


def charts(series: Series, *, most_objects: int, is_sum: bool) -> list[Chart]:
    """
    Everything over time.

    Args:
        most_objects: That one request may hold.
        is_sum: Whether these are several integrations, of which the slowest is shown.
    """
    fill = _(
        "Attributes and events in one request on average; at most %(most)s fit. Busy hubs fill requests, quiet ones "
        "need not.", most=_count(most_objects),
    )  # fmt: skip
    slow = _("How long a submission takes from accepted to delivered; seconds are good.")
    if is_sum:
        slow = _("How long a submission takes from accepted to delivered, in the slowest of these integrations.")
    return [
        _flow(series),
        _waiting(series),
        _draw(series, "latency", "lines", _("Time to delivery"), slow, _latencies(series), "ms"),
        _points(series),
        _draw(series, "fill", "lines", _("How full requests are"), fill, {_("Objects in a request"): _fills(series)}),
        _draw(series, "requests", "bars", _("Requests to Braze"), _("Calls that count against Braze's rate limit."),
              {_("Requests"): series.line("requests")}),
        _draw(series, "twice", "bars", _("Possible duplicates"),
              _("Events that were sent again because Braze's answer was lost, and may count twice there; 0 is usual."),
              {_("Possible duplicates"): series.line("possible_duplicates")}),
        _draw(series, "oldest", "lines", _("Age of the oldest that waits"),
              _("Near 0 is good; a line that only rises means that nothing is delivered."),
              {_("Oldest waiting"): [point.oldest_ms for point in series.points]}, "ms"),
    ]  # fmt: skip


def small_charts(series: Series) -> list[Chart]:
    """The charts of one integration's own page."""
    return [_flow(series), _waiting(series), _points(series)]


def _flow(series: Series) -> Chart:
    lines = {_("Accepted"): series.line("received"), _("Delivered"): series.line("delivered"),
             _("Died"): series.line("died")}  # fmt: skip
    meaning = _("What arrived, what Braze took, and what needs a person. Accepted and delivered should run together.")
    return _draw(series, "flow", "lines", _("Accepted and delivered"), meaning, lines)


def _waiting(series: Series) -> Chart:
    waiting = [point.gauges["waiting"] + point.gauges["in_flight"] for point in series.points]
    meaning = _("Submissions that are kept and not yet delivered. It should come back to 0.")
    return _draw(series, "waiting", "lines", _("Waiting"), meaning, {_("Waiting"): waiting})


def _points(series: Series) -> Chart:
    lines = {_("Sent"): series.line("data_points_sent"), _("Saved"): series.line("data_points_saved")}
    meaning = _("Values written to profiles, and values left out because Braze has them already: those cost nothing.")
    return _draw(series, "points", "bars", _("Data points sent and saved"), meaning, lines)


def _latencies(series: Series) -> dict[str, Sequence[Value]]:
    return {_("Half within"): [point.p50_ms for point in series.points],
            _("99 of 100 within"): [point.p99_ms for point in series.points]}  # fmt: skip


def _fills(series: Series) -> list[Value]:
    pairs = zip(series.line("objects"), series.line("requests"), strict=True)
    return [round(objects / requests, 1) if requests else None for objects, requests in pairs]


def _draw(
    series: Series, name: str, kind: Kind, title: str, meaning: str,
    lines: Mapping[str, Sequence[Value]], unit: Unit = "count",
) -> Chart:  # fmt: skip
    write = _time if unit == "ms" else _count
    return chart(
        kind, [Line(label, values) for label, values in lines.items()], id=f"chart-{name}", title=title,
        meaning=meaning, summary=" ".join(_summary(label, values, write) for label, values in lines.items()),
        times=[iso(point.start_ms) for point in series.points], write=write, unit=unit,
    )  # fmt: skip


def _summary(name: str, values: Sequence[Value], write: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return _("%(name)s: nothing is known.", name=name)
    return _(
        "%(name)s: from %(least)s to %(most)s, at last %(last)s.",
        name=name, least=write(min(known)), most=write(max(known)), last=write(known[-1]),
    )  # fmt: skip


def _count(value: float) -> str:
    """As `number`, without asking for what all languages write alike."""
    return str(int(value)) if 0 <= value < 1000 and value == int(value) else number(value)


def _time(ms: Value) -> str:
    if ms is None:
        return "-"
    return duration(ms / 1000) if ms else "0"


def _share(part: int, whole: int) -> str:
    return _count(round(part / whole, 1)) if whole else "-"


def _saved(saved: int, sent: int) -> str:
    if not saved:
        return "0"
    return _("%(count)s (%(percent)s%%)", count=_count(saved), percent=round(100 * saved / (saved + sent)))
