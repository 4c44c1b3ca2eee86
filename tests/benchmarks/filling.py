"""
Submissions into an inbox by the script that accepts them, without the web process: a million in a minute or two.

The judgement of the first body stands for all: the others differ in whose they are, and in what makes them others.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from ingest.arrive import arrive
from schemas.arrival import Arrival
from schemas.body import read_body
from schemas.integration import Integration
from schemas.person import Person
from tests.benchmarks.processes import Machine, StoreServer
from tests.benchmarks.setting import INTEGRATION_ID, body, document, environment, settings_of
from workers.store import Stores, open_stores

#: Accepted by one call of the script: as many as a request may hold.
AT_ONCE = 500
#: There is room for a million, and for what is delivered meanwhile.
ROOM = {"MAX_WAITING": "10000000"}
#: Makes bodies of (member, step, number).
Maker = Callable[[str, int, int], dict[str, Any]]


def fill(
    stores: Stores, integration: Integration, numbers: range, *, people: int, body_of: Maker = body
) -> tuple[float, float]:
    """
    Accept one submission for each number, of so many people in turn.

    Returns: Seconds that the calls took, and this process's processor time in them; without the making of bodies.
    """
    seconds = cpu_s = 0.0
    for arrivals in _in_arrays(integration, numbers, people, body_of):
        started, cpu_started = time.perf_counter(), time.process_time()
        stores.inbox.accept(integration, arrivals)
        seconds += time.perf_counter() - started
        cpu_s += time.process_time() - cpu_started
    return seconds, cpu_s


def accept_all(stores: Stores, integration: Integration, bodies: Iterator[dict[str, Any]]) -> int:
    """Accept bodies of any kind, each judged for itself; returns how many there were."""
    many, now = 0, datetime.now(UTC)
    every = list(bodies)
    for start in range(0, len(every), AT_ONCE):
        read = read_body(orjson.dumps(every[start : start + AT_ONCE]))
        arrivals = [
            arrive(one, integration, received_at=now, delivery_id=None, place=place) for place, one in enumerate(read)
        ]
        stores.inbox.accept(integration, arrivals)
        many += len(arrivals)
    return many


def arrivals_of(integration: Integration, numbers: range, people: int, body_of: Maker = body) -> Iterator[Arrival]:
    """As `arrive` would make them, one for each number."""
    now = datetime.now(UTC)
    first = read_body(orjson.dumps(body_of("m0", 0, 0)))[0]
    model = arrive(first, integration, received_at=now, delivery_id=None, place=0)
    for number in numbers:
        member = f"m{number % people}"
        judgement = model.judgement._replace(person=Person("external_id", member), marks=_marks(number, model))
        digest = blake2b(f"{integration.id} {number}".encode(), digest_size=8).digest()
        raw = orjson.dumps(body_of(member, number // people, number))
        yield model._replace(digest=digest, body=raw, judgement=judgement)


def _marks(number: int, model: Arrival) -> tuple[str, ...]:
    return tuple(f"{number:08x}{place:08x}" for place in range(len(model.judgement.marks)))


def _in_arrays(integration: Integration, numbers: range, people: int, body_of: Maker) -> Iterator[list[Arrival]]:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        some = range(start, min(start + AT_ONCE, numbers.stop))
        yield list(arrivals_of(integration, some, people, body_of))


class Filled:
    """
    A stopped store in which submissions wait for their integrations, all paused, to be copied for every run.

    Args:
        documents: Of the integrations; the submissions are shared out evenly.
        environ: Changes to the environment, such as LANES, which is settled when the first submission comes.
        people: Of each integration, in turn.
    """

    def __init__(
        self,
        machine: Machine,
        name: str,
        documents: Sequence[dict[str, Any]],
        *,
        count: int,
        people: int,
        braze_url: str,
        environ: Mapping[str, str],
    ) -> None:
        self.count = count
        server = StoreServer(machine, f"filled-{name}", fsync="everysec")
        stores = open_stores(settings_of(environment(server.url, braze_url, **ROOM, **environ)))
        each = count // len(documents)
        for place, one in enumerate(documents):
            saved = stores.integrations.save(one, by="benchmark").stored.integration
            integration = stores.integrations.pause(saved.id, by="benchmark").integration
            fill(stores, integration, range(place * each, (place + 1) * each), people=people)
        self.directory: Path = server.stop()

    def copy(self, machine: Machine, name: str) -> StoreServer:
        """A running store with all of it."""
        return StoreServer(machine, name, fsync="everysec", copy_of=self.directory)


def hub(braze_url: str, number: int, *, workspace: str | None = None, **changes: Any) -> dict[str, Any]:
    """
    The document of one of several integrations; the first is the one that every measurement knows.

    Args:
        workspace: Of Braze; each has one of its own where none is given.
    """
    one = document(braze_url, **changes)
    one["id"] = INTEGRATION_ID if number == 0 else f"{INTEGRATION_ID}-{number}"
    one["braze"] |= {"workspace": workspace or f"bench-{number}"}
    return one
