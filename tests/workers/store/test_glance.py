"""How all integrations are doing."""

import pytest
import redis

from tests.factories import a_document
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, NotAllowed, RateLimited
from workers.store.glance import Gate, Look


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def look(world: World) -> Look:
    return world.stores.glance.look([world.integration], now_ms=world.now)[0]


def test_what_was_never_used_is_quiet(world: World) -> None:
    """Right after it was made, before anything is kept of it."""
    assert look(world) == Look(world.integration, "", "", 0, 0, 0, 0, 0, 0, Gate())


def test_it_tells_what_waits_and_what_keeps_it(world: World) -> None:
    """By these the overview puts what needs a person first."""
    world.accept(form("ann", 1), form("bob", 2))
    world.braze.answers = [NotAllowed(401, "Invalid API Key")]
    world.drain()

    seen = look(world)

    assert (seen.received, seen.waiting, seen.delivered, seen.paused) == (2, 2, 0, "braze")
    assert "401" in seen.paused_because


def test_each_has_its_own_figures_and_shares_its_workspace_s_gate(world: World) -> None:
    """However many are asked for at once, none may get a neighbour's numbers."""
    world.stores.integrations.save(a_document(id="winter-hub", name="Winter hub"), by="test")
    world.accept(form("ann", 1))
    world.braze.answers = [RateLimited(60)]
    world.drain()
    other = world.stores.integrations.get("winter-hub").integration

    mine, theirs = world.stores.glance.look([world.integration, other], now_ms=world.now)

    assert (mine.waiting, theirs.waiting) == (1, 0)
    assert mine.gate.is_closed
    assert theirs.gate.is_closed
    assert not world.stores.glance.look([other], now_ms=world.now + 3_600_000)[0].gate.is_closed


def test_what_braze_says_of_its_limit_counts_until_its_window_ends(world: World) -> None:
    """After that nobody knows what is left."""
    world.accept(form("ann", 1))
    world.braze.answers = [Accepted(201, limit=1000, remaining=400, reset_s=60)]
    world.drain()

    gate = look(world).gate

    assert (gate.limit, gate.left) == (1000, 400)
    assert gate.resets_ms == pytest.approx(world.now + 60_000, abs=100)
    assert world.stores.glance.look([world.integration], now_ms=world.now + 61_000)[0].gate == Gate(limit=1000)


def test_nothing_to_look_at_is_nothing(world: World) -> None:
    """A first visit."""
    assert world.stores.glance.look([]) == []
