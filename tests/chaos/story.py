"""One run from beginning to end: feed, break, heal, wait until all is settled, look."""

import random
import time
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.processes import Machine
from tests.chaos.causes import Causes
from tests.chaos.checks import PARTS, Books, does_not_add_up, examine
from tests.chaos.diary import Diary
from tests.chaos.faults import Chaos, run_job
from tests.chaos.feed import INTEGRATIONS, Feed, document
from tests.chaos.journal import read_journal
from tests.chaos.kinds import plan, run_plan
from tests.chaos.report import say, tell
from tests.chaos.system import System

PROGRESS_EVERY_S = 10.0
#: An outage of Braze takes up to so many seconds, and in short runs less.
LONGEST_OUTAGE_S = 20.0
PAGE = 200
PROFILES_PAGE = 2500


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is like."""

    seconds: float
    seed: int
    #: Submissions a second.
    rate: float
    people: int
    spacing_ms: int = 500
    #: How long everything may take to come to rest afterwards.
    patience_s: float = 240.0


def run(options: Options, machine: Machine) -> list[str]:
    """The whole story; returns the promises that were broken."""
    rng, diary = random.Random(options.seed), Diary()
    system = System(machine, diary, spacing_ms=options.spacing_ms)
    chaos = Chaos(system, diary, options.people, min(LONGEST_OUTAGE_S, options.seconds / 6))
    try:
        chaos.heal_braze()
        feed = Feed(system.web_ports, connect(system), options.people, options.rate, diary)
        feed.start(options.seed)
        _break(chaos, feed, options, rng)
        at_rest = come_to_rest(chaos, feed, options)
        books = read_books(system, feed, options)
    finally:
        chaos.ends.set()
        system.end()
    causes = Causes(diary)
    findings = examine(books, causes)
    tell(books, findings, diary, causes)
    return diary.broken + ([] if at_rest else ["it did not come to rest in time"]) + findings.broken


def connect(system: System) -> dict[str, str]:
    """Create the integrations; returns their secrets."""
    secrets = {}
    for integration in INTEGRATIONS:
        status, answer = system.api("POST", "/integrations", document(integration, system.braze_url))
        if status != 201:
            raise RuntimeError(f"{integration} could not be created: {status} {answer}")
        secrets[integration] = answer["webhook_secret"]
    return secrets


def _break(chaos: Chaos, feed: Feed, options: Options, rng: random.Random) -> None:
    planned = plan(options.seconds, rng)
    say(f"{len(planned)} faults in {options.seconds:.0f} s, {options.rate:g} submissions a second, seed {options.seed}")
    threads = run_plan(chaos, planned, options.seed)
    began, told_at = time.monotonic(), time.monotonic()
    while time.monotonic() - began < options.seconds:
        time.sleep(2)
        chaos.resume_what_braze_paused()
        if time.monotonic() - told_at >= PROGRESS_EVERY_S:
            told_at = time.monotonic()
            _progress(chaos, feed, time.monotonic() - began)
    chaos.ends.set()
    for thread in threads:
        thread.join(30)


def come_to_rest(chaos: Chaos, feed: Feed, options: Options) -> bool:
    """Everything is healed, the dead letters that Braze would take now are replayed, and all of it is settled."""
    until, began = time.monotonic() + options.patience_s, time.monotonic()
    chaos.heal()
    if not feed.stop(60):
        chaos.diary.complain("the sender did not get rid of what it had")
    settled = _wait_for_empty(chaos, feed, until)
    for integration in INTEGRATIONS:
        run_job(chaos, "replay", integration, {"reason": "refused"}, "dead letters replayed")
    settled = _wait_for_empty(chaos, feed, until) and settled
    say(f"at rest {time.monotonic() - began:.0f} s after the last fault")
    chaos.system.braze("/settle", "POST")
    return settled


def _wait_for_empty(chaos: Chaos, feed: Feed, until: float) -> bool:
    told_at = time.monotonic()
    while True:
        ledgers = read_ledgers(chaos.system)
        if len(ledgers) == len(INTEGRATIONS) and not any(one["waiting"] + one["in_flight"] for one in ledgers.values()):
            return True
        if time.monotonic() > until:
            return False
        if time.monotonic() - told_at >= PROGRESS_EVERY_S:
            told_at = time.monotonic()
            _progress(chaos, feed, None)
        chaos.resume_what_braze_paused()
        time.sleep(0.5)


def read_ledgers(system: System) -> dict[str, dict[str, int]]:
    """Integration -> its counters; those that can't be read now are missing."""
    found = {}
    for integration in INTEGRATIONS:
        status, answer = system.api("GET", f"/integrations/{integration}/ledger", patience_s=10)
        if status == 200:
            found[integration] = answer
    return found


def _progress(chaos: Chaos, feed: Feed, second: float | None) -> None:
    ledgers = read_ledgers(chaos.system)
    for name, ledger in ledgers.items():
        if does_not_add_up(ledger):
            chaos.diary.complain(f"the ledger of {name} did not add up on the way: {ledger}")
    sums = {part: sum(one[part] for one in ledgers.values()) for part in PARTS}
    shown = ", ".join(f"{part.replace('_', ' ')} {count:,}" for part, count in sums.items() if count)
    when = "healed" if second is None else f"{second:.0f} s"
    faults = sum(chaos.diary.counts().values())
    say(f"{when}: accepted {len(feed.accepted):,}; {shown}; faults so far {faults}; broken {len(chaos.diary.broken)}")


def read_books(system: System, feed: Feed, options: Options) -> Books:
    return Books(
        accepted=feed.accepted,
        accepted_at=feed.accepted_at,
        ledgers=read_ledgers(system),
        states={name: _states(system, name) for name in INTEGRATIONS},
        calls=read_journal(system.journal),
        profiles=_profiles(system),
        summary=system.braze("/state"),
        spacing_s=options.spacing_ms / 1000,
    )


def _states(system: System, integration: str) -> dict[str, str]:
    """Submission id -> state, of all that were not delivered."""
    found: dict[str, str] = {}
    for state in ("waiting", "in_flight", "held", "filtered", "dead", "discarded"):
        cursor = ""
        while True:
            query = f"integration={integration}&state={state}&limit={PAGE}{cursor}"
            status, answer = system.api("GET", f"/submissions?{query}")
            if status != 200:
                raise RuntimeError(f"{query} was answered {status}: {answer}")
            found.update((one["id"], one["state"]) for one in answer["items"])
            if answer["next"] is None:
                break
            cursor = f"&cursor={answer['next']}"
    return found


def _profiles(system: System) -> dict[str, Any]:
    found: dict[str, Any] = {}
    offset = 0
    while page := system.braze(f"/profiles?limit={PROFILES_PAGE}&offset={offset}")["items"]:
        offset += len(page)
        found |= {one["external_id"]: one["custom_attributes"] for one in page}
    return found
