"""
`make soak`: the whole system under load, while its worker is killed again and again.

Half of the submissions are accepted while the integration is paused, so that a backlog forms; the other half comes
while it is worked off. Then the worker dies by SIGKILL, again and again until the work is done. Exit status 1 if a
promise was broken.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass, field

from tests.benchmarks.processes import Machine
from tests.benchmarks.setting import INTEGRATION_ID
from tests.benchmarks.soak_checks import does_not_add_up, mean, violations
from tests.benchmarks.soak_feed import Feed, plan
from tests.benchmarks.soak_system import System, wait_until

SPACING_MS = 2000
#: Of the work, the part done in peace. Later, the lanes of a dead worker wait for the end of its lease while the
#: others run out of people who may be written to, so that how full requests are says nothing.
IN_PEACE = 0.2
#: There is a backlog while this part of all submissions waits.
BACKLOG = 0.2
LOOK_EVERY_S = 0.25


@dataclass(slots=True)
class Watch:
    """What was seen on the way."""

    system: System
    #: Of `time.monotonic`.
    until: float
    #: So many waiting submissions make a backlog.
    backlog: int
    broken: list[str] = field(default_factory=list)
    #: Objects in a request -> how many such requests, as long as there was a backlog and every lane was served.
    fill: dict[int, int] = field(default_factory=dict)
    killed_at: list[int] = field(default_factory=list)
    _looked_at_fill: float = 0.0

    def look(self) -> dict[str, int]:
        """The ledger at this moment. Raises: RuntimeError if a process died by itself, or time is up."""
        ledger = self.system.ledger()
        if does_not_add_up(ledger) and len(self.broken) < 5:
            self.broken.append(f"the ledger did not add up on the way: {ledger}")
        if dead := self.system.dead_processes():
            raise RuntimeError(f"ended without being asked to: {', '.join(dead)}")
        if time.monotonic() > self.until:
            raise RuntimeError(f"time is up: {ledger}")
        calm = not self.killed_at and ledger["waiting"] >= self.backlog
        if calm and time.monotonic() - self._looked_at_fill > 0.5:
            self._looked_at_fill = time.monotonic()
            self.fill = {int(size): many for size, many in self.system.braze("/state")["fill"].items()}
        return ledger

    def wait_for(self, delivered: int) -> None:
        """Until so many are delivered."""
        while self.look()["delivered"] < delivered:
            time.sleep(LOOK_EVERY_S)


def run(args: argparse.Namespace, machine: Machine) -> list[str]:
    """The whole story; returns the promises that were broken."""
    rng = random.Random(args.seed)
    planned = plan(args.submissions, args.people, rng)
    system = System(machine, spacing_ms=SPACING_MS)
    watch = Watch(system, time.monotonic() + args.timeout, int(args.submissions * BACKLOG))
    feed = Feed(system.port, system.secret)
    half = len(planned) // 2

    system.api("POST", f"/integrations/{INTEGRATION_ID}/pause")
    started = time.monotonic()
    for thread in feed.start(planned[:half], args.seed):
        thread.join()
    say(f"{half:,} submissions accepted while paused, {half / (time.monotonic() - started):,.0f} a second")
    system.api("POST", f"/integrations/{INTEGRATION_ID}/resume")
    resumed = time.monotonic()
    feeders = feed.start(planned[half:], args.seed + 1000)
    _kill_on_the_way(watch, args, rng)
    for thread in feeders:
        thread.join(max(1.0, watch.until - time.monotonic()))
    if feed.failure:
        return [f"feeding failed: {feed.failure}"]
    watch.wait_for(len(planned))
    say(f"all delivered {time.monotonic() - resumed:.1f} s after the backlog was let go")
    if not wait_until(lambda: system.braze("/state")["pending"] == 0, time.monotonic() + 10):
        return ["the sandbox did not come to rest"]
    broken = watch.broken + list(
        violations(system, feed.accepted, len(planned), fill=watch.fill, spacing_ms=SPACING_MS)
    )
    if feed.wrong_duplicates:
        broken.append(f"{feed.wrong_duplicates} submissions sent once were called duplicates")
    _tell(watch, feed)
    return broken


def _kill_on_the_way(watch: Watch, args: argparse.Namespace, rng: random.Random) -> None:
    for number in range(1, args.kills + 1):
        share = IN_PEACE + (1 - IN_PEACE) * number / (args.kills + 1)
        watch.wait_for(int(args.submissions * share))
        time.sleep(rng.random() * 0.2)
        ledger = watch.look()
        watch.system.kill_worker()
        watch.killed_at.append(ledger["delivered"])
        say(f"killed the worker, number {number}: {ledger['delivered']:,} delivered, {ledger['in_flight']} in flight")


def _tell(watch: Watch, feed: Feed) -> None:
    ledger, state = watch.system.ledger(), watch.system.braze("/state")
    events = state["event_ids"]
    say(f"requests to the webhook: {feed.requests:,}, {feed.singles:,} of them singles, {feed.repeated} sent again")
    say("ledger: " + ", ".join(f"{name} {value:,}" for name, value in ledger.items() if value))
    say(f"events in the sandbox: {events['total']:,}, different {events['distinct']:,}, again {events['extra']:,}")
    say(f"people in the sandbox: {state['profiles']:,}; answers by status: {state['statuses']}")
    say(f"requests under backlog: {sum(watch.fill.values()):,} with {mean(watch.fill):.1f} objects each")
    fills = [f"{size}: {watch.fill[size]}" for size in sorted(watch.fill)]
    say("objects in a request under backlog, and how many such requests: " + ", ".join(fills))
    fill, biggest = state["mean_fill"], state["biggest_request"]
    say(f"all requests: {state['accepted_requests']:,} with {fill} objects each, the biggest {biggest}")
    say(f"in flight at once for one person: {state['max_in_flight_per_person']}, {state['min_spacing_ms']} ms apart")


def say(line: str) -> None:
    """One line of the report."""
    print(line, flush=True)


def main() -> int:
    """Run it, end everything, and say whether all promises were kept."""
    args = _arguments()
    started = time.monotonic()
    with Machine() as machine:
        try:
            broken = run(args, machine)
        except (RuntimeError, OSError) as error:
            broken = [str(error)]
        if broken:
            machine.keep_logs = True
            say(f"logs: {machine.directory}")
    for one in broken:
        say(f"BROKEN: {one}")
    say(f"{'FAILED' if broken else 'passed'} after {time.monotonic() - started:.0f} s, seed {args.seed}")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description="The whole system under load, while workers die.")
    parser.add_argument("--submissions", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=10, help="of the worker, by SIGKILL")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--timeout", type=int, default=450, help="seconds after which it has failed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
