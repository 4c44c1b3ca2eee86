"""
What is remembered of people, and the numbers by which attribute names stand in it (inbox.py, workers.changes).

W = {braze_workspace}

W:names      hash  attribute -> its number, from 1; as many as mappings name
W:known:<n>  hash  read only, for people who look; the engine reads and writes it in its steps
"""

import time
from collections.abc import Iterable
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from schemas.names import Names
from workers.store.connect import reaching_the_store
from workers.store.inbox import MEMORY_MS
from workers.store.keys import shared
from workers.store.scripts import Script


class Memory:
    """Hands out numbers and reads marks, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._number = Script(connection, "number_names")

    def names(self, workspace: str, wanted: Iterable[str]) -> Names:
        """
        The numbers of all names of a Braze workspace; those that are wanted get one where they have none.

        Raises: StoreUnavailable.
        """
        with reaching_the_store():
            flat = self._number([shared(workspace)], sorted(set(wanted)))
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return Names.of({name.decode(): int(number) for name, number in pairs})

    def known(self, integration: Integration, person_key: str, *, now_ms: float | None = None) -> list[list[Any]]:
        """
        What Braze has accepted of a person, as `workers.changes.pack_marks` made it; empty if nothing is remembered.

        Args:
            now_ms: Only in tests; otherwise this machine's clock counts.

        Raises: StoreUnavailable.
        """
        current = int((time.time() * 1000 if now_ms is None else now_ms) // MEMORY_MS)
        prefix = shared(integration.braze.workspace)
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for number in (current, current - 1):
                pipe.hget(f"{prefix}:known:{number}", person_key)
            found = [text for text in pipe.execute() if text]
        packed: list[list[Any]] = orjson.loads(found[0]) if found else []
        return packed
