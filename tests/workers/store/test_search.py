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
from workers.store.search import Search

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
