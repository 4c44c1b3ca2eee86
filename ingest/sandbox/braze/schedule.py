"""Work that is done later: one thread, one heap; what is due first comes first, whatever came first."""

import heapq
import logging
import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

log = logging.getLogger(__name__)


class Schedule:
    """
    Does each piece of work after a random delay, so that requests race each other as Braze's do.

    Consistency normally takes 10 to 100 ms. https://www.braze.com/docs/api/api_limits/
    """

    def __init__(self, do: Callable[[Any], None]) -> None:
        self._do = do
        self._heap: list[tuple[float, int, Any]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None

    def add(self, work: Any, delay_ms: tuple[float, float]) -> None:
        """Have it done after a time within the range, in milliseconds; at once if the range ends at 0."""
        low, high = delay_ms
        if high <= 0:
            self._do(work)
            return
        due = time.monotonic() + random.uniform(low, high) / 1000  # noqa: S311  (nothing secret in a delay)
        with self._changed:
            heapq.heappush(self._heap, (due, next(self._numbers), work))
            if self._heap[0][2] is work:
                self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-braze-schedule", daemon=True)
                self._thread.start()

    def pending(self) -> int:
        """Pieces of work that are not done yet."""
        with self._changed:
            return len(self._heap) + self._busy

    def clear(self) -> None:
        """Forget everything not begun."""
        with self._changed:
            self._heap.clear()
            self._changed.notify_all()

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing is left to do; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._heap and not self._busy, timeout_s)

    def _run(self) -> None:
        while True:
            work = self._next()
            try:
                self._do(work)
            except Exception:
                log.exception("sandbox_braze.work_failed")
            with self._changed:
                self._busy = False
                if not self._heap:
                    self._changed.notify_all()

    def _next(self) -> Any:
        with self._changed:
            while True:
                wait_s = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait_s is not None and wait_s <= 0:
                    self._busy = True
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait_s)
