"""Forgetting people over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

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
