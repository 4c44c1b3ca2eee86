"""The Celery app, its queues and its clock: the worker process is put together here."""

import logging
import os
import sys
import time
from functools import cache, partial
from typing import Any

from celery import Celery, bootsteps
from celery.beat import Scheduler
from celery.signals import beat_init, setup_logging, worker_init, worker_shutting_down
from celery.worker.consumer import Consumer
from kombu.entity import Queue

from schemas.settings import NEEDED_BY_WORKER, Settings, SettingsError, load_settings
from workers.braze.client import BrazeClient
from workers.crashes import look_for_the_library, start_telling
from workers.drain import Pipeline
from workers.errors import StoreUnavailable
from workers.guards import Guard
from workers.logs import start_logging
from workers.slots import Slots
from workers.store import open_stores
from workers.store.alive import WORKER, Alive, whom
from workers.store.connect import broker_transport_options, broker_url, connect
from workers.store.runs import runs_with
from workers.tally import Tally

log = logging.getLogger("komo_braze")

#: wake: lanes with fresh work; backlog: lanes whose time was up before they were empty; ops: what a person asked for.
QUEUES = ("wake", "backlog", "ops")
#: Whoever was not called is found after so long at most; an idle system does little else.
SWEEP_EVERY_S = 2.0


#: How worker and clock come back to a broker that went away: seconds.
KNOCKS = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": 2.0}
REDIS_SCHEMES = ("redis", "rediss", "sentinel")
#: What Celery's Redis transport needs to notice a broker that went away, and to serve its queues in turn.
REDIS_TRANSPORT: dict[str, Any] = {
    "visibility_timeout": 300,
    "socket_keepalive": True,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "health_check_interval": 25,
    "queue_order_strategy": "round_robin",
    # A call that dies with its worker is made again by the sweep; keeping a second copy of each costs eight commands.
    "ack_emulation": False,
    # Seconds of one blocking read: an idle worker asks no more often, and takes no longer to end.
    "polling_interval": 1,
    # Whoever publishes is told at once that nobody is there; worker and clock have a patience of their own.
    "max_retries": 0,
}
#: The same for RabbitMQ: whoever publishes or connects does not wait for one that hangs.
AMQP_TRANSPORT: dict[str, Any] = {"connect_timeout": 2, "write_timeout": 5}
#: A call that nobody took for so long was made again meanwhile; without a worker the queues stay short.
CALL_LIVES_S = 60.0


def _patient(connection: Any) -> Any:
    """A connection that knocks often: Celery's own waits up to half a minute for a broker that may be back already."""
    connection.ensure_connection = partial(connection.ensure_connection, **KNOCKS)
    return connection


class SteadyConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """
    A consumer that outlives a lost broker also with calls in its hands.

    Celery 5.7 then gives them back over a connection that it has just taken apart, and ends the worker over the
    AttributeError that comes of it: `kombu.transport.redis.Channel._connparams` finds no client any more. The calls are
    worth nothing: the sweep makes new ones.
    """

    def ensure_connected(self, conn: Any) -> Any:
        return super().ensure_connected(_patient(conn))

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            log.warning("broker.lost", extra={"error": type(exc).__name__})


class Pulse(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Says from the consumer's own loop that this worker is alive: one that hangs, or takes nothing, falls silent."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.whom = whom(WORKER)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        self._beat()
        # Without an event loop, timers run in a thread of their own.
        beat = self._beat if consumer.hub else partial(consumer.call_soon, self._beat)
        self._timer = consumer.timer.call_repeatedly(guard().loops_every_s, beat)

    def stop(self, consumer: Any) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        guard().looped_at = None

    def shutdown(self, consumer: Any) -> None:
        self.stop(consumer)
        alive().leave(self.whom)

    def _beat(self) -> None:
        guard().looped_at = time.monotonic()
        if guard().is_well:
            alive().beat(self.whom)


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """A scheduler that sleeps until its entry is due; Celery's own looks again and again for the last 10 ms."""

    def _ensure_connected(self) -> Any:
        _patient(self.connection)
        return super()._ensure_connected()

    def adjust(self, n: Any, drift: float = 0.002) -> Any:
        return super().adjust(n, drift)

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        result = super().apply_async(entry, *args, **kwargs)
        guard().called += 1
        return result


@cache
def settings() -> Settings:
    """The environment, read once; what is wrong with it ends the process with a sentence."""
    try:
        found = load_settings(os.environ, need=NEEDED_BY_WORKER)
        look_for_the_library(found)
        return found
    except SettingsError as error:
        sys.exit(f"komo-braze: {error}")


@cache
def pipeline() -> Pipeline:
    """What the tasks of this process work with; made at the first task, after a pool has forked."""
    slots = Slots(settings().worker_threads)
    return Pipeline(open_stores(settings(), tally=tally()), BrazeClient(proxy=settings().braze_proxy), slots=slots)


@cache
def alive() -> Alive:
    """Through which this process says who is alive; its store answers at once or not at all."""
    connection = connect(settings().redis_url or "", answer_timeout_s=1.0, check=False)
    return Alive(connection, tally(), runs=runs_with(settings()))


@cache
def tally() -> Tally:
    """What this process counts until its next heartbeat."""
    return Tally()


@cache
def guard() -> Guard:
    """Which ends this process, be it a worker or the clock, if it lives but does not work."""
    return Guard(app, settings().watchdog_s)


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name, message_ttl=CALL_LIVES_S)  # type: ignore[no-untyped-call]


def make_app(settings: Settings) -> Celery:
    """A Celery app that carries wake-up calls."""
    broker = broker_url(settings)
    transport = REDIS_TRANSPORT if broker.startswith(REDIS_SCHEMES) else AMQP_TRANSPORT
    celery = Celery("komo-braze", broker=broker, include=["workers.tasks"])
    celery.conf.update(
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # Wake-up calls are hints; the sweep is the guarantee.
        task_acks_late=False,
        # What a broker that keeps messages need not keep: RabbitMQ would write every call to its disk.
        task_default_delivery_mode="transient",
        broker_heartbeat=10,
        task_queues=[_queue(name) for name in QUEUES],
        task_default_queue="wake",
        task_create_missing_queues=False,
        worker_consumer="workers.app:SteadyConsumer",
        worker_prefetch_multiplier=1,
        worker_eta_task_limit=1000,
        worker_send_task_events=False,
        worker_soft_shutdown_timeout=10.0,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=transport | broker_transport_options(settings),
        beat_schedule={
            "sweep": {
                "task": "sweep",
                "schedule": SWEEP_EVERY_S,
                "options": {"queue": "wake", "expires": 5, "retry": False},
            }
        },
        # The schedule has one entry, which is always due: nothing about it is worth keeping in a file.
        beat_scheduler="workers.app:SteadyScheduler",
        beat_max_loop_interval=2,
    )
    celery.steps["consumer"].add(Pulse)
    return celery


@setup_logging.connect
def _start_logging(**_: Any) -> None:
    start_logging(settings().log_level)
    start_telling(settings().sentry_dsn, "clock" if "beat" in sys.argv else "worker")


@worker_init.connect
@beat_init.connect
def _look_for_the_store(**_: Any) -> None:
    """A wrong address ends worker and clock with a sentence; later they wait for a store that went away."""
    try:
        connect(settings().redis_url or "").close()
    except StoreUnavailable as error:
        sys.exit(f"komo-braze: {error}")


@worker_init.connect
def _watch_worker(sender: Any, **_: Any) -> None:
    slots = settings().worker_threads
    guard().watch_worker([*sender.app.amqp.queues.consume_from], lambda: int(sender.concurrency or slots))


@beat_init.connect
def _watch_clock(**_: Any) -> None:
    guard().watch_clock()


@worker_shutting_down.connect
def _is_told_to_end(**_: Any) -> None:
    guard().stopped.set()


app = make_app(settings())
