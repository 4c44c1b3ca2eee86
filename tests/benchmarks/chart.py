"""
The targets as a picture: how many times as good as promised each figure is, as horizontal bars.

    python -m tests.benchmarks.chart TARGETS.json CHART.svg

draws anew what `make bench ARGS='--json TARGETS.json'` has written.
"""

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.table import Target

WIDTH, LEFT, RIGHT, TOP, LINE = 960, 400, 190, 84, 22
#: A bar ends here, however much better the figure is.
MOST_TIMES = 4.0
#: Colours of the page, the text, what is less important, a promise kept and one that is not; light, then dark.
COLOURS = (
    ("#ffffff", "#1f2328", "#59636e", "#1a7f5a", "#b35900"),
    ("#0d1117", "#e6edf3", "#9198a1", "#3fb98a", "#e8943a"),
)
_LABELS = 'aria-labelledby="title desc"'
_STYLE = """
.page {{ fill: {} }} text {{ fill: {}; font: 13px system-ui, sans-serif }} .head {{ font-size: 18px; font-weight: 600 }}
.less {{ fill: {}; font-size: 12px }} .met {{ fill: {} }} .missed {{ fill: {} }}
"""


def this_machine() -> str:
    """All that is told about where it was measured."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"


def written(targets: Sequence[Target]) -> bytes:
    """JSON of the targets and their machine."""
    told = [
        {"name": one.name, "wanted": one.wanted, "measured": one.measured, "unit": one.unit, "at_most": one.at_most}
        for one in targets
    ]
    return orjson.dumps({"machine": this_machine(), "targets": told}, option=orjson.OPT_INDENT_2)


def read(data: bytes) -> tuple[list[Target], str]:
    """What `written` has written."""
    told: dict[str, Any] = orjson.loads(data)
    return [Target(**one) for one in told["targets"]], told["machine"]


def drawn(targets: Sequence[Target], machine: str) -> str:
    """
    An SVG that follows the reader's choice of light or dark, and can be read aloud.

    What must never happen has no bar, as there is nothing to compare with.
    """
    bars = [(one, one.ratio) for one in targets if one.ratio is not None]
    height = TOP + len(bars) * LINE + 24
    kept = sum(one.met for one, _ in bars)
    title = f"{kept} of {len(bars)} promises about speed and thrift are kept"
    light, dark = (_STYLE.format(*colours) for colours in COLOURS)
    told = "; ".join(f"{one.name}: {_figures(one)}" for one, _ in bars)
    size = f'width="{WIDTH}" height="{height}"'
    how = f"How many times as good as promised, on {escape(machine)}. The line is the promise."
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size} role="img" {_LABELS}>',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">Measured on {escape(machine)}. {escape(told)}.</desc>',
        f"<style>{light}@media (prefers-color-scheme: dark) {{{dark}}}</style>",
        f'<rect class="page" {size} rx="8"/>',
        f'<text class="head" x="20" y="34">{escape(title)}</text>',
        f'<text class="less" x="20" y="56">{how} A bar ends at {MOST_TIMES:g} times.</text>',
        *(line for place, (one, ratio) in enumerate(bars) for line in _bar(one, ratio, TOP + place * LINE)),
        f'<rect class="less" x="{_x(1) - 1:.1f}" y="{TOP - 8}" width="2" height="{len(bars) * LINE + 8}"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(one: Target, ratio: float, top: int) -> Iterator[str]:
    end, base = _x(min(ratio, MOST_TIMES)), top + 14
    verdict = "met" if one.met else "missed"
    yield f'<text x="{LEFT - 10}" y="{base}" text-anchor="end">{escape(_short(one.name))}</text>'
    yield f'<rect class="{verdict}" x="{LEFT}" y="{top + 3}" width="{max(1.0, end - LEFT):.1f}" height="14" rx="2"/>'
    mark = "" if one.met else " missed"
    yield f'<text class="less" x="{WIDTH - RIGHT + 10}" y="{base}">{escape(_figures(one) + mark)}</text>'


def _short(name: str) -> str:
    return name if len(name) <= 52 else name[:50] + " …"


def _figures(one: Target) -> str:
    _, wanted, measured, _ = one.shown()
    return f"{measured} ({wanted})"


def _x(times: float) -> float:
    return LEFT + times / MOST_TIMES * (WIDTH - RIGHT - LEFT)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(drawn(*read(Path(sys.argv[1]).read_bytes())), "utf-8")
