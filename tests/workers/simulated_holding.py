"""What is held in a simulation, and whether it goes where it belongs."""

from collections.abc import Sequence
from typing import Any

import orjson

from schemas.arrival import Arrival
from schemas.integration import Integration
from tests.workers.simulated_hubs import marks, names_everybody
from workers.store.inbox import submission_id
from workers.store.keys import own


class HeldWatch:
    """Knows who should get what; a world asks it."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def held(self, integration: Integration) -> list[str]:
        """Ids of what is held, oldest first."""
        return self._ids(f"{own(integration)}:held")

    def waits(self, submission: str) -> bool:
        """Whether it is in a lane of some hub."""
        return any(submission in self._ids(lane) for lane in self._world.connection.keys("{*:in:*"))

    def check_joined(self, integration: Integration, held: list[str], new: Sequence[tuple[str, Arrival]]) -> None:
        """
        Whoever says who they are gets what was held under any of their marks, and that goes ahead.

        Args:
            held: What was held before.
            new: What was accepted just now.
        """
        known, braze = self._world.accepted[integration.id], self._world.braze
        if self._world.stores.redo.wanted(integration):
            braze.unordered.update(one for one, _ in new if not names_everybody(known[one].body))
            return
        for submission, arrival in new:
            if arrival.judgement.destination == "held":
                held.append(submission)
            elif arrival.judgement.destination == "lane":
                theirs = [one for one in held if marks(known[one].body)[0] in marks(known[submission].body)]
                held = [one for one in held if one not in theirs]
                braze.ahead[submission] = theirs
                for place, one in enumerate(theirs, 1):
                    braze.number_of[one] = braze.number_of[submission] - 1 + place / 10_000
                    braze.unordered.discard(one)
        assert held == self.held(integration)

    def check_held(self, integration_id: str) -> None:
        """Nothing is held for somebody who has said later who they are, and whose submission is there."""
        integration = self._world.stores.integrations.get_cached(integration_id).integration
        says_who, latest = integration.identifiers[0].field[-1], dict[str, int]()
        for lane in range(self._world.lanes):
            for _, values in self._world.connection.xrange(f"{own(integration)}:in:{lane}"):
                order, body = orjson.loads(values[b"h"])[0], orjson.loads(values[b"b"])
                if b"n" not in values and body[says_who]:
                    latest |= {one: max(order, latest.get(one, 0)) for one in marks(body)}
        for _, values in self._world.connection.xrange(f"{own(integration)}:held"):
            order, mark = orjson.loads(values[b"h"])[0], marks(orjson.loads(values[b"b"]))[0]
            assert order > latest.get(mark, 0), f"{mark} of {integration_id} is known, and still held"

    def _ids(self, stream: str | bytes) -> list[str]:
        heads = [orjson.loads(values[b"h"]) for _, values in self._world.connection.xrange(stream)]
        return [submission_id(head[1], head[2]) for head in heads]
