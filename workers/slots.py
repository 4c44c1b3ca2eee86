"""Who may have one of this process's slots: integrations that fail or dawdle share a quarter of them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

#: Whoever is refused comes back after so long.
WAIT_MS = 500
#: Answers that took this long on average, or a call that has been out for so long, make an integration slow; seconds.
SLOW_S = 1.0
#: An integration that did not answer for so long has to show again that it answers quickly.
FORGET_S = 600.0
#: What the last answer weighs in the moving mean.
WEIGHT = 0.25
#: No answer counts for more than so many times `slow_s`: who was away for long is trusted after four quick answers.
MOST_SLOW = 10.0
#: So many of those who wait come back by an alarm; the others are left to the sweep, so that calls stay few.
NEAR = 8
#: A place in the queue is lost by who does not come back for so long: near its head, and where the sweep calls.
NEAR_TICKET_S, FAR_TICKET_S = 3.0, 12.0

Standing = Literal["trusted", "unknown", "slow"]
_Lane = tuple[str, int]


@dataclass(slots=True)
class _Seen:
    """What this process knows about one integration."""

    seen_at: float
    #: When its last call ended; None: it has made none here.
    noted_at: float | None = None
    mean_s: float = 0.0
    failed: bool = False
    #: Slots, and how many of them it got without being trusted.
    held: int = 0
    tried: int = 0
    #: Calls that are out, by number, oldest first -> since when.
    calls: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Ticket:
    """A lane's place in a queue."""

    until: float
    alarm_at: float = float("-inf")


class Slots:
    """
    Counts the slots that drains hold, so that a Braze that hangs cannot take all of them from the others.

    An integration is trusted while its last calls were answered quickly, the last one without a failure, and none has
    been out for long. Who is not shares a quarter of the slots with all the others of that kind, first come first
    served. The last one of them is only for whom nothing is known yet, so that a quiet integration, or a new one, need
    not wait for a Braze that hangs. Who is trusted leaves a quarter of all slots to others, if there are any.

    Args:
        total: Slots of this process, which is as many as it has threads.
        clock: Seconds, only ever forward.
        slow_s: What is long.
    """

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic, slow_s: float = SLOW_S) -> None:
        self.total = total
        self.quarter = max(1, total // 4)
        self._clock = clock
        self._slow_s = slow_s
        self._lock = threading.Lock()
        self._known: dict[str, _Seen] = {}
        #: Those who hold a slot.
        self._busy: dict[str, _Seen] = {}
        self._queues: dict[Standing, dict[_Lane, _Ticket]] = {"trusted": {}, "unknown": {}, "slow": {}}
        self._numbers = 0
        self._tidied_at = clock()

    def take(self, integration_id: str, lane: int = 0) -> bool:
        """Have a slot; False: not now, ask `wants_alarm` and come back."""
        with self._lock:
            now = self._clock()
            one = self._of(integration_id, now)
            standing = self._standing(one, now)
            queue, key = self._queue(one, standing), (integration_id, lane)
            free = self._free(one, standing, now)
            if free < 1 or (queue and _ahead(queue, key, free, now) >= free):
                queue.setdefault(key, _Ticket(now)).until = now + FAR_TICKET_S
                return False
            for queue in self._queues.values():
                queue.pop(key, None)
            one.held += 1
            one.tried += standing != "trusted"
            self._busy[integration_id] = one
            return True

    def wants_alarm(self, integration_id: str, lane: int = 0) -> bool:
        """
        After a refusal: whether the lane has to be called in WAIT_MS.

        False where that call is on its way already, or where so many wait before it that the sweep is early enough.
        """
        with self._lock:
            now = self._clock()
            one = self._of(integration_id, now)
            queue, key = self._queue(one, self._standing(one, now)), (integration_id, lane)
            ticket = queue.get(key)
            if ticket is None or key not in islice(queue, NEAR):
                return False
            ticket.until = now + NEAR_TICKET_S
            if now < ticket.alarm_at:
                return False
            ticket.alarm_at = now + WAIT_MS / 1000
            return True

    def give_back(self, integration_id: str) -> None:
        """The end of what `take` began."""
        with self._lock:
            one = self._busy.get(integration_id)
            if one is None:
                return
            one.seen_at = self._clock()
            one.held -= 1
            one.tried = min(one.tried, one.held)
            if not one.held:
                del self._busy[integration_id]

    @contextmanager
    def calling(self, integration_id: str) -> Iterator[None]:
        """While a call is out, so that one that stays out for long counts before it ends."""
        with self._lock:
            self._numbers += 1
            number, now = self._numbers, self._clock()
            calls = self._of(integration_id, now).calls
            calls[number] = now
        try:
            yield
        finally:
            with self._lock:
                calls.pop(number, None)

    def note(self, integration_id: str, seconds: float, ok: bool) -> None:
        """
        A call has ended.

        Args:
            ok: False where Braze or the way to it failed: a 5xx, a timeout, no connection.
        """
        with self._lock:
            now = self._clock()
            one = self._of(integration_id, now)
            counted = min(seconds, MOST_SLOW * self._slow_s)
            fresh = one.noted_at is None or now - one.noted_at > FORGET_S
            one.mean_s = counted if fresh else one.mean_s + (counted - one.mean_s) * WEIGHT
            one.noted_at, one.failed = now, not ok
            if self._standing(one, now) == "trusted":
                one.tried = 0

    def standing(self, integration_id: str) -> Standing:
        """What is thought of an integration now."""
        with self._lock:
            now = self._clock()
            one = self._known.get(integration_id)
            return self._standing(one, now) if one else "unknown"

    def _of(self, integration_id: str, now: float) -> _Seen:
        if now - self._tidied_at > FORGET_S / 10:
            self._tidy(now)
        one = self._known.get(integration_id)
        if one is None or _is_stale(one, now):
            one = self._known[integration_id] = _Seen(now)
        one.seen_at = now
        return one

    def _tidy(self, now: float) -> None:
        self._tidied_at = now
        self._known = {name: one for name, one in self._known.items() if not _is_stale(one, now)}
        for queue in self._queues.values():
            for key in [key for key, ticket in queue.items() if ticket.until < now]:
                del queue[key]

    def _standing(self, one: _Seen, now: float) -> Standing:
        if one.calls and now - next(iter(one.calls.values())) > self._slow_s:
            return "slow"
        if one.noted_at is None:
            return "unknown"
        if one.failed or one.mean_s >= self._slow_s:
            return "slow"
        return "trusted" if now - one.noted_at <= FORGET_S else "unknown"

    def _queue(self, one: _Seen, standing: Standing) -> dict[_Lane, _Ticket]:
        # The last slot of the quarter is not for these: they must not stand before those for whom it is.
        return self._queues["slow" if standing == "unknown" and one.held else standing]

    def _free(self, one: _Seen, standing: Standing, now: float) -> int:
        """How many slots there are for such a one."""
        if standing == "trusted":
            limit = self.total - self.total // 4
            if not one.held or len(self._busy) == 1:
                return self.total
            return limit - sum(other.held for other in self._busy.values() if self._is_trusted(other, now))
        suspects = [other for other in self._busy.values() if not self._is_trusted(other, now)]
        last = 1 if self.quarter > 1 else 0
        if standing == "unknown":
            # Slots that somebody took before they became slow are nobody's fault: they do not count here.
            return self.quarter - sum(other.tried for other in suspects) - (last if one.held else 0)
        return self.quarter - last - sum(other.held for other in suspects)

    def _is_trusted(self, one: _Seen, now: float) -> bool:
        return self._standing(one, now) == "trusted"


def _is_stale(one: _Seen, now: float) -> bool:
    return now - one.seen_at > FORGET_S and not one.held and not one.calls


def _ahead(queue: dict[_Lane, _Ticket], key: _Lane, most: int, now: float) -> int:
    """How many wait before this one, counted up to `most`; who has not come back for long loses the place."""
    ahead, gone = 0, []
    for other, ticket in queue.items():
        if other == key or ahead >= most:
            break
        if ticket.until < now:
            gone.append(other)
        else:
            ahead += 1
    for other in gone:
        del queue[other]
    return ahead
