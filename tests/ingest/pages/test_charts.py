"""Pictures of numbers."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pages.charts import PARTS, Chart, Line, chart, scale, sparkline

NUMBERS = st.none() | st.floats() | st.integers(-5, 10**12)
KINDS = st.sampled_from(["lines", "bars"])


def a_chart(kind: str = "lines", lines: tuple[Line, ...] = (), points: int = 0, title: str = "Flow") -> Chart:
    return chart(
        kind, lines, id="flow", title=title, meaning="What came.", summary="At most 5.",  # type: ignore[arg-type]
        times=["2026-11-20T12:00:00.000Z"] * points, write=str,
    )  # fmt: skip


def paths(svg: str, kind: str) -> list[str]:
    """What is drawn, by its class."""
    drawn = ElementTree.fromstring(svg).iter("path")  # noqa: S314 -- ours
    return [one.get("d", "") for one in drawn if kind in one.get("class", "").split()]


@given(kind=KINDS, columns=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=80), title=st.text("<>&\"'aש %{}"))
def test_whatever_the_numbers_are_it_is_a_picture(kind: str, columns: list[tuple[float, ...]], title: str) -> None:
    """An odd figure must not take the page with it, and a name no markup into it."""
    lines = tuple(Line(f"row {row}", [column[row] for column in columns]) for row in range(3))

    drawn = a_chart(kind, lines, len(columns), title)

    root = ElementTree.fromstring(drawn.svg)  # noqa: S314 -- ours
    assert root.get("role") == "img"
    assert [one.text or "" for one in root][:2] == [title, "At most 5."]
    assert len(drawn.rows) == len(columns)
    assert not any("style" in one.attrib for one in root.iter())
    assert not any(word in one.get("d", "") for one in root.iter() for word in ("nan", "inf", "e+"))


@given(st.lists(NUMBERS, max_size=80), st.text("<>&\"'a %{}"))
def test_a_sparkline_is_a_picture_with_words(values: list[float | None], label: str) -> None:
    """Whoever doesn't see the line is told what it says."""
    root = ElementTree.fromstring(sparkline(values, label))  # noqa: S314 -- ours

    assert (root[0].text or "") == label
    assert not any("style" in one.attrib for one in root.iter())


@given(st.floats(0, 1e300), st.sampled_from(["count", "ms"]))
def test_an_axis_begins_at_zero_and_nothing_exceeds_it(highest: float, unit: str) -> None:
    """A line that leaves the picture, or five digits behind a comma, tell nothing."""
    axis = scale(highest, unit)  # type: ignore[arg-type]

    assert axis[0] == 0
    assert axis[-1] >= highest * (1 - 1e-9)
    assert 2 <= len(axis) <= PARTS + 1
    assert axis == sorted(set(axis))


@pytest.mark.parametrize(
    ("highest", "unit", "axis"),
    [
        (0, "count", [0, 1]),
        (3, "count", [0, 1, 2, 3]),
        (7, "count", [0, 2, 4, 6, 8]),
        (1_900, "count", [0, 500, 1000, 1500, 2000]),
        (0, "ms", [0, 1]),
        (45_000, "ms", [0, 15_000, 30_000, 45_000]),
        (200_000, "ms", [0, 60_000, 120_000, 180_000, 240_000]),
        (10_000_000, "ms", [0, 3_600_000, 7_200_000, 10_800_000]),
    ],
)
def test_the_numbers_of_an_axis_are_round(highest: float, unit: str, axis: list[float]) -> None:
    """Half a submission means nothing, and nobody counts minutes in hundreds."""
    assert scale(highest, unit) == axis  # type: ignore[arg-type]


def test_nothing_at_all_is_a_flat_line_at_the_bottom() -> None:
    """A quiet hour is an answer, an empty box is none."""
    [drawn] = paths(sparkline([0, 0, 0], "Nothing"), "line")

    assert drawn == "M0 23L2 23"


def test_where_nothing_is_known_the_line_has_a_gap() -> None:
    """A line drawn across would claim what nobody measured."""
    svg = a_chart("lines", (Line("p50", [1, 2, None, 3, None]),), 5).svg

    assert [path.count("M") for path in paths(svg, "line")] == [1]
    assert [path.endswith("h0") for path in paths(svg, "dot")] == [True]  # the point that stands alone


def test_bars_of_one_time_stand_on_each_other() -> None:
    """Sent and saved together are what would have been sent."""
    drawn = a_chart("bars", (Line("sent", [2]), Line("saved", [2])), 1)
    [sent], [saved] = paths(drawn.svg, "bar-1"), paths(drawn.svg, "bar-2")

    assert drawn.ticks[0] == "4.0"
    assert sent.partition("V")[2].partition("H")[0] == saved.partition("V")[0].split()[1]


def test_the_table_tells_the_newest_first() -> None:
    """That is what somebody came to see."""
    drawn = chart(
        "lines",
        (Line("accepted", [1, None]),),
        id="a",
        title="",
        meaning="",
        summary="",
        times=["old", "new"],
        write=str,
    )

    assert drawn.rows_newest_first() == [("new", ["-"]), ("old", ["1"])]
