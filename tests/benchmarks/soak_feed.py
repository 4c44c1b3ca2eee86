"""What is submitted in the soak, and a few connections that bring it, each person's submissions in their order."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from tests.benchmarks import load
from tests.benchmarks.setting import INTEGRATION_ID, body

MAX_ARRAY = 100
#: Of all requests; the others bring arrays.
SINGLES = 0.3
#: Some people submit much more than others: this many of a hundred submissions are of the first hundred people.
HOT_PERCENT, HOT_PEOPLE = 5, 100


class Submission(NamedTuple):
    """One of a person's, counted from 0."""

    person: int
    step: int
    number: int

    def raw(self) -> bytes:
        """As Komo would post it."""
        return orjson.dumps(body(member_of(self.person), self.step, self.number))


def member_of(person: int) -> str:
    """The external id."""
    return f"m{person}"


def plan(count: int, people: int, rng: random.Random) -> list[Submission]:
    """Everybody submits once at least; the rest is chance, and some people are hot."""
    persons = list(range(people))
    for _ in range(count - people):
        hot = rng.random() * 100 < HOT_PERCENT
        persons.append(rng.randrange(min(HOT_PEOPLE, people) if hot else people))
    rng.shuffle(persons)
    steps, planned = dict.fromkeys(range(people), 0), []
    for number, person in enumerate(persons[:count]):
        planned.append(Submission(person, steps[person], number))
        steps[person] += 1
    return planned


@dataclass(slots=True)
class Feed:
    """What was sent, and what was answered; filled by several threads."""

    port: int
    secret: str
    connections: int = 4
    #: Submission id -> what it was, once it was accepted.
    accepted: dict[str, Submission] = field(default_factory=dict)
    requests: int = 0
    singles: int = 0
    #: Requests that were answered 429 or 503, or not at all, and sent again.
    repeated: int = 0
    #: Answers that said `duplicate`, for something that was sent once.
    wrong_duplicates: int = 0
    failure: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, planned: Sequence[Submission], seed: int) -> list[threading.Thread]:
        """Begin to send; a person always uses the same connection, which waits for each answer."""
        parts: list[list[Submission]] = [[] for _ in range(self.connections)]
        for one in planned:
            parts[one.person % self.connections].append(one)
        threads = [
            threading.Thread(target=self._guarded, args=(part, random.Random(seed + place)), daemon=True)
            for place, part in enumerate(parts)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _guarded(self, part: list[Submission], rng: random.Random) -> None:
        try:
            self._bring(part, rng)
        except Exception as error:  # told at the end, by the thread that waits for this one
            self.failure = f"{type(error).__name__}: {error}"

    def _bring(self, part: list[Submission], rng: random.Random) -> None:
        line = load.Connection(self.port)
        for some, alone in _requests(part, rng):
            raw = some[0].raw() if alone else b"[" + b",".join(one.raw() for one in some) + b"]"
            headers = {"Authorization": f"Bearer {self.secret}"}
            sent = load.request(self.port, f"/webhooks/komo/{INTEGRATION_ID}", headers, raw)
            line, answer, again = self._until_accepted(line, sent)
            told = orjson.loads(answer)["submissions"]
            with self._lock:
                self.requests += 1
                self.singles += alone
                self.wrong_duplicates += sum(one["duplicate"] for one in told) if not again else 0
                self.accepted.update((one["id"], mine) for one, mine in zip(told, some, strict=True))

    def _until_accepted(self, line: load.Connection, sent: bytes) -> tuple[load.Connection, bytes, bool]:
        """As a sender would: what was refused for now, or not answered, is sent again."""
        for attempt in range(60):
            try:
                status, answer = line.ask(sent)
            except OSError:
                status, answer, line = 0, b"", load.Connection(self.port)
            if status == 202:
                return line, answer, attempt > 0
            if status not in (0, 429, 503):
                raise RuntimeError(f"the webhook answered {status}: {answer[:300]!r}")
            with self._lock:
                self.repeated += 1
            time.sleep(1)
        raise RuntimeError("the webhook refused one request for a minute")


def _requests(part: list[Submission], rng: random.Random) -> Iterator[tuple[list[Submission], bool]]:
    """Singles and arrays by turns of chance."""
    at = 0
    while at < len(part):
        alone = rng.random() < SINGLES
        size = 1 if alone else rng.randint(MAX_ARRAY // 2, MAX_ARRAY)
        yield part[at : at + size], alone
        at += size
