"""Step: one lane: take what waits, transform, send, settle, until it is empty or out of time."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from schemas.attribute_names import LOCATION, LOCATION_PARTS
from schemas.batch import Batch, Settlement
from schemas.integration import Integration
from schemas.names import Names
from workers.braze.client import BrazeClient
from workers.errors import LeaseLost, StoreUnavailable, UnknownIntegration
from workers.outcome import Decision, Pause, Retry, decide, news
from workers.pack import TrackRequest
from workers.prepare import Prepared, prepare
from workers.settle import Try, nothing_to_send, settle
from workers.slots import Slots
from workers.store import Stores
from workers.store.inbox import LEASE_MS, Rest
from workers.store.integration_record import StoredIntegration
from workers.transform import CompiledMapping, compile_mapping

log = logging.getLogger("komo_braze")

#: How long one drain may keep a worker slot while others wait for theirs, in seconds.
BUDGET_S = 0.25
#: How long a drain waits for a store that is being restarted; a lease lasts longer.
PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True)
class Route:
    """An integration ready to deliver with: one version of its document, compiled."""

    stored: StoredIntegration
    mapping: CompiledMapping
    #: By which its attributes are remembered.
    names: Names

    @property
    def integration(self) -> Integration:
        return self.stored.integration


@dataclass(slots=True)
class Pipeline:
    """What a drain works with: handed in, so that tests can hand in something else."""

    stores: Stores
    braze: BrazeClient
    #: Between 0 and 1: spreads waiting times.
    chance: Callable[[], float] = random.random
    #: Seconds, only ever forward.
    clock: Callable[[], float] = time.monotonic
    #: Epoch seconds, for what people read.
    wall: Callable[[], float] = time.time
    #: Those of this process; by default more than anybody needs.
    slots: Slots = field(default_factory=lambda: Slots(1_000_000))
    budget_s: float = BUDGET_S
    _routes: dict[str, Route] = field(default_factory=dict)

    def route(self, integration_id: str, version: int | None = None) -> Route:
        """
        The route in its newest version, compiled once per process and version.

        Args:
            version: What the store says is current; None takes whatever is known here.
        """
        route = self._routes.get(integration_id)
        if route is None or (version is not None and route.stored.version != version):
            integrations = self.stores.integrations
            stored = integrations.get(integration_id) if version is None else integrations.load(integration_id, version)
            integration = stored.integration
            written = (rule.attribute for rule in integration.attributes)
            remembered = {LOCATION if name in LOCATION_PARTS else name for name in written}
            names = self.stores.memory.names(integration.braze.workspace, remembered)
            route = self._routes[integration_id] = Route(stored, compile_mapping(integration), names)
        return route

    def endpoint(self, integration_id: str) -> str:
        """The Braze that an integration speaks to; "" where there is no such integration any more."""
        try:
            return self.route(integration_id).integration.braze.rest_endpoint
        except UnknownIntegration:
            return ""

    def forget(self, integration_id: str) -> None:
        """Drop what is known about an integration that is no longer there."""
        self._routes.pop(integration_id, None)


def drain_lane(integration_id: str, lane: int, pipeline: Pipeline, *, now_ms: float | None = None) -> Rest:
    """
    Bring a lane's submissions into Braze, batch by batch, and say why it ended.

    A lost lease or a crash at any line leaves the batch in the store, where the next drain finds it.

    Args:
        now_ms: Only in tests; otherwise the store's clock counts.
    """
    try:
        rest = _drain(integration_id, lane, pipeline, now_ms)
        if rest.why == "gone":  # moved to another workspace, where it is looked for now, or removed
            pipeline.forget(integration_id)
            rest = _drain(integration_id, lane, pipeline, now_ms)
        return rest
    except LeaseLost:
        log.warning("lane.lost", extra={"integration": integration_id, "lane": lane})
    except UnknownIntegration:
        pipeline.forget(integration_id)
    return Rest("busy")


def _drain(integration_id: str, lane: int, pipeline: Pipeline, now_ms: float | None) -> Rest:
    token = uuid4().hex
    ends_at = pipeline.clock() + pipeline.budget_s
    route = pipeline.route(integration_id)
    settlement: Settlement | None = None
    release = False
    while True:
        asked_at = pipeline.clock()
        step = _step(pipeline, route.integration, lane, token, settlement, release=release, now_ms=now_ms)
        settlement = None
        if isinstance(step, Batch):
            settlement = deliver(step, route, lane, token, pipeline, since=asked_at)
            settlement.measure(step.at_ms + (pipeline.clock() - asked_at) * 1000)
        elif step.why == "stale":
            route = pipeline.route(integration_id, step.version)
        elif step.why != "again":
            return step
        release = pipeline.clock() >= ends_at


def _step(
    pipeline: Pipeline, integration: Integration, lane: int, token: str, settlement: Settlement | None, **more: Any
) -> Batch | Rest:
    """
    One step, asked for again while the store is away: what Braze has taken should not be sent twice for that.

    Raises: StoreUnavailable after PATIENCE_S; the batch is in the store, and its lease runs out.
    """
    until = pipeline.clock() + PATIENCE_S
    while True:
        try:
            return pipeline.stores.inbox.step(integration, lane, token, settlement, **more)
        except StoreUnavailable:
            if pipeline.clock() >= until:
                raise
            time.sleep(PATIENCE_S / 20)


def deliver(batch: Batch, route: Route, lane: int, token: str, pipeline: Pipeline, *, since: float) -> Settlement:
    """
    One batch, one request, one settlement; raises LeaseLost if the lane was taken over meanwhile.

    Args:
        since: By the pipeline's clock, when the batch was asked for: the lease is no older.
    """
    prepared = prepare(batch, route.integration, route.mapping, names=route.names, now_ms=pipeline.wall() * 1000)
    if prepared.request is None:
        settlement = nothing_to_send(prepared)
        _log_dead(settlement, route)
        return settlement

    def renew() -> bool:
        return pipeline.stores.inbox.renew(route.integration, lane, token)

    # A process that was frozen since the step looks at its lease once more before it posts.
    if pipeline.clock() - since > LEASE_MS / 3000 and not renew():
        raise LeaseLost
    decision, tried, told = _attempt(batch, prepared.request, route, renew, pipeline)
    settlement = settle(prepared, decision, tried, told)
    _log_attempt(prepared, route, lane, tried, settlement)
    _log_dead(settlement, route)
    if isinstance(decision, Pause):
        log.error("integration.paused", extra={"integration": route.integration.id, "why": decision.why})
    elif isinstance(decision, Retry):
        log.warning("delivery.postponed", extra={"integration": route.integration.id, "seconds": decision.after_s})
    return settlement


def _attempt(
    batch: Batch, request: TrackRequest, route: Route, renew: Callable[[], bool], pipeline: Pipeline
) -> tuple[Decision, Try, dict[str, float] | None]:
    """One call: what to do, what to remember of it, and what the gate has to know."""
    key, number, at_ms = route.stored.api_key(), batch.tries + 1, round(pipeline.wall() * 1000)
    if key is None:
        why = f"The Braze key is not set: the workers look for it in the variable {route.stored.api_key_name}."
        return Pause(why), Try(number, 0, why, 0, at_ms), None
    endpoint = route.integration.braze.rest_endpoint
    with pipeline.slots.calling(route.integration.id, endpoint):
        attempt = pipeline.braze.track(endpoint, key, request.body, beat=renew)
    reply, chance = attempt.reply, pipeline.chance()
    decision = decide(reply, chance=chance, fails=batch.fails, limited=batch.limited)
    away = isinstance(decision, Retry) and decision.away
    pipeline.slots.note(route.integration.id, endpoint, attempt.duration_ms / 1000, ok=not away)
    pipeline.stores.tally.batch(len(request.attributes) + len(request.events))
    pipeline.stores.tally.call(route.integration.id, "track", reply.status, attempt.duration_ms / 1000)
    told = news(reply, decision, chance=chance, shaky=batch.shaky)
    return decision, Try(number, reply.status, reply.words, attempt.duration_ms, at_ms), told


def _log_attempt(prepared: Prepared, route: Route, lane: int, tried: Try, settlement: Settlement) -> None:
    if log.isEnabledFor(logging.INFO):
        log.info(
            "delivery.attempted",
            extra={
                "integration": route.integration.id, "lane": lane, "attempt": tried.number, "status": tried.status,
                "submissions": len(prepared.batch.entries), "objects": settlement.counts.get("objects", 0),
                "delivered": settlement.verdicts.count("d"), "dead": settlement.verdicts.count("x"),
                "duration_ms": tried.duration_ms,
                # The time by which the timeline of a submission knows this attempt.
                "attempted_at": datetime.fromtimestamp(tried.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            } | _ids(prepared.batch),
        )  # fmt: skip


def _ids(batch: Batch) -> dict[str, list[str]]:
    """Of what travelled, for whoever looks closely; in every line 75 of them would be too many."""
    return {"ids": [entry.submission_id for entry in batch.entries]} if log.isEnabledFor(logging.DEBUG) else {}


def _log_dead(settlement: Settlement, route: Route) -> None:
    if settlement.dead:
        ids = {entry.id: entry.submission_id for entry in settlement.batch.entries}
        by_reason: dict[str, list[str]] = {}
        for entry_id, told in settlement.dead.items():
            by_reason.setdefault(told["why"], []).append(ids[entry_id])
        for why, dead in by_reason.items():
            told_of = {"integration": route.integration.id, "why": why, "submissions": dead}
            log.warning("submission.dead_lettered", extra=told_of)
