"""The only code that speaks to Redis."""

from contextlib import suppress
from dataclasses import dataclass

import redis

from schemas.integration import Integration
from schemas.settings import Settings
from workers.errors import UnknownIntegration
from workers.store.connect import connect
from workers.store.inbox import Inbox, Limits
from workers.store.integrations import Integrations
from workers.store.ledger import Ledger
from workers.store.pressure import Pressure
from workers.store.redo import Redo
from workers.store.retention import Retention
from workers.store.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that is kept, over one connection."""

    connection: redis.Redis
    integrations: Integrations
    inbox: Inbox
    ledger: Ledger
    timeline: Timeline
    redo: Redo
    retention: Retention
    pressure: Pressure


def open_stores(settings: Settings, connection: redis.Redis | None = None) -> Stores:
    """
    The stores over a connection, by default over a new one to `REDIS_URL`.

    Raises: StoreUnavailable in one sentence.
    """
    connection = connection or connect(settings.redis_url or "")
    integrations = Integrations(connection, secret_keys=settings.secret_key, extra_hosts=settings.extra_braze_hosts)
    limits = Limits(
        lanes=settings.lanes, max_waiting=settings.max_waiting, person_spacing_ms=settings.person_spacing_ms,
        keep_settled=settings.keep_settled,
    )  # fmt: skip

    def every() -> list[Integration]:
        found = []
        for integration_id in integrations.ids():
            with suppress(UnknownIntegration):  # removed meanwhile
                found.append(integrations.get_cached(integration_id).integration)
        return found

    return Stores(
        connection, integrations, Inbox(connection, limits), Ledger(connection), Timeline(connection, every),
        Redo(connection), Retention(connection, hours=settings.retention_hours, keep=settings.keep_settled),
        Pressure(connection, every, max_waiting_bytes=settings.max_waiting_bytes),
    )  # fmt: skip
