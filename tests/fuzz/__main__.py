"""
`make fuzz`: broken inputs for everything that reads what others wrote, and nothing may fail, hang or let through.

Exit status 1 if something did; the smallest input that shows it is kept in build/fuzz.
"""

import argparse
import multiprocessing
import sys
import time

from tests.fuzz.endpoints import Told
from tests.fuzz.endpoints import run as endpoints
from tests.fuzz.parts import TARGETS, cut, work
from tests.fuzz.run import Finding


def main() -> int:
    """Run the parts, print their table, and say whether all went well."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_100_000, help="for the parsers, together")
    parser.add_argument("--requests", type=int, default=3_000, help="of each part by HTTP")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[one.name for one in TARGETS], help="one part")
    parser.add_argument("--minutes", type=float, default=10.0, help="at most")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    chosen = [one for one in TARGETS if given.only in (None, one.name)]
    pieces = cut(chosen, given.inputs, given.seed, time.monotonic() + 60 * given.minutes)
    told: dict[str, tuple[int, float, list[Finding]]] = {one.name: (0, 0.0, []) for one in chosen}
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for name, done, seconds, found in pool.imap_unordered(work, pieces):
            before = told[name]
            told[name] = (before[0] + done, before[1] + seconds, before[2] + found)
    by_http = [] if given.only else endpoints(given.requests, given.seed)
    return report(told, by_http, wanted=given.inputs)


def report(told: dict[str, tuple[int, float, list[Finding]]], by_http: list[Told], *, wanted: int) -> int:
    """The table, and the findings one by one. Returns: the exit status."""
    print(f"{'part':<22}{'inputs':>12}{'seconds':>10}{'findings':>10}")
    total = sum(done for done, _, _ in told.values())
    rows = [(name, *of_part) for name, of_part in told.items()]
    rows.append(("parsers together", total, sum(seconds for _, seconds, _ in told.values()), []))
    found: dict[tuple[str, str], Finding] = {}
    for name, done, seconds, several in [*rows, *by_http]:
        distinct = {(one.part, one.what): one for one in several}
        found |= distinct
        print(f"{name:<22}{done:>12,}{seconds:>10.0f}{len(distinct):>10}")
    for one in found.values():
        print(f"FOUND {one.part}: {one.what}; see {one.file}")
    if total < wanted and not found:
        print("Not all: the time was over.")
    return 1 if found or total < wanted else 0


if __name__ == "__main__":
    sys.exit(main())
