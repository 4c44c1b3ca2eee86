"""`komo-braze people`, as a person types it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest

from workers.store import Stores

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(stores: Stores) -> Iterator[list[Any]]:
    """Whom a worker was asked to forget; it ends each job at once."""
    seen: list[Any] = []
    over = Event()

    def work() -> None:
        while not over.wait(0.02):
            for job_id in stores.jobs.open():
                job = stores.jobs.get(job_id)
                if job and stores.jobs.take(job_id, "worker"):
                    seen.append((job.kind, job.asked))
                    stores.jobs.finish(job_id, state="done", result={"waiting": 2}, keep_asked=False)

    thread = Thread(target=work)
    thread.start()
    yield seen
    over.set()
    thread.join(10)


def test_forgetting_is_followed_to_its_end(asked: list[Any], komo_braze: Run) -> None:
    """What went is told, and whom it was about is not."""
    status, out, err = komo_braze("people", "forget", "--kind", "email", "--value", "Ada@example.com")

    assert (status, err) == (0, "")
    assert "waiting  2" in out
    assert "example.com" not in out
    assert asked == [("forget", {"kind": "email", "value": "Ada@example.com"})]


def test_a_value_that_was_left_out_is_asked_for(
    asked: list[Any], komo_braze: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it need not stand in the shell's history; the question does not spoil the output."""
    answers = iter(["  ", "ada"])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(answers))

    status, out, _ = komo_braze("people", "forget", "--kind", "user_alias", "--alias-label", "login", "--json")

    assert (status, orjson.loads(out)["state"]) == (0, "done")
    assert asked == [("forget", {"kind": "user_alias", "value": "ada", "alias_label": "login"})]


def test_an_alias_without_its_label_is_told_what_is_missing(komo_braze: Run, stores: Stores) -> None:
    """Not that the option belongs to the very kind that was given."""
    status, _, err = komo_braze("people", "forget", "--kind", "user_alias", "--value", "a")

    assert (status, stores.jobs.open()) == (2, [])
    assert "--alias-label is missing" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--kind", "e-mail", "--value", "a"],
        ["--kind", "email", "--value", " "],
        ["--kind", "user_alias", "--value", "a"],
        ["--kind", "email", "--value", "a", "--alias-label", "email"],
    ],
)
def test_wrong_usage_starts_nothing(arguments: list[str], komo_braze: Run, stores: Stores) -> None:
    """A job that finds nobody would look like an answer."""
    assert komo_braze("people", "forget", *arguments)[0] == 2
    assert stores.jobs.open() == []


def test_an_export_is_a_file_that_nobody_else_reads(komo_braze: Run, tmp_path: Path) -> None:
    """It holds everything about somebody; one that was there keeps no wider rights."""
    file = tmp_path / "ada.jsonl"
    file.write_text("old, and longer than what comes now" * 50)
    file.chmod(0o644)

    status, out, err = komo_braze(
        "people", "export", "--kind", "email", "--value", "ada@example.com", "--output", str(file)
    )

    assert (status, out, err) == (0, "", "")
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["what"] for line in lines] == ["about", "end"]


def test_an_export_that_is_not_complete_fails(komo_braze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hands the file on may not look at its last line."""
    last = {"what": "incomplete", "submissions": 1, "changed": ["summer-hub"]}
    monkeypatch.setattr("ingest.cli.people.export", lambda *_: iter([last]))

    status, out, err = komo_braze("people", "export", "--kind", "email", "--value", "ada@example.com")

    assert (status, orjson.loads(out)) == (1, last)
    assert "not complete" in err
