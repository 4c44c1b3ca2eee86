"""
The client that scripts run on: a connection for each thread, and answers that wait for replicas.

komo:confirmed  string  written where only replicas that have all before it can confirm it
"""

import os
import re
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

#: A connection that has been used a moment ago is taken to be alive.
LONG_UNUSED_S = 0.05
#: How long replicas have to say that they have it: far longer than they take, and shorter than a sender waits.
REPLICAS_TIMEOUT_MS = 1000
CONFIRMED = "komo:confirmed"
#: A script that is missing is loaded where it was missed: the pool may lead to another server after a failover.
OF_THREAD = ("EVALSHA", "SCRIPT LOAD")
#: Said by a server that is the master no more: whoever asks it again hears the same.
_DEMOTED_CODE = re.compile(r"(^|: -)(READONLY|UNBLOCKED)\b")


class StoreClient(redis.Redis):
    """
    A client that runs scripts on a connection of the calling thread.

    Scripts are all that the hot paths run, and fetching a connection from the pool and handing it back costs as much as
    the script itself. Nothing is ever sent twice here either.
    """

    #: How many replicas must have a write before anybody outside is told of it.
    replicas = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._of_thread = threading.local()

    def execute_command(self, *args: Any, **options: Any) -> Any:  # type: ignore[override, unused-ignore]
        """Send one command and return its answer."""
        if args[0] not in OF_THREAD:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        with self._own_connection() as connection:
            words = args if args[0] == "EVALSHA" else (*args[0].split(), *args[1:])
            connection.send_packed_command([_packed(words)])
            return connection.read_response()

    def replicated(self, *args: Any) -> Any:
        """
        Send one command that writes, and return its answer once `replicas` of them have what it wrote.

        Raises: redis.ResponseError NOREPLICAS if too few said so in time; the command was carried out all the same.
        """
        if not self.replicas:
            return self.execute_command(*args)
        with self._own_connection() as connection:
            wait = ("WAIT", self.replicas, REPLICAS_TIMEOUT_MS)
            connection.send_packed_command([_packed(args), _packed(wait)])
            try:
                answer = connection.read_response()
            except redis.ResponseError:
                _reached(connection)  # stays in step
                raise
            reached = _reached(connection)
            if reached < self.replicas:
                connection.disconnect()  # it may be the master no more, and not know it yet
                raise redis.ResponseError(f"NOREPLICAS {reached} of {self.replicas} replicas have it")
            return answer

    def confirm(self) -> None:
        """Return once enough replicas have all that was written here before. Raises: as `replicated`."""
        if self.replicas:
            self.replicated("SET", CONFIRMED, 1)

    @contextmanager
    def _own_connection(self) -> Iterator[Any]:
        """The thread's connection; taken apart where nobody knows what is still to be read, or it leads nowhere."""
        connection = self._connection()
        try:
            yield connection
        except redis.ResponseError as error:  # an answer like any other: the connection is still in step
            if isinstance(error, redis.ReadOnlyError) or _DEMOTED_CODE.search(str(error)):
                connection.disconnect()
            raise
        except BaseException:
            connection.disconnect()
            raise

    def _connection(self) -> Any:
        held: _Held | None = getattr(self._of_thread, "held", None)
        if held is None or held.pid != os.getpid():
            held = self._of_thread.held = _Held(self.connection_pool)
        elif self._is_elsewhere(held.connection) or (
            time.monotonic() - held.used_at > LONG_UNUSED_S and _is_dead(held.connection)
        ):
            held.connection.disconnect()
        if not held.connection.is_connected:
            held.connection.connect()  # a command would do so itself, but without asking the sentinels
        held.used_at = time.monotonic()
        return held.connection

    def _is_elsewhere(self, connection: Any) -> bool:
        """Whether the sentinels have told another thread of another master since this connection was made."""
        master = getattr(self.connection_pool, "master_address", None)
        return master is not None and (connection.host, connection.port) != master


def _reached(connection: Any) -> int:
    """The answer to WAIT; 0 of a server that has become a replica itself, and has none to wait for."""
    try:
        return int(connection.read_response())
    except redis.ResponseError:
        return 0


def _packed(args: Sequence[str | bytes | int | float]) -> bytes:
    """
    A command as it goes over the wire; redis-py's own way of it takes three times as long.

    Source: https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
    """
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        data = arg if arg.__class__ is bytes else str(arg).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class _Held:
    """A connection for as long as a thread lives; then the pool has it back. A forked process takes one of its own."""

    def __init__(self, pool: Any) -> None:
        self.connection = pool.get_connection()
        self.pid = os.getpid()
        self.used_at = time.monotonic()
        weakref.finalize(self, _give_back, pool, self.connection, self.pid)


def _give_back(pool: Any, connection: Any, pid: int) -> None:
    if pid == os.getpid():
        pool.release(connection)


def _is_dead(connection: Any) -> bool:
    """Whether the other side has hung up, or left something unread, since the last command."""
    try:
        return bool(connection.can_read())
    except (redis.ConnectionError, redis.TimeoutError, OSError):
        return True
