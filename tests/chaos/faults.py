"""What is done to the system, and how."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.diary import Diary
from tests.chaos.feed import INTEGRATIONS, KEYS, document, is_fragile, member_of
from tests.chaos.system import System

#: More calls than a run makes.
ALL = 1_000_000
#: What the sandbox takes in one request, unless told otherwise.
MAX_OBJECTS, MAX_BYTES = 75, 4_000_000
PLENTY = {"track": [3000, 3.0]}
#: Refused rate limits while a storm rages.
STORM = {"track": [2, 3.0]}
FIELDS = ("member_id", "crm_id")
#: While hardly anybody dares to call, each of those calls would meet what was ordered, and none would dare again.
UNMET_S, ORDERS = 1.5, 10


@dataclass(slots=True)
class Chaos:
    """What the faults work with."""

    system: System
    diary: Diary
    people: int
    #: No fault of Braze's lasts longer, in seconds.
    longest_s: float
    ends: threading.Event = field(default_factory=threading.Event)
    #: Braze workspace -> the key that its integrations use.
    keys: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    #: Integrations that a person has paused, and wants paused.
    paused: set[str] = field(default_factory=set)
    #: Faults that change the same thing wait for each other: its name -> the lock.
    locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    #: Keys that Braze knows besides those in use.
    old_keys: set[str] = field(default_factory=set)

    @contextmanager
    def during(self, kind: str, changed: str, about: str = "") -> Iterator[None]:
        """A fault that lasts, from the moment on which nobody else changes the same thing."""
        with self.locks[changed], self.diary.during(kind, about):
            yield

    def wait(self, seconds: float) -> None:
        """Cut short by the end of the run."""
        self.ends.wait(seconds)

    def fault(self, **members: Any) -> None:
        """Order trouble from the sandbox."""
        self.system.braze("/faults", "POST", members)

    def let(self, **settings: Any) -> None:
        """Change the sandbox."""
        self.system.braze("/settings", "POST", settings)

    def let_in(self, *workspaces: str) -> None:
        """Let Braze know the keys of these workspaces and no others."""
        self.let(keys=dict.fromkeys({*(self.keys[name] for name in workspaces), *self.old_keys}, "all"))

    def save(self, integration: str, changes: dict[str, Any]) -> None:
        """Change a document."""
        status, answer = self.system.api("PATCH", f"/integrations/{integration}", changes)
        if status not in (0, 200):  # 0: there was no web or store to be had for long
            self.diary.complain(f"saving {integration} was answered {status}: {answer}")

    def resume_what_braze_paused(self) -> None:
        """As an operator who has mended it."""
        status, answer = self.system.api("GET", "/integrations", patience_s=5)
        for one in answer["items"] if status == 200 else ():
            if one["state"] == "paused" and one["id"] not in self.paused:
                self.system.api("POST", f"/integrations/{one['id']}/resume", patience_s=5)
                self.diary.note("resumed after a pause by Braze's answer", one["id"])

    def heal_braze(self) -> None:
        """Braze is as it should be."""
        self.system.gateway.open()
        self.system.braze("/faults", "DELETE")
        self.let(header_mode="epoch", rate_limits=PLENTY, blocked_external_ids=[], latency_ms=0)
        self.let(max_objects=MAX_OBJECTS, max_body_bytes=MAX_BYTES)
        self.let_in(*self.keys)

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.heal_braze()
        self.paused.clear()
        for integration in INTEGRATIONS:
            self.system.api("POST", f"/integrations/{integration}/resume", patience_s=60)


Fault = Callable[[Chaos, random.Random, str], None]


def kill(process: str, rest_s: tuple[float, float]) -> Fault:
    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        name = rng.choice(chaos.system.names(process))
        chaos.diary.note(kind, name)
        chaos.system.kill(name, rng.uniform(*rest_s))

    return fault


def freeze(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """Beyond its lease of 15 s; the others take its lanes over."""
    name = rng.choice(chaos.system.names("worker"))
    with chaos.during(kind, name, name):
        chaos.system.freeze(name, chaos.wait, rng.uniform(17, 25))


def order(**members: Any) -> Fault:
    """Trouble for the next one to four calls. What no call meets soon is taken back, and tried again later."""

    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        times, tries = rng.randint(1, 4), 0
        while not (met := _order(chaos, members, times)) and not chaos.ends.is_set() and tries < ORDERS:
            tries += 1
            chaos.wait(rng.uniform(2, 10))
        if met:
            chaos.diary.note(kind, f"{met} calls")

    return fault


def _order(chaos: Chaos, members: dict[str, Any], times: int) -> int:
    """How many calls met it."""
    with chaos.locks["faults"]:
        left, until = times, time.monotonic() + UNMET_S
        chaos.fault(times=times, **members)
        while left and time.monotonic() < until and not chaos.ends.wait(0.1):
            left = sum(one["times"] for one in chaos.system.braze("/faults")["items"])
        chaos.system.braze("/faults", "DELETE")
    return times - left


def outage(fault_kind: str) -> Fault:
    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        with chaos.during(kind, "faults"):
            chaos.fault(kind=fault_kind, times=ALL)
            chaos.wait(rng.uniform(chaos.longest_s / 4, chaos.longest_s))
            chaos.system.braze("/faults", "DELETE")

    return fault


def refuse_connections(chaos: Chaos, rng: random.Random, kind: str) -> None:
    with chaos.during(kind, "gateway"):
        chaos.system.gateway.shut()
        chaos.wait(rng.uniform(chaos.longest_s / 4, chaos.longest_s))
        chaos.system.gateway.open()


def reset_connections(chaos: Chaos, rng: random.Random, kind: str) -> None:
    chaos.diary.note(kind)
    chaos.system.gateway.cut()


def storm(header_mode: str) -> Fault:
    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        with chaos.during(kind, "rate"):
            chaos.let(header_mode=header_mode, rate_limits=STORM)
            chaos.wait(rng.uniform(chaos.longest_s / 4, chaos.longest_s / 2))
            chaos.let(header_mode=rng.choice(("epoch", "seconds", "retry_after", "none")), rate_limits=PLENTY)

    return fault


def slow_down(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """Every answer takes its time, for a while."""
    with chaos.during(kind, "latency"):
        chaos.let(latency_ms=rng.choice((200, 1000, 3000)))
        chaos.wait(rng.uniform(chaos.longest_s / 4, chaos.longest_s))
        chaos.let(latency_ms=rng.choice((0, 20)))


def take_less(setting: str, least: int, usual: int) -> Fault:
    """Braze's limit for one request is lower for a while; what is learned of it stays."""

    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        with chaos.during(kind, setting):
            chaos.let(**{setting: rng.randint(least, 2 * least)})
            chaos.wait(rng.uniform(chaos.longest_s / 4, chaos.longest_s))
            chaos.let(**{setting: usual})

    return fault


def refuse_people(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """Braze refuses some people, object by object."""
    fragile = [member_of(one, person) for one in INTEGRATIONS for person in range(chaos.people) if is_fragile(person)]
    with chaos.during(kind, "people"):
        chaos.let(blocked_external_ids=[*fragile, *(f"crm-{member}" for member in fragile)])
        chaos.wait(rng.uniform(chaos.longest_s / 2, chaos.longest_s))
        chaos.let(blocked_external_ids=[])


def revoke_key(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """Braze does not know a key for a moment; somebody resumes what it has paused."""
    revoked = rng.choice(sorted(chaos.keys))
    with chaos.during(kind, "keys", revoked):
        chaos.let_in(*(name for name in chaos.keys if name != revoked))
        chaos.wait(rng.uniform(1, 4))
        chaos.let_in(*chaos.keys)


def rotate_key(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """A new key in Braze, then in the documents; the old one goes a little later, while calls may be out with it."""
    workspace = rng.choice(sorted(chaos.keys))
    with chaos.locks["documents"], chaos.during(kind, "keys", workspace):
        before, chaos.keys[workspace] = chaos.keys[workspace], f"{KEYS[workspace]}-{rng.randrange(10**6)}"
        chaos.old_keys.add(before)
        chaos.let_in(*chaos.keys)
        for integration in (name for name, its in INTEGRATIONS.items() if its == workspace):
            chaos.save(integration, {"braze": {"api_key": chaos.keys[workspace]}})
        chaos.wait(1)
        chaos.old_keys.discard(before)
        chaos.let_in(*chaos.keys)


def pause(chaos: Chaos, rng: random.Random, kind: str) -> None:
    integration = rng.choice(sorted(INTEGRATIONS))
    with chaos.during(kind, f"pause of {integration}", integration):
        chaos.paused.add(integration)
        chaos.system.api("POST", f"/integrations/{integration}/pause")
        chaos.wait(rng.uniform(1, chaos.longest_s / 2))
        chaos.paused.discard(integration)
        chaos.system.api("POST", f"/integrations/{integration}/resume")


def save(chaos: Chaos, rng: random.Random, kind: str) -> None:
    integration = rng.choice(sorted(INTEGRATIONS))
    with chaos.during(kind, "documents", integration):
        chaos.save(integration, {"name": f"Chaos {rng.randrange(10**6)}"})


def identify_otherwise(chaos: Chaos, rng: random.Random, kind: str) -> None:
    """What waits is judged again before sending goes on."""
    integration = rng.choice(sorted(INTEGRATIONS))
    with chaos.during(kind, "documents", integration):
        status, shown = chaos.system.api("GET", f"/integrations/{integration}")
        if status == 200:
            other = FIELDS[shown["identifiers"][0]["field"] == FIELDS[0]]
            chaos.save(integration, {"identifiers": document(integration, "", field_name=other)["identifiers"]})


def ask_for(job: str, **matching: str) -> Fault:
    """A job about dead letters, waited for, so that the end of the run knows what came of it."""

    def fault(chaos: Chaos, rng: random.Random, kind: str) -> None:
        integration = rng.choice(sorted(INTEGRATIONS))
        run_job(chaos, job, integration, matching, kind)

    return fault


def run_job(chaos: Chaos, job: str, integration: str, matching: dict[str, str], kind: str) -> None:
    """Replay or discard what is dead, and wait until that is done."""
    given = {"filter": {"integration": integration, **matching}}
    status, told = chaos.system.api("POST", f"/dead-letters/{job}", given)
    if status in (0, 404, 405):  # nobody to be had for long, or not offered
        return
    if status != 202:
        chaos.diary.complain(f"{job} was answered {status}: {told}")
        return
    with chaos.diary.during(kind, integration) as happening:
        until = time.time() + 60
        while told and told["state"] not in ("done", "failed") and time.time() < until:
            time.sleep(0.5)
            status, found = chaos.system.api("GET", f"/jobs/{told['id']}")
            told = found if status == 200 else told
        happening.about = f"{told['done']} letters"
        if told["state"] != "done":
            chaos.diary.complain(f"a job of {job} ended {told}")
