"""Dead letters over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from ingest.arrive import arrive
from schemas.body import OneBody
from workers.store import Stores

URL = "/api/v1/dead-letters"
Letters = Callable[..., list[str]]


@pytest.fixture
def letters(api: FlaskClient, stores: Stores, a_document: Callable[..., dict[str, Any]]) -> Letters:
    """Accepts submissions whose e-mail is none, and returns their ids, oldest first."""
    rules = [{"kind": "email", "field": "email"}]
    api.post("/api/v1/integrations", json=a_document(identifiers=rules))

    def make(*names: str) -> list[str]:
        integration = stores.integrations.get("summer").integration
        ids = []
        for name in names:
            body = {"event": "CompetitionEntrySuccess", "id": name, "email": "none", "first_name": name}
            one = OneBody(body, orjson.dumps(body))
            arrival = arrive(one, integration, received_at=datetime.now(UTC), delivery_id=None, place=0)
            ids.append(stores.inbox.accept(integration, [arrival]).submissions[0][0])
        return ids

    return make


def mend(api: FlaskClient) -> None:
    """From now on people are known by another field, which everybody filled in."""
    rules = [{"kind": "external_id", "field": "first_name"}]
    assert api.patch("/api/v1/integrations/summer", json={"identifiers": rules}).status_code == 200


def test_a_dead_letter_is_listed_and_shown(api: FlaskClient, letters: Letters) -> None:
    """From the list to its body."""
    (one,) = letters("Ada")

    listed = api.get(URL, query_string={"integration": "summer", "reason": "bad_identifier"}).get_json()
    shown = api.get(f"{URL}/{one}").get_json()

    assert [each["id"] for each in listed["items"]] == [one]
    assert (shown["reason"], shown["raw"]["first_name"]) == ("bad_identifier", "Ada")
    assert set(listed["items"][0]) < set(shown)


def test_lists_go_on_where_they_ended(api: FlaskClient, letters: Letters) -> None:
    """Newest first, each letter once."""
    made = letters("Ada", "Bo", "Cy")
    found: list[str] = []
    cursor = None
    for _ in range(10):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get(URL, query_string=query).get_json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert found == made[::-1]


@pytest.mark.parametrize(
    "filters", [{"reason": "refused"}, {"since": "2999-01-01T00:00:00Z"}, {"until": "2001-01-01T00:00:00Z"}]
)
def test_filters_leave_out_the_rest(api: FlaskClient, letters: Letters, filters: dict[str, str]) -> None:
    """Each one alone."""
    letters("Ada")

    assert api.get(URL, query_string=filters).get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "filters", [{"reason": "lost"}, {"since": "yesterday"}, {"cursor": "x"}, {"since": "0001-01-01T00:00:00+14:00"}]
)
def test_a_filter_that_means_nothing_is_refused(api: FlaskClient, filters: dict[str, str]) -> None:
    """An empty list would look like an answer."""
    answer = api.get(URL, query_string=filters)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [f"/{name}" for name in filters]


def test_what_is_not_there_is_404(api: FlaskClient, letters: Letters, stores: Stores) -> None:
    """A letter that nobody has, and an integration that nobody made, wherever they are named."""
    answers = [
        api.get(f"{URL}/nothing"),
        api.get(URL, query_string={"integration": "nobody"}),
        *(
            api.post(f"{URL}/{verb}", json=body)
            for verb in ("replay", "discard")
            for body in (
                {"ids": ["nothing"]},
                {"ids": ["nothing", "0" * 20]},
                {"integration": "nobody"},
                {"filter": {"integration": "nobody"}},
            )
        ),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert stores.jobs.open() == []


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"filter": {}}, {"filter": {}}),
        ({"filter": {"reason": "refused"}}, {"filter": {"reason": "refused"}}),
        ({"integration": "summer", "text": "Ada"}, {"filter": {"integration": "summer", "text": "Ada"}}),
        (
            {"identifier": {"value": "Ada"}},
            {"filter": {"identifier": {"kind": None, "value": "Ada", "alias_label": None}}},
        ),
        ({"since": "2026-11-20T12:00:00Z"}, {"filter": {"since": "2026-11-20T12:00:00+00:00"}}),
    ],
)
def test_letters_are_chosen_by_ids_or_by_a_filter(
    verb: str, body: dict[str, Any], asked: dict[str, Any], api: FlaskClient, letters: Letters, stores: Stores
) -> None:
    """A worker finds in the job what was meant, however it was written."""
    answer = api.post(f"{URL}/{verb}", json=body)

    assert answer.status_code == 202
    job = stores.jobs.get(answer.get_json()["id"])
    assert job
    assert (job.kind, job.asked) == (verb, asked)


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_ids_of_which_some_are_known_are_a_job(verb: str, api: FlaskClient, letters: Letters, stores: Stores) -> None:
    """Each of them once; it names those that are gone."""
    (one,) = letters("Ada")

    answer = api.post(f"{URL}/{verb}", json={"ids": [one, "nothing", one]})

    assert answer.status_code == 202
    job = stores.jobs.get(answer.get_json()["id"])
    assert job
    assert job.asked == {"ids": [one, "nothing"]}


def test_ids_that_nobody_has_are_named(api: FlaskClient, letters: Letters) -> None:
    """They were mistyped, or the letters are gone."""
    answer = api.post(f"{URL}/replay", json={"ids": ["nothing", "nobody"]})

    assert answer.get_json()["detail"] == "There are no dead letters nothing, nobody, or they are no longer kept."


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": ["a"], "filter": {}},
        {"ids": ["a"], "reason": "refused"},
        {"filter": {"reason": "refused"}, "integration": "summer"},
    ],
)
def test_neither_or_both_is_refused_in_one_sentence(
    verb: str, body: dict[str, Any], api: FlaskClient, letters: Letters, stores: Stores
) -> None:
    """Everything is meant only where somebody says so."""
    answer = api.post(f"{URL}/{verb}", json=body)

    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["pointer"] == ""
    assert "ids" in error["detail"]
    assert stores.jobs.open() == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"ids": []}, "/ids"),
        ({"ids": [1]}, "/ids/0"),
        ({"filter": {"reasn": "refused"}}, "/filter/reasn"),
        ({"filter": {"reason": "lost"}}, "/filter/reason"),
        ({"filter": {"since": "yesterday"}}, "/filter/since"),
        ({"filter": {"since": "0001-01-01T00:00:00+14:00"}}, "/filter/since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "/until"),
        ({"filter": {"text": " "}}, "/filter/text"),
        ({"filter": {"identifier": {"kind": "email"}}}, "/filter/identifier/value"),
        ({"filter": {}, "rate": 0}, "/rate"),
        ({"filter": {}, "rate": 1e-9}, "/rate"),
        ({"filter": {}, "rate": 1e300}, "/rate"),
        ({"filter": {}, "rate": "nan"}, "/rate"),
        ({"filter": {}, "events_not_older_than_hours": 0}, "/events_not_older_than_hours"),
        ({"filter": {}, "events_not_older_than_hours": 1e300}, "/events_not_older_than_hours"),
        ({"filter": {}, "dry_run": "perhaps"}, "/dry_run"),
    ],
)
def test_a_replay_that_can_t_be_understood_is_refused(
    body: dict[str, Any], place: str, api: FlaskClient, stores: Stores
) -> None:
    """A misspelt filter would otherwise mean every letter."""
    answer = api.post(f"{URL}/replay", json=body)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [place]
    assert stores.jobs.open() == []


def test_how_to_replay_is_handed_on(api: FlaskClient, letters: Letters, stores: Stores) -> None:
    """What a discard does not know."""
    how = {"rate": 5, "events_not_older_than_hours": 48}

    job = stores.jobs.get(api.post(f"{URL}/replay", json={"filter": {}, **how}).get_json()["id"])

    assert job
    assert job.asked == {"filter": {}, **how}
    assert api.post(f"{URL}/discard", json={"filter": {}, **how}).status_code == 422


def test_a_dry_run_shows_the_requests_and_changes_nothing(
    api: FlaskClient, letters: Letters, stores: Stores, woken: list[tuple[str, str, int]]
) -> None:
    """It is over when it answers, and stays readable like any job."""
    (one,) = letters("Ada")
    mend(api)
    woken.clear()

    answer = api.post(f"{URL}/replay", json={"ids": [one, "nothing"], "dry_run": True})

    assert answer.status_code == 202
    told = answer.get_json()
    assert api.get(answer.headers["Location"]).get_json()["state"] == told["state"] == "done"
    assert (told["dry_run"], told["matched"], told["outcomes"]) == (True, 1, {"delivered": 1})
    assert (told["gone"], told["complete"]) == (["nothing"], True)
    (request,) = told["requests"]
    assert request["body"]["attributes"] == [{"external_id": "Ada", "first_name": "Ada"}]
    assert "0f3b-secret" not in answer.text
    assert woken == []
    assert [each["id"] for each in api.get(URL).get_json()["items"]] == [one]


def test_what_a_dry_run_tells_of_people_is_kept_nowhere(api: FlaskClient, letters: Letters, stores: Stores) -> None:
    """It tells what people typed, and nobody would think of it when they are to be forgotten."""
    letters("Ada")
    mend(api)

    api.post(f"{URL}/replay", json={"filter": {"text": "Ada"}, "dry_run": True})

    [job] = stores.jobs.recent()
    assert (job.state, job.result) == ("done", {"outcomes": {"delivered": 1}, "complete": True})
    assert "Ada" not in str(job)
    assert stores.jobs.open() == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"reasn": "refused"}, "cursor, integration, limit, reason, since, until"),
        ({"text": "Ada"}, "/api/v1/submissions/search"),
        ({"identifier": "Ada"}, "/api/v1/submissions/search"),
    ],
)
def test_a_parameter_that_is_none_is_refused(api: FlaskClient, query: dict[str, str], told: str) -> None:
    """A filter that was not understood would look like one that found everything."""
    answer = api.get(URL, query_string=query)

    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["pointer"] == f"/{next(iter(query))}"
    assert told in error["detail"]
