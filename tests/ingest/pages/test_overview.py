"""The first page."""

import time
from typing import Any

import pytest
import redis

from schemas.integration import Integration
from tests.factories import a_document
from tests.visitor import Visitor, tags, words
from workers.store import Stores
from workers.store.keys import own, shared


def connect_hub(stores: Stores, name: str = "Summer hub", integration_id: str = "summer-hub") -> Integration:
    stores.integrations.save(a_document(id=integration_id, name=name), by="test")
    return stores.integrations.get(integration_id).integration


def note(stores: Stores, integration: Integration, **counts: int) -> None:
    """What the scripts write when something happens."""
    for name, number in counts.items():
        stores.connection.hset(f"{own(integration)}:ledger", name, number)
    stores.flow.sample([integration], now_ms=int(time.time() * 1000) - 1000)


def pause_by_braze(stores: Stores, integration: Integration, why: str) -> None:
    stores.connection.hset(f"{own(integration)}:state", mapping={"paused": "braze", "paused_because": why})


def names(page: Any) -> list[str]:
    """Of the integrations, in their order."""
    return [text.partition("</a>")[0].rpartition(">")[2] for text in page.text.split("<h3>")[1:]]


@pytest.mark.parametrize("document", [None, "{", "{}", '{"braze": 7}'])
def test_a_record_that_can_t_be_read_does_not_hide_the_others(
    visitor: Visitor, stores: Stores, document: str | None
) -> None:
    """It may have been written by a newer version; the overview is where somebody looks then."""
    connect_hub(stores)
    stores.connection.sadd("komo:integrations", "broken")
    fields = {"revision": "1"} | ({"document": document} if document else {})
    stores.connection.hset("komo:integration:broken", mapping=fields)  # type: ignore[arg-type]

    assert names(visitor.open("/")) == ["Summer hub"]
    assert visitor.open("/activity").status_code == 200
    assert visitor.open("/dead-letters").status_code == 200


def test_a_first_visit_begins_with_one_step(visitor: Visitor) -> None:
    """Somebody who has never seen this must not face an empty table."""
    page = visitor.open("/")

    assert "Connect your first hub" in words(page)
    assert [link["href"] for link in tags(page, "a") if link.get("data-testid") == "connect"] == ["/integrations/new"]


def test_an_integration_shows_its_last_hour(visitor: Visitor, stores: Stores) -> None:
    """The figures, and for who does not see the lines what they say."""
    hub = connect_hub(stores)
    stores.flow.sample([hub], now_ms=int(time.time() * 1000) - 120_000)
    note(stores, hub, received=1240, delivered=1200, waiting=40)

    page = visitor.open("/")

    assert "Accepted 1,240" in words(page)
    assert "Delivered 1,200" in words(page)
    assert "Waiting now 40" in words(page)
    assert "Accepted in the last hour, minute by minute" in words(page)
    assert words(page).count("Active") == 1


def test_a_pause_by_braze_comes_first_and_says_what_to_do(visitor: Visitor, stores: Stores) -> None:
    """Nobody reads to the end of a long page."""
    connect_hub(stores, "A quiet hub", "a-hub")
    why = "Braze does not know this address (404). Check the REST endpoint."
    pause_by_braze(stores, connect_hub(stores, "Zoo", "zoo"), why)

    page = visitor.open("/")

    assert names(page) == ["Zoo", "A quiet hub"]
    assert "Paused because of Braze's answer" in words(page)
    assert "Check the REST endpoint." in words(page)
    assert "/integrations/zoo/braze" in [link["href"] for link in tags(page, "a")]


def test_a_pause_by_a_person_and_dead_letters_are_told(visitor: Visitor, stores: Stores) -> None:
    """Each with a way to where it can be mended."""
    hub = connect_hub(stores)
    stores.integrations.pause("summer-hub", by="test", why="The prize is <b>gone</b>")
    note(stores, hub, received=3, dead=3)

    page = visitor.open("/")

    assert "Paused by a person" in words(page)
    assert "The prize is <b>gone</b>" in words(page)
    assert "3 submissions could not be delivered (dead letters)." in words(page)
    assert "/dead-letters?integration=summer-hub" in [link["href"] for link in tags(page, "a")]


def test_a_closed_gate_needs_nobody(visitor: Visitor, stores: Stores) -> None:
    """Whoever is told that it goes on by itself does not call at night."""
    hub = connect_hub(stores)
    note(stores, hub, received=3, waiting=3)
    soon = time.time() * 1000 + 60_000
    stores.connection.hset(f"{shared(hub.braze.workspace)}:gate:track", mapping={"until": soon})

    page = words(visitor.open("/"))

    assert "Braze has had too many requests (429): everything for this Braze workspace waits. It goes on at" in page
    assert "There is nothing to do: it goes on by itself." in page


def test_a_hub_that_is_not_set_up_yet_says_so(visitor: Visitor, stores: Stores) -> None:
    """It keeps what arrives, and somebody has to finish what was begun."""
    stores.integrations.save_draft({"id": "new-hub", "name": "New hub"}, by="test")

    page = words(visitor.open("/"))

    assert "Not set up yet" in page
    assert "1 not set up yet" in page
    assert "Go on setting it up" in page


def test_names_are_shown_as_they_are(visitor: Visitor, stores: Stores) -> None:
    """A hub's name is anybody's text."""
    connect_hub(stores, "<script>alert(1)</script> שלום")

    page = visitor.open("/")

    assert "<script>alert(1)" not in page.text
    assert "<script>alert(1)</script> שלום" in words(page)


def test_many_integrations_come_in_pages_and_are_found_by_name(visitor: Visitor, stores: Stores) -> None:
    """A brand with hundreds of hubs finds its one."""
    for number in range(27):
        connect_hub(stores, f"Hub {number:02}", f"hub-{number:02}")

    first, second, beyond = visitor.open("/"), visitor.open("/?page=2"), visitor.open("/?page=99")
    found, nothing = visitor.open("/?q=HUB 07"), visitor.open("/?q=<script>")

    assert (len(names(first)), names(second)) == (25, ["Hub 25", "Hub 26"])
    assert names(beyond) == names(second)
    assert "27 integrations" in words(first)
    assert names(found) == ["Hub 07"]
    assert "1 integration found" in words(found)
    assert "No integration has this in its name." in words(nothing)


def test_the_part_that_refreshes_itself_is_only_the_part(visitor: Visitor, stores: Stores) -> None:
    """It is put into the page that is there, at the page that was asked for."""
    connect_hub(stores)

    part = visitor.open("/?fragment=1")
    whole = visitor.open("/?q=summer")

    assert "<html" not in part.text
    assert names(part) == ["Summer hub"]
    assert "/?q=summer" in [found.get("data-refresh") for found in tags(whole, "div")]


def test_the_health_of_everything_is_told_with_what_to_do(visitor: Visitor, stores: Stores) -> None:
    """Without a worker nothing arrives, and nobody would see why."""
    before = words(visitor.open("/"))
    stores.alive.beat("worker a:1")
    stores.alive.beat("clock")
    after = words(visitor.open("/"))

    assert "Workers is not running" in before
    assert "start the worker process" in before
    assert "Nobody is told when something goes wrong." in before
    assert "Workers 1 is running" in after
    assert "Clock is running" in after
    assert "start the worker process" not in after


def test_a_cold_page_of_a_thousand_integrations_asks_the_store_a_few_times(
    visitor: Visitor, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question costs a way to the store and back; with a thousand hubs that would be seconds."""
    for number in range(60):
        connect_hub(stores, f"Hub {number:02}", f"hub-{number:02}")
    asked = []
    execute = redis.client.Pipeline.execute

    def count(self: Any, *args: Any, **options: Any) -> Any:
        asked.append(self)
        return execute(self, *args, **options)

    monkeypatch.setattr(redis.client.Pipeline, "execute", count)

    assert visitor.open("/").status_code == 200
    assert len(asked) < 10
