"""Searching submissions by text and by person, over every stream that holds some."""

import time
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from schemas.arrival import Judgement
from schemas.integration import Integration
from schemas.person import Person
from tests.factories import NOON_MS, a_body, an_arrival, an_integration
from workers.store.inbox import Inbox, Limits, submission_id
from workers.store.keys import own
from workers.store.records import Records
from workers.store.search import Search
from workers.store.timeline import Timeline

DAY = NOON_MS // 86_400_000


class Hub:
    """Integrations, and what is kept of their submissions."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.integrations = [an_integration(default_region="AU"), an_integration(id="winter-hub")]
        for one in self.integrations:
            connection.hset(f"{own(one)}:state", "version", 1)
        self.inbox = Inbox(connection, Limits(lanes=2))
        self.search = Search(connection, lambda: self.integrations)
        self.number = 0

    def accept(
        self, member: str, *, to: Integration | None = None, judgement: Judgement | None = None, **fields: Any
    ) -> str:
        time.sleep(0.0015)  # two streams know the order of what came in one millisecond only for themselves
        self.number += 1
        arrival = an_arrival(member, self.number, **fields)
        receipt = self.inbox.accept(
            to or self.integrations[0], [arrival._replace(judgement=judgement or arrival.judgement)]
        )
        return receipt.submissions[0][0]

    def settle(self, *people: Person | None, outcome: str = "delivered", **fields: Any) -> list[str]:
        """A record of a batch, as a drain writes it."""
        time.sleep(0.0015)
        heads: list[list[Any]] = []
        bodies: list[dict[str, Any]] = []
        for person in people:
            self.number += 1
            digest = f"{self.number:016x}"
            packed = person.packed() if person else None
            heads.append([self.number, DAY, digest, packed, NOON_MS, 1, "CompetitionEntrySuccess"])
            bodies.append(a_body(person.value if person else "", number=self.number, **fields))
        record: Any = {
            "n": len(heads), "h": orjson.dumps(heads), "b": orjson.dumps(bodies),
            "r": orjson.dumps([[outcome, []]] * len(heads)), "v": 1, "m": "", "at": NOON_MS,
        }  # fmt: skip
        self.connection.xadd(f"{own(self.integrations[0])}:settled", record)
        return [submission_id(head[1], head[2]) for head in heads]

    def find(self, **wanted: Any) -> list[str]:
        """All pages, a few at a time."""
        ids, cursor = [], None
        for _ in range(1000):
            items, cursor = self.search.find(cursor=cursor, **{"limit": 2} | wanted)
            ids += [one["id"] for one in items]
            if cursor is None:
                return ids
        raise AssertionError("no end")


@pytest.fixture
def hub(store_connection: redis.Redis) -> Hub:
    return Hub(store_connection)


def ann(kind: Any = "external_id", value: str = "ann", label: str | None = None) -> Person:
    return Person(kind, value, label)


def test_a_text_is_found_wherever_a_submission_lies_newest_first(hub: Hub) -> None:
    """Whoever searches knows a word of a form, not what became of it."""
    first, other = hub.settle(ann(), ann(value="bob"), nick="Zebra")
    hub.settle(ann())
    dead = hub.accept("ann", judgement=Judgement("dead", reason="bad_identifier"), nick="a zebra's")
    waiting = hub.accept("bob", nick="ZEBRA")
    elsewhere = hub.accept("ann", to=hub.integrations[1], nick="zebra")
    hub.accept("cid")

    assert hub.find(text="zebra") == [elsewhere, waiting, dead, other, first]
    assert hub.find(text="zebra", integration_id="winter-hub") == [elsewhere]
    assert hub.find(text="zebra", state="dead") == [dead]
    assert hub.find(text="unicorn") == []


def test_only_those_of_a_record_are_found_that_say_it(hub: Hub) -> None:
    """A record holds a batch; a hit in one is none in its neighbours."""
    ids = hub.settle(*(ann(value=f"member-{number}") for number in range(5)))

    assert hub.find(text="member-3") == [ids[3]]


def test_an_id_and_an_event_are_found_as_text(hub: Hub) -> None:
    """People paste what they have at hand."""
    first, second = hub.settle(ann(), ann(value="bob"))

    assert hub.find(text=f" {second.upper()} ") == [second]
    assert hub.find(text="competitionentry") == [second, first]


def test_a_person_is_found_however_their_identifier_is_written(hub: Hub) -> None:
    """Heads hold normalised values, and people type what stands on a form."""
    mail, phone, plain = hub.settle(
        ann("user_alias", "ann@example.com", "email"), ann("phone", "+61412345678"), ann(value="ann")
    )
    waiting = hub.accept("ann")

    assert hub.find(identifier=(None, " Ann@Example.COM", None)) == [mail]
    assert hub.find(identifier=("user_alias", "ann@example.com", "email")) == [mail]
    assert hub.find(identifier=("email", "ann@example.com", None)) == []
    assert hub.find(identifier=("user_alias", "ann@example.com", "phone")) == []
    assert hub.find(identifier=("phone", "0412 345 678", None)) == [phone]
    assert hub.find(identifier=(None, "0412 345 678", None)) == [phone]
    assert hub.find(identifier=(None, "ann", None)) == [waiting, plain]
    assert hub.find(identifier=("external_id", "  ", None)) == []


def test_every_condition_has_to_be_met(hub: Hub) -> None:
    """Two conditions narrow a search; they do not widen it."""
    [hers] = hub.settle(ann(), nick="zebra")
    hub.settle(ann(value="bob"), nick="zebra")
    hub.settle(ann())

    assert hub.find(identifier=(None, "ann", None), text="zebra") == [hers]
    assert hub.find(text="zebra", state="filtered") == []
    assert hub.find(text="zebra", since=datetime.fromtimestamp(NOON_MS / 1000 + 1, UTC)) == []


def test_an_event_is_found_by_its_whole_name(hub: Hub) -> None:
    """A list of events to choose from may have one whose name begins as another's."""
    first = hub.accept("ann", judgement=Judgement("filtered", reason="accept"))
    hub.settle(ann(), event="only in the body")

    assert first in hub.find(event=" competitionentrysuccess ")
    assert len(hub.find(event="CompetitionEntrySuccess")) == 2
    assert hub.find(event="CompetitionEntry") == []
    assert hub.find(event="only in the body") == []


def test_a_card_is_found_by_its_whole_name_or_its_id(hub: Hub) -> None:
    """Names are what people know, ids what stays when somebody renames a card."""
    [wheel] = hub.settle(ann(), card_name="Spin the wheel", card_id="AB-7")
    [longer] = hub.settle(ann(), card_name="Spin the wheel again", card_id="AB-71", note="Spin the wheel")
    waiting = hub.accept("ann", card_name="SPIN THE WHEEL", card_id=7)

    assert hub.find(card="spin the wheel ") == [waiting, wheel]
    assert hub.find(card="ab-7") == [wheel]
    assert hub.find(card="7") == [waiting]
    assert hub.find(card="Spin the wheel again", text="note") == [longer]
    assert hub.find(card="spin") == []


def test_what_was_received_before_a_time_is_found_though_it_was_settled_later(hub: Hub) -> None:
    """A day is a span of receipt, as since is."""
    [settled] = hub.settle(ann())
    noon, soon = (datetime.fromtimestamp(NOON_MS / 1000 + more, UTC) for more in (0, 0.001))

    assert hub.find(until=soon) == [settled]
    assert hub.find(until=soon, since=noon) == [settled]
    assert hub.find(until=noon) == []


def test_a_search_for_nothing_in_particular_lists_what_the_timeline_does(hub: Hub) -> None:
    """One list serves the page with filters and without."""
    hub.settle(ann(), ann(value="bob"), None)
    hub.accept("ann")
    hub.accept("ann", judgement=Judgement("dead", reason="bad_identifier"), to=hub.integrations[1])
    timeline = Timeline(hub.connection, lambda: hub.integrations)

    for state in (None, "delivered", "waiting", "dead", "held"):
        assert hub.find(state=state) == [one["id"] for one in timeline.list(state=state)[0]]
        assert hub.find(state=state) == [one.id for one in hub.search.find_rows(state=state)[0]]
    assert hub.search.find(limit=2) == timeline.list(limit=2)
    assert hub.search.find_rows(limit=2)[1] == timeline.list(limit=2)[1]


def test_what_comes_while_a_page_is_put_together_is_left_to_the_next_look(hub: Hub) -> None:
    """Its place is above the page, whose end must not move up there with it."""
    [settled] = hub.settle(ann())
    records = Records(hub.connection)
    [(end, source)] = records.ends(hub.integrations, None, None, 0)
    hub.settle(ann(value="bob"))

    assert [one.id for one in records.newest_first(source, end, None, 0)] == [settled]


def test_what_one_call_does_not_get_through_the_next_one_goes_on_with(store_connection: redis.Redis) -> None:
    """A search must not hold a web worker for as long as the store is large."""
    hub, now = Hub(store_connection), [0.0]

    def clock() -> float:
        now[0] += 0.4
        return now[0]

    hub.search = Search(store_connection, lambda: hub.integrations, clock=clock)
    ids = [one for number in range(12) for one in hub.settle(ann(value=f"member-{number}"), ann(value="bob"))]

    items, cursor = hub.search.find(text="member-1")
    assert len(items) == 2
    assert cursor is not None
    assert hub.find(text="member-1") == [ids[22], ids[20], ids[2]]


def test_a_cursor_of_somebody_else_is_refused(hub: Hub) -> None:
    """It would silently begin somewhere."""
    with pytest.raises(ValueError, match="cursor"):
        hub.search.find(text="x", cursor="nonsense")


def test_names_that_json_escapes_are_found() -> None:
    """Komo may send letters outside ASCII in either form."""
    hub = Hub(FakeRedis(server=FakeServer()))
    [hers] = hub.settle(ann(value='zoë "z"'))

    assert hub.find(identifier=(None, 'zoë "z"', None)) == [hers]
    assert hub.find(text='ZOË "Z') == [hers]
