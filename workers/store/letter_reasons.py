"""
How many dead letters there are of each reason.

P:reasons  hash    reason -> how many, kept by the scripts (letter_counts.lua); letters that died before it was kept are
                   missing there, and are counted one by one as far as that goes
P:dlq      stream  the letters: dead_letters.py
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own
from workers.store.scripts import Script

#: Letters that are counted one by one, at most.
LOOKED_AT = 10_000
#: Of those, what the store looks through in one call, and bytes of them; it does nothing else meanwhile.
LOOK_THROUGH, LOOK_THROUGH_BYTES = 250, 500_000
#: Of those calls, at most, to count LOOKED_AT letters.
COUNT_CALLS = 400
#: For how long letters are counted one by one while a person waits for a page.
PAGE_SECONDS = 0.03


class Reasons(NamedTuple):
    """The letters of one integration."""

    #: Reason -> how many, most first; none is too high.
    counts: dict[str, int]
    #: How many letters there are; always right.
    total: int

    @property
    def exact(self) -> bool:
        """Whether the counts are those of all letters; else of some, mostly the newest."""
        return sum(self.counts.values()) == self.total


class LetterReasons:
    """
    Reads the counts, over one connection.

    Args:
        clock: Seconds, only ever forward.
    """

    def __init__(self, connection: redis.Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = connection
        self._clock = clock
        self._count = Script(connection, "count_dead")

    def of(self, integration: Integration) -> Reasons:
        """Of one integration, with as much counting as it takes, up to LOOKED_AT."""
        return self._better(integration, self._kept([integration])[0], None)

    def of_many(self, integrations: Sequence[Integration]) -> dict[str, Reasons]:
        """Of many, by their ids; the counting one by one ends after PAGE_SECONDS."""
        ends_at = self._clock() + PAGE_SECONDS
        told = zip(integrations, self._kept(integrations), strict=True)
        return {one.id: self._better(one, reasons, ends_at) for one, reasons in told}

    def _kept(self, integrations: Sequence[Integration]) -> list[Reasons]:
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for one in integrations:
                pipe.hgetall(f"{own(one)}:reasons")
                pipe.xlen(f"{own(one)}:dlq")
            answers = pipe.execute()
        return [_read(counts, total) for counts, total in zip(answers[::2], answers[1::2], strict=True)]

    def _better(self, integration: Integration, kept: Reasons, ends_at: float | None) -> Reasons:
        if kept.exact or (ends_at is not None and self._clock() >= ends_at):
            return kept
        counted = self._one_by_one(integration, ends_at)
        is_better = counted.total() > sum(kept.counts.values())
        return Reasons(dict(counted.most_common()), kept.total) if is_better else kept

    def _one_by_one(self, integration: Integration, ends_at: float | None) -> Counter[str]:
        """The newest letters; of very big ones fewer."""
        counts, upper = Counter[str](), "+"
        for _ in range(COUNT_CALLS):
            args: list[str | int] = [upper, LOOK_THROUGH, LOOK_THROUGH_BYTES]
            last, *told = self._count([f"{own(integration)}:dlq"], args)
            counts.update({why.decode(): count for why, count in zip(told[::2], told[1::2], strict=True)})
            if not last or counts.total() >= LOOKED_AT or (ends_at is not None and self._clock() >= ends_at):
                break
            upper = f"({last.decode()}"
        return counts


def _read(counts: Mapping[bytes, bytes], total: int) -> Reasons:
    found = Counter({why.decode(): int(count) for why, count in counts.items()})
    return Reasons(dict(found.most_common()), total)
