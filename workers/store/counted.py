"""
Counts of what single processes know (workers.tally), added up over all of them, whichever host they are on.

komo:counted       hash  what was counted -> how many, ever since; outlives every process
komo:counted:<id>  hash  the same of one integration
"""

from collections.abc import Mapping
from typing import Any

from redis.client import Pipeline

from workers.tally import Counts, Whose

KEY = "komo:counted"


def counted_key(whose: Whose) -> str:
    """Where the counts of an integration are; of "" those of all."""
    return f"{KEY}:{whose}" if whose else KEY


def queue_counts(pipe: Pipeline, counts: Counts) -> None:
    """Queue the adding up."""
    for (whose, field), by in counts.items():
        pipe.hincrby(counted_key(whose), field, by)


def read_counts(raw: Mapping[Any, Any]) -> dict[str, int]:
    """What was counted -> how many."""
    return {field.decode(errors="replace"): int(many) for field, many in raw.items()}
