"""
How the store is reached: `redis://`, `rediss://`, `unix://`, or Sentinel as

    sentinel://[user:password@]host:26379,host2:26379/0?master=mymaster

User and password are the store's own. The same address, in Celery's way of writing it, is the broker's.

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
from urllib.parse import parse_qs, quote, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MasterDownError, TryAgainError
from redis.retry import Retry
from redis.sentinel import Sentinel

from schemas.settings import Settings
from workers.errors import StoreUnavailable
from workers.store.format import look_at_format

#: Streams with MINID, SET with GET, and what else the scripts use. Valkey calls itself 7.2 here.
OLDEST_REDIS = (6, 2)
CONNECT_TIMEOUT_S = 2.0
#: A script works through 75 submissions in a few milliseconds; an fsync of a slow disk takes longer.
ANSWER_TIMEOUT_S = 5.0
SENTINEL_PORT = 26379
CONFIRMED = "komo:confirmed"
#: A script that is missing is loaded where it was missed: the pool may lead to another server after a failover.
OF_THREAD = ("EVALSHA", "SCRIPT LOAD")
#: A connection that has been used a moment ago is taken to be alive.
LONG_UNUSED_S = 0.05
#: How long replicas have to say that they have it: far longer than they take, and shorter than a sender waits.
REPLICAS_TIMEOUT_MS = 1000

#: What a store says that can't take a write now: it may later, so nothing is wrong with the request.
_NOT_NOW = (redis.OutOfMemoryError, redis.ReadOnlyError, TryAgainError, ClusterDownError, MasterDownError)
#: The same as error codes: redis-py has no class for some, and Redis 6.2 wraps a script's error into its own.
#: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
_NOT_NOW_CODE = re.compile(r"(^|: -)(OOM|MISCONF|NOREPLICAS|BUSY|READONLY|UNBLOCKED)\b")
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


def connect(
    url: str,
    *,
    answer_timeout_s: float = ANSWER_TIMEOUT_S,
    check: bool = True,
    any_format: bool = False,
    replicas: int = 0,
) -> redis.Redis:
    """
    A client of the store, safe to share between threads; keys and values are bytes.

    It never sends a command twice by itself: after a lost answer nobody knows whether a script ran, and only its caller
    knows whether it may run again.

    Args:
        url: As `REDIS_URL`.
        answer_timeout_s: How long one command may take.
        check: Ask for the version at once, and for the format of what is kept.
        any_format: Do not ask for the format.
        replicas: How many must have what matters before anybody is told; see STORE_REPLICAS.

    Raises: StoreUnavailable in one sentence, if the store can't be reached, refuses us, is too old, or keeps what this
        version can't read.
    """
    options: dict[str, Any] = {
        "decode_responses": False,
        # Both protocols have other shapes of answers; the scripts are written for this one.
        "protocol": 2,
        "socket_timeout": answer_timeout_s,
        "health_check_interval": 25,
        "retry": Retry(NoBackoff(), 0),
    }
    if not url.startswith("unix:"):
        options |= {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_keepalive": True}
    try:
        client = _sentinel_client(url, options) if url.startswith("sentinel:") else StoreClient.from_url(url, **options)
    except ValueError as error:
        raise StoreUnavailable(f"The store's address {shown_address(url)} can't be read: {error}") from error
    if isinstance(client, StoreClient):
        client.replicas = replicas
    if check:
        _check(client, url, any_format=any_format)
    return client


@contextmanager
def reaching_the_store() -> Iterator[None]:
    """
    Raise StoreUnavailable for whatever means "not now": no connection, no answer in time, out of memory, read-only.

    A command that raised may have been carried out all the same. Mistakes of ours (a wrong type, a broken script)
    pass through.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise StoreUnavailable(f"The store can't be reached ({_why(error)}).") from error
    except redis.ResponseError as error:
        if not _is_not_now(error):
            raise
        raise StoreUnavailable(f"The store takes nothing at present ({_why(error)}).") from error


def server_version(client: redis.Redis) -> tuple[str, tuple[int, ...]]:
    """The store's kind ("redis" or "valkey") and the Redis version that it is or is compatible with."""
    info: dict[str, Any] = client.info("server")
    numbers = tuple(int(part) for part in str(info["redis_version"]).split(".")[:3] if part.isdigit())
    return ("valkey" if "valkey_version" in info else "redis"), numbers


def broker_url(settings: Settings) -> str:
    """
    The broker's address as Celery wants it: `CELERY_BROKER_URL` as it is, or the store's, rewritten where they differ.

    Raises: ValueError if neither is set.
    """
    if settings.celery_broker_url:
        return settings.celery_broker_url
    if not settings.redis_url:
        raise ValueError("neither CELERY_BROKER_URL nor REDIS_URL is set")
    parts = urlsplit(settings.redis_url)
    query = parse_qs(parts.query)
    if parts.scheme == "unix":
        credentials, at, _ = parts.netloc.rpartition("@")
        database = query.get("db", ["0"])[0]
        return f"redis+socket://{credentials}{at}{parts.path}?virtual_host={database}"
    if parts.scheme == "sentinel":
        credentials, at, hosts = parts.netloc.rpartition("@")
        database = parts.path.strip("/") or "0"
        return ";".join(f"sentinel://{credentials}{at}{host}/{database}" for host in hosts.split(","))
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in query:
        # Left alone, Celery's transport would not look at the certificate at all.
        return parts._replace(query="&".join(filter(None, [parts.query, "ssl_cert_reqs=required"]))).geturl()
    return settings.redis_url


def broker_transport_options(settings: Settings) -> dict[str, str]:
    """What Celery's `broker_transport_options` must hold beside the address: Sentinel's master, or nothing."""
    if settings.celery_broker_url or not (settings.redis_url or "").startswith("sentinel:"):
        return {}
    return {"master_name": parse_qs(urlsplit(settings.redis_url or "").query)["master"][0]}


def shown_address(url: str) -> str:
    """The address without user, password and query, for messages."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def unix_url(socket_path: str) -> str:
    """The `REDIS_URL` of a unix socket, whatever characters its path holds."""
    return f"unix://{quote(socket_path)}"


def _sentinel_client(url: str, options: dict[str, Any]) -> redis.Redis:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
        [_host_and_port(host) for host in hosts.split(",")],
        sentinel_kwargs=options | {"socket_timeout": CONNECT_TIMEOUT_S},
        **options,
    )
    client: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        parse_qs(parts.query)["master"][0],
        redis_class=StoreClient,
        db=int(parts.path.strip("/") or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
    )
    return client


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or SENTINEL_PORT


def _check(client: redis.Redis, url: str, *, any_format: bool) -> None:
    where = shown_address(url)
    try:
        kind, version = server_version(client)
    except (redis.RedisError, OSError) as error:
        raise StoreUnavailable(f"The store at {where} can't be reached ({_why(error)}): look at REDIS_URL.") from error
    if version < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise StoreUnavailable(
            f"The store at {where} is {kind} {'.'.join(map(str, version))}, but Redis {oldest} or Valkey is needed."
        )
    if not any_format:
        with reaching_the_store():
            look_at_format(client)


def _is_not_now(error: Exception) -> bool:
    return isinstance(error, _NOT_NOW) or _NOT_NOW_CODE.search(str(error)) is not None


def _why(error: Exception) -> str:
    """The first line of what redis-py says; it names hosts, never a password or a value."""
    lines = str(error).splitlines() or [""]
    return lines[0].strip().rstrip(".") or type(error).__name__
