"""
An absolute end for calls: `requests` only bounds the silence between two bytes, so a dripping answer could last for
ever.

Two threads for the whole process look after all calls that are out, and sleep until one of them needs something. They
are two, because a store that hangs in a beat must not hold up the end of anybody's call.
"""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Call:
    """One call that is out."""

    def __init__(self, ends_at: float, every_s: float, beat: Callable[[], object] | None) -> None:
        self.ends_at = ends_at
        self.every_s = every_s
        self.beat = beat
        self.beats_at = time.monotonic() + every_s if beat else math.inf
        #: Whether the deadline has passed.
        self.expired = False
        #: Whether a byte of the request may have left us; what never began was never applied.
        self.sent = False
        self._sock: socket.socket | None = None
        self._is_ours = False

    def carry(self, sock: socket.socket | None, *, is_ours: bool = False) -> None:
        """Watch this connection from now on; close the handle in the end if it is our own."""
        self.let_go()
        # TLS inside a proxy's TLS is no socket, but has one.
        self._sock, self._is_ours = getattr(sock, "socket", sock), is_ours
        if self.expired:
            self._cut()

    def let_go(self) -> None:
        """The connection is no longer this call's."""
        if self._sock is not None and self._is_ours:
            self._sock.close()
        self._sock = None

    def expire(self) -> None:
        """Make whoever reads from or writes to the connection stop at once."""
        self.expired, self.ends_at = True, math.inf
        self._cut()

    def _cut(self) -> None:
        if self._sock is not None:
            with suppress(OSError):
                # Not the TLS socket's own shutdown, after which its next write would go out in the clear.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class Watch:
    """Renews leases while calls are out, and ends the calls that last too long."""

    def __init__(self) -> None:
        self._ends = _Duty("braze-deadlines", lambda call: call.ends_at, _end)
        self._beats = _Duty("braze-beats", lambda call: call.beats_at, _begin_beat)
        self._local = threading.local()

    @contextmanager
    def call(
        self, deadline_s: float, *, beat: Callable[[], object] | None = None, every_s: float = 5
    ) -> Iterator[Call]:
        """
        Look after one call of this thread.

        Args:
            deadline_s: After this many seconds the connection is cut.
            beat: Called every `every_s` seconds meanwhile, from another thread; its errors are ignored.
        """
        call = Call(time.monotonic() + deadline_s, every_s, beat)
        self._local.call = call
        duties = (self._ends, self._beats) if beat else (self._ends,)
        for duty in duties:
            duty.add(call)
        try:
            yield call
        finally:
            self._local.call = None
            for duty in duties:
                duty.remove(call)
            call.let_go()

    def connected(self, sock: socket.socket) -> None:
        """
        Told by a connection that it is being set up for the current call of this thread.

        We keep a handle of our own, because TLS takes the connection away from the socket it began with.
        """
        call = self._current()
        if call is not None:
            with self._ends.changed:
                call.carry(sock.dup(), is_ours=True)

    def sending(self, sock: socket.socket | None) -> None:
        """
        Told by a connection that the request of this thread's current call is about to leave.

        Raises: TimeoutError if its time is up; then nothing has left.
        """
        call = self._current()
        if call is None:
            return
        with self._ends.changed:
            call.carry(sock)
        if call.expired:
            raise TimeoutError("no time is left for the request")
        call.sent = True

    def _current(self) -> Call | None:
        return getattr(self._local, "call", None)


class _Duty:
    """A thread that does one thing to each call when its time comes."""

    def __init__(
        self, name: str, due: Callable[[Call], float], act: Callable[[Call], Callable[[], object] | None]
    ) -> None:
        self._name = name
        self._due = due
        #: Called under the lock; what it returns is called outside.
        self._act = act
        self._calls: set[Call] = set()
        #: Also guards whose connection is whose: a call that has ended must not be cut, its connection serves the next.
        self.changed = threading.Condition()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def add(self, call: Call) -> None:
        with self.changed:
            self._calls.add(call)
            if self._thread is None or not self._thread.is_alive():  # a forked process has none
                self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
                self._thread.start()
            elif self._due(call) < self._wakes_at:
                self.changed.notify()

    def remove(self, call: Call) -> None:
        with self.changed:
            self._calls.discard(call)

    def _serve(self) -> None:
        while True:
            with self.changed:
                first = min(self._calls, key=self._due, default=None)
                self._wakes_at = math.inf if first is None else self._due(first)
                wait_s = self._wakes_at - time.monotonic()
                if first is None or wait_s > 0:
                    self.changed.wait(min(wait_s, threading.TIMEOUT_MAX))
                    continue
                then = self._act(first)
            if then is not None:
                with suppress(Exception):  # a store that is away for a moment must not end the watch
                    then()


def _end(call: Call) -> None:
    call.expire()


def _begin_beat(call: Call) -> Callable[[], object] | None:
    call.beats_at = time.monotonic() + call.every_s
    return call.beat
