"""What the watchdog sees of Celery's worker and clock, and how it ends them."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from celery.worker import state

from workers.crashes import flush
from workers.store.alive import BEAT_S
from workers.watchdog import EXIT_STATUS, GRACE_S, LOOKS, Seen, Stuck, Watchdog, watch

log = logging.getLogger("komo_braze")

#: How long the broker may take to let us in, and to answer.
CONNECT_S, ANSWER_S = 2.0, 10.0


class Guard:
    """
    Watches over the worker or the clock of this process; where `seconds` is 0, over nothing.

    Args:
        seconds: For how long a process has to be stuck: `WATCHDOG_S`.
    """

    def __init__(self, app: Celery, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._dog: Watchdog | None = None
        #: Set as soon as the process has been told to end: from then on it may take its time.
        self.stopped = threading.Event()
        #: When the loop that takes calls last went round; None while it is not connected.
        self.looped_at: float | None = None
        #: Of the clock: counts the calls that it has made.
        self.called = 0

    @property
    def is_well(self) -> bool:
        """Whether there is no suspicion that this process is stuck."""
        return self._dog is None or self._dog.is_well

    @property
    def loops_every_s(self) -> float:
        """How often the loop that takes calls has to say that it goes round: long before it would be missed."""
        return min(BEAT_S, self._seconds / LOOKS) if self._seconds else BEAT_S

    def watch_worker(self, queues: Sequence[str], slots: Callable[[], int]) -> None:
        """
        From now on.

        Args:
            queues: Those that it serves: what waits in others is not its business.
            slots: How many tasks it works on at a time.
        """
        most_held = self._app.conf.worker_eta_task_limit

        def look() -> Seen:
            at_work = _at_work()
            has_room = len(at_work) < slots() and len(state.scheduled_requests) < most_held
            in_hand = max(0, len(state.reserved_requests) - len(at_work))
            return Seen(state.all_total_count[0], at_work, has_room, in_hand, self.looped_at)

        self._watch(look, lambda: calls_waiting(self._app, queues), _finish_the_others)

    def watch_clock(self) -> None:
        """From now on; there is always something for it to call."""
        self._watch(lambda: Seen(self.called), lambda: calls_waiting(self._app, (), more=1), lambda _: None)

    def _watch(
        self, look: Callable[[], Seen], waiting: Callable[[], int | None], finish: Callable[[Stuck], None]
    ) -> None:
        if self._seconds:
            self._dog = Watchdog(self._seconds, look, waiting)
            watch(self._dog, lambda stuck: end(stuck, finish), self.stopped)


def end(stuck: Stuck, finish: Callable[[Stuck], None]) -> None:
    """
    End this process with a line that says why; whatever else would have to be tidied up may be what hangs.

    Args:
        finish: Waits for what should not be cut off.
    """
    # Even the line may hang, where nobody reads our output.
    last = threading.Timer(GRACE_S + 5, os._exit, (EXIT_STATUS,))
    last.daemon = True
    last.start()
    log.error("worker.stuck", extra={"why": stuck.why, "seconds": round(stuck.seconds)})
    finish(stuck)
    flush()
    os._exit(EXIT_STATUS)


def _finish_the_others(stuck: Stuck) -> None:
    """Take nothing more, and wait for the tasks that are well."""
    state.should_stop = EXIT_STATUS
    until = time.monotonic() + GRACE_S
    while _at_work().keys() - {*stuck.tasks} and time.monotonic() < until:
        time.sleep(0.1)


def calls_waiting(app: Celery, queues: Sequence[str], *, more: int = 0) -> int | None:
    """
    How many calls the broker has for whoever serves these queues, asked over a connection of its own.

    Args:
        more: Is added, where the broker answers.

    Returns: None where it does not answer in time.
    """
    is_amqp = app.conf.broker_url.startswith(("amqp", "pyamqp"))
    timeouts = {"read_timeout": ANSWER_S, "write_timeout": ANSWER_S} if is_amqp else {}
    try:
        with app.connection_for_read(connect_timeout=CONNECT_S, transport_options=timeouts) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_S)
            # The clock's question names no queue; an answer to anything will do.
            with connection.channel():
                pass
            return more + sum(_length(connection, queue) for queue in queues)
    except Exception:  # every transport raises its own
        return None


def _length(connection: Any, queue: str) -> int:
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except connection.channel_errors:  # there is no such queue: on Redis because it is empty
        return 0


def _at_work() -> dict[str, str]:
    """Ids and names of the tasks at work."""
    while True:
        try:
            return {one.id: one.name for one in state.active_requests}
        except RuntimeError:  # one has begun or ended meanwhile
            continue
