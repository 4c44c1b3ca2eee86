"""Lua scripts: one file each beside this one, run by hash and loaded again after a restart of the store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from workers.store.connect import reaching_the_store

store_errors = reaching_the_store


class Script:
    """One of the scripts, over one connection."""

    def __init__(self, connection: redis.Redis, name: str) -> None:
        text = Path(__file__).with_name(f"{name}.lua").read_text("utf-8")
        self._run = connection.register_script(text)

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int | float]) -> Any:
        """Run it wholly or not at all; raises StoreUnavailable where nobody knows which."""
        with reaching_the_store():
            return self._run(keys=list(keys), args=list(args))
