"""
The format in which everything is kept: a number in the store, so that no version misreads what another one wrote.

komo:format  string  the number; written at the first use, and where an earlier version than this key has written

It rises only where an older version would misread, or spoil, what a newer one writes. What is merely added (a field, a
key) leaves it alone, and old and new processes may run side by side. docs/upgrading.md lists what each number means.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

import redis

from workers.errors import StoreUnavailable

KEY = "komo:format"
#: What this version reads and writes.
FORMAT = 1
#: What versions before this key wrote.
FIRST = 1
#: A format -> what makes the next one of it. A step may be cut off and run again, and meets no other process.
STEPS: Mapping[int, Callable[[redis.Redis], None]] = {}
#: One of them is there in every store that was ever used, and the last two outlive the last integration.
SIGNS = ("komo:integrations", "komo:versions", "komo:jobs")


def look_at_format(client: redis.Redis, *, known: int = FORMAT) -> None:
    """
    Refuse a store of another format, and touch nothing in it; write the number where there is none.

    Raises: StoreUnavailable in one sentence; whatever redis-py raises.
    """
    found = format_of(client)
    if found is None:
        # Full or read-only, it is written next time: a worker is what makes room.
        with suppress(redis.ResponseError):
            client.set(KEY, known if _is_new(client) else FIRST, nx=True)
        found = format_of(client) or FIRST
    if told := _told(found, known):
        raise StoreUnavailable(told)


def difference(client: redis.Redis, *, known: int = FORMAT) -> str:
    """
    What `look_at_format` would say, without a write.

    Returns: A sentence; "" where the store has the known format, or none yet.
    Raises: whatever redis-py raises.
    """
    try:
        found = format_of(client)
    except StoreUnavailable as error:
        return str(error)
    return "" if found is None else _told(found, known)


def _told(found: int, known: int) -> str:
    if found > known:
        return (
            f"The store has format {found}, and this version knows {known} at most: run the version that wrote it, "
            "or a newer one."
        )
    if found < known:
        return (
            f"The store has format {found}, and this version needs {known}: stop every process, keep a backup, "
            "and run komo-braze store upgrade."
        )
    return ""


def format_of(client: redis.Redis) -> int | None:
    """The number in the store, or None. Raises: StoreUnavailable if it is no number."""
    found = client.get(KEY)
    if found is None:
        return None
    try:
        return int(found)
    except ValueError as error:
        raise StoreUnavailable(f"The store's {KEY} is no number: another program writes there.") from error


def upgrade(
    client: redis.Redis, *, known: int = FORMAT, steps: Mapping[int, Callable[[redis.Redis], None]] = STEPS
) -> tuple[int, int]:
    """
    Bring the store to the format of this version, one number after the other; nobody else may be at work.

    Returns: the format before and after.
    Raises: StoreUnavailable in one sentence if the store is newer than this version.
    """
    before = now = format_of(client) or (known if _is_new(client) else FIRST)
    while now < known:
        steps[now](client)
        now += 1
        client.set(KEY, now)
    look_at_format(client, known=known)
    return before, now


def _is_new(client: redis.Redis) -> bool:
    return not client.exists(*SIGNS)
