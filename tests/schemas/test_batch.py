from schemas.batch import Batch, Entry, Replay, Settlement
from schemas.latency import bucket_of
from schemas.person import Person

NOON_MS = 1_795_000_000_000


def an_entry(accepted_ms: int, *, received_ms: int = 0, replayed_ms: int | None = None) -> Entry:
    replay = Replay(1, replayed_ms, None) if replayed_ms else None
    return Entry("1-0", "50c4", accepted_ms * 1000, Person("external_id", "ann"), received_ms, "x", {}, replay=replay)


def a_settlement(*entries: Entry, verdicts: str) -> Settlement:
    return Settlement(Batch(list(entries), "", "", 1, 0, b"", b""), verdicts=verdicts)


def test_only_what_is_delivered_is_measured() -> None:
    """What goes back is measured when it comes through."""
    entries = [an_entry(NOON_MS - 1000) for _ in range(5)]
    settlement = a_settlement(*entries, verdicts="ddfxb")
    settlement.measure(NOON_MS)
    postponed = Settlement(settlement.batch, retry_after_ms=1000)
    postponed.measure(NOON_MS)

    assert (settlement.latency, postponed.latency) == ({str(bucket_of(1000)): 2}, {})
    assert settlement.told()["latency"] == settlement.latency


def test_a_submission_that_was_held_or_replayed_waits_only_since_then() -> None:
    """A dead letter of last week that is delivered at once says nothing of how fast Braze takes what comes."""
    joined = an_entry(NOON_MS - 100, received_ms=NOON_MS - 86_400_000)
    replayed = an_entry(NOON_MS - 604_800_000, replayed_ms=NOON_MS - 100)
    settlement = a_settlement(joined, replayed, verdicts="dd")
    settlement.measure(NOON_MS)

    assert settlement.latency == {str(bucket_of(100)): 2}
