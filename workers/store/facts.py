"""What the store tells of itself to somebody who looks whether it is set up well. Only reads."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from redis.exceptions import ResponseError

from workers.store.connect import reaching_the_store, server_version
from workers.store.integration_record import text


class Facts(NamedTuple):
    """The store at one moment; None for what it does not tell, because whoever runs it has forbidden that."""

    #: "redis" or "valkey".
    kind: str
    #: Of Redis, or the one that it is compatible with: "7.2.4".
    version: str
    used_bytes: int
    #: 0: it may take what the machine has.
    most_bytes: int
    #: Of the store's machine; 0 where it is not told.
    machine_bytes: int
    policy: str | None
    #: Keys that it has thrown away for room since its start.
    evicted: int
    #: Whether it notes each write in a file.
    appends: bool | None
    #: When that file reaches the disk: "always", "everysec" or "no".
    fsync: str | None
    #: When a snapshot is written; "" for never.
    save: str | None
    appends_well: bool
    snapshots_well: bool
    #: Replicas that are connected, and how many there must be for a write.
    replicas: int
    min_replicas: int | None
    #: How far its clock is ahead of ours.
    ahead_s: float


def read_facts(connection: redis.Redis, *, wall: Callable[[], float] = time.time) -> Facts:
    """
    Ask for all of it.

    Args:
        wall: Epoch seconds.

    Raises: StoreUnavailable.
    """
    with reaching_the_store():
        told: dict[str, Any] = connection.info()
        kind, version = server_version(connection)
        before = wall()
        seconds, micros = connection.time()
        ahead_s = seconds + micros / 1_000_000 - (before + wall()) / 2
        fsync, save, least = (_config(connection, one) for one in ("appendfsync", "save", "min-replicas-to-write"))
    aof = told.get("aof_enabled")
    return Facts(
        kind,
        ".".join(map(str, version)),
        used_bytes=int(told.get("used_memory", 0)),
        most_bytes=int(told.get("maxmemory", 0)),
        machine_bytes=int(told.get("total_system_memory", 0)),
        policy=told.get("maxmemory_policy"),
        evicted=int(told.get("evicted_keys", 0)),
        appends=None if aof is None else bool(int(aof)),
        fsync=fsync,
        save=save,
        appends_well=told.get("aof_last_write_status", "ok") == "ok",
        snapshots_well=told.get("rdb_last_bgsave_status", "ok") == "ok",
        replicas=int(told.get("connected_slaves", 0)),
        min_replicas=None if least is None else int(least or 0),
        ahead_s=ahead_s,
    )


def _config(connection: redis.Redis, name: str) -> str | None:
    """None where nobody may ask."""
    try:
        found: dict[Any, Any] = connection.config_get(name)
    except ResponseError:
        return None
    return next((text(value) for value in found.values()), None)
