"""What is said about an integration, and about a submission, that waits."""

from typing import Any

import pytest
import redis

from schemas.person import Person
from tests.factories import a_document
from tests.letters import bury
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, NotAllowed, RateLimited, Reply, Unavailable
from workers.store import standing
from workers.store.keys import own, shared
from workers.store.letters import iso

SENDS = {"sending": True, "because": None, "until": None, "last_problem": None}


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection)


def told(world: World) -> dict[str, Any]:
    return world.stores.standing.tell(world.integration, now_ms=world.now)


def waits(world: World, member: str, lane: int | None = 0) -> dict[str, Any]:
    person = Person("external_id", member).key
    return world.stores.standing.waits(world.integration, lane, person, now_ms=world.now)


def try_in_vain(world: World, *answers: Reply) -> None:
    """One attempt after the other, each when it is time for it."""
    world.accept(form("ann", 1))
    world.braze.answers = [*answers]
    for _ in range(100):
        wait_ms = world.drain().wait_ms
        if not world.braze.answers:
            return
        world.now += wait_ms
    raise AssertionError("not all attempts were made")


def test_nothing_keeps_what_has_nothing_to_do_or_does_it(world: World) -> None:
    """A reason that is no reason would be looked into."""
    assert told(world) == SENDS
    world.accept(form("ann", 1))
    assert told(world) == SENDS
    world.drain()
    assert told(world) == SENDS


def test_a_pause_by_a_person_has_no_end(world: World) -> None:
    """Only a person ends it."""
    world.stores.integrations.pause("summer-hub", by="test")

    assert told(world) == SENDS | {"sending": False, "because": "Paused by a person."}


def test_a_pause_by_braze_says_why_and_when_it_is_tried_again(world: World) -> None:
    """With the words of the answer that it comes from."""
    world.accept(form("ann", 1))
    world.braze.answers = [NotAllowed(401, "Invalid API key: [key]")]
    world.drain()

    found = told(world)

    assert (found["sending"], found["until"]) == (False, iso(world.now + 900_000))
    assert found["because"].startswith("Braze does not know this REST key (401).")
    assert found["last_problem"]["status"] == 401
    assert found["last_problem"]["answer"] == "Invalid API key: [key]"
    assert waits(world, "ann")["because"] == found["because"]


def test_what_is_judged_again_waits_for_that(world: World) -> None:
    """Nothing of it can be sent meanwhile."""
    world.accept(form("ann", 1))
    world.stores.integrations.save(a_document(identifiers=[{"kind": "external_id", "field": "email"}]), by="test")

    assert told(world) == SENDS | {"sending": False, "because": standing.REDO}
    assert waits(world, "ann", None) == {"because": standing.REDO, "until": None}


def test_a_rate_limit_says_until_when(world: World) -> None:
    """It is nobody's fault, and over by itself."""
    world.accept(form("ann", 1))
    world.braze.answers = [RateLimited(429, "slow down", reset_s=60)]
    world.drain()

    found = told(world)

    assert (found["sending"], found["because"]) == (False, standing.LIMITED)
    assert iso(world.now + 60_000) <= found["until"] <= iso(world.now + 66_000)
    assert found["last_problem"]["status"] == 429


def test_one_failure_is_told_as_such(world: World) -> None:
    """Until it is made again."""
    try_in_vain(world, Unavailable(503, "away"))

    found = told(world)

    assert (found["sending"], found["because"]) == (False, standing.RETRY)
    assert found["until"] > iso(world.now)
    assert found["last_problem"] == {"at": found["last_problem"]["at"], "status": 503, "answer": "away"}
    world.now += 600_000
    assert told(world)["because"] == standing.LATE, "nobody came"


def test_an_outage_is_told_until_it_is_over(world: World) -> None:
    """Of every integration of the workspace."""
    try_in_vain(world, *[Unavailable(503, "away")] * 5)

    found = told(world)

    assert (found["sending"], found["because"]) == (False, standing.AWAY.format(5))
    assert found["until"] > iso(world.now)
    assert found["last_problem"]["status"] == 503
    assert waits(world, "ann") == {name: found[name] for name in ("because", "until")}
    world.drain_until_quiet()
    assert told(world) == SENDS


def test_a_window_with_nothing_left_is_waited_for(world: World) -> None:
    """As Braze's headers have it, before it answers 429."""
    world.accept(form("ann", 1))
    world.braze.answers = [Accepted(201, "success", 60, 3000, 0)]
    world.drain()

    found = told(world)

    assert (found["sending"], found["because"], found["until"]) == (False, standing.NONE_LEFT, iso(world.now + 60_000))


def test_a_ceiling_slows_down_and_stops_nothing(store_connection: redis.Redis) -> None:
    """It is what somebody asked for."""
    document = a_document()
    world = World(store_connection, braze=document["braze"] | {"rate_limit": {"requests": 1, "per_seconds": 60}})
    world.accept(form("ann", 1))
    world.drain()

    found = told(world)

    assert (found["sending"], found["because"], found["until"]) == (True, standing.CEILING, iso(world.now + 60_000))
    assert waits(world, "bob") == {"because": standing.CEILING, "until": iso(world.now + 60_000)}


def test_what_nobody_comes_for_is_told(world: World) -> None:
    """Where no worker runs, the rest looks as it should."""
    world.accept(form("ann", 1))
    world.now += 61_000

    assert told(world) == SENDS | {"sending": False, "because": standing.LATE}


def test_what_was_judged_again_a_moment_ago_is_not_called_late(world: World) -> None:
    """Whoever has just finished a setup would look for a dead worker."""
    world.accept(form("ann", 1))
    world.stores.connection.zadd(f"{own(world.integration)}:due", {"0": 0})  # as redo_finish.lua leaves it

    assert told(world) == SENDS
    world.stores.connection.set(f"{own(world.integration)}:lease:0", "somebody")
    assert told(world) == SENDS


def test_a_lost_worker_s_batch_waits_for_a_moment(world: World) -> None:
    """Nobody knows whether Braze has just written to these people."""
    world.accept(form("ann", 1))
    world.stores.inbox.step(world.integration, 0, "lost", now_ms=world.now)
    world.stores.connection.delete(f"{own(world.integration)}:lease:0")
    world.stores.connection.hset(f"{own(world.integration)}:lane:0", "quiet_until", world.now + 900)

    assert told(world) == SENDS | {"sending": False, "because": standing.QUIET, "until": iso(world.now + 900)}


def test_a_clock_that_was_set_back_makes_nothing_longer(world: World) -> None:
    """The gate moves its times along, and so is it told."""
    world.accept(form("ann", 1))
    world.braze.answers = [RateLimited(429, "slow down", reset_s=60)]
    world.drain()
    world.now -= 3_600_000

    assert told(world)["until"] <= iso(world.now + 66_000)


def test_whoever_was_just_written_to_waits_for_that(world: World) -> None:
    """And nobody else."""
    world.accept(form("ann", 1))
    world.drain()
    world.accept(form("ann", 2))
    world.drain()

    assert told(world) == SENDS
    assert waits(world, "ann") == {"because": standing.SPACING, "until": iso(world.now + 2000)}
    assert waits(world, "bob") == {"because": standing.TURN, "until": None}


def test_the_age_of_what_waits_is_told_also_where_it_is_not_due(world: World) -> None:
    """While Braze is away, nothing is due, and all the same it gets old."""
    store, integrations = world.stores.standing, [world.integration]
    assert store.oldest_waiting_s(integrations, now_s=world.now / 1000) == 0
    try_in_vain(world, Unavailable(503, "away"))
    began = min(head_ms(world))

    assert store.oldest_waiting_s(integrations, now_s=began / 1000 + 90) == pytest.approx(90, abs=0.01)
    assert store.oldest_waiting_s([], now_s=began / 1000 + 90) == 0


def head_ms(world: World) -> list[float]:
    found: Any = world.stores.connection.xrange(f"{own(world.integration)}:in:0")
    return [float(values[b"h"][1:].split(b",")[0]) / 1000 for _, values in found]


def test_what_was_replayed_waits_since_then(world: World) -> None:
    """It was dead before, and nobody wanted it sent."""
    bury(world.stores.connection, world.integration, "ann", 1)
    world.stores.connection.xadd(
        f"{own(world.integration)}:in:0", {"b": "{}", "h": "[1,2]", "p": "", "a": 1, "e": 1, "n": 1, "t": 5000, "c": ""}
    )
    world.stores.connection.hset(f"{own(world.integration)}:state", "lanes", 1)

    assert world.stores.standing.oldest_waiting_s([world.integration], now_s=8) == 3


def test_what_is_judged_again_counts_as_waiting(world: World) -> None:
    """It lies elsewhere meanwhile."""
    prefix = own(world.integration)
    world.stores.connection.hset(f"{prefix}:state", mapping={"lanes": 1, "redo": 2})
    world.stores.connection.xadd(f"{prefix}:annex", {"b": "{}", "h": "[4000000,2]"})
    world.stores.connection.xadd(f"{prefix}:new:0", {"b": "{}", "h": "[2000000,2]"})

    assert world.stores.standing.oldest_waiting_s([world.integration], now_s=8) == 6


def test_nothing_is_written(world: World) -> None:
    """Whoever looks changes nothing."""
    try_in_vain(world, Unavailable(503, "away"))
    prefix = own(world.integration)
    keys = (f"{prefix}:state", f"{prefix}:lane:0", f"{shared(world.integration.braze.workspace)}:gate:track")
    before = [world.stores.connection.hgetall(key) for key in keys]

    told(world)
    waits(world, "ann")

    assert [world.stores.connection.hgetall(key) for key in keys] == before
