"""The books."""

from ingest.sandbox.braze.ledgers import KEPT, EventIds, Ledger


def test_counts_go_on_when_entries_fall_out() -> None:
    """A soak may break a rule a million times."""
    book = Ledger()
    for number in range(KEPT + 1):
        book.add(float(number), "kind", str(number))
    assert book.counts()["kind"] == KEPT + 1
    assert book.newest(2) == [
        {"at": float(KEPT), "kind": "kind", "detail": str(KEPT), "braze_id": None},
        {"at": float(KEPT - 1), "kind": "kind", "detail": str(KEPT - 1), "braze_id": None},
    ]
    assert len(book.as_json(5000)["entries"]) == KEPT


def test_event_ids_can_be_read_page_by_page() -> None:
    """So that a test can compare the exact multiset with what it sent."""
    ids = EventIds()
    for name in ("a:1", "a:1", "b:1", "c:1"):
        ids.add(name)
    assert ids.with_prefix("", "", 2) == {"a:1": 2, "b:1": 1}
    assert ids.with_prefix("", "b:1", 2) == {"c:1": 1}
    assert ids.with_prefix("a", "", 9) == {"a:1": 2}
    assert (ids.count_of("a:1"), ids.count_of("z")) == (2, 0)
