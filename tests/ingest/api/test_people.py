"""Forgetting people over HTTP."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from tests.ingest.api.conftest import READ_TOKEN
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
