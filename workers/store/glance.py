"""
How all integrations are doing, in one exchange with the store, however many there are. Only reads.

P:state       hash  paused, paused_because (integrations.py)
P:ledger      hash  counters (ledger.py)
W:gate:track  hash  what Braze has said of its limit, and whether it seems to be away (step/gate.lua)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own, shared
from workers.store.standing import gate_at

_COUNTED = ("received", "waiting", "in_flight", "held", "delivered", "dead")
_GATE = ("at", "until", "open_until", "limit", "left", "resets")


class Gate(NamedTuple):
    """What a Braze workspace allows, as its last answers have it."""

    #: Whether everything waits: after a 429, or because Braze seems to be away.
    is_closed: bool = False
    #: Requests in a window; None where Braze has not said so.
    limit: int | None = None
    #: How many are left of it; None once the window has ended.
    left: int | None = None
    #: When the window ends, ms; 0 where none is known.
    resets_ms: float = 0


class Look(NamedTuple):
    """One integration at one moment."""

    integration: Integration
    #: "", "person" or "braze".
    paused: str
    paused_because: str
    received: int
    waiting: int
    in_flight: int
    held: int
    delivered: int
    dead: int
    gate: Gate


class Glance:
    """Looks at many integrations over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def look(self, integrations: Sequence[Integration], *, now_ms: float | None = None) -> list[Look]:
        """
        How each is doing, in their order.

        Args:
            now_ms: Only in tests; otherwise the store's own clock counts.

        Raises: StoreUnavailable.
        """
        workspaces = list(dict.fromkeys(one.braze.workspace for one in integrations))
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            pipe.time()
            for workspace in workspaces:
                pipe.hmget(f"{shared(workspace)}:gate:track", _GATE)
            for one in integrations:
                pipe.hmget(f"{own(one)}:state", "paused", "paused_because")
                pipe.hmget(f"{own(one)}:ledger", _COUNTED)
            (seconds, micros), *told = pipe.execute()
        now = seconds * 1000 + micros // 1000 if now_ms is None else now_ms
        gates = {name: _gate(values, now) for name, values in zip(workspaces, told, strict=False)}
        rest = told[len(workspaces) :]
        return [_look(*found, gates) for found in zip(integrations, rest[::2], rest[1::2], strict=True)]


def _look(
    integration: Integration, state: Sequence[bytes | None], counts: Sequence[Any], gates: Mapping[str, Gate]
) -> Look:
    paused, because = ((value or b"").decode(errors="replace") for value in state)
    received, waiting, in_flight, held, delivered, dead = (int(value or 0) for value in counts)
    gate = gates[integration.braze.workspace]
    return Look(integration, paused, because, received, waiting, in_flight, held, delivered, dead, gate)


def _gate(values: Iterable[bytes | None], now: float) -> Gate:
    told = gate_at({name: float(value) for name, value in zip(_GATE, values, strict=True) if value}, now)
    is_closed = told.get("until", 0) > now or told.get("open_until", 0) > 0
    limit = int(told["limit"]) if "limit" in told else None
    if "left" not in told or told.get("resets", 0) <= now:
        return Gate(is_closed, limit)
    return Gate(is_closed, limit, max(0, int(told["left"])), told["resets"])
