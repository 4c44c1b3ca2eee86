"""
What is promised, checked in worlds full of trouble.

`SIMULATIONS=2000 pytest tests/workers/test_promises.py` runs longer; a failure names its seed, and
`SIMULATION=seed` runs that one again.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from schemas.dead_letter import LetterFilter, ReplayOptions
from schemas.integration import Integration
from tests.workers.simulated_hubs import MEMBERS
from tests.workers.simulation import World
from workers.store.keys import own

HUBS = ("summer", "winter", "spring")
SECOND = 1000.0
#: How long after the end of all trouble everything has to be settled.
PATIENCE_MS = 4000 * SECOND


def seeds() -> list[int]:
    if one := os.environ.get("SIMULATION"):
        return [int(one)]
    first = int(os.environ.get("SIMULATIONS_FROM", "0"))
    return list(range(first, first + int(os.environ.get("SIMULATIONS", "10"))))


@pytest.mark.parametrize("seed", seeds())
def test_all_promises_hold_in_a_world_full_of_trouble(seed: int, redis_server: str) -> None:
    """Whatever happens in whatever order: nothing lost, nothing out of order, nothing left behind."""
    redis.Redis.from_url(redis_server).flushall()
    # Every task runs on a thread of its own here, so that connections belong to none.
    live(seed, lambda: redis.Redis.from_url(redis_server, protocol=2))


@pytest.mark.parametrize("seed", [2, 17])
def test_the_imitation_of_the_store_keeps_them_too(seed: int) -> None:
    """Two worlds only, as it is slow; but its Lua is another, and counts differently."""
    server = FakeServer()
    live(seed, lambda: FakeRedis(server=server))


def live(seed: int, connections: Callable[[], redis.Redis]) -> None:
    rng = Random(seed)
    world = World(
        rng, connections, spacing_ms=rng.choice((2000, 2000, 500, 0)), manner=rng.choice(("some", "none", "silent")),
        lanes=rng.choice((1, 2, 4)), trouble=rng.choice((0.0, 0.1, 0.3)), moves=seed % 2 == 0,
    )  # fmt: skip
    try:
        trouble(world)
        recover(world)
        check_the_end(world)
    except BaseException as error:
        error.add_note("\n".join(world.story[-60:]))
        raise
    finally:
        for worker in world.workers:
            if not worker.ended:
                world.kill(worker)


def trouble(world: World) -> None:
    rng = world.rng
    for hub in HUBS:
        world.save(hub)
    world.at(world.now, lambda: sweeping(world))
    quiet = rng.random() < 0.3
    weights = {
        accept: 60, save: 0 if quiet else 5, World.pause: 3, World.resume: 5, delete: 0 if quiet else 1, kill: 8,
        # A workspace that was left forgets who set what, so that a replay after a return knows of nothing newer.
        replay: 0 if world.moves else 6, discard: 1, forget: 1 if seed_forgets(world) else 0, let_go: 2,
    }  # fmt: skip
    for _ in range(rng.choice((10, 20, 40))):
        [happens] = rng.choices(list(weights), list(weights.values()))
        happens(world, rng.choice(HUBS))
        world.run_until(world.now + rng.choice((0, 10, 200, 3000, 3000, 60_000)))


def accept(world: World, hub: str) -> None:
    world.accept(hub, world.rng.choice((1, 1, 3, 10, 40)))


def save(world: World, hub: str) -> None:
    world.save(hub)


def delete(world: World, hub: str) -> None:
    world.delete(hub)
    world.save(hub)


def kill(world: World, _: str) -> None:
    if world.trouble:
        world.kill_one()


def replay(world: World, hub: str) -> None:
    chosen = LetterFilter(integration=world.rng.choice((hub, None)))
    world.ask("replay", ReplayOptions(filter=chosen).to_json())


def discard(world: World, hub: str) -> None:
    world.ask("discard", ReplayOptions(filter=LetterFilter(integration=hub)).to_json())


def forget(world: World, _: str) -> None:
    world.ask("forget", {"kind": "external_id", "value": f"p{world.rng.randrange(MEMBERS)}", "alias_label": None})


def let_go(world: World, hub: str) -> None:
    world.let_go(hub, after_ms=world.rng.choice((0, 3000, 60_000)))


def seed_forgets(world: World) -> bool:
    """In some worlds somebody is forgotten, so that not everything that was accepted can be found in the end."""
    return world.lanes == 2


def sweeping(world: World) -> None:
    world.sweep()
    world.at(world.now + SECOND, lambda: sweeping(world))


def recover(world: World) -> None:
    """Braze is well, everything is switched on, nobody is killed any more."""
    world.tell("the trouble ends")
    world.trouble = world.braze.trouble = 0
    for hub in HUBS:
        world.resume(hub)
    until = world.now + PATIENCE_MS
    while world.now < until and (any(_waits(world, hub) for hub in HUBS) or world.stores.jobs.open()):
        world.run_until(world.now + 10 * SECOND)
    for hub in HUBS:
        world.let_go(hub, after_ms=0)
    # Time for what ends by itself.
    world.run_until(world.now + 120 * SECOND)


def _waits(world: World, hub: str) -> int:
    told = world.stores.ledger.read(integration(world, hub))
    return told["waiting"] + told["in_flight"]


def integration(world: World, hub: str) -> Integration:
    return world.stores.integrations.get(hub).integration


def check_the_end(world: World) -> None:
    # What is mapped no longer is not counted, as it does not leave once more.
    mapped = {rule.name for hub in HUBS for rule in integration(world, hub).events}
    doubled = [event for event, count in world.braze.applied.events.items() if count > 1 and event[1] in mapped]
    told = [world.stores.ledger.read(integration(world, hub)) for hub in HUBS]
    assert [one["waiting"] + one["in_flight"] + one["held"] for one in told] == [0, 0, 0], told
    assert world.stores.jobs.open() == []
    states = [job.state for job in world.stores.jobs.recent(1000)]
    assert set(states) <= {"done"}, states
    deleted = any("deleted" in line for line in world.story)
    assert deleted or len(doubled) <= sum(one["possible_duplicates"] for one in told), (doubled, told)
    for hub in HUBS:
        check_outcomes(world, hub)
    for (profile, name), values in world.braze.applied.values.items():
        if name.startswith("last_"):
            assert int(values[-1]) == max(map(int, values)), (profile, name, values)
    check_nothing_is_left(world)


def check_outcomes(world: World, hub: str) -> None:
    """Each submission has exactly one outcome, and what was delivered has arrived."""
    prefix, seen = own(integration(world, hub)), dict[str, str]()
    records: Any = world.connection.xrange(f"{prefix}:settled")
    for _, record in records:
        heads, results = orjson.loads(record[b"h"]), orjson.loads(record[b"r"])
        for head, (outcome, *_) in zip(heads, results, strict=True):
            submission = f"{head[1]:x}{head[2]}"
            assert submission not in seen
            seen[submission] = outcome
            if outcome == "delivered":
                check_arrived(world, hub, submission, head, int(record[b"v"]))
    letters: Any = world.connection.xrange(f"{prefix}:dlq")
    for _, letter in letters:
        head = orjson.loads(letter[b"h"])
        submission = f"{head[1]:x}{head[2]}"
        assert submission not in seen
        seen[submission] = "dead"
        body = world.accepted[hub][submission].body
        is_bad = "bad" in (body.get("team"), body.get("card_name")) or world.braze.most_objects < 10
        assert is_bad or letter[b"why"] == b"bad_identifier", f"{submission} died for nothing: {letter}"
    if seed_forgets(world) and any("forget" in line for line in world.story):
        assert seen.keys() <= world.accepted[hub].keys()
    else:
        assert seen.keys() == world.accepted[hub].keys()


def check_arrived(world: World, hub: str, submission: str, head: list[Any], version: int) -> None:
    document = world.documents[hub, version]
    missing = [rule["name"] for rule in document["events"] if not world.braze.applied.events[submission, rule["name"]]]
    assert not missing, f"{submission} of {hub} was delivered, but without {missing}"
    if document["attributes"] and world.accepted[hub][submission].body.get("first_name"):
        number = world.accepted[hub][submission].number
        # What was taken before the rules for people changed is not sent again under the person's new name.
        applied = world.braze.applied.values
        member = head[3][1].partition("@")[0]
        names = (member, f"{member}@example.com")
        values = [
            one for (who, name), got in applied.items() if name == f"last_{hub}" and who[1] in names for one in got
        ]
        assert max(map(int, values), default=0) >= number, f"{submission} of {hub}: {number} not in {values}"


def check_nothing_is_left(world: World) -> None:
    """An idle system keeps what is settled, and what it needs to recognise repeats; nothing else."""
    assert world.stores.inbox.active() == [], world.connection.keys("*:due")
    kept = (
        "state",
        "ledger",
        "latency",
        "settled",
        "dlq",
        "reasons",
        "seen",
        "lane",
        "in",
        "gate",
        "ceilings",
        "open",
        "times",
        "known",
        "names",
        "jobdone",
    )  # of a job whose worker was killed at its very end; expires
    keys: list[Any] = world.connection.keys()
    names = [key.decode() for key in keys if key.startswith(b"{")]
    parts = {name: [*name.split("}:", 1)[1].split(":")] for name in names}
    left = [name for name, part in parts.items() if not {part[0], *part[1:2]} & {*kept}]
    assert left == [], left
