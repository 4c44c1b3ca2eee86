"""
Which integrations have accepted a submission, by its id: that tells where to look for it, without looking everywhere.

P:seen:<day>, P:once:<digest>: see inbox.py. A day is kept for about as long as what was accepted on it; what had
neither id nor time is remembered for ten minutes only, and lies somewhere all the same.
"""

from collections.abc import Sequence

import redis

from schemas.integration import Integration
from workers.store.keys import own, parts_of_workspaces
from workers.store.scripts import Script


class Accepted:
    """Looks into what is remembered, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._accepted = Script(connection, "accepted")

    def by(self, integrations: Sequence[Integration], day: int, digest: str) -> list[Integration]:
        """
        Those of the integrations that are known to have accepted it; none if nobody remembers.

        Args:
            day, digest: The parts of its id: days since 1970, and 8 bytes in hexadecimal.
        """
        parts = list(parts_of_workspaces(integrations))
        wanted: list[int | bytes] = [day, bytes.fromhex(digest)]
        calls = [([own(one) for one in part], wanted) for part in parts]
        told = zip(parts, self._accepted.many(calls), strict=True)
        known = {part[place - 1].id for part, places in told for place in places}
        return [one for one in integrations if one.id in known]
