"""
`make restore-check`: a backup while everything runs, everything killed, a restore, and what Braze has in the end.

Each submission has an event, a value and an increment. Exit status 1 if something accepted before the backup is
missing, an event came again that is not counted, or an increment was done twice.
"""

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from tests.benchmarks.processes import ROOT, Machine, Running, procfile
from tests.benchmarks.setting import INTEGRATION_ID
from tests.benchmarks.soak_checks import PAGE, does_not_add_up
from tests.benchmarks.soak_feed import Feed, member_of, plan
from tests.benchmarks.soak_system import System, wait_until

SPACING_MS = 500
#: A worker that was killed is taken to be alive for as long, and a little.
SILENCE_S = 50.0
FINISH_S = 120.0


class Restorable(System):
    """A system whose store can be put back to an earlier moment."""

    def count_visits(self) -> None:
        """Let every submission add one to its person."""
        kept = self.api("GET", f"/integrations/{INTEGRATION_ID}")
        kept["attributes"].append({"value": 1, "attribute": "visits", "type": "number", "operation": "increment"})
        self.api("PUT", f"/integrations/{INTEGRATION_ID}", kept)

    def back_up(self) -> None:
        """Copy the directory as it is, while it is written to."""
        shutil.copytree(self.store.directory / "appendonlydir", self._machine.directory / "backup")

    def die(self) -> None:
        """Everything but Braze, at one moment."""
        for one in (self.web, self.clock, self.worker):
            one.kill()
        self.store.kill()

    def restore(self) -> None:
        """Put the copy back, and the store alone on it."""
        place = self.store.directory / "appendonlydir"
        shutil.rmtree(place)
        shutil.copytree(self._machine.directory / "backup", place)
        self.store.start_again()
        self.store.running.wait_for(self.store.answers, "an answer to PING")

    def note_restored(self) -> str:
        """What a person types."""
        command = [sys.executable, "-m", "ingest.cli", "store", "restored"]
        done = subprocess.run(command, cwd=ROOT, env=self._environ, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def go_on(self) -> None:
        """Worker and clock; nothing new is accepted."""
        self.worker: Running = self._machine.start("worker", procfile("worker"), self._environ)
        self.clock = self._machine.start("clock", procfile("clock"), self._environ)


def run(args: argparse.Namespace, machine: Machine) -> list[str]:
    """The whole story; returns what is wrong."""
    system = Restorable(machine, spacing_ms=SPACING_MS)
    system.count_visits()
    planned = plan(args.submissions, args.people, random.Random(args.seed))
    half = len(planned) // 2
    early, late = Feed(system.port, system.secret), Feed(system.port, system.secret)
    for thread in early.start(planned[:half], args.seed):
        thread.join()
    system.back_up()
    before = system.ledger()
    for thread in late.start(planned[half:], args.seed + 1):
        thread.join()
    wait_until(lambda: system.ledger()["delivered"] > before["delivered"] + half // 2, time.monotonic() + FINISH_S)
    lost = system.ledger()
    system.die()
    say(f"at the backup {_short(before)}; at the loss {_short(lost)}")
    began = time.monotonic()
    system.restore()
    say(f"restored in {time.monotonic() - began:.1f} s")
    time.sleep(0 if args.without else SILENCE_S)
    if not args.without:
        say(system.note_restored().rstrip())
    began = time.monotonic()
    system.go_on()
    done = wait_until(lambda: _is_done(system.ledger()), time.monotonic() + FINISH_S)
    say(f"all of it delivered {time.monotonic() - began:.1f} s after the start: {_short(system.ledger())}")
    time.sleep(1)
    return ([] if done else ["it was not all delivered"]) + judge(system, set(early.accepted), planned)


def judge(system: Restorable, early: set[str], planned: Any) -> list[str]:
    """What Braze has, beside what was submitted."""
    came = Counter[str]()
    while page := system.braze(f"/event-ids?limit={PAGE}&after={max(came, default='')}")["ids"]:
        came.update(page)
    ledger, again = system.ledger(), came.total() - len(came)
    missing = [one for one in early if f"{one}:1" not in came]
    mine = Counter(member_of(one.person) for one in planned)
    visits: dict[str, int] = {}
    offset = 0
    while items := system.braze(f"/profiles?limit={PAGE // 4}&offset={offset}")["items"]:
        offset += len(items)
        visits |= {one["external_id"]: one["custom_attributes"].get("visits", 0) for one in items}
    over = sum(max(0, visits[name] - mine[name]) for name in visits)
    say(f"events in Braze {len(came):,}, again {again:,}, counted as possible {ledger['possible_duplicates']:,}")
    say(f"increments submitted {mine.total():,}, in Braze {sum(visits.values()):,}, too many {over:,}, "
        f"left out {ledger['operations_left_out']:,}")  # fmt: skip
    wrong = [f"{len(missing)} accepted before the backup never arrived"] if missing else []
    wrong += [f"{over} increments were done twice"] if over else []
    wrong += [f"{again} events came again"] if again > ledger["possible_duplicates"] else []
    return wrong + ([f"the ledger does not add up: {ledger}"] if does_not_add_up(ledger) else [])


def _is_done(ledger: dict[str, int]) -> bool:
    return ledger["waiting"] + ledger["in_flight"] == 0


def _short(ledger: dict[str, int]) -> str:
    return ", ".join(f"{name} {ledger[name]:,}" for name in ("received", "waiting", "in_flight", "delivered"))


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run it, end everything, and say how it went."""
    parser = argparse.ArgumentParser(prog="make restore-check", description="A backup, a loss and a restore.")
    parser.add_argument("--submissions", type=int, default=6000)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--without", action="store_true", help="leave `komo-braze store restored` out: it must fail")
    args = parser.parse_args()
    with Machine() as machine:
        wrong = run(args, machine)
        machine.keep_logs = bool(wrong)
    for one in wrong:
        say(f"BROKEN: {one}")
    say(f"{'FAILED' if wrong else 'passed'}, seed {args.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
