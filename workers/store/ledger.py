"""
What became of everything, in numbers.

P:ledger  hash  received, duplicates, waiting, in_flight, held, delivered, filtered, dead, discarded, sent,
                send_unknown, send_dead, requests, objects, data_points_sent, data_points_saved, possible_duplicates,
                operations_left_out, expired; and for the store itself: bytes (of waiting submissions), kept (settled
                ones still searchable), died (deaths, also of what was replayed or discarded since)

received = waiting + in_flight + held + delivered + filtered + dead + discarded, always.
"""

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own

#: What people see, in this order.
COUNTERS = (
    "received", "duplicates", "waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded", "sent",
    "send_unknown", "send_dead", "requests", "objects", "data_points_sent", "data_points_saved", "possible_duplicates",
    "operations_left_out", "expired",
)  # fmt: skip


class Ledger:
    """Reads the counters; only the scripts write them."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def read(self, integration: Integration) -> dict[str, int]:
        """Every counter of one integration, in the order of COUNTERS."""
        with reaching_the_store():
            values = self._redis.hmget(f"{own(integration)}:ledger", list(COUNTERS))
        return {name: int(value or 0) for name, value in zip(COUNTERS, values, strict=True)}

    def waiting_bytes(self, integration: Integration) -> int:
        """How many bytes of bodies wait or are in flight."""
        with reaching_the_store():
            return int(self._redis.hget(f"{own(integration)}:ledger", "bytes") or 0)
