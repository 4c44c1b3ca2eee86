"""
A store as a big customer would have it: many integrations, some of them busy, and a great many dead letters.

What was settled, died, waits or is held is written in the forms of the scripts (workers/store/records.py), as accepting
and delivering a million would take an hour. The same seed gives the same crowd, but for the times, which end now.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from typing import Any, NamedTuple

import orjson

from schemas.dead_letter import REASONS
from schemas.integration import Integration
from tests.benchmarks import setting
from workers.store import Stores
from workers.store.inbox import submission_id
from workers.store.keys import own, shared

REASON_WEIGHTS = (1, 4, 8, 2, 1, 1)
BRANDS = ("Harbour", "Sharks", "Northside", "Sunny Coast", "Metro", "Lighthouse", "Riverbank", "Old Town")
SEASONS = ("summer", "winter", "finals", "launch", "members", "birthday", "rewards", "quiz night")
CARDS = ("Summer quiz", "Spin the wheel", "Player of the match", "Scratch & win", "What kind of fan are you?")
EVENTS = ("CompetitionEntrySuccess", "SignUpSuccess", "QuizStarted", "PrizeAwarded", "CardViewed")
DAY_MS = 86_400_000
#: Commands sent to the store in one go.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything; all numbers are over all integrations."""

    integrations: int = 1000
    workspaces: int = 200
    #: The first of them have more than a handful of settled submissions; the ledger of each says `counted`.
    busy: int = 20
    settled: int = 100_000
    counted: int = 1_000_000
    #: As many as travelled together.
    record: int = 50
    letters: int = 50_000
    #: Integrations that the letters lie in: the first ones.
    buried_in: int = 5
    waiting: int = 2_000
    held: int = 500
    #: Records of one submission in each of the others, at most.
    few: int = 3


class Head(NamedTuple):
    """One made-up submission."""

    id: str
    packed: bytes
    body: bytes
    day: int
    digest: bytes


@dataclass(slots=True)
class Crowd:
    """What was built, by the ids of some submissions."""

    integrations: list[Integration]
    settled: list[tuple[str, str]] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)


def fill(
    stores: Stores, *, size: Size | None = None, seed: int = 1, braze_url: str = "https://rest.iad-03.braze.com"
) -> Crowd:
    """
    Build it in an empty store; the whole takes less than a minute.

    Args:
        size: Of `Size()`, a store of about 250 MB.
        braze_url: Of every integration: one of Braze's published hosts, or one that the stores' settings allow.
    """
    size, rng = size or Size(), random.Random(seed)
    integrations = [
        stores.integrations.save(one, by="benchmark").stored.integration for one in _documents(size, braze_url, rng)
    ]
    return _Builder(stores, integrations, size, rng).build()


def _documents(size: Size, braze_url: str, rng: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(size.integrations):
        brand, season = rng.choice(BRANDS), rng.choice(SEASONS)
        braze = {"rest_endpoint": braze_url, "api_key": f"crowd-key-{number:06d}",
                 "workspace": f"crowd-{number % size.workspaces}"}  # fmt: skip
        name = f"{brand} {season} {number}"
        yield setting.document(braze_url, id=name.lower().replace(" ", "-"), name=name, braze=braze)


class _Builder:
    def __init__(self, stores: Stores, integrations: list[Integration], size: Size, rng: random.Random) -> None:
        self._redis, self._size, self._rng = stores.connection, size, rng
        self._pipe = self._redis.pipeline(transaction=False)
        self._numbers, self._now_ms = count(1), int(time.time() * 1000)
        self._counts: dict[str, Counter[str]] = {one.id: Counter() for one in integrations}
        self._open: dict[str, Counter[int]] = {one.id: Counter() for one in integrations}
        self._reasons: dict[str, Counter[str]] = {one.id: Counter() for one in integrations}
        self._days: dict[str, set[int]] = {one.id: set() for one in integrations}
        self.crowd = Crowd(integrations)

    def build(self) -> Crowd:
        size, every = self._size, self.crowd.integrations
        busy, quiet = every[: size.busy], every[size.busy :]
        records = max(1, size.settled // size.record)
        for number in range(records):  # of all busy ones in turn, so that a listing of all goes through all
            self._settle(busy[number % len(busy)], size.record, self._moment(number, records))
        for number, one in enumerate(quiet):
            for _ in range(self._rng.randint(0, size.few)):
                self._settle(one, 1, self._moment(number, len(quiet)))
        for number in range(size.letters):
            self._bury(every[number % size.buried_in], self._moment(number, size.letters))
        for number in range(size.waiting):
            self._wait(busy[number % len(busy)], "in:0", self._moment(number, size.waiting))
        for number in range(size.held):
            self._wait(busy[number % len(busy)], "held", self._moment(number, size.held))
        for one in every:
            self._count(one)
        self._flush()
        return self.crowd

    def _moment(self, number: int, of: int) -> int:
        """When the n-th of so many came to where it lies, ms: over the last three days, ending now."""
        return self._now_ms - 3 * DAY_MS + (number + 1) * 3 * DAY_MS // of

    def _head(self, one: Integration, ms: int, *, with_person: bool = True) -> Head:
        number = next(self._numbers)
        member, card, event = f"m{self._rng.randrange(20_000)}", self._rng.choice(CARDS), self._rng.choice(EVENTS)
        body = setting.body(member, number % 10, number) | {"card_name": card, "event": event}
        digest, day = blake2b(number.to_bytes(8, "big"), digest_size=8).digest(), ms // DAY_MS
        person = ["external_id", member, None] if with_person else None
        head = [ms * 1000 + number % 1000, day, digest.hex(), person, ms, 1, event]
        self._days[one.id].add(day)
        self._pipe.sadd(f"{own(one)}:seen:{day}", digest)
        return Head(submission_id(day, digest.hex()), orjson.dumps(head), orjson.dumps(body), day, digest)

    def _settle(self, one: Integration, many: int, ms: int) -> None:
        heads = [self._head(one, ms - self._rng.randrange(60_000)) for _ in range(many)]
        results: list[Any] = [
            ["filtered", ["accept"]] if self._rng.random() < 0.1 else ["delivered", []] for _ in heads
        ]
        tried = {"number": 1, "attempts": [{"at": ms, "status": 201, "answer": "success", "took_ms": 40}]}
        fields: dict[Any, Any] = {
            "n": many, "h": _listed(head.packed for head in heads), "b": _listed(head.body for head in heads),
            "r": orjson.dumps(results), "v": 1, "m": orjson.dumps(tried), "at": ms,
        }  # fmt: skip
        self._put(one, "settled", fields, ms)
        self._counts[one.id].update(outcome for outcome, _ in results)
        self._counts[one.id]["kept"] += many
        self.crowd.settled.append((one.id, heads[0].id))

    def _bury(self, one: Integration, ms: int) -> None:
        head, why = self._head(one, ms - 1000), self._rng.choices(REASONS, REASON_WEIGHTS)[0]
        details = {"status": 400, "answer": "'dob' is not a valid date.", "number": 1,
                   "attempts": [{"at": ms, "status": 400, "answer": "'dob' is not a valid date."}]}  # fmt: skip
        fields: dict[Any, Any] = {"b": head.body, "h": head.packed, "p": "", "why": why,
                                  "details": orjson.dumps(details), "done": "", "at": ms, "v": 1, "n": 0}  # fmt: skip
        self._put(one, "dlq", fields, ms)
        self._counts[one.id]["dead"] += 1
        self._reasons[one.id][why] += 1
        self._open[one.id][head.day] += 1
        self.crowd.dead.append((one.id, head.id))

    def _wait(self, one: Integration, stream: str, ms: int) -> None:
        is_held = stream == "held"
        head = self._head(one, ms, with_person=not is_held)
        fields: dict[Any, Any] = {"b": head.body, "h": head.packed, "a": 1, "e": 1}
        fields |= {"m": "none"} if is_held else {"p": "external_id:m1"}
        self._put(one, stream, fields, ms)
        self._counts[one.id]["held" if is_held else "waiting"] += 1
        self._counts[one.id]["bytes"] += len(head.body) + len(head.packed)
        self.crowd.waiting.append((one.id, head.id))

    def _put(self, one: Integration, stream: str, fields: dict[Any, Any], ms: int) -> None:
        self._pipe.xadd(f"{own(one)}:{stream}", fields, id=f"{ms}-{next(self._numbers)}")
        if len(self._pipe) > AT_ONCE:
            self._flush()

    def _count(self, one: Integration) -> None:
        counts = self._counts[one.id]
        if counts["kept"] > self._size.few:
            gone = max(0, self._size.counted - counts["kept"])
            counts += Counter({"delivered": gone, "expired": gone, "requests": self._size.counted // self._size.record})
        parts = ("waiting", "held", "delivered", "filtered", "dead")
        received = sum(counts[part] for part in parts)
        counts["received"] = received
        self._pipe.hset(f"{own(one)}:ledger", mapping=dict(counts.items()))
        days = " ".join(map(str, sorted(self._days[one.id])))
        self._pipe.hset(f"{own(one)}:state", mapping={"lanes": 4, "seen_days": days})
        if self._open[one.id]:
            self._pipe.hset(f"{own(one)}:reasons", mapping=dict(self._reasons[one.id].items()))
            self._pipe.hset(f"{own(one)}:open", mapping={str(day): many for day, many in self._open[one.id].items()})
            self._pipe.sadd(f"{shared(one.braze.workspace)}:open", one.id)

    def _flush(self) -> None:
        self._pipe.execute()


def _listed(parts: Iterator[bytes] | Any) -> bytes:
    return b"[" + b",".join(parts) + b"]"
