"""Forgetting people over HTTP."""

from collections.abc import Callable
from typing import Any, NoReturn

import orjson
import pytest
from flask.testing import FlaskClient

from tests.ingest.api.conftest import READ_TOKEN
from workers.errors import StoreUnavailable
from workers.store import Stores

URL = "/api/v1/people/forget"


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "email", "value": "Ada@Example.com"},
        {"kind": "user_alias", "value": "ada", "alias_label": "login"},
        {"kind": "phone", "value": "0412 345 678"},
    ],
)
def test_forgetting_is_a_job_that_does_not_tell_whom(api: FlaskClient, stores: Stores, asked: dict[str, Any]) -> None:
    """Whoever looks at the job later need not know the person."""
    answer = api.post(URL, json=asked)

    assert answer.status_code == 202
    assert asked["value"] not in answer.text
    job = stores.jobs.get(answer.get_json()["id"])
    assert job
    assert (job.kind, job.asked) == ("forget", asked)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"value": "a"}, "/kind"),
        ({"kind": "e-mail", "value": "a"}, "/kind"),
        ({"kind": "email"}, "/value"),
        ({"kind": "email", "value": "  "}, "/value"),
        ({"kind": "email", "value": 7}, "/value"),
        ({"kind": "user_alias", "value": "a"}, "/alias_label"),
        ({"kind": "email", "value": "a", "alias_label": "email"}, "/alias_label"),
        ({"kind": "email", "value": "a", "reason": "asked"}, "/reason"),
    ],
)
def test_a_person_who_is_not_named_rightly_is_not_looked_for(
    api: FlaskClient, stores: Stores, asked: dict[str, Any], place: str
) -> None:
    """A job that finds nobody would look like an answer."""
    answer = api.post(URL, json=asked)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [place]
    assert stores.jobs.open() == []


EXPORT = "/api/v1/people/export"


def test_everything_about_a_person_is_told_line_by_line(api: FlaskClient) -> None:
    """The last line says that nothing is missing; the value stands in no address."""
    answer = api.post(EXPORT, json={"kind": "email", "value": "ada@example.com"})

    assert answer.status_code == 200
    assert answer.mimetype == "application/x-ndjson"
    assert [orjson.loads(line) for line in answer.data.splitlines()] == [
        {"what": "about", "kind": "email", "value": "ada@example.com"},
        {"what": "end", "submissions": 0},
    ]


def test_one_export_at_a_time_leaves_threads_to_the_webhook(api: FlaskClient) -> None:
    """A caller that reads slowly holds one for as long; one that hangs up, or is through, makes room."""
    asked = {"kind": "email", "value": "ada@example.com"}
    slow = api.post(EXPORT, json=asked, buffered=False)

    second = api.post(EXPORT, json=asked)
    slow.close()

    assert (second.status_code, second.headers["Retry-After"]) == (429, "10")
    assert "ada" not in second.text
    assert [api.post(EXPORT, json=asked).status_code for _ in range(2)] == [200, 200]


def test_an_export_that_fails_makes_room(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or none would ever come again until the process ends."""

    def fails(*_: object) -> NoReturn:
        raise StoreUnavailable

    monkeypatch.setattr("workers.export._all", fails)
    monkeypatch.setattr("ingest.api.people.is_usable", lambda *_: True)
    asked = {"kind": "email", "value": "ada@example.com"}

    assert [api.post(EXPORT, json=asked).status_code for _ in range(2)] == [503, 503]


def test_a_token_for_reading_exports_nobody(anybody: FlaskClient) -> None:
    """Everything about somebody at once is more than a dashboard needs."""
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    asked = {"kind": "email", "value": "ada@example.com"}

    assert anybody.post(EXPORT, json=asked, headers=headers).status_code == 403
    assert anybody.post(EXPORT, json=asked).status_code == 401


def test_a_value_that_is_no_identifier_exports_nobody(
    api: FlaskClient, a_document: Callable[..., dict[str, Any]]
) -> None:
    """An empty answer would say that nothing is kept."""
    api.post("/api/v1/integrations", json=a_document())

    answer = api.post(EXPORT, json={"kind": "email", "value": "nobody"})

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == ["/value"]
