"""
After a restore: the store is as it was when the backup was made, and Braze is not.

P:state     hash    restored: when that was noted, ms. What was received until then may have been sent since the backup:
                    its increments and additions are left out, its messages are not asked for, its events are counted as
                    possible duplicates (handed_out.py)
P:sends:*   stream  messages that waited: they count as unknown, and are not asked for again
W:known:*   hash    what Braze has accepted of people: forgotten, as it may have newer values by now
komo:session:*      who was signed in then may have signed out since: everybody signs in again
"""

from collections.abc import Sequence

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import generations, own
from workers.store.scripts import Script

#: Messages looked at in one call, of each kind; the store does nothing else meanwhile.
AT_ONCE = 200


class Restored:
    """Over one connection; nobody else may be at work."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._note = Script(connection, "restored")

    def note(self, integrations: Sequence[Integration], *, now_ms: int) -> dict[str, int]:
        """
        Note for all of them that they are out of a backup, and end every session. May be done again.

        Args:
            now_ms: What was received until then is doubtful.

        Returns: how many messages were let go of, by the id of the integration.
        Raises: StoreUnavailable.
        """
        gone = {one.id: self._of(one, now_ms) for one in integrations}
        with reaching_the_store():
            for key in self._redis.scan_iter("komo:session:*", count=500):
                self._redis.unlink(key)
        return gone

    def _of(self, integration: Integration, now_ms: int) -> int:
        total, keys = 0, [own(integration), *generations(integration.braze, now_ms)]
        while gone := self._note(keys, [now_ms, AT_ONCE]):
            total += gone
        return total
