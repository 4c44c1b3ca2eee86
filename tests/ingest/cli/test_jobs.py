"""`komo-braze jobs`, as a person types it."""

from collections.abc import Callable

import orjson

from workers.store import Stores

Run = Callable[..., tuple[int, str, str]]


def test_a_job_can_be_looked_at_later(komo_braze: Run, stores: Stores) -> None:
    """By the id that was printed when it began."""
    job = stores.jobs.create("discard", {"filter": {}}, by="test")
    stores.jobs.take(job.id, "worker")
    stores.jobs.finish(job.id, state="done", result={"skipped": {"gone": 2}})

    status, out, err = komo_braze("jobs", "show", job.id)
    told = orjson.loads(komo_braze("jobs", "show", job.id, "--json")[1])

    assert (status, err) == (0, "")
    assert out.split()[:3] == [job.id, "discard", "done"]
    assert '{"gone":2}' in out
    assert told["result"] == {"skipped": {"gone": 2}}


def test_jobs_are_listed_and_stopped(komo_braze: Run, stores: Stores) -> None:
    """Somebody asked for everything, and meant a few."""
    assert komo_braze("jobs", "list") == (0, "There are no jobs.\n", "")
    job = stores.jobs.create("replay", {"filter": {"text": "Ada"}}, by="test")

    status, out, err = komo_braze("jobs", "stop", job.id)

    assert (status, err) == (0, "")
    assert out.split()[:3] == [job.id, "replay", "stopped"]
    assert komo_braze("jobs", "list")[1].splitlines()[1].split()[:3] == [job.id, "replay", "stopped"]
    (listed,) = orjson.loads(komo_braze("jobs", "list", "--json")[1])["items"]
    assert (listed["id"], listed["asked"]) == (job.id, {"filter": {}})
    assert komo_braze("jobs", "stop", "x") == (1, "", "Error: There is no job x, or it is no longer kept.\n")


def test_a_job_nobody_made_is_one_sentence(komo_braze: Run) -> None:
    """Or one that ended more than a week ago."""
    assert komo_braze("jobs", "show", "x") == (1, "", "Error: There is no job x, or it is no longer kept.\n")
