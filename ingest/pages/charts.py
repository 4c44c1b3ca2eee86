"""
Pictures of numbers: SVG of our own, whose colours are in charts.css. Pure.

A picture stretches to the width it gets. What is written beside it is HTML, which stays legible on a phone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Literal

from markupsafe import Markup, escape

Value = float | None
Unit = Literal["count", "ms"]
Kind = Literal["lines", "bars"]

#: Of the drawing, in its own units.
WIDTH, HEIGHT = 600, 160
#: Room for the strokes at the upper and lower edge.
EDGE = 3
#: Into so many parts an axis is divided at most.
PARTS = 4
#: Lengths of time that people count in, ms.
_TIMES = [
    *(base * 10**power for power in range(3) for base in (1, 2, 5)),
    *(seconds * 1000 for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(hours * 3_600_000 for hours in (1, 2, 4, 6, 12, 24, 48, 120, 240)),
]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of numbers with its name; the style sheet draws up to three differently."""

    name: str
    #: Oldest first; None where nothing is known.
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with everything that is written around it, in the reader's language."""

    id: str
    kind: Kind
    title: str
    #: What it shows and what is good, in a sentence.
    meaning: str
    svg: Markup
    names: Sequence[str]
    #: From the top down, equally far from each other.
    ticks: Sequence[str]
    #: When each point began, ISO 8601.
    times: Sequence[str]
    #: A row for each point, a cell for each name.
    rows: Sequence[Sequence[str]]

    def rows_newest_first(self) -> list[tuple[str, Sequence[str]]]:
        """As a table tells them: when each began, and its cells."""
        return list(zip(self.times, self.rows, strict=True))[::-1]


def chart(
    kind: Kind,
    lines: Sequence[Line],
    *,
    id: str,  # noqa: A002 -- as in HTML
    title: str,
    meaning: str,
    summary: str,
    times: Sequence[str],
    write: Callable[[float], str],
    unit: Unit = "count",
) -> Chart:
    """
    Draw rows of numbers over one span.

    Args:
        kind: Bars stand on each other.
        id: Unique on the page.
        summary: What somebody is told who doesn't see the picture; the figures themselves follow in a table.
        times: When each point began, ISO 8601; as many as there are values.
        write: A number as people read it.
    """
    known = [Line(line.name, [_known(value) for value in line.values]) for line in lines]
    axis = scale(_highest(known, stacked=kind == "bars"), unit)
    marks = (_bars if kind == "bars" else _lines)(known, axis[-1])
    svg = Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-labelledby="{id}-t {id}-d">'
        '<title id="{id}-t">{title}</title><desc id="{id}-d">{summary}</desc>{grid}{marks}</svg>'
    ).format(w=WIDTH, h=HEIGHT, id=id, title=title, summary=summary, grid=_grid(len(axis)), marks=marks)
    cells = [[write(value) if value is not None else "-" for value in row] for row in zip(*_values(known), strict=True)]
    ticks = [write(tick) for tick in reversed(axis)]
    return Chart(id, kind, title, meaning, svg, [line.name for line in lines], ticks, times, cells)


def sparkline(values: Sequence[Value], label: str, kind: int = 1) -> Markup:
    """
    A small line without axes or gaps; zero is at the bottom.

    Args:
        label: What somebody is told who doesn't see it.
        kind: Which of the lines of the style sheet.
    """
    known = [_known(value) for value in values]
    top = max(1.0, *(value for value in known if value is not None), 0.0)
    # A page holds a hundred of these: whole numbers, and no point that lies on a level line.
    points = [(place, 23 - round(21 * min(1.0, value / top))) for place, value in enumerate(known) if value is not None]
    bends = [
        point for at, point in enumerate(points)
        if at in (0, len(points) - 1) or not points[at - 1][1] == point[1] == points[at + 1][1]
    ]  # fmt: skip
    path = "M" + "L".join(f"{x} {y}" for x, y in bends) if bends else ""
    return Markup(  # noqa: S704 -- numbers, and a label that is escaped
        f'<svg class="spark" viewBox="0 0 {max(1, len(known) - 1)} 24" preserveAspectRatio="none" role="img">'
        f"<title>{escape(label)}</title>"
        f'<path class="line line-{kind}" d="{path}" vector-effect="non-scaling-stroke"/></svg>'
    )


def scale(highest: float, unit: Unit = "count") -> list[float]:
    """
    Round numbers from 0 to one that nothing exceeds, equally far from each other.

    Args:
        highest: Of what is drawn; 0 or more.
        unit: Counts are divided into whole numbers, times as people count them.
    """
    step = _time_step(highest) if unit == "ms" else _count_step(highest)
    return [step * part for part in range(max(1, ceil(highest / step)) + 1)]


def _count_step(highest: float) -> float:
    wanted = max(1.0, highest / PARTS)
    power = 10.0 ** floor(log10(wanted))
    return next(base * power for base in (1, 2, 5, 10) if base * power * PARTS >= highest)


def _time_step(highest: float) -> float:
    step = next((step for step in _TIMES if step * PARTS >= highest), None)
    return step if step is not None else 86_400_000 * _count_step(highest / 86_400_000)


def _known(value: Value) -> Value:
    return max(0.0, value) if value is not None and isfinite(value) else None


def _values(lines: Sequence[Line]) -> list[Sequence[Value]]:
    return [line.values for line in lines]


def _highest(lines: Sequence[Line], *, stacked: bool) -> float:
    """Of what is drawn, as high as a picture can be."""
    columns = [[value or 0.0 for value in column] for column in zip(*_values(lines), strict=True)]
    return min(1e300, max((sum(column) if stacked else max(column, default=0.0) for column in columns), default=0.0))


def _y(value: float, top: float) -> str:
    return f"{HEIGHT - EDGE - min(1.0, value / top) * (HEIGHT - 2 * EDGE):.1f}"


def _x(place: int, count: int) -> str:
    return f"{WIDTH * (place / (count - 1) if count > 1 else 0.5):.1f}"


def _grid(ticks: int) -> Markup:
    lines = "".join(f"M0 {_y(place, ticks - 1)}H{WIDTH}" for place in range(ticks))
    return Markup('<path class="grid" d="{}" vector-effect="non-scaling-stroke"/>').format(lines)


def _lines(lines: Sequence[Line], top: float) -> Markup:
    is_alone = len(lines) == 1
    return Markup("").join(_line(line.values, top, kind, filled=is_alone) for kind, line in enumerate(lines, start=1))


def _line(values: Sequence[Value], top: float, kind: int, *, filled: bool) -> Markup:
    """One line with gaps where nothing is known; a point that stands alone becomes a dot."""
    runs = [[(_x(place, len(values)), _y(value, top)) for place, value in run] for run in _runs(values)]
    paths = ["M" + "L".join(f"{x} {y}" for x, y in run) for run in runs if len(run) > 1]
    dots = [f"M{run[0][0]} {run[0][1]}h0" for run in runs if len(run) == 1]
    areas = [
        f"M{run[0][0]} {HEIGHT}L" + "L".join(f"{x} {y}" for x, y in run) + f"L{run[-1][0]} {HEIGHT}Z" for run in runs
    ]
    drawn = _path("area", kind, areas) if filled else Markup("")
    return drawn + _path("line", kind, paths) + _path("dot", kind, dots)


def _path(what: str, kind: int, parts: Sequence[str]) -> Markup:
    if not parts:
        return Markup("")
    return Markup('<path class="{what} {what}-{kind}" d="{d}" vector-effect="non-scaling-stroke"/>').format(
        what=what, kind=kind, d="".join(parts)
    )


def _runs(values: Sequence[Value]) -> Iterator[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _bars(lines: Sequence[Line], top: float) -> Markup:
    """A bar for each point, the later rows on top of the earlier ones."""
    count = max((len(line.values) for line in lines), default=0)
    below, drawn = [0.0] * count, []
    for kind, line in enumerate(lines, start=1):
        path = []
        for place, value in enumerate(line.values):
            if value:
                path.append(_bar(place, count, _y(below[place], top), _y(below[place] + value, top)))
                below[place] += value
        drawn.append(Markup('<path class="bar bar-{}" d="{}"/>').format(kind, "".join(path)))
    return Markup("").join(drawn)


def _bar(place: int, count: int, bottom: str, top: str) -> str:
    band = WIDTH / count
    left, right = place * band + band * 0.12, (place + 1) * band - band * 0.12
    return f"M{left:.1f} {bottom}V{top}H{right:.1f}V{bottom}Z"
