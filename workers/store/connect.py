"""
How the store is reached: `redis://`, `rediss://`, `unix://`, or Sentinel as

    sentinel://[user:password@]host:26379,host2:26379/0?master=mymaster

User and password are the store's own. The same address, in Celery's way of writing it, is the broker's.
"""

import re
from collections.abc import Iterator
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
from workers.store.client import StoreClient
from workers.store.format import look_at_format

#: Streams with MINID, SET with GET, and what else the scripts use. Valkey calls itself 7.2 here.
OLDEST_REDIS = (6, 2)
CONNECT_TIMEOUT_S = 2.0
#: A script works through 75 submissions in a few milliseconds; an fsync of a slow disk takes longer.
ANSWER_TIMEOUT_S = 5.0
SENTINEL_PORT = 26379

#: What a store says that can't take a write now: it may later, so nothing is wrong with the request.
_NOT_NOW = (redis.OutOfMemoryError, redis.ReadOnlyError, TryAgainError, ClusterDownError, MasterDownError)
#: The same as error codes: redis-py has no class for some, and Redis 6.2 wraps a script's error into its own.
#: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
_NOT_NOW_CODE = re.compile(r"(^|: -)(OOM|MISCONF|NOREPLICAS|BUSY|READONLY|UNBLOCKED)\b")

#: As Python shows one: `<redis.client.Redis(...)>`.
_SHOWN_OBJECT = re.compile(r"( :)? <.*>")


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

    Of either, a `rediss://` address that does not say how certificates are checked has them checked.

    Raises: ValueError if neither is set.
    """
    if settings.celery_broker_url:
        return _with_checked_certificates(settings.celery_broker_url)
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
    return _with_checked_certificates(settings.redis_url)


def _with_checked_certificates(url: str) -> str:
    """Left alone, Celery's transport would not look at the certificate of a `rediss://` address at all."""
    if not url.startswith("rediss:"):
        return url
    parts = urlsplit(url)
    if "ssl_cert_reqs" in parse_qs(parts.query):
        return url
    return parts._replace(query="&".join(filter(None, [parts.query, "ssl_cert_reqs=required"]))).geturl()


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
    # Of a sentinel it shows the whole client, with all that it was made with.
    return _SHOWN_OBJECT.sub("", lines[0]).strip().rstrip(".") or type(error).__name__
