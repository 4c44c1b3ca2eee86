"""Which faults there are, how often each comes, and when: the rows of the table."""

import random
import threading
import time
from dataclasses import dataclass

from tests.chaos import faults


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table."""

    fault: faults.Fault
    #: So many seconds of the run bring one.
    every_s: float
    #: In every run, however short.
    at_least: int = 1


#: As the table at the end names them.
KINDS: dict[str, Kind] = {
    "`kill -9` of a worker": Kind(faults.kill("worker", (0.1, 2)), 13, 3),
    "`kill -9` of the store": Kind(faults.kill("store", (0.2, 1)), 50),
    "`kill -9` of a web process": Kind(faults.kill("web", (0.1, 2)), 50),
    "`kill -9` of the clock": Kind(faults.kill("clock", (0.1, 3)), 85),
    "worker frozen beyond its lease": Kind(faults.freeze, 120, 0),
    "outage, 503 with HTML": Kind(faults.outage("unavailable"), 150),
    "outage, 500": Kind(faults.outage("server_error"), 150, 0),
    "outage, connections refused": Kind(faults.refuse_connections, 120),
    "connections reset": Kind(faults.reset_connections, 30),
    "429 storm, reset as epoch": Kind(faults.storm("epoch"), 200),
    "429 storm, reset as seconds": Kind(faults.storm("seconds"), 200, 0),
    "429 storm, wait only": Kind(faults.storm("retry_after"), 200, 0),
    "429 storm, no headers": Kind(faults.storm("none"), 200, 0),
    "connection cut before applying": Kind(faults.order(kind="cut_before"), 50),
    "connection cut after applying": Kind(faults.order(kind="cut_after"), 50),
    "504, not applied": Kind(faults.order(kind="gateway_timeout"), 100),
    "504, applied": Kind(faults.order(kind="gateway_timeout_applied"), 100),
    "502": Kind(faults.order(kind="bad_gateway"), 100),
    "slow answers, up to 3 s": Kind(faults.slow_down, 100, 0),
    "answer after 35 s, beyond the deadline": Kind(faults.order(delay_ms=35_000), 300, 0),
    "unreadable 201": Kind(faults.order(kind="unreadable"), 60),
    "errors that can't be placed": Kind(faults.order(kind="unplaceable_no_index"), 60),
    "errors about nothing we sent": Kind(faults.order(kind="unplaceable_far_index"), 120),
    "too many objects": Kind(faults.take_less("max_objects", 20, faults.MAX_OBJECTS), 150, 0),
    "413": Kind(faults.take_less("max_body_bytes", 2500, faults.MAX_BYTES), 150),
    "400 for the whole request": Kind(faults.order(status=400, body={"message": "Bad"}), 150, 0),
    "objects refused one by one": Kind(faults.refuse_people, 50),
    "401, key revoked for a moment": Kind(faults.revoke_key, 120),
    "403": Kind(faults.order(kind="access_denied"), 200, 0),
    "paused and resumed by a person": Kind(faults.pause, 75),
    "document saved": Kind(faults.save, 50),
    "key rotated": Kind(faults.rotate_key, 150),
    "identifiers changed": Kind(faults.identify_otherwise, 120),
    "dead letters replayed": Kind(faults.ask_for("replay"), 60),
    "dead letters discarded": Kind(faults.ask_for("discard", reason="no_usable_value"), 200, 0),
}


def plan(seconds: float, rng: random.Random) -> list[tuple[float, str]]:
    """Second of the run and kind, in order: each kind spread over the run, by chance within its share."""
    found = []
    for name, kind in KINDS.items():
        count = max(kind.at_least, round(seconds / kind.every_s))
        share = 0.93 * seconds / count if count else 0
        found += [(0.02 * seconds + share * (turn + rng.random()), name) for turn in range(count)]
    return sorted(found)


def run_plan(chaos: faults.Chaos, planned: list[tuple[float, str]], seed: int) -> list[threading.Thread]:
    """One thread for each fault, which waits for its second."""
    began = time.monotonic()
    threads = []
    for place, (at_s, name) in enumerate(planned):
        args = (chaos, began + at_s, name, random.Random(f"{seed} {place}"))
        threads.append(threading.Thread(target=_run_one, args=args, name=name, daemon=True))
        threads[-1].start()
    return threads


def _run_one(chaos: faults.Chaos, due: float, name: str, rng: random.Random) -> None:
    chaos.wait(max(0.0, due - time.monotonic()))
    if chaos.ends.is_set():
        return
    try:
        KINDS[name].fault(chaos, rng, name)
    except Exception as error:  # a fault that could not be done is a fault of the run
        chaos.diary.complain(f"{name} failed: {type(error).__name__}: {error}")
