"""The picture of the targets."""

from xml.etree import ElementTree

from tests.benchmarks.chart import drawn, read, written
from tests.benchmarks.table import Target

TARGETS = [
    Target("accept vs <a bare endpoint>", 0.75, 0.6),
    Target("store CPU", 30, 15, "us", at_most=True),
    Target("answers 429", 0, 0, "answers", at_most=True),
    Target("growth", 5, -1, "MB", at_most=True),
]
SVG = "{http://www.w3.org/2000/svg}"


def _parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 -- our own


def _bars(picture: str) -> list[tuple[str, float]]:
    found = _parsed(picture).findall(f"{SVG}rect")
    return [(one.attrib["class"], float(one.attrib["width"])) for one in found if one.get("class") in ("met", "missed")]


def test_a_bar_is_as_long_as_the_figure_is_better_than_promised() -> None:
    """For some figures less is better; whoever looks at the picture need not know which."""
    (missed, short), (met, double), (_, most) = _bars(drawn(TARGETS, "2 cores"))

    assert (missed, met) == ("missed", "met")
    assert double / short == (2 / 0.8)
    assert most == 2 * double


def test_the_picture_is_drawn_anew_from_what_was_written() -> None:
    """A long run should not have to be repeated because a colour was changed."""
    targets, machine = read(written(TARGETS))

    assert targets == TARGETS
    assert drawn(targets, machine).count("<text") > len(TARGETS)


def test_the_picture_can_be_read_aloud() -> None:
    """Every figure is in its description, for those who don't see the bars."""
    picture = _parsed(drawn(TARGETS, "2 cores, Python 3.11"))

    assert picture.findtext(f"{SVG}title") == "2 of 3 promises about speed and thrift are kept"
    assert "accept vs <a bare endpoint>: 0.60x (>= 0.75x)" in (picture.findtext(f"{SVG}desc") or "")
