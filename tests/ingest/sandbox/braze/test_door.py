"""The checks before the body is read, and their order."""

import pytest
from flask.testing import FlaskClient

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.door import Call
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo", "Content-Type": "application/json"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(delay_ms=(0, 0), rate_limits={"track": (2, 3600.0), "other": (99, 3600.0)}))


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    return create_app(sandbox).test_client()


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        ("Bearer k-1", "k-1"),
        ("bearer k-1", "k-1"),
        ("Basic x", "undefined"),
        ("", "undefined"),
        ("Bearer", "undefined"),
    ],
)
def test_the_key_stands_behind_bearer_in_any_case(authorization: str, key: str) -> None:
    """A malformed header is an unknown key, which Braze calls undefined."""
    assert Call("POST", "/users/track", authorization=authorization).key == key


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"Content-Type": "text/plain", "Authorization": "Bearer nope"}, 415, b"Unsupported Media Type"),
        ({"Authorization": "Bearer nope"}, 401, b"Invalid API key: nope"),
        ({"Authorization": "Bearer reader"}, 403, b"Access Denied"),
        ({}, 400, b"Error while parsing"),
    ],
)
def test_the_first_fault_decides(
    client: FlaskClient, sandbox: Sandbox, change: dict[str, str], status: int, text: bytes
) -> None:
    """Every later fault is present in each of these calls as well."""
    sandbox.settings.change({"keys": {"sandbox-rest-key": "all", "reader": ["users.export.ids"]}})
    answer = client.post("/users/track", data=b"{", headers={**HEADERS, **change})
    assert (answer.status_code, text in answer.data) == (status, True)


def test_a_body_over_the_limit_is_refused_before_the_key_is_looked_at(client: FlaskClient, sandbox: Sandbox) -> None:
    """The proxy in front answers this one, in HTML."""
    sandbox.settings.max_body_bytes = 10
    answer = client.post("/users/track", data=b" " * 11, headers={**HEADERS, "Authorization": "Bearer nope"})
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


def test_a_caller_from_elsewhere_is_refused(client: FlaskClient, sandbox: Sandbox) -> None:
    """Keys may be bound to addresses."""
    sandbox.settings.allowed_addresses = frozenset({"203.0.113.9"})
    answer = client.post("/users/track", data=b"{}", headers=HEADERS)
    assert (answer.status_code, answer.json) == (403, {"message": "Invalid whitelisted IPs"})


@pytest.mark.parametrize("mode", ["epoch", "seconds", "retry_after", "none"])
def test_beyond_the_limit_is_a_429_with_the_chosen_headers(client: FlaskClient, sandbox: Sandbox, mode: str) -> None:
    """Even a bad body counts as a request."""
    sandbox.settings.header_mode = mode
    answers = [client.post("/users/track", data=b"{", headers=HEADERS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    told = {name.lower() for name in answers[2].headers.keys() if "rate" in name.lower()}  # noqa: SIM118
    three = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
    assert told == {"none": set(), "retry_after": {"x-ratelimit-retry-after"}}.get(mode, three)


@pytest.mark.parametrize("agent", ["", "python-requests/2.34.2", "partner-komo", "partner-Komo/1.0"])
def test_any_other_user_agent_than_a_partners_is_noted(client: FlaskClient, sandbox: Sandbox, agent: str) -> None:
    """Braze asks partners for exactly one form."""
    client.post("/users/track", data=b"{}", headers={**HEADERS, "User-Agent": agent})
    assert sandbox.ledgers.violations.counts() == {"user_agent": 1}


@pytest.mark.parametrize(
    ("method", "path", "noted"),
    [("POST", "/users/track/", {"trailing_slash": 1}), ("GET", "/users/track", {}), ("POST", "/user/track", {}),
     ("POST", "/messages/send", {})],
)  # fmt: skip
def test_unknown_paths_and_methods_are_404(
    client: FlaskClient, sandbox: Sandbox, method: str, path: str, noted: dict[str, int]
) -> None:
    """A trailing slash is a mistake worth a line in the books."""
    answer = client.open(path, method=method, data=b"{}", headers=HEADERS)
    assert (answer.status_code, answer.json) == (404, {"message": "Invalid URL"})
    assert sandbox.ledgers.violations.counts() == noted


def test_an_injected_401_repeats_the_key(client: FlaskClient) -> None:
    """So that a test can see whether the caller logs it."""
    client.post("/sandbox/api/faults", json={"kind": "unauthorized"})
    answer = client.post("/users/track", data=b"{}", headers=HEADERS)
    assert (answer.status_code, answer.json) == (401, {"message": "Invalid API key: sandbox-rest-key"})
