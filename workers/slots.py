"""Who may have one of this process's slots: whoever fails or dawdles shares a quarter of them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

#: Answers that took this long on average, or a call that has been out for so long, make slow; seconds.
SLOW_S = 1.0
#: An endpoint that did not answer quickly for so long has to show again that it does.
FORGET_S = 600.0
#: What the last answer weighs in the moving mean.
WEIGHT = 0.25
#: No answer counts for more than so many times `slow_s`: who was away for long is trusted after four quick answers.
MOST_SLOW = 10.0
#: Where nobody else wanted a slot for so long, the slow ones are not held back.
ALONE_S = 10.0
#: So many lanes are remembered while they wait, half of them slow ones; the others come back with the sweep.
MOST_WAITING = 500
#: While lanes wait for whom there is no room, somebody looks again after so long; so many such calls are on their way.
WAIT_MS, MOST_ALARMS = 500, 2

Standing = Literal["trusted", "unknown", "suspect", "slow"]
#: An integration's id, and the number of a lane.
Lane = tuple[str, int]


@dataclass(slots=True)
class _Seen:
    """What this process knows about one integration, or about one endpoint."""

    seen_at: float
    #: When it last answered quickly.
    quick_at: float = float("-inf")
    #: None: it has never answered here.
    mean_s: float | None = None
    failed: bool = False
    #: Calls that are out, by number, oldest first -> since when.
    calls: dict[int, float] = field(default_factory=dict)
    #: Slots.
    held: int = 0


#: An integration and its endpoint.
_Both = tuple[_Seen, _Seen]


class Slots:
    """
    Counts the slots that drains hold, so that a Braze that hangs cannot take all of them from the others.

    Whoever comes for a lane puts it into a queue, and serves the first one there for which there is room. Who fails or
    dawdles is slow. Others are trusted while their endpoint answers quickly, unknown while it has not answered anybody
    yet, and suspect when it seems to hang. There is room

    - for the first lane of a trusted endpoint: always;
    - for its other lanes: but for a quarter of the slots, so that there are some for others at the moment when it
      begins to hang; an integration's first lane also where others have begun to hang: but for a quarter of the rest;
    - for an unknown endpoint, and for an integration that was never answered: one lane until it has been;
    - for slow and suspect lanes: a quarter, the last slot of which is for a suspect, that it may show that it is well.
      Where nobody else comes, they leave a quarter instead.

    Args:
        total: Slots of this process, which is as many as it has threads.
        clock: Seconds, only ever forward.
        slow_s: What is long.
    """

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic, slow_s: float = SLOW_S) -> None:
        self.total = total
        self.quarter = max(1, total // 4)
        #: The last slots: only for the first lane of a trusted endpoint.
        self._last = self.quarter // 2
        self._clock = clock
        self._slow_s = slow_s
        self._lock = threading.Lock()
        #: By an integration's id, or by an endpoint, which is a URL.
        self._known: dict[str, _Seen] = {}
        #: Lanes that wait, in the order in which they came.
        self._queue: dict[Lane, _Both] = {}
        #: Lanes that have a slot.
        self._busy: dict[Lane, _Both] = {}
        #: When the alarms go off that are on their way.
        self._alarms: deque[float] = deque()
        self._numbers = 0
        self._tidied_at = self._wanted_at = clock()

    @contextmanager
    def turn(self, came: Lane | None = None, endpoint: str = "") -> Iterator[Lane | None]:
        """A slot for as long as the block runs, and for whom: see `take`."""
        lane = self.take(came, endpoint)
        try:
            yield lane
        finally:
            if lane is not None:
                self.give_back(lane)

    def take(self, came: Lane | None = None, endpoint: str = "") -> Lane | None:
        """
        Have a slot for whoever is next.

        Args:
            came: A lane that wants to be served; it waits behind those who came before.
            endpoint: Its Braze.

        Returns: The lane that has the slot now; None where there is no room for anybody who waits.
        """
        with self._lock:
            now = self._clock()
            if came is not None:
                self._join(came, endpoint, now)
            lane = self._next(now)
            if lane is not None:
                self._busy[lane] = both = self._queue.pop(lane)
                for one in both:
                    one.held += 1
            return lane

    def give_back(self, lane: Lane) -> None:
        """The end of what `take` began."""
        with self._lock:
            for one in self._busy.pop(lane, ()):
                one.held -= 1

    def whom_to_call(self) -> tuple[Lane, int] | None:
        """
        Who has to be called, and in how many ms: at once where there is room for another one.

        Otherwise somebody looks again soon: an endpoint turns slow without anybody coming or going.
        """
        with self._lock:
            now = self._clock()
            lane = self._next(now)
            if lane is not None:
                return lane, 0
            while self._alarms and self._alarms[0] <= now:
                self._alarms.popleft()
            if not self._queue or len(self._alarms) >= MOST_ALARMS:
                return None
            self._alarms.append(now + WAIT_MS / 1000)
            return next(iter(self._queue)), WAIT_MS

    @contextmanager
    def calling(self, integration_id: str, endpoint: str) -> Iterator[None]:
        """While a call is out, so that one that stays out for long counts before it ends."""
        with self._lock:
            self._numbers += 1
            number, now = self._numbers, self._clock()
            both = self._both(integration_id, endpoint, now)
            for one in both:
                one.calls[number] = now
        try:
            yield
        finally:
            with self._lock:
                for one in both:
                    one.calls.pop(number, None)

    def note(self, integration_id: str, endpoint: str, seconds: float, ok: bool) -> None:
        """
        A call has ended.

        Args:
            ok: False where Braze or the way to it failed: a 5xx, a timeout, no connection.
        """
        counted = min(seconds, MOST_SLOW * self._slow_s)
        with self._lock:
            now = self._clock()
            for one in self._both(integration_id, endpoint, now):
                one.mean_s = counted if one.mean_s is None else one.mean_s + (counted - one.mean_s) * WEIGHT
                one.failed = not ok
                if ok and seconds < self._slow_s:
                    one.quick_at = now

    def standing(self, integration_id: str, endpoint: str) -> Standing:
        """What is thought of an integration now."""
        with self._lock:
            now = self._clock()
            return self._standing(*self._both(integration_id, endpoint, now), now)

    def _join(self, lane: Lane, endpoint: str, now: float) -> None:
        both, waiting = self._both(lane[0], endpoint, now), len(self._queue)
        if waiting >= MOST_WAITING // 2 and (waiting >= MOST_WAITING or self._is_bad(both, now)):
            return
        self._queue.setdefault(lane, both)

    def _next(self, now: float) -> Lane | None:
        """The first that waits and for which there is room."""
        if len(self._busy) >= self.total:
            return None
        full = set()
        for lane, (integration, endpoint) in self._queue.items():
            # Called again while it is served, its turn comes after that.
            if lane in self._busy or (integration.held and integration.mean_s is None):
                continue
            standing = self._standing(integration, endpoint, now)
            alike = 0, standing, False
            if standing in ("trusted", "unknown"):
                self._wanted_at, alike = now, (id(endpoint), standing, integration.held > 0)
            if alike in full:
                continue
            if self._has_room(integration, endpoint, standing, now):
                return lane
            full.add(alike)
        return None

    def _has_room(self, integration: _Seen, endpoint: _Seen, standing: Standing, now: float) -> bool:
        free = self.total - len(self._busy)
        if standing == "trusted":
            if integration.held:
                return free > self.quarter
            return not endpoint.held or free > self.quarter or free > self._kept(now)
        if standing == "unknown":
            return not endpoint.held and free > self._last
        if free > self.quarter and now - self._wanted_at > ALONE_S:
            return True
        share = self.quarter - (standing == "slow" and self.quarter > 1)
        return free > self._last and self._held_by_slow(now) < share

    def _kept(self, now: float) -> int:
        """How many slots are left to endpoints that have none."""
        return max((self.total - self._held_by_slow(now)) // 4, 1 if self.total >= 4 else 0)

    def _held_by_slow(self, now: float) -> int:
        return sum(self._is_bad(both, now) for both in self._busy.values())

    def _is_bad(self, both: _Both, now: float) -> bool:
        return self._standing(*both, now) in ("slow", "suspect")

    def _standing(self, integration: _Seen, endpoint: _Seen, now: float) -> Standing:
        if self._dawdles(integration, now):
            return "slow"
        quick_s = now - endpoint.quick_at
        if quick_s > self._slow_s and self._dawdles(endpoint, now):
            # Who was answered while others wait is not meant.
            since = next(iter(endpoint.calls.values()), now)
            return "trusted" if integration.quick_at > since else "suspect"
        return "trusted" if quick_s <= FORGET_S else "unknown"

    def _dawdles(self, one: _Seen, now: float) -> bool:
        if one.failed or (one.mean_s is not None and one.mean_s >= self._slow_s):
            return True
        return bool(one.calls) and now - next(iter(one.calls.values())) > self._slow_s

    def _both(self, integration_id: str, endpoint: str, now: float) -> _Both:
        return self._of(integration_id, now), self._of(endpoint, now)

    def _of(self, name: str, now: float) -> _Seen:
        one = self._known.get(name)
        if one is None:
            if now - self._tidied_at > FORGET_S / 10:
                self._tidy(now)
            one = self._known[name] = _Seen(now)
        one.seen_at = now
        return one

    def _tidy(self, now: float) -> None:
        self._tidied_at = now
        for name, one in list(self._known.items()):
            if now - one.seen_at > FORGET_S and not one.held and not one.calls:
                del self._known[name]
