"""`komo-braze submissions`, as a person types it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.serving import make_server

from ingest.cli.main import run
from ingest.health import health
from ingest.problems import register
from ingest.receive import webhook
from schemas.settings import load_settings
from workers.store import Stores, open_stores
from workers.store.connect import connect

Run = Callable[..., tuple[int, str, str]]
SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
BODY = {"event": "CompetitionEntrySuccess", "id": "e1", "member_id": "m1", "first_name": "Ada"}


@pytest.fixture
def stores(redis_server: str) -> Iterator[Stores]:
    """An empty store with one integration."""
    connection = connect(redis_server)
    connection.flushall()
    found = open_stores(load_settings({"REDIS_URL": redis_server, "SECRET_KEY": SECRET_KEY}), connection)
    document: dict[str, Any] = {
        "id": "summer",
        "name": "Summer hub",
        "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "key", "workspace": "acme"},
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
        "attributes": [{"field": "first_name", "attribute": "first_name"}],
    }
    found.integrations.save(document, by="test")
    yield found
    connection.close()


@pytest.fixture
def komo_braze(
    stores: Stores, redis_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The command: arguments in, exit status, output and errors out."""
    monkeypatch.setenv("REDIS_URL", redis_server)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:9")

    def command(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., str]:
    """Writes a body into a file, and returns its path."""

    def write(body: Any = BODY) -> str:
        path = tmp_path / "sample.json"
        path.write_bytes(body if isinstance(body, bytes) else orjson.dumps(body))
        return str(path)

    return write


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def web(stores: Stores, calls: list[str], monkeypatch: pytest.MonkeyPatch, komo_braze: Run) -> Iterator[None]:
    """A web process that listens; its wake-up calls are written down."""
    app = Flask("web")
    register(app)
    app.register_blueprint(health(stores, lambda: True))
    app.register_blueprint(webhook(stores, lambda step, *_: calls.append(step)))
    server = make_server("127.0.0.1", 0, app)
    monkeypatch.setenv("PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_a_sample_goes_through_the_web_process_where_it_runs(
    web: None, komo_braze: Run, sample: Callable[..., str], calls: list[str]
) -> None:
    """With the stored secret, the whole way that Komo goes."""
    status, out, err = komo_braze("submissions", "send", sample(), "--integration", "summer")

    assert (status, err) == (0, "")
    assert out.split()[1:] == ["accepted"]
    assert calls == ["drain"]


def test_a_sample_is_accepted_without_a_web_process(
    komo_braze: Run, sample: Callable[..., str], stores: Stores
) -> None:
    """It waits in the store, due at once, and the next sweep may call for it."""
    sent = orjson.loads(komo_braze("submissions", "send", sample(), "--integration", "summer", "--json")[1])
    again = orjson.loads(komo_braze("submissions", "send", sample(), "--integration", "summer", "--json")[1])

    (one,) = sent["submissions"]
    assert again["submissions"] == [{"id": one["id"], "duplicate": True}]
    assert len(stores.inbox.sweep(stores.integrations.get("summer").integration).lanes) == 1


def test_what_was_sent_is_listed_and_shown(komo_braze: Run, sample: Callable[..., str]) -> None:
    """From the command to the timeline."""
    sent = komo_braze("submissions", "send", sample(), "--integration", "summer", "--json")[1]
    submission_id = orjson.loads(sent)["submissions"][0]["id"]

    status, listed, _ = komo_braze("submissions", "list", "--integration", "summer")
    assert status == 0
    assert submission_id in listed
    assert "CompetitionEntrySuccess" in komo_braze("submissions", "show", submission_id)[1]
    assert orjson.loads(komo_braze("submissions", "show", submission_id, "--json")[1])["raw"] == BODY
    assert orjson.loads(komo_braze("submissions", "list", "--state", "delivered", "--json")[1])["items"] == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--identifier", "m1"], True),
        (["--text", "ada", "--integration", "summer", "--state", "waiting"], True),
        (["--identifier", "m2"], False),
        (["--identifier", "m1", "--text", "Bo"], False),
    ],
)
def test_submissions_are_found_by_person_and_words(
    options: list[str], found: bool, komo_braze: Run, sample: Callable[..., str]
) -> None:
    """Somebody calls and asks where their entry is."""
    komo_braze("submissions", "send", sample(), "--integration", "summer")

    status, out, _ = komo_braze("submissions", "list", *options, "--json")

    assert status == 0
    assert bool(orjson.loads(out)["items"]) is found


@pytest.mark.parametrize("body", [b"{", [], "text", [1]])
def test_a_sample_that_is_refused_says_why(komo_braze: Run, sample: Callable[..., str], body: Any) -> None:
    """In one line, with the place."""
    status, out, err = komo_braze("submissions", "send", sample(body), "--integration", "summer")

    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "4" in err


def test_what_is_not_there_is_one_sentence(komo_braze: Run, sample: Callable[..., str]) -> None:
    """Submissions and integrations alike."""
    missing = "Error: There is no integration nobody.\n"

    assert komo_braze("submissions", "send", sample(), "--integration", "nobody") == (1, "", missing)
    assert komo_braze("submissions", "list", "--integration", "nobody") == (1, "", missing)
    assert komo_braze("submissions", "show", "nothing")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--since", "yesterday"],
        ["list", "--state", "lost"],
        ["list", "--cursor", "x"],
        ["list", "--text", "Ada", "--cursor", "x"],
        ["list", "--text", " "],
        ["list", "--text", "Ada", "--event", "CompetitionEntrySuccess"],
        ["send", "x"],
    ],
)
def test_wrong_usage_has_its_own_status(komo_braze: Run, arguments: list[str]) -> None:
    """Scripts tell it from a failure."""
    status, _, err = komo_braze("submissions", *arguments)

    assert status == 2
    assert "Traceback" not in err
