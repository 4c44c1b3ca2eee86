"""Calling a worker from the web process. A lost call costs the time to the next sweep, and never data."""

import logging
from collections.abc import Callable

from schemas.integration import Integration
from workers.errors import StoreUnavailable
from workers.store import Stores

log = logging.getLogger("komo_braze")

#: Publishes a wake-up call for (step, integration id, lane); may raise whatever a broker's client raises.
Wake = Callable[[str, str, int], None]


def call(integration: Integration, lane: int, stores: Stores, wake: Wake) -> None:
    """Call for one lane; where the broker is away, see to it that the next sweep calls again."""
    try:
        wake("drain", integration.id, lane)
    except Exception as error:
        log.warning("wake.failed", extra={"integration": integration.id, "error": type(error).__name__})
        try:
            stores.inbox.forget_wake(integration, lane)
        except StoreUnavailable:
            log.warning("wake.kept", extra={"integration": integration.id, "lane": lane})
