"""How the store itself is doing. Only reads, or what leaves nothing behind."""

from typing import Any, NamedTuple

import redis
from redis.exceptions import ResponseError

from workers.errors import StoreUnavailable
from workers.store.connect import reaching_the_store
from workers.store.format import difference

#: There is never anything in it.
NOTHING = "komo:nothing"


class Vitals(NamedTuple):
    """The store at one moment."""

    used_bytes: int
    #: 0: it may take what the machine has.
    most_bytes: int
    #: Whether each write is noted on disk; None where the store does not tell.
    keeps: bool | None
    #: Whether the last writing to the disk went well.
    writes_well: bool


def read_vitals(connection: redis.Redis) -> Vitals | None:
    """
    Ask the store; None where it does not tell, because whoever runs it has forbidden that.

    Raises: StoreUnavailable.
    """
    try:
        with reaching_the_store():
            told: dict[str, Any] = connection.info()
    except ResponseError:
        return None
    aof = told.get("aof_enabled")
    return Vitals(
        used_bytes=int(told.get("used_memory", 0)),
        most_bytes=int(told.get("maxmemory", 0)),
        keeps=None if aof is None else bool(int(aof)),
        writes_well=told.get("aof_last_write_status", "ok") == "ok"
        and told.get("rdb_last_bgsave_status", "ok") == "ok",
    )


def refusal(connection: redis.Redis) -> str:
    """
    Why the store takes no writes at present, as the first word of its own answer; "" if it does.

    It is asked to write no bytes into what is not there: that goes through every gate of a write (OOM, MISCONF,
    READONLY, NOREPLICAS) and changes nothing, neither in memory nor on disk.

    Raises: StoreUnavailable if it can't be reached.
    Source: https://redis.io/docs/latest/commands/setrange/
    """
    try:
        with reaching_the_store():
            connection.setrange(NOTHING, 0, "")
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ResponseError):
            return _code(error.__cause__)
        raise
    return ""


def odd_format(connection: redis.Redis) -> str:
    """
    Why this version must not work with the store though it was opened: another one has changed its format since.

    Returns: A sentence; "" where the format is ours, or not written yet.
    Raises: StoreUnavailable if it can't be reached.
    """
    with reaching_the_store():
        return difference(connection)


def _code(error: ResponseError) -> str:
    """redis-py takes the code away from errors that have a class of their own."""
    if isinstance(error, redis.OutOfMemoryError):
        return "OOM"
    return "READONLY" if isinstance(error, redis.ReadOnlyError) else str(error).partition(" ")[0]
