"""
`make bench`: the connector beside its baselines, in one run.

Rows are run by turns, so that a slow moment of the machine meets all of them, and the median of each row's runs counts.
A target that is missed is reported, not punished; a submission that is missing or comes twice ends the run.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks import (
    accepting,
    chart,
    delivering,
    idle,
    limit,
    looking,
    mapping,
    pages,
    quiet,
    resting,
    store_kills,
    waiting,
)
from tests.benchmarks.processes import Machine
from tests.benchmarks.table import ROW_HEADS, TARGET_HEADS, Row, Target, markdown


def main() -> None:
    """Measure what was asked for, and print it."""
    args = _arguments()
    started = time.monotonic()
    targets: list[Target] = []
    print(f"# Benchmarks, {chart.this_machine()}\n")
    notes: list[str] = []
    if "mapping" in args.only:
        rows, met, more = mapping.measure(rounds=args.rounds)
        _print(f"Mapping: {mapping.SUBMISSIONS:,} submissions, 20 attributes and 2 events each, in one process", rows)
        targets, notes = targets + met, notes + more
    if "accept" in args.only:
        with Machine() as machine:
            rows, met, more = accepting.measure(
                machine, rounds=args.rounds, requests=args.requests, profile=args.profile
            )
        _print(f"Accepting: {args.requests:,} signed requests over 16 connections, one web process each", rows)
        targets, notes = targets + met, notes + more
    if "deliver" in args.only:
        with Machine() as machine:
            rows, met, more = delivering.measure(
                machine, rounds=args.rounds, count=args.submissions, tasks=args.tasks, profile=args.profile
            )
        _print(f"Delivering: {args.submissions:,} submissions wait, two of each person; Braze answers at once", rows)
        targets, notes = targets + met, notes + more
    if "idle" in args.only:
        with Machine() as machine:
            times, met = idle.measure(machine, count=args.singles)
        print(
            f"## Idle: {len(times)} single submissions, fsync always\n\n" + _shown({"webhook to Braze": times}) + "\n"
        )
        targets += met
    if "quiet" in args.only:
        with Machine() as machine:
            rows_of_times, met, more = quiet.measure(machine, backlog=args.backlog, singles=args.singles)
        print("## A quiet integration's single submissions, beside\n\n" + _shown(rows_of_times) + "\n", flush=True)
        targets, notes = targets + met, notes + more
    for part, measure in _others(args).items():
        if part in args.only:
            with Machine() as machine:
                met, more = measure(machine)
            targets, notes = targets + met, notes + more
    print("## Targets\n\n" + markdown(TARGET_HEADS, [target.shown() for target in targets]) + "\n")
    print("\n\n".join(notes) + "\n")
    if args.json:
        args.json.write_bytes(chart.written(targets))
    if args.chart:
        args.chart.write_text(chart.drawn(targets, chart.this_machine()), "utf-8")
    print(f"Took {time.monotonic() - started:.0f} s.")


def _print(title: str, rows: list[Row]) -> None:
    print(f"## {title}\n\n" + markdown(ROW_HEADS, [row.shown() for row in rows]) + "\n", flush=True)


def _shown(rows: Mapping[str, list[float]]) -> str:
    shown = [
        [name, *(f"{idle.percentile(times, percent):.1f}" for percent in (50, 90, 99)), f"{times[-1]:.1f}"]
        for name, times in rows.items()
    ]
    return markdown(("ms", "p50", "p90", "p99", "most"), shown)


def _others(args: argparse.Namespace) -> dict[str, Callable[[Machine], tuple[list[Target], list[str]]]]:
    """The parts that come to targets and notes alone."""
    return {
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
    "idle",
    "quiet",
    "waiting",
    "resting",
    "looking",
    "pages",
    "limit",
    "store-kills",
)

if __name__ == "__main__":
    main()
