"""The only code that speaks to Redis."""

from dataclasses import dataclass

import redis

from schemas.settings import Settings
from workers.store.alerts import AlertBox
from workers.store.alive import Alive
from workers.store.client import StoreClient
from workers.store.connect import connect, reaching_the_store
from workers.store.dead_letters import DeadLetters
from workers.store.flow import Flow
from workers.store.glance import Glance
from workers.store.inbox import Inbox, Limits
from workers.store.integrations import Integrations
from workers.store.jobs import Jobs
from workers.store.ledger import Ledger
from workers.store.memory import Memory
from workers.store.metrics import Metrics
from workers.store.outbox import Outbox
from workers.store.people import People
from workers.store.pressure import Pressure
from workers.store.redo import Redo
from workers.store.retention import Retention
from workers.store.runs import runs_with
from workers.store.sealed import SealedSecrets
from workers.store.search import Search
from workers.store.standing import Standing
from workers.store.timeline import Timeline
from workers.tally import Tally


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that is kept, over one connection."""

    connection: redis.Redis
    integrations: Integrations
    inbox: Inbox
    ledger: Ledger
    timeline: Timeline
    search: Search
    dead_letters: DeadLetters
    jobs: Jobs
    people: People
    memory: Memory
    outbox: Outbox
    redo: Redo
    retention: Retention
    pressure: Pressure
    alerts: AlertBox
    standing: Standing
    glance: Glance
    flow: Flow
    alive: Alive
    sealed: SealedSecrets
    metrics: Metrics
    #: What this process counts by itself.
    tally: Tally

    def confirm(self) -> None:
        """
        Return once as many replicas as are wanted have all that was written: before somebody is told that it was.

        Raises: StoreUnavailable, after which it may be kept all the same.
        """
        if isinstance(self.connection, StoreClient):
            with reaching_the_store():
                self.connection.confirm()


def open_stores(settings: Settings, connection: redis.Redis | None = None, tally: Tally | None = None) -> Stores:
    """
    The stores over a connection, by default over a new one to `REDIS_URL`.

    Args:
        tally: This process', if it has one already.

    Raises: StoreUnavailable in one sentence.
    """
    connection = connection or connect(settings.redis_url or "", replicas=settings.store_replicas)
    integrations = Integrations(connection, secret_keys=settings.secret_key, extra_hosts=settings.extra_braze_hosts)
    limits = Limits(
        lanes=settings.lanes, max_waiting=settings.max_waiting, person_spacing_ms=settings.person_spacing_ms,
        keep_settled=settings.keep_settled, hold_hours=settings.hold_hours,
    )  # fmt: skip
    every, tally = integrations.every, Tally() if tally is None else tally
    return Stores(
        connection, integrations, Inbox(connection, limits, tally), Ledger(connection), Timeline(connection, every),
        Search(connection, every), DeadLetters(connection, every, limits), Jobs(connection), People(connection),
        Memory(connection),
        Outbox(connection, spacing_ms=settings.person_spacing_ms, keep_hours=settings.dead_letter_retention_hours,
               tally=tally),
        Redo(connection, limits),
        Retention(connection, hours=settings.retention_hours, keep=settings.keep_settled,
                  dead_hours=settings.dead_letter_retention_hours, hold_hours=settings.hold_hours),
        Pressure(connection, every, max_waiting_bytes=settings.max_waiting_bytes),
        AlertBox(connection, max_waiting_bytes=settings.max_waiting_bytes),
        Standing(connection), Glance(connection), Flow(connection),
        Alive(connection, tally, runs=runs_with(settings)),
        SealedSecrets(connection, settings.secret_key), Metrics(connection, every), tally,
    )  # fmt: skip
