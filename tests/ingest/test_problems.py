"""Errors as problem+json."""

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from ingest.problems import problem, register
from workers.errors import Conflict, PipelineError, SealBroken, StaleVersion, StoreUnavailable, UnknownIntegration

RAISED: dict[str, Exception] = {
    "store": StoreUnavailable("The store at 10.0.0.1 can't be reached."),
    "unknown": UnknownIntegration("There is no integration x."),
    "stale": StaleVersion("Read it again."),
    "conflict": Conflict("Not now."),
    "seal": SealBroken("Sealed otherwise."),
    "bug": RuntimeError("ada@example.com"),
}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("errors")
    register(app)

    @app.get("/api/raise/<what>")
    def fail(what: str) -> str:
        raise RAISED[what]

    @app.get("/api/abort")
    def stop() -> str:
        abort(problem(409, "Not now", errors=[{"pointer": "/a", "detail": "b"}], headers={"Retry-After": "3"}))

    return app.test_client()


@pytest.mark.parametrize(
    ("what", "status"),
    [("store", 503), ("unknown", 404), ("stale", 412), ("conflict", 409), ("seal", 500), ("bug", 500)],
)
def test_every_error_has_its_status(client: FlaskClient, what: str, status: int) -> None:
    """Named after what happens next; the web adds only the number."""
    answer = client.get(f"/api/raise/{what}")

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json is not None
    assert answer.json["status"] == status
    if isinstance(RAISED[what], PipelineError) and what != "store":
        assert answer.json["detail"] == str(RAISED[what])


def test_a_store_that_is_away_says_when_to_come_back(client: FlaskClient) -> None:
    """And does not tell strangers where it is."""
    answer = client.get("/api/raise/store")

    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.1" not in answer.text


def test_a_bug_shows_neither_traceback_nor_data(client: FlaskClient) -> None:
    """The text of an error may quote a person's answers."""
    answer = client.get("/api/raise/bug")

    assert "ada@example.com" not in answer.text
    assert "Traceback" not in answer.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    """405 without Allow is half an answer."""
    answer = client.post("/api/abort")

    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert "GET" in answer.headers["Allow"]


def test_a_problem_given_to_abort_arrives_as_it_is(client: FlaskClient) -> None:
    """With its places and headers."""
    answer = client.get("/api/abort")

    assert answer.json == {
        "type": "about:blank",
        "title": "Not now",
        "status": 409,
        "errors": [{"pointer": "/a", "detail": "b"}],
    }
    assert answer.headers["Retry-After"] == "3"
