"""
Everything that the system is measured by, as the store has it: any process can tell it for all others. Only reads.

P:ledger, P:latency, P:reasons, P:dlq, P:state, P:in:<lane>, P:due, P:sends:<kind>, P:lane:sends:<kind>
W:gate:track, W:gate:send
komo:alive, komo:counted, komo:counted:<id>
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar

import redis

from schemas.integration import Integration
from schemas.mapping import SendKind
from schemas.outgoing import SEND_KINDS
from workers.store.connect import reaching_the_store
from workers.store.counted import counted_key, read_counts
from workers.store.keys import AT_ONCE, own, shared
from workers.store.ledger import COUNTERS
from workers.store.scripts import Script
from workers.store.standing import gate_at
from workers.store.vitals import Vitals, read_vitals

#: Of the ledger; `bytes` are those of bodies that wait, `latency_ms` the sum of what `P:latency` counts.
NAMES = (*COUNTERS, "died", "expired_dead", "bytes", "latency_ms")
GateState = Literal["open", "limited", "half_open", "closed"]
GATE_STATES: tuple[GateState, ...] = ("open", "limited", "half_open", "closed")
#: Of letters that died before their reasons were counted.
UNCOUNTED = "uncounted"

_T = TypeVar("_T")


class Messages(NamedTuple):
    """One kind of messages of an integration."""

    kind: SendKind
    waiting: int
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """One integration."""

    integration: Integration
    #: NAMES.
    counts: Mapping[str, int]
    #: Bucket (schemas.latency) -> how many were delivered so long after their acceptance.
    latency: Mapping[int, int]
    #: Reason -> dead letters; together as many as there are.
    letters: Mapping[str, int]
    #: "", "person" or "braze".
    paused: str
    #: Whether what waits is judged again before anything is sent.
    rejudged: bool
    #: For how long the oldest has waited, and work has been due; 0 if none does.
    oldest_s: float
    due_s: float
    #: Those that its document asks for.
    messages: Sequence[Messages]
    #: What processes have counted: workers.tally.
    counted: Mapping[str, int]


class GateMeasures(NamedTuple):
    """What a Braze workspace allows on one family of endpoints."""

    workspace: str
    #: `track` or `messages`.
    endpoint: str
    state: GateState
    #: Requests in a window, and how many are left of it; None where Braze has not said so, or it has ended.
    limit: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole system, at nearly one moment."""

    integrations: Sequence[Measures]
    gates: Sequence[GateMeasures]
    counted: Mapping[str, int]
    vitals: Vitals | None


class Metrics:
    """
    Reads all of it, over one connection.

    Args:
        integrations: All there are.
    """

    def __init__(self, connection: redis.Redis, integrations: Callable[[], Sequence[Integration]]) -> None:
        self._redis = connection
        self._every = integrations
        self._read = Script(connection, "metrics_read")

    def read(self, *, now_ms: float | None = None) -> Reading:
        """
        Look at everything, a few integrations at a time, so that others have their turn at the store in between.

        Args:
            now_ms: Only in tests; otherwise the store's clock counts.

        Raises: StoreUnavailable.
        """
        integrations = self._every()
        with reaching_the_store():
            counted = read_counts(self._redis.hgetall(counted_key("")))
            measures = [found for part in _parts(integrations) for found in self._measure(part, now_ms)]
            workspaces = dict.fromkeys(one.braze.workspace for one in integrations if not one.draft)
            gates = [gate for part in _parts(workspaces) for gate in self._gates(part, now_ms)]
        return Reading(measures, gates, counted, read_vitals(self._redis))

    def _measure(self, integrations: Sequence[Integration], now_ms: float | None) -> Iterator[Measures]:
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for one in integrations:
            pipe.hgetall(counted_key(one.id))
        self._read.queue(pipe, (([own(one)], [" ".join(SEND_KINDS), *NAMES]) for one in integrations))
        time, *told = pipe.execute()
        now = _ms(time) if now_ms is None else now_ms
        counted, answers = told[: len(integrations)], told[len(integrations) + 1 :]
        for one, raw, answer in zip(integrations, counted, answers, strict=True):
            yield _measures(one, answer, read_counts(raw), now)

    def _gates(self, workspaces: Sequence[str], now_ms: float | None) -> Iterator[GateMeasures]:
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for workspace in workspaces:
            pipe.hgetall(f"{shared(workspace)}:gate:track")
            pipe.hgetall(f"{shared(workspace)}:gate:send")
        time, *told = pipe.execute()
        now = _ms(time) if now_ms is None else now_ms
        for workspace, track, send in zip(workspaces, told[::2], told[1::2], strict=True):
            yield _gate(workspace, "track", track, now)
            if send:
                yield _gate(workspace, "messages", send, now)


def _parts(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _ms(time: tuple[int, int]) -> float:
    return time[0] * 1000 + time[1] // 1000


def _measures(integration: Integration, answer: Sequence[Any], counted: Mapping[str, int], now: float) -> Measures:
    figures, latency, reasons, letters, paused, redo, oldest, due, messages = answer
    counts = dict(zip(NAMES, map(int, figures.split()), strict=True))
    buckets = [int(number) for number in latency.split()]
    kinds = {rule.kind for rule in integration.sends}
    told = [int(number) for number in messages.split()]
    found = (Messages(*one) for one in zip(SEND_KINDS, told[::2], map(bool, told[1::2]), strict=True))
    return Measures(
        integration, counts, dict(zip(buckets[::2], buckets[1::2], strict=True)), _letters(reasons, int(letters)),
        paused.decode(errors="replace"), bool(redo), _since(float(oldest), now), _since(float(due), now),
        [one for one in found if one.kind in kinds or one.waiting], counted,
    )  # fmt: skip


def _letters(reasons: bytes, total: int) -> dict[str, int]:
    parts = reasons.decode(errors="replace").split()
    found = {why: int(count) for why, count in zip(parts[::2], parts[1::2], strict=True)}
    rest = total - sum(found.values())
    return found | {UNCOUNTED: rest} if rest > 0 else found


def _since(at_ms: float, now: float) -> float:
    return max(0.0, now - at_ms) / 1000 if at_ms else 0.0


def _gate(workspace: str, endpoint: str, raw: Mapping[bytes, bytes], now: float) -> GateMeasures:
    gate = gate_at({name.decode(): float(value) for name, value in raw.items()}, now)
    in_window = gate.get("resets", 0) > now
    limit = int(gate["limit"]) if "limit" in gate else None
    left = max(0, int(gate["left"])) if "left" in gate and in_window else None
    return GateMeasures(workspace, endpoint, _state(gate, now, is_used_up=left == 0), limit, left)


def _state(gate: Mapping[str, float], now: float, *, is_used_up: bool) -> GateState:
    if gate.get("open_until", 0) > now:
        return "closed"
    if gate.get("open_until", 0) > 0:
        return "half_open"
    return "limited" if gate.get("until", 0) > now or is_used_up else "open"
