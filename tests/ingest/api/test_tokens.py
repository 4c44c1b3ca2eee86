"""Who may use the management API."""

import pytest
from flask.testing import FlaskClient

TOKEN, READ_TOKEN = "token-for-everything", "token-for-reading-only"
URL = "/api/v1/integrations"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer tökén"])
def test_without_a_known_token_there_is_nothing_to_see(anybody: FlaskClient, header: str | None) -> None:
    """Neither documents nor whether an id exists."""
    headers = {} if header is None else {"Authorization": header}

    for url in (URL, f"{URL}/nobody", "/api/v1/submissions", "/api/v1/submissions/x"):
        answer = anybody.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.mimetype == "application/problem+json"


def test_a_token_for_reading_changes_nothing(anybody: FlaskClient) -> None:
    """Dashboards get this one."""
    headers = {"Authorization": f"bearer {READ_TOKEN}"}

    assert anybody.get(URL, headers=headers).status_code == 200
    for answer in (
        anybody.post(URL, json={}, headers=headers),
        anybody.put(f"{URL}/a", json={}, headers=headers),
        anybody.patch(f"{URL}/a", json={}, headers=headers),
        anybody.delete(f"{URL}/a", headers=headers),
        anybody.post(f"{URL}/a/pause", headers=headers),
        anybody.post(f"{URL}/a/rotate-secret", headers=headers),
        anybody.post("/api/v1/dead-letters/discard", json={"filter": {}}, headers=headers),
        anybody.post("/api/v1/dead-letters/replay", json={"filter": {}}, headers=headers),
        anybody.post("/api/v1/dead-letters/replay", json={"filter": {}, "dry_run": "yes"}, headers=headers),
        anybody.post("/api/v1/dead-letters/replay", data="[", headers=headers),
        anybody.post("/api/v1/dead-letters/discard", json={"filter": {}, "dry_run": True}, headers=headers),
        anybody.post("/api/v1/jobs/x/stop", headers=headers),
        anybody.post("/api/v1/people/forget", json={"kind": "email", "value": "a"}, headers=headers),
    ):
        assert answer.status_code == 403
        assert answer.mimetype == "application/problem+json"


def test_what_a_token_for_reading_may_not_do_is_logged(anybody: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has it should not even try."""
    anybody.post(f"{URL}/summer/pause", headers={"Authorization": f"Bearer {READ_TOKEN}"})

    [told] = [vars(one) for one in caplog.records if one.getMessage() == "access.denied"]
    assert told["asked"] == "POST integrations.pause"
    assert READ_TOKEN not in str(told)


def test_a_token_for_reading_may_ask_questions_that_need_a_body(anybody: FlaskClient) -> None:
    """They are sent by POST, and change nothing."""
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}

    assert anybody.post("/api/v1/submissions/search", json={"text": "Ada"}, headers=headers).status_code == 200
    asked = {"filter": {}, "dry_run": True}
    assert anybody.post("/api/v1/dead-letters/replay", json=asked, headers=headers).status_code == 202
    assert anybody.post(f"{URL}/nobody/test", headers=headers).status_code == 404
    assert anybody.post(f"{URL}/nobody/preview", json={"submission": {}}, headers=headers).status_code == 404


def test_who_tries_one_token_after_the_other_has_to_wait(
    anybody: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has the right one is let in from the same address meanwhile."""
    answers = [anybody.get(URL, headers={"Authorization": f"Bearer {number}"}) for number in range(61)]

    assert [one.status_code for one in answers] == [401] * 60 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert anybody.get(URL, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    told = [(one.getMessage(), vars(one)["door"], vars(one)["address"]) for one in caplog.records]
    assert told == [("access.refused", "the api", "127.0.0.1")] * 60
