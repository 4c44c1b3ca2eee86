"""Figures side by side: the median of each row's runs, its ratio to a baseline, and whether the target is met."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass(slots=True)
class Run:
    """One run of one row."""

    #: Items, such as submissions or requests.
    count: int
    seconds: float
    #: Of the process measured, with its children; and of the store's server.
    cpu_s: float
    store_cpu_s: float


@dataclass(slots=True)
class Row:
    """Several runs of the same thing."""

    name: str
    runs: list[Run] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Items a second."""
        return median(run.count / run.seconds for run in self.runs)

    @property
    def cpu_us(self) -> float:
        """Processor microseconds an item, in the process measured."""
        return median(run.cpu_s / run.count for run in self.runs) * 1e6

    @property
    def store_us(self) -> float:
        """The same in the store's server."""
        return median(run.store_cpu_s / run.count for run in self.runs) * 1e6

    def shown(self) -> list[str]:
        """Cells: name, rate, its spread, and the processor's time."""
        rates = [run.count / run.seconds for run in self.runs]
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        return [self.name, f"{self.rate:,.0f}", spread, f"{self.cpu_us:,.1f}", f"{self.store_us:,.1f}"]


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, and what was measured."""

    name: str
    wanted: float
    measured: float
    unit: str = "x"
    #: Whether less is better.
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted

    @property
    def ratio(self) -> float | None:
        """How many times as good as promised; None where the promise is that something never happens."""
        if not self.at_most:
            return self.measured / self.wanted
        if not self.wanted:
            return None
        return self.wanted / self.measured if self.measured > 0 else inf

    def shown(self) -> list[str]:
        """Cells: name, target, measured, verdict."""
        sign, unit = ("<=" if self.at_most else ">="), "x" if self.unit == "x" else f" {self.unit}"
        verdict = "met" if self.met else "MISSED"
        return [self.name, f"{sign} {self.wanted:g}{unit}", f"{self.measured:.2f}{unit}", verdict]


ROW_HEADS = ("what", "a second", "over the runs", "CPU us each", "store CPU us each")
TARGET_HEADS = ("target", "wanted", "measured", "")


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(cells, widths, strict=True)))  # fmt: skip
        return "| " + " | ".join([first, *rest]) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])
