import contextlib

import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from schemas.dead_letter import LetterFilter, ReplayOptions
from tests.workers.test_drain import PowerCut, cut_after
from tests.workers.test_replay import Graveyard
from workers.discard import advance as discard
from workers.store.keys import own

EVERYTHING = ReplayOptions(filter=LetterFilter())


@pytest.fixture
def world(store_connection: redis.Redis) -> Graveyard:
    return Graveyard(store_connection)


def test_dead_letters_are_given_up(world: Graveyard) -> None:
    """A person has looked at them, and nothing is to be done any more."""
    ids = [world.bury("ann", number, why="too_big" if number > 2 else "refused") for number in range(1, 5)]

    job = world.work(world.ask(ReplayOptions(filter=LetterFilter(reason="too_big")), "discard"))

    assert (job.state, job.matched, job.done, job.skipped) == ("done", 2, 2, 0)
    assert (world.ledger()["dead"], world.ledger()["discarded"]) == (2, 2)
    assert world.stores.dead_letters.show(ids[3]) is None
    assert world.work(world.ask(ReplayOptions(ids=(ids[0],)), "discard")).done == 1


def test_a_letter_that_was_replayed_meanwhile_is_left_alone(world: Graveyard) -> None:
    """What waits is not discarded by a list that is older."""
    world.bury("ann", 1)
    job = world.ask(EVERYTHING, "discard")
    discard(world.job(job), world.stores, lambda: True, world.wake)
    world.replay()

    assert world.work(job).result == {"skipped": {"gone": 1}}
    assert (world.ledger()["waiting"], world.ledger()["discarded"]) == (1, 0)


@pytest.mark.parametrize("answered", [False, True])
def test_a_discard_may_die_at_any_command(answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run finishes, and each letter is counted once."""
    monkeypatch.setattr("workers.discard.PAGE", 3)
    monkeypatch.setattr("workers.store.dead_letters.FIRST_PAGE", 3)
    monkeypatch.setattr("workers.store.dead_letters.LAST_PAGE", 3)
    commands, cut = 0, True
    while cut:
        commands += 1
        server = FakeServer()
        world = Graveyard(FakeRedis(server=server))
        for number in range(1, 9):
            world.bury("ann", number)
        job = world.ask(EVERYTHING, "discard")
        cut_after(world.stores.connection, commands, answered=answered)
        with contextlib.suppress(PowerCut):
            cut = world.go_on(job)
        world.reopen(FakeRedis(server=server))
        world.stores.connection.delete(*world.stores.connection.keys("*:lease*") or ["none"])
        told = world.work(job) if cut else world.job(job)

        assert (told.state, told.matched, told.done, told.skipped) == ("done", 8, 8, 0)
        assert (world.ledger()["discarded"], world.ledger()["dead"]) == (8, 0)
        assert world.stores.connection.xlen(f"{own(world.integration)}:settled") == 8
        assert not world.stores.connection.exists(f"{own(world.integration)}:open", "{acme}:open")
    assert commands > 15
