"""What is done to each system, and what it came to."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.benchmarks.processes import Machine
from tests.chaos.causes import FROZEN, STORE_KILLED, WORKER_KILLED, Causes
from tests.chaos.checks import Findings, examine
from tests.chaos.diary import Diary
from tests.chaos.faults import Chaos
from tests.chaos.feed import Feed
from tests.chaos.journal import Call
from tests.chaos.report import say
from tests.chaos.story import Options, come_to_rest, connect, read_books
from tests.chaos.system import System
from tests.failover.servers import RabbitSystem, SentinelSystem, TwoHosts

#: The longest that anything may take to carry on.
PATIENCE_S = 45.0


@dataclass(slots=True)
class Blow:
    """Something that was done, and how long it stopped what. Seconds."""

    what: str
    at: float
    accepting_s: float = 0.0
    flowing_s: float = 0.0


@dataclass(slots=True)
class Outcome:
    """One story told to its end."""

    name: str
    blows: list[Blow]
    accepted: int
    refused: int
    findings: Findings
    broken: list[str] = field(default_factory=list)


#: Deals the blows of a story, one a step; says what it does.
Story = Callable[[Any, Diary], Iterator[str]]


def tell(name: str, system_of: type[System], story: Story, options: Options, machine: Machine, **more: Any) -> Outcome:
    """Feed, deal the blows of a story, wait until all is settled, and look at both sides' books."""
    diary = Diary()
    system = system_of(machine, diary, spacing_ms=options.spacing_ms, **more)
    chaos, blows = Chaos(system, diary, options.people, 1.0), []
    try:
        chaos.heal_braze()
        feed = Feed(system.web_ports, connect(system), options.people, options.rate, diary)
        feed.start(options.seed)
        time.sleep(4)
        for what in story(system, diary):
            blows.append(Blow(what, time.time()))
            say(f"{name}: {what}")
        at_rest = come_to_rest(chaos, feed, options)
        books = read_books(system, feed, options)
    finally:
        chaos.ends.set()
        system.end()
    findings = examine(books, Causes(diary))
    _measure(blows, feed, books.calls)
    broken = diary.broken + findings.broken + ([] if at_rest else ["it did not come to rest in time"])
    refused = sum(many for status, many in feed.statuses.items() if status != 202)
    return Outcome(name, blows, len(books.accepted), refused, findings, broken)


def _measure(blows: list[Blow], feed: Feed, calls: list[Call]) -> None:
    taken = sorted(call.took_at for call in calls if call.taken)
    ends = [blow.at for blow in blows[1:]] + [time.time()]
    for blow, end in zip(blows, ends, strict=True):
        blow.accepting_s = _longest(sorted(feed.accepted_at.values()), blow.at, end)
        blow.flowing_s = _longest(taken, blow.at, end)


def _longest(times: list[float], since: float, until: float) -> float:
    inside = [since, *(one for one in times if since <= one < until)]
    return max((after - before for before, after in pairwise(inside)), default=0.0)


def primaries(system: SentinelSystem, diary: Diary) -> Iterator[str]:
    """Killed twice, each back as a replica; and frozen, while everybody thinks it dead."""
    for _ in range(2):
        name = system.primary()
        diary.note(STORE_KILLED, name)
        yield f"`kill -9` of the primary ({name})"
        system.kill(name, rest_s=8)
        _wait_for(lambda before=name: system.primary() != before and system.in_step())  # type: ignore[misc]
        time.sleep(5)
    name = system.primary()
    with diary.during(FROZEN, name):
        diary.note(STORE_KILLED, name)
        yield f"the primary ({name}) frozen for 15 s"
        system.freeze(name, time.sleep, 15)
        diary.note(STORE_KILLED, name)
    _wait_for(system.in_step)
    time.sleep(5)


def brokers(system: RabbitSystem, diary: Diary) -> Iterator[str]:
    """Restarted, killed and frozen; what it carried may be lost."""
    yield "RabbitMQ restarted"
    system.restart_broker()
    time.sleep(25)
    yield "`kill -9` of RabbitMQ, back after 5 s"
    system.kill("rabbit", rest_s=5)
    time.sleep(25)
    yield "RabbitMQ frozen for 15 s"
    system.freeze("rabbit", time.sleep, 15)
    time.sleep(10)


def hosts(system: TwoHosts, diary: Diary) -> Iterator[str]:
    """One of two dies at once, comes back, and freezes."""
    diary.note(WORKER_KILLED, "host A")
    yield "`kill -9` of all of host A, back after 15 s"
    for name in system.host(1):
        system.kill(name, rest_s=15)
    time.sleep(30)
    with diary.during(FROZEN, "host A"):
        yield "all of host A frozen for 40 s"
        frozen = [system.slots[name].running for name in system.host(1)]
        for one in frozen:
            one.send(signal.SIGSTOP)
        time.sleep(40)
        for one in frozen:
            one.send(signal.SIGCONT)
    time.sleep(10)


def _wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            if what():
                return
        except (OSError, ValueError, TypeError):  # nobody knows a primary at this moment
            pass
        time.sleep(0.2)
