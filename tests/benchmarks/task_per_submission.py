"""
The baseline of delivery: one Celery task for each submission, with the work that ours does, and nothing kept.

    celery --app tests.benchmarks.task_per_submission worker --pool prefork --concurrency 2
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import requests
from celery import Celery

from schemas.komo import read_submission
from schemas.person import Person
from tests.benchmarks.route import Route, load_route
from tests.benchmarks.setting import settings_of
from workers.pack import Item, pack
from workers.prepare import MAX_REQUEST_BYTES
from workers.store import open_stores
from workers.store.connect import broker_url


def make_app(broker: str) -> Celery:
    """Set up as somebody would who must not lose a task that a worker died of."""
    app = Celery("task_per_submission", broker=broker, set_as_current=False)
    app.conf.update(
        task_ignore_result=True, task_acks_late=True, task_reject_on_worker_lost=True, worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )  # fmt: skip
    return app


@cache
def _route() -> Route:
    """Loaded once per process."""
    return load_route(open_stores(settings_of(os.environ)))


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def deliver_one(body: dict[str, Any], submission_id: str, received_ms: int, person: list[Any]) -> None:
    """Read, transform, pack, send."""
    route = _route()
    received_at = datetime.fromtimestamp(received_ms / 1000, UTC)
    submission = read_submission(body, id=submission_id, received_at=received_at)
    mapped = route.mapping.apply(submission, Person(*person))
    item = Item(submission_id, "", Person(*person), mapped.attributes, mapped.events)
    packed = pack([item], max_objects=75, max_bytes=MAX_REQUEST_BYTES)
    headers = {"Authorization": f"Bearer {route.api_key}", "Content-Type": "application/json"}
    url = f"{route.integration.braze.rest_endpoint}/users/track"
    _session().post(url, data=packed.requests[0].body, headers=headers, timeout=(3, 30)).raise_for_status()


def publish(broker: str, bodies: Iterable[bytes], queue: str) -> None:
    """One message per submission."""
    app = make_app(broker)
    with app.connection_for_write() as connection, connection.Producer() as producer:
        for number, raw in enumerate(bodies):
            body = orjson.loads(raw)
            args = (body, f"{number:08x}", 1_772_359_200_000, ["external_id", body["member_id"], None])
            app.send_task("deliver_one", args=args, queue=queue, producer=producer)


if "REDIS_URL" in os.environ:
    app = make_app(broker_url(settings_of(os.environ)))
    app.task(name="deliver_one")(deliver_one)
