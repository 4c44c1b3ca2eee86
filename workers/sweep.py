"""Step: find the work whose wake-up call was lost, and keep the store's memory in bounds."""

import logging
from collections.abc import Callable

from schemas.integration import Integration
from workers.errors import UnknownIntegration
from workers.store import Stores

#: Publishes a wake-up call for (step, integration id, lane); raises if the broker is away.
Wake = Callable[[str, str, int], None]

log = logging.getLogger("komo_braze")

#: Every so many sweeps the slower duties are done as well: retention, the memory mark, integrations nobody called for.
SLOW_EVERY = 15


def sweep(stores: Stores, wake: Wake, *, turn: int) -> int:
    """
    Call for every lane whose time has come and whom nobody is about to serve, and for what has to be judged again.

    Args:
        turn: Counts sweeps; every fifteenth looks at everything.

    Returns: How many calls went out.
    """
    slow = turn % SLOW_EVERY == 0
    calls = 0
    busy = stores.integrations.ids() if slow else stores.inbox.active()
    for integration_id in busy:
        try:
            integration = stores.integrations.get_cached(integration_id, max_age_s=5).integration
        except UnknownIntegration:
            stores.inbox.deactivate(integration_id)
            continue
        calls += _call(integration, stores, wake, slow=slow)
        if slow:
            stores.retention.trim(integration)
    if slow:
        stores.pressure.measure()
    elif busy:
        stores.pressure.measure_memory()
    if calls:
        log.info("sweep.called", extra={"calls": calls})
    return calls


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
    return len(swept.lanes) + swept.redo
