"""The pages about jobs."""

from tests.ingest.pages.komo import connect
from tests.visitor import Visitor, tags, words
from workers.store import Stores


def test_a_job_tells_how_far_it_is(visitor: Visitor, stores: Stores) -> None:
    """With a bar that a screen reader reads, and that moves by itself."""
    connect(stores)
    job = stores.jobs.create("replay", {"filter": {"integration": "summer-hub"}, "rate": 5}, by="page")
    assert stores.jobs.take(job.id, "mine")
    stores.jobs.begin(job.id)
    stores.jobs.note(job.id, matched=10, done=3, skipped=1)

    page = visitor.open(f"/jobs/{job.id}")

    (bar,) = tags(page, "progress")
    assert (bar["value"], bar["max"]) == ("4", "10")
    for told in ("Replay dead letters", "At work", "4 of 10", "Letters a second, at most 5"):
        assert told in words(page)
    assert f"/jobs/{job.id}" in [part.get("data-refresh") for part in tags(page, "section")]
    assert "X-Refresh" not in visitor.open(f"/jobs/{job.id}?fragment=1").headers
    assert "4 of 10" in words(visitor.open("/jobs?fragment=1"))


def test_a_job_can_be_stopped(visitor: Visitor, stores: Stores) -> None:
    """Somebody asked for every dead letter, and meant a few."""
    connect(stores)
    job = stores.jobs.create("discard", {"filter": {}}, by="page")

    page = visitor.send(f"/jobs/{job.id}", f"/jobs/{job.id}/stop")

    assert "Stopped" in words(page)
    assert "data-refresh" not in page.text
    assert stores.jobs.open() == []


def test_an_end_says_why_some_were_left_alone(visitor: Visitor, stores: Stores) -> None:
    """In words; and a failure says what failed."""
    job = stores.jobs.create("replay", {"ids": ["a"]}, by="page")
    assert stores.jobs.take(job.id, "mine")
    stores.jobs.note(job.id, matched=3, done=1, skipped=2)
    stores.jobs.finish(job.id, state="failed", why="The disk is 100% full.", result={"skipped": {"bad_identifier": 2}})

    page = words(visitor.open(f"/jobs/{job.id}"))

    for told in ("Failed", "The disk is 100% full.", "Left as they are 2 2: The person can't be told", "3 of 3"):
        assert told in page


def test_a_job_that_nobody_made_is_not_there(visitor: Visitor) -> None:
    """Nor can it be stopped."""
    assert visitor.open("/jobs/nothing").status_code == 404
    assert visitor.send("/jobs", "/jobs/nothing/stop").status_code == 404
    assert "There are none." in words(visitor.open("/jobs"))


def test_dry_runs_are_not_listed(visitor: Visitor, stores: Stores) -> None:
    """They are over before anybody looks, and have changed nothing."""
    stores.jobs.keep_finished("replay", {"dry_run": True, "ids": ["a"]}, {}, by="api", matched=1)

    assert "There are none." in words(visitor.open("/jobs"))
