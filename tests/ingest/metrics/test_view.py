"""Who may read the metrics, and in which form."""

import gzip
import socket
import time
from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from tests.ingest.metrics.conftest import READ_TOKEN, TOKEN, samples_of
from tests.workers.test_drain import World
from workers.store.connect import connect

MakeApp = Callable[..., Flask]


@pytest.mark.parametrize(
    ("proof", "status"), [(f"Bearer {TOKEN}", 200), (f"Bearer {READ_TOKEN}", 200), ("Bearer wrong", 401), ("", 401)]
)
def test_a_token_is_needed(make_app: MakeApp, proof: str, status: int) -> None:
    """How much comes in is nobody else's business."""
    answer = make_app().test_client().get("/metrics", headers={"Authorization": proof})

    assert answer.status_code == status
    assert (b"komo_braze_" in answer.data) == (status == 200)


def test_none_is_needed_where_metrics_are_public(make_app: MakeApp) -> None:
    """For networks in which only Prometheus reaches us."""
    assert b"komo_braze_store_up 1.0" in make_app(METRICS_PUBLIC="1").test_client().get("/metrics").data


def test_it_speaks_as_it_is_asked_to(make_app: MakeApp) -> None:
    """Prometheus asks for OpenMetrics, packed."""
    client = make_app(METRICS_PUBLIC="1").test_client()
    plain = client.get("/metrics")
    asked = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "Accept-Encoding": "gzip"}
    answer = client.get("/metrics", headers=asked)

    assert plain.content_type.startswith("text/plain")
    assert "Content-Encoding" not in plain.headers
    assert answer.content_type.startswith("application/openmetrics-text")
    text = gzip.decompress(answer.data).decode()
    names = {family.name for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert {"komo_braze_received", "komo_braze_delivery_latency_seconds", "komo_braze_integration"} <= names


def test_a_store_that_is_away_is_told_and_nothing_else(world: World, make_app: MakeApp) -> None:
    """A figure that nobody knows is no zero."""
    app = make_app(connect("redis://127.0.0.1:1/0", check=False), METRICS_PUBLIC="1")

    assert samples_of(app.test_client().get("/metrics").text) == {("komo_braze_store_up", frozenset()): 0}


def test_a_store_that_hangs_is_waited_for_once(make_app: MakeApp) -> None:
    """Twice is as long as Prometheus waits, and then the alert that the store is away does not come either."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        app = make_app(connect(url, check=False, answer_timeout_s=1.0), METRICS_PUBLIC="1")
        app.extensions["komo_braze"].stores.tally.webhook("", 503, 0.01)
        started = time.monotonic()
        answer = app.test_client().get("/metrics")

    assert samples_of(answer.text) == {("komo_braze_store_up", frozenset()): 0}
    assert 0.9 < time.monotonic() - started < 1.9
