"""Cost and health over time."""

import time

import pytest

from ingest.pages.curves import added, charts, tiles
from schemas.integration import Integration
from tests.factories import a_document
from tests.visitor import Visitor, tags, words
from workers.store import Stores
from workers.store.keys import own, shared
from workers.store.series import COUNTERS, GAUGES, Point, Series


def connect_hub(stores: Stores, name: str = "Summer hub", integration_id: str = "summer-hub") -> Integration:
    stores.integrations.save(a_document(id=integration_id, name=name), by="test")
    return stores.integrations.get(integration_id).integration


def happened(stores: Stores, integration: Integration, **counts: int) -> None:
    """What the scripts write; the clock has looked two minutes ago, when there was nothing."""
    now_ms = int(time.time() * 1000)
    stores.flow.sample([integration], now_ms=now_ms - 120_000)
    for name, number in counts.items():
        stores.connection.hset(f"{own(integration)}:ledger", name, number)
    stores.flow.sample([integration], now_ms=now_ms - 1000)


def a_series(p99: float | None = None, **counts: int) -> Series:
    told = dict.fromkeys(COUNTERS, 0) | {name: value for name, value in counts.items() if name in COUNTERS}
    gauges = dict.fromkeys(GAUGES, 0) | {name: value for name, value in counts.items() if name in GAUGES}
    return Series(60_000, [Point(0, told, gauges, 0, p99, p99)], told, p99, p99)


def test_before_the_first_hub_there_is_nothing_to_show(visitor: Visitor) -> None:
    """And a way to change that."""
    assert "There is nothing to show yet" in words(visitor.open("/figures"))


def test_one_integration_shows_what_it_cost(visitor: Visitor, stores: Stores) -> None:
    """Data points are what Braze bills."""
    hub = connect_hub(stores)
    happened(stores, hub, received=90, requests=3, objects=120, data_points_sent=300, data_points_saved=100)

    page = words(visitor.open("/figures?integration=summer-hub"))

    assert "Data points sent 300 what Braze may bill" in page
    assert "Data points saved 100 (25%)" in page
    assert "Objects in a request 40" in page
    assert "The figures as a table" in page


@pytest.mark.parametrize("span", ["hour", "day", "week"])
def test_every_span_has_its_charts_with_words_and_tables(span: str, visitor: Visitor, stores: Stores) -> None:
    """Also before anything has happened."""
    connect_hub(stores)

    page = visitor.open(f"/figures?span={span}")

    pictures = [found for found in tags(page, "svg") if found.get("class") == "plot"]
    assert len(pictures) == 8
    assert len(tags(page, "table")) == 8
    assert "Accepted: from 0 to 0, at last 0." in words(page)
    ids = [
        found["id"]
        for tag in ("title", "desc", "details", "select", "h2")
        for found in tags(page, tag)
        if "id" in found
    ]
    assert len(ids) == len(set(ids))


def test_several_integrations_are_added_up_and_listed(visitor: Visitor, stores: Stores) -> None:
    """Which of them costs most is the next question."""
    happened(stores, connect_hub(stores), received=2)
    happened(stores, connect_hub(stores, "Winter <i>hub</i>", "winter-hub"), received=3)

    page = visitor.open("/figures")

    assert "Accepted 5 submissions" in words(page)
    assert "Winter <i>hub</i>" in words(page)
    assert "/figures?integration=winter-hub&span=hour" in [link.get("href") for link in tags(page, "a")]


def test_many_integrations_come_in_pages(visitor: Visitor, stores: Stores) -> None:
    """No page reads the figures of all."""
    for number in range(27):
        connect_hub(stores, f"Hub {number:02}", f"hub-{number:02}")

    first, second = visitor.open("/figures"), visitor.open("/figures?page=2")

    assert "These are 25 of 27 integrations" in words(first)
    assert "These are 2 of 27 integrations" in words(second)


def test_what_is_left_of_braze_s_limit_is_told(visitor: Visitor, stores: Stores) -> None:
    """Until its window ends; then nobody knows."""
    hub = connect_hub(stores)
    for name, number in {"limit": 3000, "left": 600, "resets": time.time() * 1000 + 60_000}.items():
        stores.connection.hset(f"{shared(hub.braze.workspace)}:gate:track", name, number)

    page = visitor.open("/figures")

    assert "2,400 of 3,000" in words(page)
    assert [(found["value"], found["max"]) for found in tags(page, "meter")] == [("2400", "3000")]


@pytest.mark.parametrize("wanted", ["integration=nobody", "span=year", "integration=<script>"])
def test_what_is_not_there_is_a_page_that_says_so(wanted: str, visitor: Visitor, stores: Stores) -> None:
    """An old link, or a typing mistake."""
    connect_hub(stores)

    assert visitor.open(f"/figures?{wanted}").status_code == 404


def test_an_integration_s_own_page_gets_a_part(visitor: Visitor, stores: Stores) -> None:
    """Small charts, and the way to all of them."""
    connect_hub(stores)

    part = visitor.open("/figures/part?integration=summer-hub&fragment=1")

    assert "<html" not in part.text
    assert "Data points sent and saved" in words(part)
    assert "/figures?integration=summer-hub" in [link.get("href") for link in tags(part, "a")]
    assert visitor.open("/figures/part?integration=nobody").status_code == 404


def test_the_page_keeps_itself_fresh(visitor: Visitor, stores: Stores) -> None:
    """At what was chosen."""
    connect_hub(stores)

    page = visitor.open("/figures?integration=summer-hub&span=day")
    [refresh] = [found["data-refresh"] for found in tags(page, "div") if "data-refresh" in found]

    assert refresh == "/figures?integration=summer-hub&span=day"
    assert "<html" not in visitor.open(f"{refresh}&fragment=1").text


def test_of_several_the_slowest_counts() -> None:
    """An average would hide the one that hangs."""
    together = added([a_series(50.0, received=1, waiting=2), a_series(9000.0, received=2), a_series(None)])

    assert together.totals["received"] == 3
    assert together.line("waiting") == [2]
    assert (together.p99_ms, together.points[0].p99_ms) == (9000.0, 9000.0)


def test_messages_are_told_where_there_are_any(app: object, visitor: Visitor) -> None:
    """Most hubs ask for none, and need no figure about it."""
    with visitor.client.application.test_request_context():
        assert "Messages asked for" not in [tile.name for tile in tiles(a_series())]
        assert "Messages asked for" in [tile.name for tile in tiles(a_series(sent=2))]
        assert len(charts(a_series(), most_objects=75, is_sum=False)) == 8
