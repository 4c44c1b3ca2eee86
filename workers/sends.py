"""Step: the outbox of messages that Braze shall send: one kind of one integration, until it is empty or out of time."""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from schemas.mapping import SendKind
from schemas.outgoing import SEND_KINDS, Calls, CallSettlement
from workers.braze.client import Attempt
from workers.drain import PATIENCE_S, Pipeline, Route
from workers.errors import LeaseLost, StoreUnavailable, UnknownIntegration
from workers.send_outcome import settle_call, without_key
from workers.send_pack import pack_sends
from workers.store.inbox import LEASE_MS, Rest
from workers.store.outbox import Outbox

log = logging.getLogger("komo_braze")


def drain_sends(
    integration_id: str, number: int, pipeline: Pipeline, outbox: Outbox, *, now_ms: float | None = None
) -> Rest:
    """
    Ask Braze for the messages that wait, call by call, and say why it ended.

    Args:
        number: Of the kind of messages, its place in `SEND_KINDS`.
        now_ms: Only in tests; otherwise the store's clock counts.
    """
    kind = SEND_KINDS[number]
    try:
        drain = _Drain(integration_id, kind, pipeline, outbox, now_ms)
        rest = drain.run()
        if rest.why == "gone":  # moved to another workspace, where it is looked for now, or removed
            pipeline.forget(integration_id)
            rest = drain.run()
        return rest
    except LeaseLost:
        log.warning("sends.lost", extra={"integration": integration_id, "kind": kind})
    except UnknownIntegration:
        pipeline.forget(integration_id)
    return Rest("busy")


class _Drain:
    def __init__(
        self, integration_id: str, kind: SendKind, pipeline: Pipeline, outbox: Outbox, now_ms: float | None
    ) -> None:
        self._id, self._kind, self._pipeline, self._outbox, self._now_ms = (
            integration_id,
            kind,
            pipeline,
            outbox,
            now_ms,
        )
        self._token = uuid4().hex

    def run(self) -> Rest:
        pipeline = self._pipeline
        ends_at = pipeline.clock() + pipeline.budget_s
        route = pipeline.route(self._id)
        settlement: CallSettlement | None = None
        release = False
        while True:
            asked_at = pipeline.clock()
            step = self._step(route, settlement, release=release)
            settlement = None
            if isinstance(step, Calls):
                route = pipeline.route(self._id, step.version)
                settlement = self._call(step, route, since=asked_at)
            elif step.why != "again":
                return step
            release = pipeline.clock() >= ends_at

    def _step(self, route: Route, settlement: CallSettlement | None, *, release: bool) -> Calls | Rest:
        """
        One step, asked for again while the store is away: what Braze has taken should be known.

        Raises: StoreUnavailable after PATIENCE_S.
        """
        until = self._pipeline.clock() + PATIENCE_S
        while True:
            try:
                return self._outbox.step(
                    route.integration, self._kind, self._token, settlement, release=release, now_ms=self._now_ms
                )
            except StoreUnavailable:
                if self._pipeline.clock() >= until:
                    raise
                time.sleep(PATIENCE_S / 20)

    def _call(self, calls: Calls, route: Route, *, since: float) -> CallSettlement:
        """
        One call and its settlement; raises LeaseLost if somebody else has taken over meanwhile.

        Args:
            since: By the pipeline's clock, when the messages were asked for: the lease is no older.
        """
        pipeline, integration = self._pipeline, route.integration

        def renew() -> bool:
            return self._outbox.renew(integration, self._kind, self._token)

        # A process that was frozen since the step looks at its lease once more before it posts.
        if pipeline.clock() - since > LEASE_MS / 3000 and not renew():
            raise LeaseLost
        key = route.stored.api_key()
        if key is None:
            settlement = without_key(calls, route.stored.api_key_name)
            self._log(calls, settlement, 0)
            return settlement
        attempt = self._attempt(calls, route, key, renew)
        settlement = settle_call(calls, attempt.reply, chance=pipeline.chance())
        endpoint = integration.braze.rest_endpoint
        pipeline.slots.note(integration.id, endpoint, attempt.duration_ms / 1000, ok=not settlement.away)
        pipeline.stores.tally.call(integration.id, self._kind, settlement.status, attempt.duration_ms / 1000)
        self._log(calls, settlement, attempt.duration_ms)
        return settlement

    def _attempt(self, calls: Calls, route: Route, key: str, renew: Callable[[], bool]) -> Attempt:
        request = pack_sends(calls.messages)
        endpoint = route.integration.braze.rest_endpoint
        with self._pipeline.slots.calling(self._id, endpoint):
            return self._pipeline.braze.send(endpoint, key, request.path, request.content, beat=renew)

    def _log(self, calls: Calls, settlement: CallSettlement, duration_ms: int) -> None:
        about: dict[str, Any] = {"integration": self._id, "kind": self._kind}
        told = about | {
            "status": settlement.status, "messages": len(calls.messages), "outcome": settlement.outcome,
            "duration_ms": duration_ms,
        }  # fmt: skip
        if log.isEnabledFor(logging.INFO):
            log.info("sends.attempted", extra=told | _ids(calls))
        if settlement.pause:
            log.error("sends.paused", extra=about | {"why": settlement.pause})
        elif settlement.outcome in ("dead", "unknown"):
            log.warning(f"sends.{settlement.outcome}", extra=told | {"braze_id": calls.messages[0].id})


def _ids(calls: Calls) -> dict[str, list[str]]:
    """Of the submissions that asked for what travelled, for whoever looks closely; as of deliveries."""
    if not log.isEnabledFor(logging.DEBUG):
        return {}
    return {"ids": [message.submission_id for message in calls.messages]}
