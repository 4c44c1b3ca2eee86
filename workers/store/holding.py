"""
Submissions that name nobody, held for whoever turns out to have made them.

P:held     stream  oldest first: b body, h head (its person is null), m the mark it is held under (`packed_marks`),
                   a and e the objects to expect; d, where it waited in a lane before: what P:done said of it there
P:hold     hash    mark -> ids of its entries in P:held, oldest first, separated by blanks
P:newheld, P:newhold  the same for what has been judged again; they take their places at the end (redo.py)

The mark is that of the first id of a submission: contact, profile, user or session. As soon as one is accepted that
carries the id, whether first or not, and says whose it is, what was held goes ahead of it into that person's lane
(accept.lua). Until then it is no lane's, and counts as held. All keys are gone when nothing is held.
"""

import time

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own
from workers.store.scripts import Script

#: Filtered in one call, so that it never holds the store up; bytes of bodies.
MOST, MOST_BYTES = 500, 4_000_000
#: For how long one sweep goes on with it, at most.
SECONDS = 1.0


class Holding:
    """
    Ends what was held in vain, over one connection.

    Args:
        hours: How long a submission is held, counted from its acceptance.
    """

    def __init__(self, connection: redis.Redis, *, hours: int) -> None:
        self._redis = connection
        self._hours = hours
        self._expire = Script(connection, "expire_held")

    def expire(self, integration: Integration, *, now_ms: int) -> int:
        """Filter what was held for too long, as much as there is time for; returns how many submissions went."""
        oldest, ends_at, gone = (now_ms - self._hours * 3_600_000) * 1000, time.monotonic() + SECONDS, 0
        while went := int(self._expire([own(integration)], [now_ms, oldest, MOST, MOST_BYTES])):
            gone += went
            if time.monotonic() >= ends_at:
                break
        return gone

    def oldest_day(self, integration: Integration) -> int | None:
        """The day since 1970 on which the oldest held submission was accepted."""
        with reaching_the_store():
            page = self._redis.xrange(f"{own(integration)}:held", count=1)
        # A head starts with its order and the day of its acceptance.
        return int(page[0][1][b"h"].split(b",", 2)[1]) if page else None  # type: ignore[index, arg-type]
