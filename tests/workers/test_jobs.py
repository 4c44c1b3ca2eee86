import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis

from schemas.dead_letter import LetterFilter, ReplayOptions, SoughtPerson
from tests.workers.test_replay import Graveyard
from workers import jobs
from workers.errors import LeaseLost, StoreUnavailable
from workers.jobs import GO_ON_S, MOST_FAILURES, advance, stop
from workers.store.jobs import AT_WORK, Job


@pytest.fixture
def world(store_connection: redis.Redis) -> Graveyard:
    return Graveyard(store_connection)


def steps(monkeypatch: pytest.MonkeyPatch, step: Callable[[Job], float | None]) -> None:
    """Make every replay do this."""
    monkeypatch.setitem(jobs.STEPS, "replay", lambda job, stores, until, wake: step(job))  # noqa: ARG005


def broken(_: Job) -> float:
    raise RuntimeError("ann@example.com could not be read")


def test_a_job_says_when_it_began_and_when_it_was_over(world: Graveyard, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each, with numbers and without what was asked."""
    caplog.set_level(logging.INFO, "komo_braze")
    world.bury("ann", 1)

    job = world.replay()

    told: list[Any] = [one for one in caplog.records if one.message.startswith("job.")]
    assert [one.message for one in told] == ["job.begun", "job.done"]
    assert (told[1].job, told[1].kind, told[1].matched, told[1].done) == (job.id, "replay", 1, 1)
    assert job.started_at is not None
    assert job.finished_at is not None


def test_what_is_over_or_unknown_is_not_called_again(world: Graveyard) -> None:
    """The sweep asks for whatever is on the list."""
    job = world.replay()
    world.stores.connection.sadd("komo:jobs:open", job.id, "f" * 16)

    assert advance(job.id, world.stores, world.wake, budget_s=1) is None
    assert advance("f" * 16, world.stores, world.wake, budget_s=1) is None
    assert world.stores.jobs.open() == []


def test_a_job_that_somebody_works_on_is_left_alone(world: Graveyard) -> None:
    """Doubled calls are harmless."""
    job = world.ask()
    world.stores.jobs.take(job.id, "somebody")

    assert advance(job.id, world.stores, world.wake, budget_s=1) is None
    assert world.job(job).state == "queued"


def test_who_loses_a_job_stops(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one goes on, and it is no failure."""

    def frozen(job: Job) -> float:
        world.stores.connection.set(f"komo:job:{job.id}:lease", "another")
        world.stores.jobs.note(job.id, done=5)
        raise AssertionError("nobody gets here")

    steps(monkeypatch, frozen)
    job = world.ask()

    assert advance(job.id, world.stores, world.wake, budget_s=1) is None
    assert (world.job(job).done, world.job(job).failures) == (0, 0)
    assert world.stores.connection.get(f"komo:job:{job.id}:lease") == b"another"


def test_a_job_that_fails_is_tried_again_but_not_for_ever(
    world: Graveyard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Something may be in the way for a moment; what fails always is told."""
    world.bury("ann", 1)
    steps(monkeypatch, broken)
    job = world.ask()

    answers = [world.go_on(job) for _ in range(MOST_FAILURES)]

    assert answers == [True] * (MOST_FAILURES - 1) + [False]
    assert world.job(job).state == "failed"
    assert "20 times" in world.job(job).why
    assert "ann@example.com" not in world.job(job).why
    assert world.stores.jobs.open() == []
    assert [one.message for one in caplog.records] == ["job.failed"] * MOST_FAILURES


def test_a_failure_is_forgotten_when_it_gets_on(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only failures in a row mean that it will never be done."""
    steps(monkeypatch, broken)
    job = world.ask()
    for _ in range(3):
        world.go_on(job)
    assert world.job(job).failures == 3
    steps(monkeypatch, lambda _: 0.0)

    assert world.go_on(job)
    assert world.job(job).failures == 0


def test_calls_for_a_job_that_waits_do_not_multiply(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them would call again, for as long as the job waits."""
    steps(monkeypatch, lambda _: 30.0)
    job = world.ask()

    answers = [advance(job.id, world.stores, world.wake, budget_s=10) for _ in range(3)]

    assert answers == [30.0, None, None]
    assert world.job(job).state == "running"


def test_a_job_that_ran_out_of_time_goes_on_soon(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has left its place to others; it waits for nothing."""
    steps(monkeypatch, lambda _: 0.0)
    job = world.ask()

    assert advance(job.id, world.stores, world.wake, budget_s=0) == GO_ON_S
    assert 0 < world.stores.connection.pttl(f"komo:job:{job.id}:lease") < GO_ON_S * 1000


def test_a_place_goes_to_whoever_had_the_least(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A discard of one letter does not wait for thirty people to be forgotten."""
    made = [world.ask() for _ in range(4)]
    for job, spent in zip(made, (0, 900, 300, 800), strict=True):
        world.stores.connection.hset(f"komo:job:{job.id}", "spent", spent)
    others = [world.ask() for _ in range(AT_WORK - 1)]

    def step(job: Job) -> float:
        for other in others:
            assert world.stores.jobs.take(other.id, f"token of {other.id}")
        assert [advance(one.id, world.stores, world.wake, budget_s=1) for one in made[1:]] == [None] * 3
        return 5.0

    steps(monkeypatch, step)

    assert advance(made[0].id, world.stores, world.wake, budget_s=1) == 5.0
    assert world.wake.made == [("job", made[2].id, 0)]
    assert world.job(made[2]).state == "queued"


def test_a_broker_that_is_away_leaves_the_next_one_to_the_sweep(
    world: Graveyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that made room is not held up by it."""
    first, second = world.ask(), world.ask()
    others = [world.ask() for _ in range(AT_WORK - 1)]

    def step(_: Job) -> float:
        for other in others:
            assert world.stores.jobs.take(other.id, f"token of {other.id}")
        assert advance(second.id, world.stores, world.wake, budget_s=1) is None
        return 5.0

    steps(monkeypatch, step)
    world.wake.away = True

    assert advance(first.id, world.stores, world.wake, budget_s=1) == 5.0
    assert world.stores.jobs.to_call() == [second.id]


def test_a_job_that_is_stopped_does_no_more(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did stands, and is told."""
    monkeypatch.setattr("workers.replay.PAGE", 2)
    ids = [world.bury("ann", number) for number in range(1, 6)]
    job = world.ask(ReplayOptions(ids=(*ids, "nonsense"), rate=2))
    assert world.go_on(job)

    stopped = stop(job.id, world.stores)

    assert stopped is not None
    assert (stopped.state, stopped.matched, stopped.done, stopped.finished) == ("stopped", 5, 2, True)
    assert stopped.result == {"gone": ["nonsense"], "left": 3}
    assert advance(job.id, world.stores, world.wake, budget_s=1) is None
    assert (world.ledger()["dead"], world.stores.jobs.open(), world.stores.jobs.to_call()) == (3, [], [])
    assert world.stores.connection.keys(f"*{job.id}*") == [f"komo:job:{job.id}".encode()]
    assert stop(job.id, world.stores) == stopped
    assert stop("f" * 16, world.stores) is None


def test_who_is_at_work_on_a_stopped_job_stops_too(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves neither a list nor a place behind."""

    def step(job: Job) -> float:
        stop(job.id, world.stores)
        world.stores.dead_letters.moves.add(world.integration, job.id, {"1-1": 1})
        world.stores.jobs.note(job.id, done=5)
        raise AssertionError("nobody gets here")

    steps(monkeypatch, step)
    job = world.ask()

    assert advance(job.id, world.stores, world.wake, budget_s=1) is None
    assert (world.job(job).state, world.job(job).done) == ("stopped", 0)
    assert world.stores.connection.keys(f"*{job.id}*") == [f"komo:job:{job.id}".encode()]
    assert world.stores.connection.keys("komo:jobs:lease:*") == []


def test_a_stopped_forget_names_nobody(world: Graveyard) -> None:
    """Nor does it keep what it had learned about them."""
    job = world.stores.jobs.create("forget", {"kind": "external_id", "value": "ann"}, by="test")
    advance(job.id, world.stores, world.wake, budget_s=0)

    stopped = stop(job.id, world.stores)

    assert stopped is not None
    assert (stopped.state, stopped.asked) == ("stopped", None)
    assert world.stores.connection.keys(f"*{job.id}*") == [f"komo:job:{job.id}".encode()]


@pytest.mark.parametrize("kind", ["replay", "discard"])
def test_whom_a_job_was_about_is_not_kept(world: Graveyard, kind: Any) -> None:
    """Somebody may ask that this person is forgotten: no job of last week may name them."""
    world.bury("ann", 1)
    wanted = LetterFilter(reason="refused", identifier=SoughtPerson(None, "ann"), text="ann")
    job = world.ask(ReplayOptions(filter=wanted), kind)
    assert world.job(job).shown()["asked"] == {"filter": {"reason": "refused"}}

    ended = world.work(job)

    assert (ended.done, ended.asked) == (1, {"filter": {"reason": "refused"}})
    kept: Any = world.stores.connection.hgetall(f"komo:job:{job.id}")
    assert b"ann" not in b"".join(kept.values())


@pytest.mark.parametrize("error", [StoreUnavailable, LeaseLost])
def test_a_store_that_is_away_is_no_failure_of_the_job(
    world: Graveyard, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It comes back, after days perhaps."""

    def away(_: Job) -> float:
        raise error("away")

    steps(monkeypatch, away)
    job = world.ask()
    try:
        advance(job.id, world.stores, world.wake, budget_s=1)
    except StoreUnavailable:
        assert error is StoreUnavailable

    assert world.job(job).failures == 0
    assert world.stores.jobs.take(job.id, "the next one")
