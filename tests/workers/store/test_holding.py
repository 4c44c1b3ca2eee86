"""What names nobody is kept for whoever turns out to have made it."""

import contextlib
from typing import Any

import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from tests.factories import a_document
from tests.fakes import PowerCut, power_cut_after
from tests.workers.test_drain import World, form
from workers.errors import Conflict
from workers.store.inbox import Full, Limits
from workers.store.keys import own

HOUR_MS = 3_600_000
BOTH = {"user_profile_id": "p1", "user_session_id": "s1"}


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def visit(number: int, session: str = "s1", **ids: Any) -> dict[str, Any]:
    """What an unknown person does."""
    return form("", number, user_session_id=session, **ids)


def entry(member: str, number: int, session: str = "s1", **ids: Any) -> dict[str, Any]:
    """What they do when they say who they are."""
    return form(member, number, user_session_id=session, **ids)


def numbers(world: World, *names: str) -> list[int]:
    told = world.ledger()
    return [told[name] for name in names]


def sent(world: World) -> list[tuple[str, str]]:
    """Whose event left when, by the submission's id."""
    events = (event for request in world.braze.sent for event in request.get("events", []))
    return [(one["external_id"], one["properties"]["komo_submission_id"].split(":")[0]) for one in events]


def keys(world: World) -> list[bytes]:
    found: Any = world.stores.connection.keys(f"{own(world.integration)}:*h[eo]ld")
    return sorted(found)


def test_answers_go_ahead_of_the_form_as_the_person_who_filled_it_in(world: World) -> None:
    """The poll before the form is what makes a profile grow."""
    first = world.accept(visit(1), visit(2))
    second = world.accept(visit(3))
    assert numbers(world, "held", "waiting") == [3, 0]
    assert world.drain().why == "empty"

    last = world.accept(entry("ann", 4))
    assert numbers(world, "held", "waiting") == [0, 4]
    world.drain_until_quiet()

    assert sent(world) == [("ann", one) for one in first + second + last]
    assert [one["first_name"] for request in world.braze.sent for one in request["attributes"]] == ["ann4"]
    assert numbers(world, "delivered", "waiting", "held") == [4, 0, 0]
    assert world.stores.ledger.waiting_bytes(world.integration) == 0
    assert keys(world) == []


def test_an_answer_and_then_the_form_may_come_in_one_array(world: World) -> None:
    """What was accepted first in it goes first."""
    ids = world.accept(visit(1), entry("bob", 2, "s2"), visit(3), entry("ann", 4), visit(5))
    world.drain_until_quiet()

    assert sent(world) == [("bob", ids[1]), ("ann", ids[0]), ("ann", ids[2]), ("ann", ids[3])]
    assert numbers(world, "delivered", "held") == [4, 1]


def test_any_id_of_the_form_may_be_the_one_it_is_held_under(world: World) -> None:
    """A form carries more ids than a visit; what is held under several of them keeps its order."""
    ids = world.accept(visit(1), visit(2, user_profile_id="p1"), visit(3), visit(4, "s9", user_profile_id="p1"))
    ids += world.accept(entry("ann", 5, contactId="c1", user_profile_id="p1"))
    world.drain_until_quiet()

    assert sent(world) == [("ann", one) for one in ids]


def test_what_is_held_is_found_by_its_first_id_only(world: World) -> None:
    """A session on a shared screen may be many people's: the nearest id decides."""
    world.accept(visit(1, user_profile_id="p1"))
    world.accept(entry("ann", 2))
    assert numbers(world, "held", "waiting") == [1, 1]

    world.accept(entry("ann", 3, "s7", user_profile_id="p1"))
    assert numbers(world, "held", "waiting") == [0, 3]


def test_the_same_id_of_another_kind_is_somebody_else(world: World) -> None:
    """Each is an id space of its own."""
    world.accept(visit(1, "7"))
    world.accept(entry("ann", 2, "s2", user_profile_id="7"))

    assert numbers(world, "held", "waiting") == [1, 1]


def test_a_guid_is_the_same_in_all_its_spellings(world: World) -> None:
    """Komo writes them in either case, and some in braces."""
    world.accept(visit(1, "{8A1E6F91-0951-4549-A823-213CB38EB51C}"))
    world.accept(entry("ann", 2, "8a1e6f91-0951-4549-a823-213cb38eb51c"))

    assert numbers(world, "held", "waiting") == [0, 2]


def test_who_comes_back_unknown_is_held_again(world: World) -> None:
    """Another may use the same device by then; only what they say next decides."""
    world.accept(visit(1), entry("ann", 2), visit(3), visit(4))
    world.accept(entry("bob", 5))
    world.drain_until_quiet()

    assert [person for person, _ in sent(world)] == ["ann", "ann", "bob", "bob", "bob"]


def test_nothing_is_held_up_by_what_is_held(world: World) -> None:
    """Others go their way, and nothing is sent as nobody."""
    world.accept(visit(1))
    world.accept(entry("bob", 2, "s2"))
    world.drain_until_quiet()

    assert [person for person, _ in sent(world)] == ["bob"]
    assert numbers(world, "held", "delivered") == [1, 1]


def test_a_repeat_of_what_is_held_or_was_joined_does_nothing(world: World) -> None:
    """It is answered with the same id."""
    [first] = world.accept(visit(1))
    assert world.accept(visit(1)) == [first]
    world.accept(entry("ann", 2))
    assert world.accept(visit(1)) == [first]
    world.drain_until_quiet()

    assert numbers(world, "received", "duplicates", "delivered") == [2, 2, 2]
    assert set(world.braze.events().values()) == {1}


def test_what_nobody_came_for_is_filtered_when_its_time_is_up(world: World) -> None:
    """Visibly, the oldest first, and whoever comes later is not mistaken for them."""
    [first] = world.accept(visit(1))
    world.now += 23 * HOUR_MS
    [second] = world.accept(visit(2))
    trim, hub = world.stores.retention.trim, world.integration
    trim(hub, now_ms=world.now)
    assert numbers(world, "held", "filtered") == [2, 0]

    world.now += 2 * HOUR_MS
    trim(hub, now_ms=world.now)

    assert numbers(world, "held", "filtered", "expired") == [1, 1, 0]
    shown = world.stores.timeline.show(first)
    assert shown is not None
    assert (shown["state"], shown["reason"]) == ("filtered", "no_identifier")
    [last] = world.accept(entry("ann", 3))
    world.drain_until_quiet()
    assert sent(world) == [("ann", second), ("ann", last)]
    assert world.stores.ledger.waiting_bytes(hub) == 0


def test_what_is_over_its_time_joins_nobody(world: World) -> None:
    """Also where no sweep has come by."""
    world.accept(visit(1))
    world.now += 25 * HOUR_MS
    world.accept(visit(2), entry("ann", 3))

    assert numbers(world, "held", "waiting") == [1, 2]
    world.stores.retention.trim(world.integration, now_ms=world.now)
    assert numbers(world, "held", "filtered") == [0, 1]
    assert keys(world) == []


def test_what_is_over_goes_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store does nothing else meanwhile; a sweep goes on with it for a while."""
    monkeypatch.setattr("workers.store.holding.MOST", 60)
    world.accept(*(visit(n, f"s{n % 3}") for n in range(150)))
    late = world.now + 25 * HOUR_MS
    monkeypatch.setattr("workers.store.holding.SECONDS", 0)

    told = []
    for _ in range(4):
        world.stores.retention.trim(world.integration, now_ms=late)
        told.append(numbers(world, "held", "filtered"))

    assert told == [[90, 60], [30, 120], [0, 150], [0, 150]]
    items, _ = world.stores.timeline.list(state="filtered", limit=500)
    assert len(items) == 150


def test_big_ones_that_are_over_go_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of them has to be read again."""
    monkeypatch.setattr("workers.store.holding.MOST_BYTES", 10_000)
    monkeypatch.setattr("workers.store.holding.SECONDS", 0)
    world.accept(*(visit(n, team="x" * 1000) for n in range(30)))

    world.stores.retention.trim(world.integration, now_ms=world.now + 25 * HOUR_MS)

    assert numbers(world, "held", "filtered") == [23, 7]


def test_of_too_many_under_one_id_the_oldest_are_filtered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One session with a hundred thousand answers must not stop the store when its person comes."""
    monkeypatch.setattr("workers.store.inbox.MAX_HELD", 3)
    ids = world.accept(visit(0, "s2"), *(visit(n) for n in range(1, 6)))
    assert numbers(world, "held", "filtered") == [4, 2]

    ids += world.accept(entry("ann", 6))
    world.drain_until_quiet()

    assert sent(world) == [("ann", one) for one in ids[3:]]
    assert [one["id"] for one in world.stores.timeline.list(state="filtered")[0]] == ids[2:0:-1]


def test_what_is_held_fills_the_inbox_like_everything_that_waits(world: World) -> None:
    """It takes the same room; joining it needs no more."""
    world.stores.inbox.limits = Limits(lanes=1, max_waiting=3)
    world.accept(visit(1), visit(2))
    with pytest.raises(Full):
        world.accept(visit(3), visit(4))

    world.accept(entry("ann", 5))

    assert numbers(world, "received", "held", "waiting") == [3, 0, 3]


def test_the_number_of_lanes_changes_while_only_something_is_held(world: World) -> None:
    """There is always somebody held in a busy hub; they are in no lane yet."""
    world.accept(visit(1))
    world.stores.inbox.limits = Limits(lanes=4)
    world.accept(*(entry(f"m{n}", 10 + n, f"t{n}") for n in range(30)), entry("ann", 2))

    prefix = own(world.integration)
    lanes = [world.stores.connection.xlen(f"{prefix}:in:{lane}") for lane in range(4)]
    assert (sum(lanes), all(lanes)) == (32, True)
    assert world.stores.connection.hget(f"{prefix}:state", "lanes") == b"4"


def test_what_is_held_can_be_seen_and_found(world: World) -> None:
    """Whoever asks where an answer went has to find it."""
    [held] = world.accept(visit(1))
    world.accept(entry("bob", 2, "s2"))

    assert [one["id"] for one in world.stores.timeline.list(state="held")[0]] == [held]
    assert [one["state"] for one in world.stores.timeline.list()[0]] == ["waiting", "held"]
    shown = world.stores.timeline.show(held)
    assert shown is not None
    assert (shown["state"], shown["reason"], shown["person"]) == ("held", None, None)
    assert [one["state"] for one in world.stores.search.find(text="s1", state="held")[0]] == ["held"]

    world.accept(entry("ann", 3))
    shown = world.stores.timeline.show(held)
    assert shown is not None
    assert (shown["state"], shown["person"]["value"]) == ("waiting", "ann")


def test_names_of_all_kinds_survive_the_joining(world: World) -> None:
    """The head is put together by the store, from what stands around it."""
    odd = ['a],5,5,"x"', "100%1 of it", 'null,"\\', "Zoë 🎉"]
    for number, name in enumerate(odd):
        world.accept(visit(2 * number, f"s{number}", event=f'e"],null,{name}'))
        world.accept(entry(name, 2 * number + 1, f"s{number}"))
    world.drain_until_quiet()

    assert [person for person, _ in sent(world)] == [name for name in odd for _ in range(2)]


def test_a_joined_one_counts_as_accepted_then(world: World) -> None:
    """What the person did under their name meanwhile is older."""
    [early] = world.accept(visit(1))
    [middle] = world.accept(entry("ann", 2, "s2"))
    [late] = world.accept(entry("ann", 3))
    entries: Any = world.stores.connection.xrange(f"{own(world.integration)}:in:0")
    orders = [int(values[b"h"][1:].split(b",")[0]) for _, values in entries]
    world.drain_until_quiet()

    assert orders == sorted({*orders})
    assert [one for _, one in sent(world)] == [middle, early, late]


def test_a_repeat_of_what_waits_is_known_though_it_was_held_before(world: World) -> None:
    """It stands behind what was accepted after it, and its day is an older one."""
    world.stores.integrations.pause("summer-hub", by="test")
    world.now -= world.now % (24 * HOUR_MS) - 23 * HOUR_MS
    [held] = world.accept(visit(1))
    world.now += 2 * HOUR_MS
    world.accept(entry("ann", 2, "s2"), entry("ann", 3))

    world.stores.retention.trim(world.integration, now_ms=world.now + 30 * 24 * HOUR_MS)

    world.now += 30 * 24 * HOUR_MS
    assert world.accept(visit(1)) == [held]
    assert world.ledger()["duplicates"] == 1


def test_a_hub_is_not_deleted_under_what_is_held_and_takes_it_along(world: World) -> None:
    """Moving to another Braze workspace moves it, too."""
    world.accept(visit(1), visit(2, "s2"))
    with pytest.raises(Conflict):
        world.stores.integrations.delete("summer-hub")
    moved = a_document()["braze"] | {"workspace": "zeta"}
    world.stores.integrations.save(a_document(braze=moved), by="test")

    ids = world.accept(visit(1), entry("ann", 3))
    world.drain_until_quiet()

    assert sent(world) == [("ann", one) for one in ids]
    assert numbers(world, "held", "delivered") == [1, 2]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("commands", range(6))
def test_the_power_may_go_while_somebody_identifies_themselves(commands: int, answered: bool) -> None:
    """Komo sends again what it got no answer for: everything is there once, and in order."""
    server = FakeServer()
    world = World(FakeRedis(server=server))
    ids = world.accept(visit(1), visit(2))
    world.reopen(power_cut_after(FakeRedis(server=server), commands, answered=answered))
    with contextlib.suppress(PowerCut):
        world.accept(visit(3), entry("ann", 4))

    world.reopen(FakeRedis(server=server))
    assert world.ledger()["received"] in (2, 4)
    ids += world.accept(visit(3), entry("ann", 4))
    world.drain_until_quiet()

    assert sent(world) == [("ann", one) for one in ids]
    assert numbers(world, "received", "delivered", "held") == [4, 4, 0]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("commands", range(12))
def test_the_power_may_go_while_it_is_let_go(commands: int, answered: bool) -> None:
    """The next sweep goes on."""
    server = FakeServer()
    world = World(FakeRedis(server=server))
    world.accept(visit(1), visit(2, "s2"))
    late = world.now + 25 * HOUR_MS
    world.reopen(power_cut_after(FakeRedis(server=server), commands, answered=answered))
    with contextlib.suppress(PowerCut):
        world.stores.retention.trim(world.integration, now_ms=late)

    world.reopen(FakeRedis(server=server))
    assert sum(numbers(world, "held", "filtered")) == 2
    world.stores.retention.trim(world.integration, now_ms=late)

    assert numbers(world, "held", "filtered") == [0, 2]
    assert keys(world) == []
