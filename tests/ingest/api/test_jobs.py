"""Jobs over HTTP."""

from dataclasses import replace
from time import sleep
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from workers.store import Stores

URL = "/api/v1/jobs"
PERSON = {"kind": "email", "value": "ada@example.com"}


def test_a_job_is_shown_from_its_first_moment(api: FlaskClient, woken: list[tuple[str, str, int]]) -> None:
    """The answer that starts it says where to look."""
    started = api.post("/api/v1/people/forget", json=PERSON)
    job_id = started.get_json()["id"]

    assert (started.status_code, started.location) == (202, f"{URL}/{job_id}")
    assert woken == [("job", job_id, 0)]
    shown = api.get(started.location).get_json()
    assert shown == started.get_json()
    assert (shown["kind"], shown["state"], shown["started_at"], shown["done"]) == ("forget", "queued", None, 0)


def test_a_job_that_failed_says_why(api: FlaskClient, stores: Stores) -> None:
    """The API is often the only thing that an operator can reach."""
    job = stores.jobs.create("discard", {"filter": {}}, by="test")
    assert stores.jobs.take(job.id, "mine")
    stores.jobs.finish(job.id, state="failed", why="The disk is full.")

    shown = api.get(f"{URL}/{job.id}").get_json()

    assert (shown["state"], shown["why"]) == ("failed", "The disk is full.")


def test_jobs_are_listed_newest_first(api: FlaskClient, stores: Stores) -> None:
    """Whoever lost an id finds it, and who was to be forgotten is not named."""
    made = [api.post("/api/v1/people/forget", json=PERSON).get_json()["id"]]
    sleep(0.002)
    made.append(stores.jobs.create("discard", {"ids": ["a"], "rate": 1}, by="test").id)

    answer = api.get(URL)

    assert [one["id"] for one in answer.get_json()["items"]] == made[::-1]
    assert [one["asked"] for one in answer.get_json()["items"]] == [{"rate": 1}, None]
    assert "ada@example.com" not in answer.text
    assert [one["id"] for one in api.get(URL, query_string={"limit": 1}).get_json()["items"]] == made[1:]
    assert api.get(URL, query_string={"limit": 0}).status_code == 422
    assert api.get(URL, query_string={"state": "running"}).status_code == 422


def test_a_job_can_be_stopped(api: FlaskClient, stores: Stores) -> None:
    """Somebody asked for every dead letter, and meant a few."""
    job = stores.jobs.create("replay", {"filter": {"text": "Ada"}}, by="test")

    answer = api.post(f"{URL}/{job.id}/stop")

    assert (answer.status_code, answer.get_json()["state"]) == (200, "stopped")
    assert answer.get_json() == api.get(f"{URL}/{job.id}").get_json() == api.post(f"{URL}/{job.id}/stop").get_json()
    assert stores.jobs.open() == []
    assert api.post(f"{URL}/0123456789abcdef/stop").status_code == 404


def test_the_sweep_does_not_call_for_what_was_just_called(api: FlaskClient, stores: Stores) -> None:
    """Unless the call could not be made."""
    api.post("/api/v1/people/forget", json=PERSON)

    assert stores.jobs.to_call() == []


def test_a_job_nobody_made_is_404(api: FlaskClient) -> None:
    """Or one that ended more than a week ago."""
    answer = api.get(f"{URL}/0123456789abcdef")

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_broker_that_is_away_does_not_lose_a_job(app: Flask, api: FlaskClient, stores: Stores) -> None:
    """It is in the store, where the sweep finds it."""

    def broken(*_: Any) -> None:
        raise ConnectionError

    app.extensions["komo_braze"] = replace(app.extensions["komo_braze"], wake=broken)

    started = api.post("/api/v1/people/forget", json=PERSON)

    assert started.status_code == 202
    assert stores.jobs.open() == stores.jobs.to_call() == [started.get_json()["id"]]


@pytest.mark.parametrize("url", [f"{URL}/x", "/api/v1/dead-letters", "/api/v1/dead-letters/x"])
def test_jobs_and_dead_letters_are_nobody_s_business(anybody: FlaskClient, url: str) -> None:
    """They hold what people typed."""
    assert anybody.get(url).status_code == 401
