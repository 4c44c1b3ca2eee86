from datetime import UTC, datetime
from uuid import uuid4

from ingest.sandbox.hub.cards import QUIZ
from ingest.sandbox.hub.connector import Delivery
from ingest.sandbox.hub.play import Play
from ingest.sandbox.hub.visitor import Entry
from ingest.sandbox.hub.visits import MAX_DELIVERIES, MAX_ENTRIES, MAX_VISITS, PlayedEntry, Visits

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def test_the_visit_not_seen_for_longest_is_forgotten() -> None:
    """A hub that anybody can open must not grow without end."""
    visits, faithful = Visits(), str(uuid4())
    visits.of(faithful).form["first_name"] = "Mira"

    for _ in range(MAX_VISITS + 10):
        visits.of(str(uuid4()))
        assert visits.of(faithful).form

    assert len(visits) == MAX_VISITS


def test_a_forgotten_visit_comes_back_as_the_same_contact() -> None:
    """The session's cookie outlives the hub's memory, and Komo would know the contact still."""
    session_id = str(uuid4())

    assert Visits().of(session_id).visitor == Visits().of(session_id).visitor


def test_entries_and_deliveries_of_a_visit_are_bounded() -> None:
    """One visitor can play all day."""
    visit = Visits().of(str(uuid4()))

    for n in range(100):
        visit.keep(PlayedEntry(Entry(str(n), "", {}), QUIZ, Play(NOON, 1), []))
        visit.deliveries.append(Delivery({}))

    assert (len(visit.entries), len(visit.deliveries)) == (MAX_ENTRIES, MAX_DELIVERIES)
    assert "99" in visit.entries
