"""The pipeline on one page. A message is a wake-up call: losing, doubling or reordering one is harmless."""

import itertools
import time
from contextlib import suppress
from typing import Any

from workers import jobs
from workers.alerts import send_alerts
from workers.app import alive, app, pipeline, settings
from workers.drain import drain_lane
from workers.redo import redo as redo_all
from workers.sends import drain_sends
from workers.slots import Lane
from workers.store.alive import CLOCK
from workers.store.inbox import Rest
from workers.sweep import sweep as sweep_all

#: A longer wait is left to the sweep, so that no message has to be held for long.
LONGEST_ALARM_MS = 60_000
#: After a failure nobody knocks at the broker for so long: a webhook must not wait for it again and again.
BROKER_REST_S = 2.0
LONGEST_TRY_S = 10.0

#: How long one call serves lanes that wait, before others have their turn.
TURNS_S = 1.0
#: How long a job is at work before it leaves its place to others.
JOB_BUDGET_S = 0.1

_turns = itertools.count()
_no_calls_until_s = 0.0


class BrokerAway(Exception):
    """It has just failed, and is not asked again yet."""


@app.task(name="drain")
def drain(integration_id: str, lane: int) -> None:
    """Bring a lane's submissions into Braze, or those of lanes that wait for a slot since earlier: see `Slots`."""
    _take_turns((integration_id, lane))


@app.task(name="send")
def send(integration_id: str, kind: int) -> None:
    """Ask Braze for messages of one kind, a place in `SEND_KINDS`; it takes its turn among the lanes."""
    _take_turns((integration_id, _lane_of(kind)))


def _lane_of(kind: int) -> int:
    """Among slots, kinds of messages are lanes below 0."""
    return -1 - kind


def _take_turns(came: Lane | None) -> None:
    slots, until = pipeline().slots, time.monotonic() + TURNS_S
    endpoint = pipeline().endpoint(came[0]) if came else ""
    try:
        while time.monotonic() < until:
            with slots.turn(came, endpoint) as served:
                if served is None:
                    break
                _call_the_next()
                rest = _serve(served)
            _call_again(served, rest)
            came = None
    finally:
        _call_the_next()


def _serve(lane: Lane) -> Rest:
    integration_id, number = lane
    if number < 0:
        return drain_sends(integration_id, _lane_of(number), pipeline(), pipeline().stores.outbox)
    return drain_lane(integration_id, number, pipeline())


def _call(lane: Lane, queue: str, **options: Any) -> None:
    integration_id, number = lane
    task, place = (send, _lane_of(number)) if number < 0 else (drain, number)
    task.apply_async((integration_id, place), queue=queue, **options)


def _call_the_next() -> None:
    """Nobody waits while there is room: who has a slot, or leaves, calls the next one."""
    if call := pipeline().slots.whom_to_call():
        with suppress(Exception):  # the broker is away: whoever has a slot goes on, and the sweep calls as well
            _call(call[0], "wake", countdown=call[1] / 1000 or None, retry=False)


def _call_again(lane: Lane, rest: Rest) -> None:
    if rest.why == "more":
        _call(lane, "backlog")
    elif rest.why == "wait" and rest.alarm and rest.wait_ms <= LONGEST_ALARM_MS:
        _call(lane, "wake", countdown=rest.wait_ms / 1000)


@app.task(name="redo")
def redo(integration_id: str, _lane: int) -> None:
    """Judge again what waits, because the rules for people have changed. The sweep comes back until it is done."""
    redo_all(integration_id, pipeline().stores)


@app.task(name="job")
def job(job_id: str, _lane: int) -> None:
    """Go on with what a person asked for: replay, discard, forget. The sweep comes back until it is done."""
    rest_s = jobs.advance(job_id, pipeline().stores, wake, budget_s=JOB_BUDGET_S)
    if rest_s is not None and rest_s * 1000 <= LONGEST_ALARM_MS:
        job.apply_async((job_id, 0), queue="ops", countdown=rest_s)


@app.task(name="alert")
def alert(_id: str, _lane: int) -> None:
    """Bring alerts to whoever wants to hear them. The sweep comes back until they are there."""
    if url := settings().alert_webhook_url:
        send_alerts(pipeline().stores, url)


@app.task(name="sweep")
def sweep() -> None:
    """Find the work whose wake-up call was lost, and what a person should hear of."""
    alive().hear(CLOCK)  # which has just called
    alerts = bool(settings().alert_webhook_url)
    sweep_all(pipeline().stores, wake, turn=next(_turns), alerts=alerts)


def wake(step: str, name: str, lane: int) -> None:
    """
    Publish a wake-up call by the name of its step; raises at once where the broker is away.

    Args:
        name: The id of an integration, or of a job; nothing for alerts.
    """
    global _no_calls_until_s
    if time.monotonic() < _no_calls_until_s:
        raise BrokerAway
    if _no_calls_until_s:
        _no_calls_until_s = time.monotonic() + LONGEST_TRY_S  # one knocks, the others do not wait with it
    queue = "wake" if step in ("drain", "send") else "ops"
    try:
        app.tasks[step].apply_async((name, lane), queue=queue, retry=False)
    except Exception:
        _no_calls_until_s = time.monotonic() + BROKER_REST_S
        raise
    _no_calls_until_s = 0.0


def broker_answers() -> bool:
    """Whether the broker can be reached now."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception:  # every transport raises its own
        return False
    return True
