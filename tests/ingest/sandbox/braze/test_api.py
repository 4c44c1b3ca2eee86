"""The API on a real socket."""

import threading
from collections.abc import Iterator

import pytest
import requests
from werkzeug.serving import make_server

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
BODY = {"attributes": [{"external_id": "jo", "score": 8}]}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(delay_ms=(0, 0)))


@pytest.fixture
def address(sandbox: Sandbox) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(sandbox), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.mark.parametrize(("kind", "applied"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_connection_leaves_the_caller_in_the_dark(
    sandbox: Sandbox, address: str, kind: str, applied: int
) -> None:
    """The caller cannot tell the two apart; only the sandbox knows."""
    requests.post(f"{address}/sandbox/api/faults", json={"kind": kind}, timeout=5).raise_for_status()
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{address}/users/track", json=BODY, headers=HEADERS, timeout=5)
    assert len(sandbox.workspace.profiles) == applied
    assert sandbox.traffic.newest(1)[0].status == 0
    assert requests.post(f"{address}/users/track", json=BODY, headers=HEADERS, timeout=5).status_code == 201


def test_without_the_servers_socket_an_answer_is_torn(sandbox: Sandbox) -> None:
    """Other servers do not lend it: a promise of more bytes than come breaks the connection as well."""
    client = create_app(sandbox).test_client()
    client.post("/sandbox/api/faults", json={"kind": "cut_after"})
    answer = client.post("/users/track", json=BODY, headers=HEADERS)
    assert len(answer.data) < int(answer.headers["Content-Length"])
    assert answer.headers["Connection"] == "close"


def test_a_slow_answer_overlaps_with_the_next_request_for_the_same_person(sandbox: Sandbox, address: str) -> None:
    """The violation that the connector must never commit."""
    requests.post(f"{address}/sandbox/api/faults", json={"kind": "slow", "delay_ms": 300}, timeout=5)
    slow = threading.Thread(
        target=requests.post, args=(f"{address}/users/track",), kwargs={"json": BODY, "headers": HEADERS, "timeout": 5}
    )
    slow.start()
    while sandbox.traffic.as_json()["in_flight"] == 0 and slow.is_alive():
        threading.Event().wait(0.005)
    requests.post(f"{address}/users/track", json=BODY, headers=HEADERS, timeout=5)
    slow.join(5)
    assert sandbox.ledgers.violations.counts() == {"same_person_in_flight": 1}
    assert sandbox.traffic.as_json()["max_in_flight_per_person"] == 2
