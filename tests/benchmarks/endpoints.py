"""Baselines of the webhook, served by the same server: `granian --factory tests.benchmarks.endpoints:<name>`."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import redis
from celery import Celery
from flask import Flask, Response, request

from ingest.front import Front
from ingest.receive import webhook
from schemas.arrival import Arrival
from schemas.integration import Integration
from tests.benchmarks.setting import settings_of
from workers.store import open_stores
from workers.store.connect import broker_url
from workers.store.inbox import Inbox, Receipt


def bare() -> Flask:
    """The least that keeps a submission: one XADD."""
    app = Flask(__name__)
    connection = redis.Redis.from_url(os.environ["REDIS_URL"], protocol=2)

    @app.post("/webhooks/komo/<integration_id>")
    def receive(integration_id: str) -> Response:
        connection.xadd(f"bare:{integration_id}", {"b": request.get_data()})
        return Response(b'{"submissions":[]}', 202, mimetype="application/json")

    return app


def bare_behind_front() -> Front:
    """The same behind what stands before our views: what is left of the difference is theirs."""
    return Front(bare())


def with_delay() -> Flask:
    """Our endpoint, but every submission becomes a Celery message instead of an entry of the inbox."""
    app = Flask(__name__)
    settings = settings_of(os.environ)
    stores = open_stores(settings)
    celery = Celery("delay", broker=broker_url(settings), set_as_current=False)
    celery.conf.task_ignore_result = True
    inbox = _Messages(stores.connection, stores.inbox.limits)
    inbox.deliver_one = celery.task(name="deliver_one")(_never_run)
    app.register_blueprint(webhook(replace(stores, inbox=inbox), lambda *_: None))
    return app


def _never_run(*_: object) -> None:
    """Only sending is measured."""


class _Messages(Inbox):
    """Stands where the inbox stands."""

    #: The task.
    deliver_one: Any

    def accept(self, integration: Integration, arrivals: Sequence[Arrival], *, now_ms: int | None = None) -> Receipt:
        """One message per submission."""
        for one in arrivals:
            person = one.judgement.person
            whose = person.packed() if person else None
            self.deliver_one.delay(integration.id, one.digest.hex(), one.received_ms, whose, one.body.decode())
        return Receipt([(one.digest.hex(), False) for one in arrivals], [])
