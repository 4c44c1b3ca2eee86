"""
Notices that this process lives but does not work, and ends it, so that whoever supervises it starts it again.

What counts as stuck, and what never does:

- calls wait in the broker, there is room for them, and for `seconds` none was begun here: a worker that works takes its
  share. Not while the broker does not answer, and not while every slot is taken;
- the loop that takes calls has said nothing for twice as long, and at least `SILENT_S`, though the broker answers;
- a task is at work for longer than it can be: see `LONGEST_S`. Jobs may take as long as they like.

A process that was frozen, or a machine that was, begins anew: only what is seen at look after look counts.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

log = logging.getLogger("komo_braze")

#: With which a process ends that was stuck: https://man.freebsd.org/cgi/man.cgi?sysexits(3), "internal software error".
EXIT_STATUS = 70
#: Looks in a period; a look is worth a command to the broker at most where this process has nothing to do.
LOOKS = 4
#: How long a task may be at work, by its name. A drain is asked to end after a second; then a call of 30 s may be out,
#: and the store be waited for twice; the rest is a margin of over three minutes. A sweep looks at every integration.
LONGEST_S = {"drain": 300.0, "send": 300.0, "sweep": 900.0, "alert": 900.0}
#: A loop that is well says so every 15 seconds (`workers.store.alive`), however soon somebody wants to know.
SILENT_S = 45.0
#: What else is at work may end within so long, before the process does: a call to Braze takes 30 s at most.
GRACE_S = 35.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A process at one moment."""

    #: Counts what it has begun; only whether it moves is looked at.
    begun: int
    #: Tasks at work: id -> name.
    at_work: Mapping[str, str] = field(default_factory=dict)
    #: Whether it could take another call now.
    has_room: bool = True
    #: Calls that it has taken and not begun.
    in_hand: int = 0
    #: When the loop that takes calls last went round, by the watchdog's clock; None: it is not connected.
    looped_at: float | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """Why a process is stuck."""

    why: str
    #: For how long, as far as was seen.
    seconds: float
    #: Ids of the tasks that will not end.
    tasks: Collection[str] = ()


class Watchdog:
    """
    Looks at a process now and then.

    Args:
        seconds: For how long it has to be stuck.
        look: What the process is doing.
        waiting: How many calls wait for it in the broker; None where the broker does not answer in time.
        clock: Seconds, only ever forward.
    """

    def __init__(
        self,
        seconds: float,
        look: Callable[[], Seen],
        waiting: Callable[[], int | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.every_s = seconds / LOOKS
        self._seconds = seconds
        self._look = look
        self._waiting = waiting
        self._clock = clock
        #: Task id -> when it was seen first.
        self._tasks: dict[str, float] = {}
        self._begun = -1
        self._looked_at = clock()
        self._anew(self._looked_at)

    @property
    def is_well(self) -> bool:
        """Whether there is no suspicion."""
        return self._idle_since is None

    def check(self) -> Stuck | None:
        """Look once. Returns: Why the process is stuck, if it is."""
        now = self._clock()
        if now - self._looked_at > 2 * self.every_s:
            self._anew(now)
        seen = self._look()
        stuck = self._busy(seen, now) or self._idle(seen, now) or self._silent(seen, now)
        self._looked_at = self._clock()
        if self._looked_at - now > 2 * self.every_s:  # frozen while it asked
            self._anew(self._looked_at)
            return None
        return stuck

    def _anew(self, now: float) -> None:
        self._since = self._quiet_since = now
        self._idle_since: float | None = None
        self._tasks = dict.fromkeys(self._tasks, now)

    def _busy(self, seen: Seen, now: float) -> Stuck | None:
        """A task that will not end."""
        self._tasks = {task: self._tasks.get(task, now) for task in seen.at_work}
        ages = {task: now - since for task, since in self._tasks.items()}
        hung = [task for task, age in ages.items() if age > LONGEST_S.get(seen.at_work[task], float("inf"))]
        if not hung:
            return None
        return Stuck(f"{seen.at_work[hung[0]]} does not end", max(ages[task] for task in hung), hung)

    def _idle(self, seen: Seen, now: float) -> Stuck | None:
        """Calls wait, and none is taken."""
        if seen.begun != self._begun or not seen.has_room:
            self._begun, self._quiet_since, self._idle_since = seen.begun, now, None
            return None
        if now - self._quiet_since < self.every_s:
            return None
        if not (seen.in_hand or self._waiting()):
            self._idle_since = None
            return None
        if self._idle_since is None:
            self._idle_since = now
        idle_s = now - self._idle_since
        return Stuck("calls wait and none is taken", idle_s) if idle_s >= self._seconds else None

    def _silent(self, seen: Seen, now: float) -> Stuck | None:
        """The loop that takes calls hangs."""
        if seen.looped_at is None:
            self._since = now
            return None
        silent_s = now - max(seen.looped_at, self._since)
        if silent_s < max(2 * self._seconds, SILENT_S) or self._waiting() is None:
            return None
        return Stuck("the loop that takes calls hangs", silent_s)


def watch(dog: Watchdog, end: Callable[[Stuck], None], stopped: threading.Event) -> threading.Thread:
    """
    Look from a thread of its own until the process is stuck or ends by itself.

    Args:
        end: Ends the process.
        stopped: Set where the process has been told to end.
    """

    def run() -> None:
        while not stopped.wait(dog.every_s):
            try:
                stuck = dog.check()
            except Exception as error:  # a watchdog that fails must not take a working process with it
                log.warning("watchdog.failed", extra={"error": type(error).__name__})
                continue
            if stuck and not stopped.is_set():
                end(stuck)
                return

    thread = threading.Thread(target=run, name="watchdog", daemon=True)
    thread.start()
    return thread
