"""
Where the newest entries of many integrations lie, without reading what they hold: most have nothing to look at.

P:held, P:newheld, P:in:<lane>, P:new:<lane>, P:annex, P:dlq, P:settled: see records.py.
P:ledger says which of them need no look, as nothing is there that waits, is held or dead: see ledger.py.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import redis

from schemas.integration import Integration
from workers.store.keys import own, parts_of_workspaces
from workers.store.scripts import Script


class Spot(NamedTuple):
    """The newest entry of one stream."""

    integration: Integration
    #: Of the stream: what follows P.
    name: str
    #: The two parts of the entry's id.
    ms: int
    number: int


class Newest:
    """Looks at the ends of streams, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._look = Script(connection, "newest")

    def look(
        self, integrations: Sequence[Integration], names: Sequence[str], *, newest: str = "+", oldest: str = "-"
    ) -> Iterator[Spot]:
        """
        The streams that hold something, each with its newest entry, in the order of the integrations and of the names.

        Args:
            names: What follows P; `waiting` stands for every stream of the lanes.
            newest: The entry id, or the time in ms, up to which to look.
            oldest: The same, from which on.
        """
        parts = list(parts_of_workspaces(integrations))
        calls = [([own(one) for one in part], [newest, oldest, *names]) for part in parts]
        told = {}
        for part, texts in zip(parts, self._look.many(calls), strict=True):
            told.update({one.id: text for one, text in zip(part, texts, strict=True)})
        for one in integrations:
            words = iter(told[one.id].decode().split())
            for name, entry_id in zip(words, words, strict=True):
                ms, _, number = entry_id.partition("-")
                yield Spot(one, name, int(ms), int(number))
