"""The description of the API."""

from typing import Any

import pytest
from flask.testing import FlaskClient


def test_the_description_names_every_route(anybody: FlaskClient) -> None:
    """Clients are generated from it."""
    document = anybody.get("/api/v1/openapi.json").get_json()

    routes = {
        f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs if verb != "parameters"
    }
    one = "/api/v1/integrations/{integration_id}"
    assert routes == {
        "GET /api/v1/integrations",
        "POST /api/v1/integrations",
        *(f"{verb} {one}" for verb in ("GET", "PUT", "PATCH", "DELETE")),
        *(f"POST {one}/{verb}" for verb in ("test", "preview", "pause", "resume", "rotate-secret", "retire-secret")),
        f"GET {one}/ledger",
        "GET /api/v1/submissions",
        "POST /api/v1/submissions/search",
        "GET /api/v1/submissions/{submission_id}",
        "GET /api/v1/dead-letters",
        *(f"POST /api/v1/dead-letters/{verb}" for verb in ("replay", "discard")),
        "GET /api/v1/dead-letters/{submission_id}",
        "POST /api/v1/people/forget",
        "GET /api/v1/jobs",
        "GET /api/v1/jobs/{job_id}",
        "POST /api/v1/jobs/{job_id}/stop",
        "POST /api/v1/people/export",
    }
    schema = document["components"]["schemas"]["IntegrationDocument"]
    assert {"id", "name", "braze", "identifiers"} == set(schema["required"])
    body = document["paths"][one]["put"]["requestBody"]["content"]["application/json"]["schema"]
    replaced = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert {"name", "braze", "identifiers"} == set(replaced["required"])
    assert document["security"] == [{"bearer": []}]
    assert "application/json" in document["paths"][one]["put"]["requestBody"]["content"]


def test_parameters_and_errors_are_described_as_they_are(anybody: FlaskClient) -> None:
    """Bodies that views read by themselves are easily forgotten."""
    document = anybody.get("/api/v1/openapi.json").get_json()

    one = document["paths"]["/api/v1/integrations/{integration_id}"]
    assert [each["name"] for each in one["put"]["parameters"]] == ["If-Match"]
    assert [each["name"] for each in one["delete"]["parameters"]] == ["discard"]
    assert list(document["components"]["responses"]["DEFAULT_ERROR"]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(
    ("path", "asked", "status", "answered"),
    [
        ("submissions/search", "SubmissionSearch", "200", "SubmissionList"),
        ("dead-letters/replay", "LettersToReplay", "202", "RehearsalShown"),
        ("dead-letters/discard", "LettersChosen", "202", "JobShown"),
        ("people/forget", "PersonToForget", "202", "JobShown"),
    ],
)
def test_what_is_asked_in_a_body_is_described_with_its_answer(
    path: str, asked: str, status: str, answered: str, anybody: FlaskClient
) -> None:
    """A generated client knows every member."""
    document = anybody.get("/api/v1/openapi.json").get_json()
    route = document["paths"][f"/api/v1/{path}"]["post"]

    assert route["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{asked}")
    assert route["responses"][status]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{answered}")
    assert {asked, answered} <= set(document["components"]["schemas"])


def test_patterns_mean_the_same_to_everybody(anybody: FlaskClient) -> None:
    """Most readers of the description know the regular expressions of JavaScript, where \\Z is a letter."""
    schemas = anybody.get("/api/v1/openapi.json").get_json()["components"]["schemas"]

    assert schemas["IntegrationDocument"]["properties"]["id"]["pattern"] == "^[a-z0-9-]{1,63}$"
    assert schemas["BrazeDocument"]["properties"]["workspace"]["pattern"].endswith("{0,62}$")


def test_a_patch_need_not_be_complete(anybody: FlaskClient) -> None:
    """A generated client would otherwise refuse to send what is taken."""
    schemas = anybody.get("/api/v1/openapi.json").get_json()["components"]["schemas"]

    assert "required" not in schemas["IntegrationPatch"]
    assert "required" not in schemas["BrazePatch"]
    assert "rest_endpoint" in schemas["BrazeDocument"]["required"]


def test_a_draft_is_what_the_description_says(anybody: FlaskClient) -> None:
    """Beside the others it stands in the list, and parts of it may be missing."""
    schemas = anybody.get("/api/v1/openapi.json").get_json()["components"]["schemas"]

    assert "required" not in schemas["BrazeShown"]
    assert "minItems" not in schemas["IntegrationShown"]["properties"]["identifiers"]


def test_who_is_turned_away_reads_when_to_come_again(anybody: FlaskClient) -> None:
    """A generated client waits by itself, if the description says that it may have to."""
    document = anybody.get("/api/v1/openapi.json").get_json()
    shared = document["components"]["responses"]
    operations = [
        (verb, operation) for verbs in document["paths"].values() for verb, operation in verbs.items()
        if verb != "parameters"
    ]  # fmt: skip

    for verb, operation in operations:
        told = {
            status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            for status, answer in operation["responses"].items()
        }
        for status in ("429", "503"):
            assert told[status]["headers"]["Retry-After"]["schema"] == {"type": "integer"}
        assert ({"408", "413"} <= told.keys()) == (verb in ("post", "put", "patch"))
        content = [told[status]["content"] for status in ("408", "413", "429", "503") if status in told]
        assert [list(one) for one in content] == [["application/problem+json"]] * len(content)
        assert {one["application/problem+json"]["schema"]["$ref"] for one in content} == {
            "#/components/schemas/" + problem_name(document)
        }


def problem_name(document: dict[str, Any]) -> str:
    """Of the schema of all other errors."""
    content = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    name: str = content["application/problem+json"]["schema"]["$ref"].rpartition("/")[2]
    return name
