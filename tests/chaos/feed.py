"""What is submitted: a steady load from a sender that tries again whatever was not answered, and remembers what was."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from tests.benchmarks import load
from tests.benchmarks.setting import API_KEY, body
from tests.chaos.diary import Diary

#: Integration -> its Braze workspace. The first two share people and Braze's patience with them.
INTEGRATIONS = {"chaos-a": "acme", "chaos-b": "acme", "chaos-c": "other"}
KEYS = {"acme": API_KEY, "other": f"{API_KEY}-of-the-others"}
CONNECTIONS = 6
HOT_PEOPLE, HOT_SHARE = 12, 0.15
#: Of all requests; the others bring arrays of up to so many.
SINGLES, MAX_ARRAY = 0.6, 20
#: What becomes of a submission, if all is well.
GOOD, HOPELESS, NAMELESS, EMPTY = "good", "hopeless", "nameless", "empty"
KINDS = (GOOD, HOPELESS, NAMELESS, EMPTY)
SHARES = (0.97, 0.01, 0.01, 0.01)
#: One of so many people is refused by Braze whenever the chaos says so.
FRAGILE_EVERY = 25


class Sent(NamedTuple):
    """One submission. The numbers of one person rise in the order in which they are sent."""

    integration: str
    person: int
    number: int
    kind: str

    def as_posted(self) -> dict[str, Any]:
        """As Komo would post it."""
        member = member_of(self.integration, self.person)
        posted = body(member, self.number, self.number) | {"crm_id": f"crm-{member}"}
        if self.kind == HOPELESS:  # a number that is none, and no event
            posted |= {"event": "CardVisited", "step": "many"}
        elif self.kind == NAMELESS:
            posted |= {"member_id": "m" * 1000, "crm_id": "c" * 1000}
        elif self.kind == EMPTY:
            posted |= {"event": "CardVisited", "step": None}
        return posted


def member_of(integration: str, person: int) -> str:
    """Braze's sandbox is one workspace: the people of different ones have different names."""
    return f"{INTEGRATIONS[integration]}-{person}"


def attribute_of(integration: str) -> str:
    """The name of the attribute that holds a person's last number."""
    return f"last_{integration[-1]}"


def is_fragile(person: int) -> bool:
    """Whether Braze refuses this person now and then."""
    return person % FRAGILE_EVERY == FRAGILE_EVERY - 1


def document(integration: str, braze_url: str, *, field_name: str = "member_id") -> dict[str, Any]:
    """One attribute with the last number, and one event each."""
    workspace = INTEGRATIONS[integration]
    return {
        "id": integration,
        "name": f"Chaos {integration[-1]}",
        "braze": {"rest_endpoint": braze_url, "api_key": KEYS[workspace], "workspace": workspace},
        "identifiers": [{"kind": "external_id", "field": field_name}],
        "attributes": [{"field": "step", "attribute": attribute_of(integration), "type": "number"}],
        "events": [
            {"name": "chaos_entry", "when": {"submission.event": "CompetitionEntrySuccess"},
             "properties": {"number": {"field": "step", "type": "number"}}},
        ],
    }  # fmt: skip


@dataclass(slots=True)
class Feed:
    """Filled by several threads; a person always uses the same one, which waits for each answer."""

    ports: Sequence[int]
    #: Integration -> its secret.
    secrets: dict[str, str]
    people: int
    #: Submissions a second.
    rate: float
    diary: Diary
    #: Submission id -> what it was, once it was answered 202; and when, epoch seconds.
    accepted: dict[str, Sent] = field(default_factory=dict)
    accepted_at: dict[str, float] = field(default_factory=dict)
    #: What the webhook answered; 0: nothing.
    statuses: Counter[int] = field(default_factory=Counter)
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, seed: int) -> None:
        for place in range(CONNECTIONS):
            thread = threading.Thread(target=self._guarded, args=(place, random.Random(seed + place)), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, patience_s: float) -> bool:
        """No new submissions; those on their way are sent until they are taken. False if that takes too long."""
        self._ends.set()
        until = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _guarded(self, place: int, rng: random.Random) -> None:
        try:
            with closing(_Line(self.ports, place)) as line:
                self._bring(place, line, rng)
        except Exception as error:  # told at the end, with all that is broken
            self.diary.complain(f"feeding failed: {type(error).__name__}: {error}")

    def _bring(self, place: int, line: "_Line", rng: random.Random) -> None:
        due = time.monotonic()
        while not self._ends.is_set():
            some = self._next(place, rng)
            alone = len(some) == 1 and rng.random() < 0.5
            raw = orjson.dumps(some[0].as_posted() if alone else [one.as_posted() for one in some])
            self._until_taken(line, some, raw)
            due = max(due + len(some) * CONNECTIONS / self.rate, time.monotonic() - 2)
            self._ends.wait(max(0.0, due - time.monotonic()))

    def _next(self, place: int, rng: random.Random) -> list[Sent]:
        integration = rng.choice(list(INTEGRATIONS))
        size = 1 if rng.random() < SINGLES else rng.randint(2, MAX_ARRAY)
        with self._lock:
            numbers = range(self._numbers + 1, self._numbers + size + 1)
            self._numbers += size
        found = []
        for number in numbers:
            among = HOT_PEOPLE if rng.random() < HOT_SHARE else self.people
            person = rng.randrange(max(1, among // CONNECTIONS)) * CONNECTIONS + place
            found.append(Sent(integration, person, number, rng.choices(KINDS, SHARES)[0]))
        return found

    def _until_taken(self, line: "_Line", some: list[Sent], raw: bytes) -> None:
        integration, tries = some[0].integration, 0
        headers = {"Authorization": f"Bearer {self.secrets[integration]}"}
        request = load.request(self.ports[0], f"/webhooks/komo/{integration}", headers, raw)
        while True:
            tries += 1
            status, answer = line.ask(request)
            with self._lock:
                self.statuses[status] += 1
            if status == 202:
                return self._remember(some, orjson.loads(answer)["submissions"], tries)
            if status not in (0, 429, 503):
                self.diary.complain(f"the webhook answered {status}: {answer[:200]!r}")
            if tries > 600:
                raise RuntimeError("the webhook refused one request for minutes")
            time.sleep(0.2)

    def _remember(self, some: list[Sent], told: list[dict[str, Any]], tries: int) -> None:
        now = time.time()
        with self._lock:
            for one, receipt in zip(some, told, strict=True):
                if receipt["duplicate"] and tries == 1:
                    self.diary.complain(f"number {one.number}, sent once, was called a duplicate")
                if self.accepted.setdefault(receipt["id"], one) != one:
                    self.diary.complain(f"two submissions were given the id {receipt['id']}")
                self.accepted_at[receipt["id"]] = now


class _Line:
    """A connection to one of the web processes; to the next one if that is gone."""

    def __init__(self, ports: Sequence[int], place: int) -> None:
        self._ports, self._turn = ports, place
        self._connection: load.Connection | None = None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; 0 if there was no answer."""
        try:
            if self._connection is None:
                self._connection = load.Connection(self._ports[self._turn % len(self._ports)])
            return self._connection.ask(request)
        except (OSError, ValueError):
            self.close()
            self._turn += 1
            return 0, b""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.sock.close()
        self._connection = None
