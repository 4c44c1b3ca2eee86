"""
What one of each thing takes of the store's memory: waiting, settled, dead, held, remembered, known as a duplicate.

Thousands of each are made by the running system. Then their keys are deleted: what `used_memory` falls by was theirs.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from tests.benchmarks.delivering import PATIENCE_S, SWEPT, Stub
from tests.benchmarks.filling import accept_all, fill, hub
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import body, environment, settings_of
from tests.benchmarks.table import Target
from workers.store import Stores, open_stores
from workers.store.keys import memory_keys, own

#: Bytes; a dead letter tells of every attempt, and was tried seven times until it was alone.
MOST_BESIDE, MOST_REMEMBERED, MOST_DUPLICATE, MOST_DEAD_BESIDE = 300, 350, 48, 1500
#: Members of a body that a short form would not have.
LONG = ("site_name", "site_id", "user_session_id", "competition_entry_id", "card_id")
#: What people answer; the second time they change every fourth.
ANSWERS: Sequence[Any] = (
    "yes", "no", "yes", "Sometimes", 7, "Sydney", 42, "blue", "no", "A", "once a week", "C", 3, "yes",
    "I come with the whole family, and we always sit behind the goal", "Football", "2026", "no", "Lemonade", 180,
)  # fmt: skip
ATTRIBUTES = len(ANSWERS)
MOST_STORE_US = 30


def measure(machine: Machine, *, count: int) -> tuple[list[Target], list[str]]:
    """
    So many of each kind, but a fifth as many dead letters.

    Returns: Targets, and what it is made of.
    """
    system = _System(machine, count)
    waiting = [
        target
        for words, body_of in (("short", short_body), ("long", body))
        for target in system.waiting(words, body_of)
    ]
    targets = [*waiting, system.held(), *system.delivered(), system.dead()]
    system.end()
    return targets, [f"Memory: {count:,} of each, and a fifth as many dead letters, by the store's `used_memory`."]


def short_body(member: str, step: int, number: int) -> dict[str, Any]:
    """About 420 bytes instead of about 650."""
    whole = body(member, step, number)
    return {name: value for name, value in whole.items() if name not in LONG}


def twenty_of(member: str, step: int, number: int) -> dict[str, Any]:
    """A form with twenty answers."""
    answers = {f"answer_{place}": answer for place, answer in enumerate(ANSWERS)}
    answers |= {f"answer_{place}": f"new {number % 97}" for place in range(0, ATTRIBUTES, 4) if step}
    return short_body(member, step, number) | answers


class _System:
    """A store of our own with the Procfile's worker and clock, and an integration for each kind."""

    def __init__(self, machine: Machine, many: int) -> None:
        self._machine, self._many, self._hubs = machine, many, count()
        self._stub = Stub(machine)
        self._server = StoreServer(machine, "memory", fsync="everysec")
        # Deleting has to be over when it is answered.
        self._redis: redis.Redis = self._server.connection
        self._redis.config_set("lazyfree-lazy-user-del", "no")
        # What keeps people apart for a moment is gone soon after the last delivery.
        environ = environment(self._server.url, self._stub.url, LOG_LEVEL="WARNING", PERSON_SPACING_MS=200)
        self._stores: Stores = open_stores(settings_of(environ))
        self._worker = machine.start("worker", procfile("worker"), environ)
        self._clock = machine.start("clock", procfile("clock"), environ)
        self._worker.wait_for(lambda: bool(self._redis.exists(SWEPT)), "the first sweep")

    def waiting(self, words: str, body_of: Callable[[str, int, int], dict[str, Any]]) -> Iterator[Target]:
        """Paused: nothing goes on. Also what is kept to know each of them again."""
        one = self._save(enabled=False)
        fill(self._stores, one, range(self._many), people=self._many, body_of=body_of)
        size = _mean_size(body_of("m0", 0, number) for number in range(0, self._many, 100))
        beside = self._freed(one, ("in:*", "park:*")) - size
        yield Target(
            f"a waiting submission of {size:.0f} bytes, beside them", MOST_BESIDE, beside, "bytes", at_most=True
        )
        known_again = self._freed(one, ("seen:*",))
        yield Target(f"to know a {words} duplicate", MOST_DUPLICATE, known_again, "bytes", at_most=True)

    def held(self) -> Target:
        """Without an identifier, each of somebody else."""
        one = self._save()
        bodies = [short_body("", 0, number) | _session(number) for number in range(self._many)]
        for each in bodies:
            del each["member_id"]
        accept_all(self._stores, one, iter(bodies))
        self._expect(one, "held", self._many)
        beside = self._freed(one, ("held", "hold")) - _mean_size(bodies)
        return Target("a held submission, beside its body", MOST_BESIDE, beside, "bytes", at_most=True)

    def delivered(self) -> Iterator[Target]:
        """Everybody twice, so that they are remembered by two submissions."""
        answers = [{"field": f"answer_{place}", "attribute": f"answer_{place}"} for place in range(ATTRIBUTES)]
        one = self._save(attributes=answers, enabled=False)
        people = self._many // 2
        fill(self._stores, one, range(self._many), people=people, body_of=twenty_of)
        store_cpu_s = self._server.running.cpu_s()
        self._stores.inbox.kick(self._stores.integrations.resume(one.id, by="benchmark").integration)
        self._expect(one, "delivered", self._many)
        used_us = (self._server.running.cpu_s() - store_cpu_s) / self._many * 1e6
        yield Target(f"store CPU per submission, {ATTRIBUTES} attributes", MOST_STORE_US, used_us, "us", at_most=True)
        size = _mean_size(twenty_of("m0", 0, number) for number in range(0, self._many, 100))
        beside = self._freed(one, ("settled",)) - size
        yield Target("a settled submission, beside its body", MOST_BESIDE, beside, "bytes", at_most=True)
        remembered = self._freed_keys(memory_keys(one.braze) + "*") / people
        label = f"a remembered person of {ATTRIBUTES} attributes"
        yield Target(label, MOST_REMEMBERED, remembered, "bytes", at_most=True)

    def dead(self) -> Target:
        """Refused by Braze, one after the other, until each was tried alone."""
        one, many = self._save(), self._many // 5
        self._stub.answers(status=400)
        fill(self._stores, one, range(many), people=many, body_of=short_body)
        self._stores.inbox.kick(one)
        self._expect(one, "dead", many)
        self._stub.answers()
        size = _mean_size(short_body("m0", 0, number) for number in range(0, many, 10))
        letters = self._freed(one, ("dlq", "open", "reasons"), of=many)
        others = self._freed_keys(own(one).partition(":")[0] + ":times*") / many
        beside = letters + others - size
        return Target("a dead letter, beside its body", MOST_DEAD_BESIDE, beside, "bytes", at_most=True)

    def end(self) -> None:
        self._machine.end(self._worker, self._clock)
        self._server.drop()

    def _save(self, **changes: Any) -> Integration:
        document = hub(self._stub.url, next(self._hubs), **changes)
        return self._stores.integrations.save(document, by="benchmark").stored.integration

    def _expect(self, one: Integration, counter: str, many: int) -> None:
        def there() -> bool:
            return self._stores.ledger.read(one)[counter] >= many

        self._worker.wait_for(there, f"{many} {counter}", PATIENCE_S)

    def _freed(self, one: Integration, names: Sequence[str], *, of: int | None = None) -> float:
        """Bytes for each by which deleting these keys of an integration makes the store smaller."""
        return sum(self._freed_keys(f"{own(one)}:{name}") for name in names) / (of or self._many)

    def _freed_keys(self, pattern: str) -> int:
        # Braces are literal in the store's patterns.
        keys = list(self._redis.scan_iter(pattern, count=1000))
        time.sleep(0.5)  # buffers of the last commands are given back
        before = self._used()
        for start in range(0, len(keys), 1000):
            self._redis.delete(*keys[start : start + 1000])
        return before - self._used()

    def _used(self) -> int:
        return int(self._redis.info("memory")["used_memory"])


def _session(number: int) -> dict[str, str]:
    return {"user_session_id": f"8a1e6f91-0951-4549-a823-{number:012d}"}


def _mean_size(bodies: Sequence[dict[str, Any]] | Iterator[dict[str, Any]]) -> float:
    sizes = [len(orjson.dumps(one)) for one in bodies]
    return sum(sizes) / len(sizes)
