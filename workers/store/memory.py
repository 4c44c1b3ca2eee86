"""
What is remembered of people, and the numbers by which attribute names stand in it (inbox.py, workers.changes).

W = {braze_workspace}

W:names      hash  attribute -> its number, from 1; as many as mappings name
W:known:<host>:<n>
             hash  read only, for people who look; the engine reads and writes it in its steps
"""

from collections.abc import Iterable
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from schemas.names import Names
from workers.store.connect import reaching_the_store
from workers.store.keys import generations, shared
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
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for key in generations(integration.braze, now_ms)[1:]:
                pipe.hget(key, person_key)
            found = [text for text in pipe.execute() if text]
        packed: list[list[Any]] = orjson.loads(found[0]) if found else []
        return packed
