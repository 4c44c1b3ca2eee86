"""Step: find the work whose wake-up call was lost, and keep the store's memory in bounds."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from schemas.integration import Integration
from schemas.outgoing import SEND_KINDS
from workers.errors import StoreUnavailable, UnknownIntegration, UnreadableRecord
from workers.notice import notice, notice_store
from workers.store import Stores
from workers.store.idle import is_idle
from workers.store.outbox import Outbox
from workers.store.pressure import Reading

#: Publishes a wake-up call for (step, id, lane); raises if the broker is away. Whose id it is depends on the step.
Wake = Callable[[str, str, int], None]

log = logging.getLogger("komo_braze")

#: Every so many sweeps the slower duties are done as well: retention, the memory mark, integrations nobody called for,
#: the figures behind the charts.
SLOW_EVERY = 15


def sweep(stores: Stores, wake: Wake, *, turn: int, alerts: bool = False) -> int:
    """
    Call for every lane and every kind of message whose time has come and whom nobody is about to serve, for what has
    to be judged again, for jobs that are not finished and have no call coming, and for alerts that wait.

    Args:
        turn: Counts sweeps; every fifteenth looks at everything.
        alerts: Whether there is somebody who wants to hear what a person should know.

    Returns: How many calls went out.
    """
    slow = turn % SLOW_EVERY == 0
    if not slow and is_idle(stores.connection, alerts=alerts):
        return 0
    calls = 0
    busy = _known(stores, stores.integrations.ids() if slow else stores.inbox.active())
    for integration in busy:
        calls += _call(integration, stores, wake, slow=slow)
        calls += _call_for_sends(integration, stores.outbox, wake, slow=slow)
        if slow:
            stores.retention.trim(integration)
    reading = None
    if slow:
        reading = stores.pressure.measure()
    elif busy:
        stores.pressure.measure_memory()
    calls += _publish("job", stores.jobs.to_call(), wake, failed=stores.jobs.forget_call)
    if alerts and _notice(stores, busy, reading):
        calls += _publish("alert", [""], wake)
    if slow:
        _sample(stores, busy)
    if calls:
        log.info("sweep.called", extra={"calls": calls})
    return calls


def _known(stores: Stores, integration_ids: Iterable[str]) -> list[Integration]:
    """Those that are still there; the others are struck off the list of active ones."""
    found = []
    for integration_id in integration_ids:
        try:
            found.append(stores.integrations.get_cached(integration_id, max_age_s=5).integration)
        except UnknownIntegration:
            stores.inbox.deactivate(integration_id)
        except UnreadableRecord:  # the others must not wait for it
            log.error("integration.unreadable", extra={"integration": integration_id})
    return found


def _call(integration: Integration, stores: Stores, wake: Wake, *, slow: bool) -> int:
    swept = stores.inbox.sweep(integration, slow=slow)
    if swept.redo:
        wake("redo", integration.id, 0)
    for lane in swept.lanes:
        try:
            wake("drain", integration.id, lane)
        except Exception:
            stores.inbox.forget_wake(integration, lane)
            raise
    if swept.struck:
        _put_back(integration, stores)
    return len(swept.lanes) + swept.redo


def _put_back(before: Integration, stores: Stores) -> None:
    """Who moved to another Braze workspace since the record was read has work there, and none where it was."""
    with suppress(UnknownIntegration, UnreadableRecord):
        now = stores.integrations.get(before.id).integration
        if now.braze.workspace != before.braze.workspace:
            stores.inbox.activate(now.id)


def _call_for_sends(integration: Integration, outbox: Outbox, wake: Wake, *, slow: bool) -> int:
    kinds = outbox.sweep(integration, slow=slow)
    for kind in kinds:
        try:
            wake("send", integration.id, SEND_KINDS.index(kind))
        except Exception:
            outbox.forget_wake(integration, kind)
            raise
    if slow:
        outbox.trim(integration, now_ms=int(time.time() * 1000))
    return len(kinds)


def _publish(step: str, ids: Iterable[str], wake: Wake, *, failed: Callable[[str], None] | None = None) -> int:
    """Call for each, whatever becomes of the calls for the others; the next sweep calls again for those that failed."""
    calls = 0
    for one in ids:
        try:
            wake(step, one, 0)
            calls += 1
        except Exception as error:
            log.warning("wake.failed", extra={"step": step, "error": type(error).__name__})
            if failed:
                failed(one)
    return calls


def _sample(stores: Stores, integrations: Sequence[Integration]) -> None:
    """Keep the figures for the charts; a store that takes no more must not keep the sweep from its duties."""
    try:
        stores.flow.sample(integrations)
    except StoreUnavailable as error:
        log.warning("flow.postponed", extra={"error": type(error).__name__})


def _notice(stores: Stores, integrations: Sequence[Integration], reading: Reading | None) -> bool:
    """Notice what is to be told, and say whether it is time to send what waits in the outbox."""
    now_ms = int(time.time() * 1000)
    try:
        for integration in integrations:
            notice(integration, stores, now_ms=now_ms)
        if reading:  # in a slow turn, which looks at all integrations
            notice_store(reading, stores, now_ms=now_ms)
            stores.alerts.forget_others({integration.id for integration in integrations})
        return stores.alerts.due(now_ms)
    except StoreUnavailable as error:  # a store that takes no more must not keep the sweep from its duties
        log.warning("alert.postponed", extra={"error": type(error).__name__})
        return False
