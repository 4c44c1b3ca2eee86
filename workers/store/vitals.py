"""How the store itself is doing. Only reads."""

from typing import Any, NamedTuple

import redis
from redis.exceptions import ResponseError

from workers.store.connect import reaching_the_store


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
