"""How Komo's requests are answered."""

from collections.abc import Callable

import orjson
from flask import Flask

from tests.factories import a_body
from tests.ingest.metrics.conftest import Samples, value
from tests.workers.test_drain import World
from workers.store.connect import connect

Scrape = Callable[..., Samples]
PATH = "/webhooks/komo/summer-hub"


def secret_of(world: World) -> str:
    return world.stores.integrations.rotate("summer-hub", ["webhook_secret"], by="test")["webhook_secret"]


def test_answers_are_counted_by_status_over_all_processes(
    world: World, make_app: Callable[..., Flask], scrape: Scrape
) -> None:
    """Whichever process answered, and whichever is asked for metrics."""
    headers = {"Authorization": f"Bearer {secret_of(world)}"}
    one, other = make_app(), make_app()
    for app, many in ((one, 2), (other, 3)):
        for number in range(many):
            body = orjson.dumps(a_body("ann", number=number + 10 * many))
            assert app.test_client().post(PATH, data=body, headers=headers).status_code == 202
        assert app.test_client().post(PATH, data=b"{", headers=headers).status_code == 400
        assert app.test_client().post(PATH, data=b"{}").status_code == 401
        scrape(app)
    samples = scrape(make_app())

    told = {status: value(samples, "webhook_answers_total", integration="summer-hub", status=status)
            for status in (202, 400, 401)}  # fmt: skip
    assert told == {202: 5, 400: 2, 401: 2}
    assert value(samples, "received_total", integration="summer-hub") == 5
    assert value(samples, "webhook_duration_seconds_count") == 9
    assert 0 < value(samples, "webhook_duration_seconds_sum") < 9
    assert value(samples, "script_duration_seconds_count", script="accept") == 5


def test_strangers_make_up_no_names(make_app: Callable[..., Flask], scrape: Scrape) -> None:
    """Each label is kept for ever, here and in Prometheus."""
    app = make_app()
    for number in range(5):
        assert app.test_client().post(f"/webhooks/komo/made-up-{number}", data=b"{}").status_code == 404
    samples = scrape(app)

    assert value(samples, "webhook_answers_total", integration="", status=404) == 5
    assert "made-up" not in str(samples)


def test_errors_of_ours_are_counted_though_nobody_knows_whose_they_were(
    world: World, make_app: Callable[..., Flask], scrape: Scrape
) -> None:
    """Above all those."""
    away = make_app(connect("redis://127.0.0.1:1/0", check=False))
    assert away.test_client().post(PATH, data=b"{}").status_code == 503
    # The store is back: the same process carries what it has counted.
    stores = away.extensions["komo_braze"].stores
    world.stores.tally.give_back(stores.tally.take())

    assert value(scrape(), "webhook_answers_total", integration="", status=503) == 1


def test_only_webhooks_are_counted(make_app: Callable[..., Flask]) -> None:
    """Pages and probes are no promise, and would keep the store awake."""
    app = make_app()
    app.test_client().get("/healthz")

    assert not app.extensions["komo_braze"].stores.tally.has_news
