"""
`make bench`: the connector beside its baselines, in one run.

Rows are run by turns, so that a slow moment of the machine meets all of them, and the median of each row's runs counts.
A target that is missed is reported, not punished; a submission that is missing or comes twice ends the run.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import (
    accepting,
    chart,
    delivering,
    economy,
    growth,
    idle,
    limit,
    looking,
    mapping,
    memory,
    pages,
    quiet,
    resting,
    scale,
    store_kills,
    waiting,
)
from tests.benchmarks.processes import Machine
from tests.benchmarks.table import ROW_HEADS, TARGET_HEADS, Row, Target, markdown

Compare = Callable[[Machine], tuple[list[Row], list[Target], list[str]]]


class _Timed:
    """How long the parts took."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[part] = time.monotonic() - started

    def told(self) -> str:
        """One line."""
        parts = ", ".join(f"{part} {seconds:.0f}" for part, seconds in self._seconds.items())
        return f"Took {sum(self._seconds.values()):.0f} s: {parts}."


def main() -> None:
    """Measure what was asked for, and print it."""
    args = _arguments()
    targets: list[Target] = []
    print(f"# Benchmarks, {chart.this_machine()}\n")
    notes: list[str] = []
    timed = _Timed()
    for part, (title, compare) in _compared(args).items():
        if part in args.only:
            with timed(part), Machine() as machine:
                rows, met, more = compare(machine)
            _print(title, rows)
            targets, notes = targets + met, notes + more
    if "idle" in args.only:
        with timed("idle"), Machine() as machine:
            times, met = idle.measure(machine, count=args.singles)
        print(
            f"## Idle: {len(times)} single submissions, fsync always\n\n" + _shown({"webhook to Braze": times}) + "\n"
        )
        targets += met
    if "quiet" in args.only:
        with timed("quiet"), Machine() as machine:
            rows_of_times, met, more = quiet.measure(machine, backlog=args.backlog, singles=args.singles)
        print("## A quiet integration's single submissions, beside\n\n" + _shown(rows_of_times) + "\n", flush=True)
        targets, notes = targets + met, notes + more
    for part, measure in _others(args).items():
        if part in args.only:
            with timed(part), Machine() as machine:
                met, more = measure(machine)
            targets, notes = targets + met, notes + more
    print("## Targets\n\n" + markdown(TARGET_HEADS, [target.shown() for target in targets]) + "\n")
    print("\n\n".join(notes) + "\n")
    if args.json:
        args.json.write_bytes(chart.written(targets))
    if args.chart:
        args.chart.write_text(chart.drawn(targets, chart.this_machine()), "utf-8")
    print(timed.told())


def _print(title: str, rows: list[Row]) -> None:
    print(f"## {title}\n\n" + markdown(ROW_HEADS, [row.shown() for row in rows]) + "\n", flush=True)


def _shown(rows: Mapping[str, list[float]]) -> str:
    shown = [
        [name, *(f"{idle.percentile(times, percent):.1f}" for percent in (50, 90, 99)), f"{times[-1]:.1f}"]
        for name, times in rows.items()
    ]
    return markdown(("ms", "p50", "p90", "p99", "most"), shown)


def _compared(args: argparse.Namespace) -> dict[str, tuple[str, Compare]]:
    """The parts that come to rows side by side: a title, and what measures them."""
    rounds, hot = args.rounds, args.hot * scale.HOT_TIMES
    return {
        "mapping": (
            f"Mapping: {mapping.SUBMISSIONS:,} submissions, 20 attributes and 2 events each, in one process",
            lambda _: mapping.measure(rounds=rounds),
        ),
        "accept": (
            f"Accepting: {args.requests:,} signed requests over 16 connections, one web process each",
            lambda machine: accepting.measure(machine, rounds=rounds, requests=args.requests, profile=args.profile),
        ),
        "deliver": (
            f"Delivering: {args.submissions:,} submissions wait, two of each person; Braze answers at once",
            lambda machine: delivering.measure(
                machine, rounds=rounds, count=args.submissions, tasks=args.tasks, profile=args.profile
            ),
        ),
        "scale": (
            f"Scale: {args.scaled:,} submissions wait for each worker; Braze answers after {scale.ANSWER_MS} ms",
            lambda machine: scale.measure(machine, rounds=rounds, count=args.scaled, tasks=args.tasks // 3),
        ),
        "hot": (
            f"Hot people: {hot:,} submissions wait in one lane; Braze answers at once",
            lambda machine: scale.measure_hot(machine, rounds=rounds, people=args.hot),
        ),
    }


def _others(args: argparse.Namespace) -> dict[str, Callable[[Machine], tuple[list[Target], list[str]]]]:
    """The parts that come to targets and notes alone."""
    return {
        "memory": lambda machine: memory.measure(machine, count=args.remembered),
        "growth": lambda machine: growth.measure(machine, rounds=args.rounds, count=20_000),
        "economy": lambda machine: economy.measure(machine, count=args.economy),
        "resting": lambda machine: resting.measure(machine, seconds=30),
        "waiting": lambda machine: waiting.measure(machine, count=args.waiting, seconds=60),
        "looking": lambda machine: looking.measure(machine, rounds=args.looks),
        "pages": lambda machine: pages.measure(machine, rounds=args.looks),
        "limit": lambda machine: limit.measure(machine, seconds=66),
        "store-kills": lambda machine: store_kills.measure(machine, kills=5),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the connector beside its baselines.")
    parser.add_argument("--rounds", type=int, default=3, help="runs of every row")
    parser.add_argument("--requests", type=int, default=3000, help="requests in one run of the webhook")
    parser.add_argument("--submissions", type=int, default=60_000, help="that wait in one run of the delivery")
    parser.add_argument("--tasks", type=int, default=1500, help="tasks in one run of the Celery baseline")
    parser.add_argument("--singles", type=int, default=150, help="single submissions")
    parser.add_argument("--backlog", type=int, default=200_000, help="that wait beside a quiet integration")
    parser.add_argument("--waiting", type=int, default=20_000, help="that wait out a 429 and an outage")
    parser.add_argument("--scaled", type=int, default=40_000, help="that wait for each worker of a slow Braze")
    parser.add_argument("--hot", type=int, default=2000, help="people with a hundred submissions each")
    parser.add_argument("--remembered", type=int, default=10_000, help="of each thing that takes memory")
    parser.add_argument("--economy", type=int, default=60_000, help="whose requests and data points are counted")
    parser.add_argument("--looks", type=int, default=40, help="looks of each kind at a crowd of integrations")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all targets; the chart can be drawn from it")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw them, as docs/benchmarks.svg is drawn")
    parser.add_argument("--profile", action="store_true", help="sample the worker with py-spy (may need rights)")
    return parser.parse_args()


PARTS = (
    "mapping",
    "accept",
    "deliver",
    "scale",
    "hot",
    "idle",
    "quiet",
    "waiting",
    "resting",
    "looking",
    "pages",
    "limit",
    "store-kills",
    "memory",
    "growth",
    "economy",
)

if __name__ == "__main__":
    main()
