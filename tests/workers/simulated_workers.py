"""
Workers of a simulation: threads of which only one runs at any moment.

They hand over before and after every command to the store and during every call, so that a seed can say who is next.
"""

import threading
from collections.abc import Callable
from typing import Any

from workers.errors import StoreUnavailable


class Killed(BaseException):
    """Nobody catches it."""


class Worker:
    """One task at work."""

    def __init__(self, world: Any, task: Callable[[], None]) -> None:
        self._world = world
        self._task = task
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.killed = self.ended = False
        self.failure: BaseException | None = None
        self._thread.start()

    def go_on(self) -> None:
        """Let it run until it rests or ends."""
        self._world.current = self
        self._mine.release()
        self._theirs.acquire()
        self._world.current = None
        if self.failure:
            raise self.failure

    def rest(self, ms: float) -> None:
        """Called by the worker itself."""
        self._world.at(self._world.now + ms, self.go_on)
        self._theirs.release()
        self._mine.acquire()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        self._mine.acquire()
        try:
            self._task()
        except (Killed, StoreUnavailable):
            pass
        except BaseException as error:
            self.failure = error
        self.ended = True
        self._theirs.release()
