import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.workers.test_replay import Graveyard
from workers import jobs
from workers.errors import LeaseLost, StoreUnavailable
from workers.jobs import MOST_FAILURES, advance
from workers.store.jobs import Job


@pytest.fixture
def world(store_connection: redis.Redis) -> Graveyard:
    return Graveyard(store_connection)


def steps(monkeypatch: pytest.MonkeyPatch, step: Callable[[Job], bool]) -> None:
    """Make every job do this."""
    monkeypatch.setitem(jobs.STEPS, "replay", lambda job, stores, until, wake: step(job))  # noqa: ARG005


def broken(_: Job) -> bool:
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

    assert advance(job.id, world.stores, world.wake, budget_s=1)
    assert advance("f" * 16, world.stores, world.wake, budget_s=1)
    assert world.stores.jobs.open() == []


def test_a_job_that_somebody_works_on_is_left_alone(world: Graveyard) -> None:
    """Doubled calls are harmless."""
    job = world.ask()
    world.stores.jobs.take(job.id, "somebody")

    assert advance(job.id, world.stores, world.wake, budget_s=1)
    assert world.job(job).state == "queued"


def test_who_loses_a_job_stops(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one goes on, and it is no failure."""

    def frozen(job: Job) -> bool:
        world.stores.connection.set(f"komo:job:{job.id}:lease", "another")
        world.stores.jobs.note(job.id, done=5)
        raise AssertionError("nobody gets here")

    steps(monkeypatch, frozen)
    job = world.ask()

    assert advance(job.id, world.stores, world.wake, budget_s=1)
    assert (world.job(job).done, world.job(job).failures) == (0, 0)
    assert world.stores.connection.get(f"komo:job:{job.id}:lease") == b"another"


def test_a_job_that_fails_is_tried_again_but_not_for_ever(
    world: Graveyard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Something may be in the way for a moment; what fails always is told."""
    world.bury("ann", 1)
    steps(monkeypatch, broken)
    job = world.ask()

    answers = [advance(job.id, world.stores, world.wake, budget_s=1) for _ in range(MOST_FAILURES)]

    assert answers == [False] * (MOST_FAILURES - 1) + [True]
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
        advance(job.id, world.stores, world.wake, budget_s=1)
    assert world.job(job).failures == 3
    steps(monkeypatch, lambda _: False)

    assert not advance(job.id, world.stores, world.wake, budget_s=1)
    assert world.job(job).failures == 0


def test_calls_for_a_job_that_waits_do_not_multiply(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep calls every second, and each call would call again, for as long as the job waits."""
    steps(monkeypatch, lambda _: False)
    job = world.ask()

    answers = [advance(job.id, world.stores, world.wake, budget_s=10, rest_s=10) for _ in range(3)]

    assert answers == [False, True, True]
    assert world.job(job).state == "running"


def test_a_job_that_ran_out_of_time_goes_on_at_once(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has left the slot to others; it waits for nothing."""
    steps(monkeypatch, lambda _: False)
    job = world.ask()

    assert [advance(job.id, world.stores, world.wake, budget_s=0, rest_s=10) for _ in range(2)] == [False, False]


@pytest.mark.parametrize("error", [StoreUnavailable, LeaseLost])
def test_a_store_that_is_away_is_no_failure_of_the_job(
    world: Graveyard, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It comes back, after days perhaps."""

    def away(_: Job) -> bool:
        raise error("away")

    steps(monkeypatch, away)
    job = world.ask()
    try:
        advance(job.id, world.stores, world.wake, budget_s=1)
    except StoreUnavailable:
        assert error is StoreUnavailable

    assert world.job(job).failures == 0
    assert world.stores.jobs.take(job.id, "the next one")
