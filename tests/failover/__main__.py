"""
`make failover`: the store's primary, the broker and a host are killed and frozen under load, and then the ledger.

Exit status 1 if a promise was broken. Without `STORE_REPLICAS` a failover may lose something: that is told, not judged.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import Machine
from tests.benchmarks.table import markdown
from tests.chaos.report import say
from tests.chaos.story import Options
from tests.failover import stories
from tests.failover.servers import RABBIT, RabbitSystem, SentinelSystem, TwoHosts
from tests.failover.stories import Outcome, tell

HEADS = ("story", "what was done", "no 202 for, s", "nothing to Braze for, s", "accepted", "refused", "lost", "doubled",
         "out of order")  # fmt: skip
KINDS = ("sentinel", "rabbitmq", "hosts")


def main() -> int:
    """Run what was asked for, one after the other, and print one table."""
    given = _given()
    options = Options(0, 1, given.rate, given.people, 500, patience_s=120)
    plays: list[tuple[str, Any, Any, dict[str, Any], bool]] = [
        ("sentinel", SentinelSystem, stories.primaries, {"STORE_REPLICAS": 1}, True),
        ("sentinel", SentinelSystem, stories.primaries, {}, False),
        ("rabbitmq", RabbitSystem, stories.brokers, {}, True),
        ("hosts", TwoHosts, stories.hosts, {}, True),
    ]
    outcomes, broken, began = [], [], time.monotonic()
    for kind, system, story, more, judged in plays:
        if given.only not in (None, kind):
            continue
        if kind == "rabbitmq" and not Path(RABBIT).exists():
            say("rabbitmq is left out: install rabbitmq-server (Debian: apt-get install rabbitmq-server)")
            continue
        name = kind + "".join(f", {key}={value}" for key, value in more.items())
        with Machine() as machine:
            outcome = tell(name, system, story, options, machine, **more)
            machine.keep_logs = given.keep or bool(judged and outcome.broken)
            if machine.keep_logs:
                say(f"logs: {machine.directory}")
        outcomes.append(outcome)
        for one in outcome.broken:
            say(f"{'BROKEN' if judged else 'without the setting'}: {name}: {one}")
        broken += outcome.broken if judged else []
    say("")
    say(markdown(HEADS, [row for one in outcomes for row in _rows(one)]))
    say(f"{'FAILED' if broken else 'passed'} after {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


def _rows(outcome: Outcome) -> list[list[str]]:
    found = outcome.findings
    rows = [[outcome.name, one.what, f"{one.accepting_s:.1f}", f"{one.flowing_s:.1f}", *[""] * 5]
            for one in outcome.blows]  # fmt: skip
    sums = [outcome.accepted, outcome.refused, len(found.lost), len(found.doubled), found.inversions]
    return [*rows, [outcome.name, "all together", "", "", *map(str, sums)]]


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make failover", description=__doc__)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--rate", type=float, default=60.0, help="submissions a second")
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--keep", action="store_true", help="keep the logs, whatever comes of it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
