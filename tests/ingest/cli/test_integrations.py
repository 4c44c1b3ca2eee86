"""`komo-braze integrations`, as a person types it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from ingest.cli.main import run
from schemas.settings import load_settings
from workers.store import open_stores
from workers.store.connect import connect

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def komo_braze(redis_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, over an empty store: arguments in, exit status, output and errors out."""
    connect(redis_server).flushall()
    monkeypatch.setenv("REDIS_URL", redis_server)
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("EXTRA_BRAZE_HOSTS", "http://127.0.0.1:9")
    monkeypatch.delenv("PUBLIC_URL", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


@pytest.fixture
def store(redis_server: str) -> redis.Redis:
    return connect(redis_server)


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., str]:
    """Writes a document into a file, and returns its path."""

    def write(**members: Any) -> str:
        braze = {"rest_endpoint": "http://127.0.0.1:9", "api_key": "0f3b-secret", "workspace": "acme"}
        rules = {"identifiers": [{"kind": "external_id", "field": "member_id"}]}
        path = tmp_path / "document.json"
        path.write_bytes(orjson.dumps({"id": "summer", "name": "Summer hub", "braze": braze} | rules | members))
        return str(path)

    return write


def test_a_file_becomes_an_integration(komo_braze: Run, document: Callable[..., str]) -> None:
    """The first time with its address and secrets, later without."""
    status, out, err = komo_braze("integrations", "apply", document())
    assert (status, err) == (0, "")
    assert "summer is created as version 1." in out
    assert "http://127.0.0.1:8000/webhooks/komo/summer" in out
    assert "whsec_" in out
    assert "0f3b-secret" not in out

    status, out, _ = komo_braze("integrations", "apply", document(name="Winter hub"))
    assert (status, out) == (0, "summer is saved as version 2.\n")


def test_every_command_speaks_json(komo_braze: Run, document: Callable[..., str]) -> None:
    """Scripts read that."""
    told = orjson.loads(komo_braze("integrations", "apply", document(), "--json")[1])
    assert told["webhook_secret"].startswith("whsec_")
    assert [one["id"] for one in orjson.loads(komo_braze("integrations", "list", "--json")[1])] == ["summer"]
    assert orjson.loads(komo_braze("integrations", "show", "summer", "--json")[1])["version"] == 1
    assert orjson.loads(komo_braze("integrations", "pause", "summer", "--json")[1])["state"] == "paused"
    assert orjson.loads(komo_braze("integrations", "resume", "summer", "--json")[1])["state"] == "active"
    assert orjson.loads(komo_braze("integrations", "delete", "summer", "--json")[1])["deleted"] is True
    assert orjson.loads(komo_braze("integrations", "list", "--json")[1]) == []


def test_lists_are_lines_for_people(komo_braze: Run, document: Callable[..., str]) -> None:
    """And an empty list says so."""
    assert komo_braze("integrations", "list")[1] == "There are no integrations.\n"
    komo_braze("integrations", "apply", document())

    header, line = komo_braze("integrations", "list")[1].splitlines()
    assert header.split("  ")[0] == "ID"
    assert header.split() == ["ID", "STATE", "VERSION", "BRAZE", "WORKSPACE", "NAME", "WAITS", "BECAUSE"]
    assert line.split() == ["summer", "active", "1", "acme", "Summer", "hub"]


def test_what_keeps_an_integration_from_sending_is_told(komo_braze: Run, document: Callable[..., str]) -> None:
    """It is the first question when something does not arrive."""
    komo_braze("integrations", "apply", document())
    shown = orjson.loads(komo_braze("integrations", "show", "summer")[1])
    assert shown["standing"] == {"sending": True, "because": None, "until": None, "last_problem": None}
    komo_braze("integrations", "pause", "summer")

    assert komo_braze("integrations", "list")[1].splitlines()[1].endswith("Summer hub  Paused by a person.")
    (listed,) = orjson.loads(komo_braze("integrations", "list", "--json")[1])
    assert (listed["standing"]["sending"], listed["standing"]["because"]) == (False, "Paused by a person.")


def test_every_problem_of_a_document_is_a_line(komo_braze: Run, document: Callable[..., str]) -> None:
    """And nothing was saved."""
    status, out, err = komo_braze("integrations", "apply", document(colour="blue", identifiers=[]))

    assert (status, out) == (1, "")
    assert [line.split(": ")[:2] for line in err.splitlines()] == [["Error", "/colour"], ["Error", "/identifiers"]]
    assert komo_braze("integrations", "show", "summer")[0] == 1


@pytest.mark.parametrize("content", ["", "{", "\N{LATIN SMALL LETTER A}"])
def test_a_file_that_is_not_json_is_one_sentence(komo_braze: Run, tmp_path: Path, content: str) -> None:
    """With the file's name."""
    (tmp_path / "x.json").write_text(content)

    status, _, err = komo_braze("integrations", "apply", str(tmp_path / "x.json"))

    assert status == 1
    assert err.startswith("Error: ")
    assert "x.json is not JSON" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("verb", ["show", "test", "pause", "resume", "delete"])
def test_an_unknown_id_is_one_sentence(komo_braze: Run, verb: str) -> None:
    """Status 1: the thing asked for failed."""
    assert komo_braze("integrations", verb, "nobody") == (1, "", "Error: There is no integration nobody.\n")


@pytest.mark.parametrize("arguments", [["apply", "/no/such/file"], ["show"], ["explode"]])
def test_wrong_usage_has_its_own_status(komo_braze: Run, arguments: list[str]) -> None:
    """Scripts tell it from a failure."""
    status, _, err = komo_braze("integrations", *arguments)

    assert status == 2
    assert "Traceback" not in err


def test_deleting_needs_a_word_while_something_waits(
    komo_braze: Run, document: Callable[..., str], store: redis.Redis
) -> None:
    """The word is --discard."""
    komo_braze("integrations", "apply", document())
    store.hset("{acme}:summer:ledger", "waiting", 1)

    status, _, err = komo_braze("integrations", "delete", "summer")
    assert status == 1
    assert "1 submissions wait" in err
    assert komo_braze("integrations", "delete", "summer", "--discard")[0] == 0


def test_the_state_of_messages_is_shown(komo_braze: Run, document: Callable[..., str], store: redis.Redis) -> None:
    """By kind, beside the document."""
    komo_braze("integrations", "apply", document(sends=[{"kind": "campaign", "id": "c0ffee"}]))
    store.hset("{acme}:summer:lane:sends:campaign", "paused_because", "The key may not.")

    shown = orjson.loads(komo_braze("integrations", "show", "summer")[1])

    assert shown["outbox"]["campaign"]["paused_because"] == "The key may not."


def test_a_failed_connection_test_is_a_failure(komo_braze: Run, document: Callable[..., str]) -> None:
    """Nobody listens on that port."""
    komo_braze("integrations", "apply", document())

    status, out, _ = komo_braze("integrations", "test", "summer")

    assert status == 1
    assert out.startswith("FAILED  host")


def test_a_draft_is_listed_and_finished_by_a_file(
    komo_braze: Run, store: redis.Redis, document: Callable[..., str]
) -> None:
    """Who keeps documents in git sees what somebody began on the pages."""
    settings = load_settings({"SECRET_KEY": os.environ["SECRET_KEY"]})
    open_stores(settings, store).integrations.save_draft({"id": "summer", "name": "Summer hub"}, by="pages")

    _, listed, _ = komo_braze("integrations", "list")
    status, tried, _ = komo_braze("integrations", "test", "summer")
    resumed, _, error = komo_braze("integrations", "resume", "summer")
    shown = orjson.loads(komo_braze("integrations", "show", "summer")[1])

    assert listed.splitlines()[1].split()[:3] == ["summer", "draft", "1"]
    assert (status, tried.split()[:2]) == (1, ["FAILED", "setup"])
    assert resumed == 1
    assert "not set up yet" in error
    assert shown["draft"] is True
    assert "summer is saved as version 2." in komo_braze("integrations", "apply", document())[1]
    assert "draft" not in orjson.loads(komo_braze("integrations", "show", "summer")[1])


def test_without_a_store_address_the_data_directory_is_used(
    komo_braze: Run, document: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running or not: the command starts the embedded store and stops it again, and everything stays."""
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.delenv("SECRET_KEY")
    data = ["--data-dir", str(tmp_path / "data")]

    assert komo_braze("integrations", "apply", document(), *data)[0] == 0
    status, out, err = komo_braze("integrations", "show", "summer", *data)

    assert (status, err) == (0, "")
    assert orjson.loads(out)["braze"]["api_key"] == {"set": True, "last4": "cret"}
