"""
`make chaos`: the real processes under load, while everything is done to them that can be.

Exit status 1 if a promise was broken; then the logs, the store's file and the sandbox's journal stay.
"""

import argparse
import random
import sys
import time

from tests.benchmarks.processes import Machine
from tests.chaos.report import say
from tests.chaos.story import Options, run


def main() -> int:
    """Run it, end everything, and say whether all promises were kept."""
    options, keep = _options()
    started = time.monotonic()
    with Machine() as machine:
        try:
            broken = run(options, machine)
        except (RuntimeError, OSError) as error:
            broken = [f"{type(error).__name__}: {error}"]
        if broken or keep:
            machine.keep_logs = True
            say(f"logs: {machine.directory}")
    for one in broken:
        say(f"BROKEN: {one}")
    say(f"{'FAILED' if broken else 'passed'} after {time.monotonic() - started:.0f} s, seed {options.seed}")
    return 1 if broken else 0


def _options() -> tuple[Options, bool]:
    parser = argparse.ArgumentParser(prog="make chaos", description="Everything at once, and then the ledger.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, help="in place of minutes")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--rate", type=float, default=80.0, help="submissions a second")
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--spacing-ms", type=int, default=500)
    parser.add_argument("--keep", action="store_true", help="keep the logs, whatever comes of it")
    given = parser.parse_args()
    seconds = given.minutes * 60 if given.seconds is None else given.seconds
    return Options(seconds, given.seed, given.rate, given.people, given.spacing_ms), given.keep


if __name__ == "__main__":
    sys.exit(main())
