"""A question that many ask again and again, and that must not hold anybody up."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Lately(Generic[_T]):
    """
    Asks in a thread of its own, once at a time however many want to know, and lets the answer count for a while.

    Args:
        ask: May take its time, and may raise.
        good_for_s: How long an answer counts.
    """

    def __init__(
        self, ask: Callable[[], _T], *, good_for_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._good_for_s = good_for_s
        self._clock = clock
        self._lock = threading.Lock()
        # Starts its thread at the first question: a server may fork before.
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="lately")
        self._answer: Future[_T] | None = None
        self._asked_at = float("-inf")

    def answer(self, patience_s: float) -> _T:
        """
        The latest answer, or what `ask` raised instead.

        Raises: TimeoutError if there is none after so many seconds; it is still awaited for the next who asks.
        """
        with self._lock:
            is_old = self._clock() - self._asked_at >= self._good_for_s
            if self._answer is None or (is_old and self._answer.done()):
                self._answer, self._asked_at = self._asker.submit(self._ask), self._clock()
            answer = self._answer
        return answer.result(patience_s)
