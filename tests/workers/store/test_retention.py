import contextlib
from typing import Any

import pytest
import redis

from schemas.arrival import Arrival, Judgement
from schemas.integration import Integration
from tests.factories import NOON_MS, an_arrival, an_integration
from tests.fakes import PowerCut, power_cut_after
from tests.letters import DAY, bury
from workers.store.inbox import Inbox, Limits
from workers.store.keys import own
from workers.store.ledger import Ledger
from workers.store.retention import DAY_MS, Retention


@pytest.fixture
def hub(store_connection: redis.Redis) -> Integration:
    integration = an_integration()
    store_connection.hset(f"{own(integration)}:state", "version", 1)
    return integration


def filtered(number: int) -> Arrival:
    """One that is settled as soon as it is accepted."""
    return an_arrival("ann", number)._replace(judgement=Judgement("filtered", reason="no_identifier"))


def test_settled_submissions_go_by_age_and_are_counted(store_connection: redis.Redis, hub: Integration) -> None:
    """What goes is counted, never silent."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [filtered(n) for n in range(5)])
    retention = Retention(store_connection, hours=1, keep=100)

    assert retention.trim(hub) == 0
    records: Any = store_connection.xrange(f"{own(hub)}:settled")
    later = int(records[0][0].split(b"-")[0]) + 2 * 3_600_000
    assert retention.trim(hub, now_ms=later) == 5
    assert Ledger(store_connection).read(hub)["expired"] == 5


def test_no_more_are_kept_than_was_set(store_connection: redis.Redis, hub: Integration) -> None:
    """The oldest go first."""
    Inbox(store_connection, Limits()).accept(hub, [filtered(n) for n in range(5)])

    assert Retention(store_connection, hours=1000, keep=3).trim(hub) == 2
    assert store_connection.xlen(f"{own(hub)}:settled") == 3


def test_a_repeat_is_remembered_for_the_retention(store_connection: redis.Redis, hub: Integration) -> None:
    """Then the day is let go, and with it its memory."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [filtered(1)], now_ms=NOON_MS)
    retention = Retention(store_connection, hours=72, keep=100)
    retention.trim(hub, now_ms=NOON_MS + 3 * DAY_MS)
    assert inbox.accept(hub, [filtered(1)], now_ms=NOON_MS + 3 * DAY_MS).submissions[0][1]

    retention.trim(hub, now_ms=NOON_MS + 5 * DAY_MS)

    assert not inbox.accept(hub, [filtered(1)], now_ms=NOON_MS + 5 * DAY_MS).submissions[0][1]


def test_what_still_waits_always_counts_as_seen(store_connection: redis.Redis, hub: Integration) -> None:
    """An outage may last longer than the retention; a repeat must not be delivered twice after it."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS)
    Retention(store_connection, hours=72, keep=100).trim(hub, now_ms=NOON_MS + 30 * DAY_MS)

    assert inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS + 30 * DAY_MS).submissions[0][1]


def test_nothing_is_forgotten_while_what_waits_is_judged_again(store_connection: redis.Redis, hub: Integration) -> None:
    """It lies in other streams for as long."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS)
    store_connection.hset(f"{own(hub)}:state", "redo", 1)
    [stream] = store_connection.keys("*:in:*")
    store_connection.rename(stream, f"{own(hub)}:new:0")
    Retention(store_connection, hours=72, keep=100).trim(hub, now_ms=NOON_MS + 30 * DAY_MS)

    assert inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS + 30 * DAY_MS).submissions[0][1]


def test_dead_letters_go_by_the_time_of_their_death(store_connection: redis.Redis, hub: Integration) -> None:
    """They become discarded, and are counted as expired too."""
    for number, hours in enumerate((0, 1, 2, 3), 1):
        bury(store_connection, hub, number=number, died_ms=NOON_MS + hours * 3_600_000)
    retention = Retention(store_connection, hours=1, keep=100, dead_hours=2)

    assert retention.trim(hub, now_ms=NOON_MS + 3 * 3_600_000) == 1
    assert retention.trim(hub, now_ms=NOON_MS + 3 * 3_600_000) == 0

    told = Ledger(store_connection).read(hub)
    assert (told["received"], told["dead"], told["discarded"], told["expired"]) == (4, 3, 1, 1)
    assert store_connection.xlen(f"{own(hub)}:settled") == 0
    assert store_connection.hget(f"{own(hub)}:open", str(DAY)) == b"3"


def test_dead_letters_go_a_bounded_number_at_a_time(
    store_connection: redis.Redis, hub: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store must not be held up by a month's worth of them."""
    monkeypatch.setattr("workers.store.retention.MOST_RECORDS", 3)
    monkeypatch.setattr("workers.store.retention.MOST_CALLS", 1)
    for number in range(1, 6):
        bury(store_connection, hub, number=number, died_ms=NOON_MS + number)
    store_connection.hset("{acme}:times", "somebody", "{}")
    retention = Retention(store_connection, hours=1, keep=100, dead_hours=1)

    gone = [retention.trim(hub, now_ms=NOON_MS + DAY_MS) for _ in range(3)]

    assert gone == [3, 2, 0]
    assert store_connection.exists("{acme}:times", "{acme}:open", f"{own(hub)}:open") == 0


def test_big_ones_go_a_few_bytes_at_a_time(
    store_connection: redis.Redis, hub: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record may weigh as much as a thousand others."""
    monkeypatch.setattr("workers.store.retention.MOST_BYTES", 1)
    monkeypatch.setattr("workers.store.retention.MOST_CALLS", 2)
    Inbox(store_connection, Limits()).accept(hub, [filtered(n) for n in range(3)])
    for number in range(11, 14):
        bury(store_connection, hub, number=number, died_ms=NOON_MS + number)
    retention = Retention(store_connection, hours=1, keep=0, dead_hours=1)

    gone = [retention.trim(hub, now_ms=NOON_MS + 20_000 * DAY_MS) for _ in range(3)]

    assert gone == [4, 2, 0]
    told = Ledger(store_connection).read(hub)
    assert (told["filtered"], told["dead"], told["discarded"], told["expired"]) == (3, 0, 3, 6)
    assert store_connection.hget(f"{own(hub)}:ledger", "kept") == b"0"


def test_what_stays_ends_the_look_at_once(store_connection: redis.Redis, hub: Integration) -> None:
    """A hundred calls about nothing, every few seconds, would be felt."""
    Inbox(store_connection, Limits()).accept(hub, [filtered(n) for n in range(9)])
    bury(store_connection, hub, number=20)
    calls = 20

    trimmed = Retention(power_cut_after(store_connection, calls), hours=1000, keep=100).trim(hub)

    assert trimmed == 0


def test_what_is_dead_or_replayed_always_counts_as_seen(store_connection: redis.Redis, hub: Integration) -> None:
    """A repeat of it would be delivered twice after the replay."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [filtered(1)], now_ms=NOON_MS)
    retention = Retention(store_connection, hours=72, keep=100)
    store_connection.hset(f"{own(hub)}:open", str(DAY), 1)
    retention.trim(hub, now_ms=NOON_MS + 30 * DAY_MS)
    assert inbox.accept(hub, [filtered(1)], now_ms=NOON_MS + 30 * DAY_MS).submissions[0][1]

    store_connection.hdel(f"{own(hub)}:open", str(DAY))
    retention.trim(hub, now_ms=NOON_MS + 30 * DAY_MS)

    assert not inbox.accept(hub, [filtered(1)], now_ms=NOON_MS + 30 * DAY_MS).submissions[0][1]


def days(connection: redis.Redis, integration: Integration) -> list[int]:
    """Of which is known what was accepted then."""
    kept: Any = connection.keys(f"{own(integration)}:seen:*")
    return sorted(int(key.decode().rpartition(":")[2]) - DAY for key in kept)


def test_one_old_letter_keeps_its_own_day_and_no_other(store_connection: redis.Redis, hub: Integration) -> None:
    """Every acceptance looks at every day that is kept."""
    inbox = Inbox(store_connection, Limits())
    for day in range(30):
        inbox.accept(hub, [filtered(day)], now_ms=NOON_MS + day * DAY_MS)
    store_connection.hset(f"{own(hub)}:open", str(DAY + 3), 1)

    Retention(store_connection, hours=72, keep=100).trim(hub, now_ms=NOON_MS + 29 * DAY_MS)

    assert days(store_connection, hub) == [3, 26, 27, 28, 29]
    repeated = [inbox.accept(hub, [filtered(day)], now_ms=NOON_MS + 29 * DAY_MS).submissions[0][1] for day in range(30)]
    assert [day for day, known in enumerate(repeated) if known] == [3, 26, 27, 28, 29]


def test_a_repeat_is_told_the_day_of_the_first(store_connection: redis.Redis, hub: Integration) -> None:
    """Its id is made of that; some of the others are new, and some twice in the request."""
    inbox = Inbox(store_connection, Limits())
    first = [
        inbox.accept(hub, [filtered(day)], now_ms=NOON_MS + day * DAY_MS).submissions[0][0] for day in range(0, 8, 2)
    ]

    arrivals = [filtered(number) for number in (6, 9, 0, 2, 9, 4)]
    receipt = inbox.accept(hub, arrivals, now_ms=NOON_MS + 9 * DAY_MS)

    assert [known for _, known in receipt.submissions] == [True, False, True, True, True, True]
    assert [receipt.submissions[place][0] for place in (2, 3, 5, 0)] == first
    assert receipt.submissions[1][0] == receipt.submissions[4][0]


def test_a_clock_that_was_set_back_forgets_no_day(store_connection: redis.Redis, hub: Integration) -> None:
    """What came while it was wrong comes again, too."""
    inbox = Inbox(store_connection, Limits())
    for day, number in ((5, 1), (0, 2), (5, 3), (0, 4)):
        inbox.accept(hub, [filtered(number)], now_ms=NOON_MS + day * DAY_MS)
    assert days(store_connection, hub) == [0, 5]

    receipt = inbox.accept(hub, [filtered(number) for number in (1, 2, 3, 4)], now_ms=NOON_MS)

    assert all(known for _, known in receipt.submissions)
    Retention(store_connection, hours=72, keep=100).trim(hub, now_ms=NOON_MS + 20 * DAY_MS)
    assert days(store_connection, hub) == []


@pytest.mark.parametrize("trims_first", [False, True])
def test_a_store_of_an_earlier_version_is_understood(
    store_connection: redis.Redis, hub: Integration, trims_first: bool
) -> None:
    """It knows since when something was accepted, and not on which days."""
    inbox, prefix = Inbox(store_connection, Limits()), own(hub)
    for day in (0, 1, 7):
        inbox.accept(hub, [filtered(day)], now_ms=NOON_MS + day * DAY_MS)
    store_connection.hdel(f"{prefix}:state", "seen_days")
    store_connection.hset(f"{prefix}:state", "seen_from", DAY)
    if trims_first:
        Retention(store_connection, hours=1000, keep=100).trim(hub, now_ms=NOON_MS + 8 * DAY_MS)

    receipt = inbox.accept(hub, [filtered(day) for day in (0, 1, 7, 8)], now_ms=NOON_MS + 8 * DAY_MS)

    assert [known for _, known in receipt.submissions] == [True, True, True, False]
    assert days(store_connection, hub) == [0, 1, 7, 8]
    Retention(store_connection, hours=72, keep=100).trim(hub, now_ms=NOON_MS + 8 * DAY_MS)
    assert days(store_connection, hub) == [7, 8]


def test_no_day_goes_if_the_rules_changed_since_it_was_looked_what_waits(
    store_connection: redis.Redis, hub: Integration
) -> None:
    """What waits may have been moved while the look was taken."""
    inbox = Inbox(store_connection, Limits())
    inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS)
    [stream] = store_connection.keys("*:in:*")
    retention = Retention(store_connection, hours=72, keep=100)
    # As if a save and its redo fell between the look and what follows from it.
    forget_days, retention._days = retention._days, lambda keys, args: forget_days(keys, [*args[:2], 0])  # type: ignore[assignment]
    store_connection.rename(stream, "elsewhere")
    retention.trim(hub, now_ms=NOON_MS + 30 * DAY_MS)
    store_connection.rename("elsewhere", stream)

    assert inbox.accept(hub, [an_arrival("ann", 1)], now_ms=NOON_MS + 30 * DAY_MS).submissions[0][1]


def test_a_day_that_is_forgotten_halfway_is_forgotten_by_the_next(store_connection: redis.Redis) -> None:
    """What nobody looks for again would stay for ever."""
    integration = an_integration()
    prefix = own(integration)
    store_connection.hset(f"{prefix}:state", mapping={"seen_from": 20_000, "lanes": 1})
    store_connection.sadd(f"{prefix}:seen:20000", b"x" * 8)
    now_ms = 20_100 * 86_400_000
    for commands in range(1, 12):
        doomed = Retention(power_cut_after(store_connection, commands), hours=1, keep=9)
        with contextlib.suppress(PowerCut):
            doomed.trim(integration, now_ms=now_ms)

    Retention(store_connection, hours=1, keep=9).trim(integration, now_ms=now_ms)

    assert store_connection.keys(f"{prefix}:seen:*") == []
