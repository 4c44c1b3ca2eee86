import time
from datetime import UTC, datetime

import pytest
import redis

from tests.fakes import PowerCut, power_cut_after
from workers.errors import LeaseLost
from workers.store.jobs import AT_WORK, CALL_MS, KEEP_S, LEASE_MS, LISTED_MS, Jobs


@pytest.fixture
def jobs(store_connection: redis.Redis) -> Jobs:
    return Jobs(store_connection)


def test_a_job_is_kept_until_it_is_done(jobs: Jobs) -> None:
    """Whoever asked may look at it from another process."""
    made = jobs.create("replay", {"ids": ["a"]}, by="api")

    assert jobs.get(made.id) == made
    assert jobs.open() == [made.id]
    assert (made.state, made.asked, made.matched) == ("queued", {"ids": ["a"]}, 0)
    assert abs(made.created_ms - datetime.now(UTC).timestamp() * 1000) < 5000


def test_an_unknown_job_is_none(jobs: Jobs) -> None:
    """It may have been over for a week."""
    assert jobs.get("0" * 16) is None


@pytest.mark.parametrize("commands", range(4))
def test_a_job_is_made_wholly_or_not_at_all(store_connection: redis.Redis, commands: int) -> None:
    """One that nobody calls for would never be done, and one that is no job would be called for ever."""
    try:
        Jobs(power_cut_after(store_connection, commands)).create("discard", {}, by="cli")
    except PowerCut:
        assert Jobs(store_connection).open() == []
        assert Jobs(store_connection).recent() == []
    else:
        assert len(Jobs(store_connection).open()) == len(Jobs(store_connection).recent()) == 1


def test_only_one_works_on_a_job(jobs: Jobs, store_connection: redis.Redis) -> None:
    """Two would count everything twice."""
    job = jobs.create("replay", {}, by="api")

    assert jobs.take(job.id, "one")
    assert not Jobs(store_connection).take(job.id, "two")
    assert jobs.renew(job.id, "one")
    jobs.let_go(job.id, "one")
    assert Jobs(store_connection).take(job.id, "two")
    assert not jobs.renew(job.id, "one")


def test_a_job_may_rest_before_the_next_one_takes_it(jobs: Jobs, store_connection: redis.Redis) -> None:
    """It waits for something; whoever calls meanwhile need not look."""
    job = jobs.create("replay", {}, by="api")
    jobs.take(job.id, "one")
    jobs.let_go(job.id, "one", rest_s=5, spent_s=0.3)

    assert not jobs.take(job.id, "two")
    assert 3000 < store_connection.pttl(f"komo:job:{job.id}:lease") < 5000  # its call may come a little early
    assert jobs.to_call() == []
    assert 5000 < store_connection.pttl(f"komo:job:{job.id}:called") <= 5000 + CALL_MS
    assert store_connection.hget(f"komo:job:{job.id}", "spent") == b"300"


def test_a_few_jobs_are_at_work_and_the_others_stand_in_line(jobs: Jobs, store_connection: redis.Redis) -> None:
    """Thirty at once would leave no slot to deliveries."""
    made = [jobs.create("replay", {}, by="api").id for _ in range(AT_WORK + 2)]
    assert [jobs.take(one, f"token of {one}") for one in made] == [True] * AT_WORK + [False] * 2
    assert jobs.to_call() == []  # whoever makes room calls for them

    first = jobs.let_go(made[0], f"token of {made[0]}", rest_s=5)

    assert first in made[AT_WORK:]
    assert not jobs.take(jobs.create("replay", {}, by="api").id, "who comes by")
    assert jobs.take(str(first), "another")
    assert not jobs.take(made[-1] if first != made[-1] else made[-2], "one more")
    assert jobs.renew(str(first), "another")
    assert jobs.let_go(made[0], f"token of {made[0]}") is None  # it has left already


def test_who_stands_in_line_is_found_although_nobody_made_room_for_them(
    jobs: Jobs, store_connection: redis.Redis
) -> None:
    """Those at work were killed: their places are free after a while, and nobody says so."""
    made = [jobs.create("replay", {}, by="api").id for _ in range(AT_WORK + 1)]
    for one in made:
        jobs.take(one, f"token of {one}")
    store_connection.delete(*[f"komo:jobs:lease:{number}" for number in range(AT_WORK)])

    assert jobs.to_call() == made[AT_WORK:]
    assert jobs.take(made[AT_WORK], "another")


def test_a_call_that_is_on_its_way_is_not_made_twice(jobs: Jobs) -> None:
    """Calls would pile up in a queue that is long already."""
    job = jobs.create("replay", {}, by="api")

    jobs.expect_call(job.id)
    assert jobs.to_call() == []
    jobs.forget_call(job.id)
    assert jobs.to_call() == [job.id]
    assert jobs.to_call() == []


def test_a_job_in_a_list_is_short(jobs: Jobs) -> None:
    """A hundred of them with ten thousand ids each would be no answer."""
    asked = {"ids": ["a"], "rate": 5}

    told = jobs.create("replay", asked, by="api").short()

    assert told["asked"] == {"rate": 5}
    assert "result" not in told
    assert jobs.create("forget", {"value": "ann"}, by="api").short()["asked"] is None


def test_who_has_lost_a_job_writes_nothing_more(jobs: Jobs, store_connection: redis.Redis) -> None:
    """A frozen process may wake up after another has gone on."""
    job = jobs.create("replay", {}, by="api")
    jobs.take(job.id, "one")
    store_connection.delete(f"komo:job:{job.id}:lease")
    heir = Jobs(store_connection)
    heir.take(job.id, "two")
    heir.note(job.id, done=5)

    with pytest.raises(LeaseLost):
        jobs.note(job.id, done=1)
    with pytest.raises(LeaseLost):
        jobs.finish(job.id, state="done")
    jobs.let_go(job.id, "one")

    found = jobs.get(job.id)
    assert found is not None
    assert (found.done, found.state) == (5, "queued")
    heir.note(job.id, done=6)


def test_noting_keeps_the_lease(jobs: Jobs, store_connection: redis.Redis) -> None:
    """Who gets on does not lose the job."""
    job = jobs.create("replay", {}, by="api")
    jobs.take(job.id, "one")
    store_connection.pexpire(f"komo:job:{job.id}:lease", 1000)

    jobs.note(job.id, progress={"at": {"a": "1-1"}}, matched=3)

    assert store_connection.pttl(f"komo:job:{job.id}:lease") > LEASE_MS - 5000
    found = jobs.get(job.id)
    assert found is not None
    assert (found.progress, found.matched) == ({"at": {"a": "1-1"}}, 3)


def test_a_finished_job_is_kept_for_a_week(jobs: Jobs, store_connection: redis.Redis) -> None:
    """Long enough to look, and not for ever."""
    job = jobs.create("forget", {"value": "ann@example.com"}, by="api")
    jobs.take(job.id, "one")
    jobs.finish(job.id, state="done", result={"settled": 3}, keep_asked=False)

    found = jobs.get(job.id)
    assert found is not None
    assert (found.state, found.result, found.asked, found.finished) == ("done", {"settled": 3}, None, True)
    assert found.finished_at is not None
    assert jobs.open() == []
    assert KEEP_S - 10 <= int(store_connection.ttl(f"komo:job:{job.id}")) <= KEEP_S


def test_a_forget_s_person_is_never_shown(jobs: Jobs) -> None:
    """Whoever is to be forgotten should not be named in a listing meanwhile."""
    assert jobs.create("forget", {"value": "ann@example.com"}, by="api").shown()["asked"] is None
    assert jobs.create("replay", {"ids": ["a"]}, by="api").shown()["asked"] == {"ids": ["a"]}


def test_the_newest_jobs_are_listed_first_and_old_ones_go(jobs: Jobs, store_connection: redis.Redis) -> None:
    """The list of ids is bounded too."""
    first = jobs.create("replay", {}, by="api")
    time.sleep(0.002)
    second = jobs.create("discard", {}, by="api")
    assert [job.id for job in jobs.recent()] == [second.id, first.id]

    store_connection.zadd("komo:jobs", {first.id: first.created_ms - LISTED_MS - 1})
    third = jobs.create("replay", {}, by="api")

    assert {job.id for job in jobs.recent()} == {second.id, third.id}
