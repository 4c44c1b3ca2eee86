"""What was read from the store, as metrics."""

from collections.abc import Callable

import orjson
import pytest
from flask import Flask

from schemas.settings import load_settings
from tests.factories import a_document
from tests.ingest.metrics.conftest import Samples, value
from tests.workers.test_drain import World, form
from workers.braze.reply import AllRefused, NoAnswer, NotAllowed, RateLimited, Refusal
from workers.drain import drain_lane
from workers.store import open_stores
from workers.tally import BATCH

Scrape = Callable[..., Samples]
HUB = {"integration": "summer-hub"}


def test_every_number_agrees_with_the_ledger(world: World, scrape: Scrape) -> None:
    """Received is the sum of all that can have become of it, here as well."""
    world.accept(form("ann", 1), form("bob", 2), form("eve", 3), form("ann", 1))
    refused = AllRefused(400, refused=[Refusal("attributes", 0, "Bad"), Refusal("events", 0, "Bad")])
    world.braze.answers = [refused]
    world.drain_until_quiet()
    world.accept(form("joe", 4))
    samples, ledger = scrape(), world.ledger()

    names = {
        "received_total": "received", "duplicates_total": "duplicates", "delivered_total": "delivered",
        "filtered_total": "filtered", "discarded_total": "discarded", "waiting_submissions": "waiting",
        "in_flight_submissions": "in_flight", "held_submissions": "held", "requests_total": "requests",
        "objects_total": "objects", "data_points_sent_total": "data_points_sent",
        "data_points_saved_total": "data_points_saved", "possible_duplicates_total": "possible_duplicates",
    }  # fmt: skip
    assert {name: value(samples, name, **HUB) for name in names} == {name: ledger[of] for name, of in names.items()}
    assert value(samples, "dead_letters", **HUB, reason="refused") == ledger["dead"] == 1
    assert value(samples, "died_total", **HUB) == 1
    assert value(samples, "delivery_latency_seconds_count", **HUB) == ledger["delivered"] == 2
    assert value(samples, "delivery_latency_seconds_bucket", **HUB, le="+Inf") == 2
    assert value(samples, "calls_total", **HUB, kind="track", status=201) == len(world.braze.sent) - 1
    assert value(samples, "batch_objects_count") == len(world.braze.sent) == ledger["requests"]
    assert value(samples, "script_duration_seconds_count", script="step") > 0


def test_workers_on_two_hosts_add_up(world: World, scrape: Scrape) -> None:
    """Each counts its own calls."""
    world.accept(form("ann", 1))
    world.drain()
    world.stores.alive.beat("worker a:1")
    world.reopen(world.stores.connection)
    world.now += 60_000
    world.accept(form("ann", 2))
    drain_lane("summer-hub", 0, world.pipeline, now_ms=world.now)
    samples = scrape()

    assert value(samples, "calls_total", **HUB, kind="track", status=201) == 2
    assert value(samples, "call_duration_seconds_count", kind="track") == 2
    assert value(samples, "call_duration_seconds_sum", kind="track") == pytest.approx(0.002)


def test_buckets_only_ever_rise(world: World, scrape: Scrape) -> None:
    """Or no quantile could be reckoned."""
    for number, member in enumerate(("ann", "bob", "eve")):
        world.accept(form(member, number))
        world.now += 20_000
    world.drain()
    samples = scrape()

    for name in ("delivery_latency_seconds", "batch_objects"):
        found = [
            (dict(labels)["le"], many) for (of, labels), many in samples.items() if of == f"komo_braze_{name}_bucket"
        ]
        counts = [many for _, many in sorted(found, key=lambda one: float(one[0]))]
        assert counts == sorted(counts)
        assert counts[-1] == value(samples, f"{name}_count", **(HUB if name.startswith("delivery") else {}))
    assert value(samples, "delivery_latency_seconds_bucket", **HUB, le="16.384") == 0
    assert value(samples, "delivery_latency_seconds_bucket", **HUB, le="32.768") == 1


def test_bounds_of_another_version_count_under_the_next_one(world: World, scrape: Scrape) -> None:
    """While one host is newer than the other, nothing may be lost or break."""
    world.stores.connection.hset("komo:counted", mapping={f"{BATCH.name}  60": 4, "future_s x 1": 1, "odd": 2})
    samples = scrape()

    assert value(samples, "batch_objects_bucket", le="50") == 0
    assert value(samples, "batch_objects_bucket", le="70") == 4


def test_what_stops_a_delivery_can_be_seen(world: World, scrape: Scrape) -> None:
    """Each of these has an alert."""
    world.accept(form("ann", 1))
    world.braze.answers = [NotAllowed(401, "Invalid API Key")]
    world.drain()
    samples = scrape()
    assert [value(samples, "paused", **HUB, reason=why) for why in ("person", "braze", "rejudged")] == [0, 1, 0]

    world.stores.integrations.resume("summer-hub", by="test")
    world.now += 1_000_000
    world.braze.answers = [RateLimited(429, "slow", reset_s=10**8)]
    world.drain()
    gate = {"workspace": world.integration.braze.workspace, "endpoint": "track"}
    samples = scrape()
    assert value(samples, "paused", **HUB, reason="braze") == 0
    assert [value(samples, "gate_state", **gate, state=one) for one in ("open", "limited")] == [0, 1]
    assert value(samples, "calls_total", **HUB, kind="track", status=429) == 1


def test_what_has_not_happened_yet_is_told_as_nothing(scrape: Scrape) -> None:
    """Of a counter that appears with its first event Prometheus sees no rise, and an alert is for that event."""
    samples = scrape()

    for status in (202, 401, 429, 503):
        assert value(samples, "webhook_answers_total", **HUB, status=status) == 0
    assert value(samples, "webhook_answers_total", integration="", status=503) == 0
    assert value(samples, "died_total", **HUB) == 0


def test_processes_are_told_by_role_and_whether_they_are_late(world: World, scrape: Scrape) -> None:
    """Nobody is called by the name of a host."""
    world.stores.connection.zadd("komo:alive", {"worker far-host:7": 1})
    world.stores.alive.hear("clock")
    samples = scrape()

    assert value(samples, "processes", role="worker") == value(samples, "processes", role="clock") == 1
    assert value(samples, "heartbeat_age_seconds", role="worker") < 40
    assert "host" not in str(samples)


def test_processes_of_another_kind_are_told_when_they_are_there(world: World, scrape: Scrape) -> None:
    """Workers and the clock have to be; an alert needs their nought."""
    assert ("komo_braze_processes", frozenset({("role", "web")})) not in scrape()
    world.stores.alive.beat("web far-host:9")

    assert value(scrape(), "processes", role="web") == 1


def test_limits_stand_beside_what_they_limit(world: World, make_app: Callable[..., Flask], scrape: Scrape) -> None:
    """A rule compares the two."""
    world.stores.connection.config_set("maxmemory", 10**9)
    try:
        samples = scrape(make_app(MAX_WAITING="500"))
    finally:
        world.stores.connection.config_set("maxmemory", 0)

    assert value(samples, "backlog_limit_submissions") == 500
    assert value(samples, "backlog_limit_bytes") == 5 * 10**8
    assert value(samples, "store_memory_max_bytes") == 10**9
    assert 0 < value(samples, "store_memory_used_bytes") < 10**9
    assert value(samples, "store_writes_ok") == value(samples, "store_append_only") == 1


def test_nothing_of_people_and_no_secret_is_told(world: World, make_app: Callable[..., Flask]) -> None:
    """Metrics are kept for months, and read by more people than the pages."""
    document = a_document(name="Canary Name", attributes=[{"field": "first_name", "attribute": "canary_attribute"}])
    document["braze"] |= {"api_key": "canary-api-key"}
    saved = world.stores.integrations.save(document, by="test")
    world.accept(form("canary-member", 1, email="canary@example.com", name="Canary Person"))
    world.braze.answers = [NoAnswer(0, "canary-words of canary@example.com", applied="unknown")]
    world.drain_until_quiet()
    world.stores.integrations.pause("summer-hub", by="test", why="canary-reason")
    app = make_app(METRICS_PUBLIC="1")
    body = orjson.dumps(form("canary-member", 2))
    app.test_client().post(
        "/webhooks/komo/summer-hub?key=canary-url-key", data=body, headers={"webhook-id": "canary-id"}
    )
    text = app.test_client().get("/metrics").text

    assert "canary" not in text.lower()
    assert 'komo_braze_webhook_answers_total{integration="summer-hub",status="401"} 1.0' in text
    secrets = [*saved.secrets.values(), document["braze"]["rest_endpoint"], "127.0.0.1"]
    assert [one for one in secrets if one in text] == []


def test_one_more_integration_is_a_bounded_number_of_lines(world: World, scrape: Scrape) -> None:
    """What is told of one says what is told of all."""
    before = len(scrape())
    world.stores.integrations.save(a_document(id="winter-hub"), by="test")

    assert len(scrape()) - before < 80


def test_who_is_not_set_up_yet_has_no_gate(world: World, scrape: Scrape) -> None:
    """A draft belongs to no Braze workspace."""
    world.stores.integrations.save_draft({"id": "new-hub", "name": "New"}, by="test")
    samples = scrape()

    assert value(samples, "integration_info", integration="new-hub", workspace="", draft="true") == 1
    assert "draft}" not in str(samples)
    assert {dict(labels)["workspace"] for (name, labels), _ in samples.items() if "gate" in name} == {
        world.integration.braze.workspace
    }


def test_the_pipeline_counts_for_the_process_that_made_it(world: World) -> None:
    """One tally for all that a process does, so that one heartbeat carries it."""
    stores = open_stores(load_settings({}), world.stores.connection, world.stores.tally)

    assert stores.tally is world.stores.tally
