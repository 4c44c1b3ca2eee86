"""`komo-braze dead-letters`, as a person types it, with a worker that does what was asked."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest

from ingest.arrive import arrive
from ingest.cli import progress
from schemas.body import OneBody
from workers.jobs import advance
from workers.redo import redo
from workers.store import Stores

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def letters(stores: Stores) -> list[str]:
    """Three submissions whose e-mail is none, oldest first, of an integration that knows people by it."""
    stores.integrations.save(a_document({"kind": "email", "field": "email"}), by="test")
    integration = stores.integrations.get("summer").integration
    ids = []
    for name in ("Ada", "Bo", "Cy"):
        body = {"event": "CompetitionEntrySuccess", "id": name, "email": "none", "first_name": name}
        one = OneBody(body, orjson.dumps(body))
        arrival = arrive(one, integration, received_at=datetime.now(UTC), delivery_id=None, place=0)
        ids.append(stores.inbox.accept(integration, [arrival]).submissions[0][0])
    return ids


@pytest.fixture
def worker(stores: Stores) -> Iterator[None]:
    """Judges again what waits where rules have changed, and does every job that is open, until the test ends."""
    over = Event()

    def work() -> None:
        for _ in range(1000):
            if over.wait(0.02):
                return
            redo("summer", stores)
            for job_id in stores.jobs.open():
                advance(job_id, stores, lambda *_: None, budget_s=1.0)
        stores.connection.flushall()  # nobody may wait for ever

    thread = Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join(10)


def a_document(rule: dict[str, str]) -> dict[str, Any]:
    return {
        "id": "summer",
        "name": "Summer hub",
        "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "0f3b-secret", "workspace": "acme"},
        "identifiers": [rule],
        "attributes": [{"field": "first_name", "attribute": "first_name"}],
    }


def mend(stores: Stores) -> None:
    """From now on people are known by another field, which everybody filled in."""
    stores.integrations.save(a_document({"kind": "external_id", "field": "first_name"}), by="test")


def ids_of(printed: str) -> list[str]:
    return [one["id"] for one in orjson.loads(printed)["items"]]


def test_what_was_given_up_is_listed_and_shown(komo_braze: Run, letters: list[str]) -> None:
    """From the list to the body."""
    status, out, err = komo_braze("dead-letters", "list")
    shown = komo_braze("dead-letters", "show", letters[0])[1]

    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:]] == letters[::-1]
    assert "bad_identifier" in shown
    assert '"first_name":"Ada"' in shown
    assert orjson.loads(komo_braze("dead-letters", "show", letters[0], "--json")[1])["raw"]["first_name"] == "Ada"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--text", "ada"], [0]),
        (["--reason", "refused"], []),
        (["--reason", "bad_identifier", "--text", "bo"], [1]),
        (["--since", "2999-01-01"], []),
        (["--until", "2001-01-01T00:00:00Z"], []),
        (["--identifier", "nobody@example.com"], []),
        (["--limit", "1"], [2]),
    ],
)
def test_filters_leave_out_the_rest(options: list[str], found: list[int], komo_braze: Run, letters: list[str]) -> None:
    """The same ones for listing, replaying, discarding and exporting."""
    status, out, _ = komo_braze("dead-letters", "list", *options, "--json")

    assert status == 0
    assert ids_of(out) == [letters[at] for at in found]


def test_lists_go_on_where_they_ended(komo_braze: Run, letters: list[str]) -> None:
    """The last line says how."""
    first = orjson.loads(komo_braze("dead-letters", "list", "--limit", "2", "--json")[1])

    assert ids_of(komo_braze("dead-letters", "list", "--cursor", first["next"], "--json")[1]) == letters[:1]
    assert f"--cursor {first['next']}" in komo_braze("dead-letters", "list", "--limit", "2")[1]


def test_an_export_is_a_line_for_each(komo_braze: Run, letters: list[str], tmp_path: Path) -> None:
    """Newest first, with all that `show` tells."""
    path = tmp_path / "letters.jsonl"

    status, out, err = komo_braze("dead-letters", "export")
    assert komo_braze("dead-letters", "export", "--text", "Bo", str(path)) == (0, "", "")
    nothing = komo_braze("dead-letters", "export", "--text", "nobody", str(tmp_path / "none"))
    assert nothing == (0, "", "There are no such dead letters.\n")

    lines = [orjson.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [line["id"] for line in lines] == letters[::-1]
    assert lines[0] == orjson.loads(komo_braze("dead-letters", "show", letters[2], "--json")[1])
    assert orjson.loads(path.read_bytes())["id"] == letters[1]
    assert (tmp_path / "none").read_bytes() == b""


@pytest.mark.parametrize("file", ["/dev/full", "/nowhere/letters.jsonl"])
def test_an_export_that_can_t_be_written_is_one_sentence(komo_braze: Run, letters: list[str], file: str) -> None:
    """Half of the letters in a file would look like all of them."""
    status, out, err = komo_braze("dead-letters", "export", file)

    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "should not have happened" not in err


def test_what_was_mistyped_is_named(worker: None, komo_braze: Run, letters: list[str], stores: Stores) -> None:
    """All of it fails the command; beside others it is in the result, and in that of a dry run."""
    for more in ([], ["--dry-run"]):
        status, out, err = komo_braze("dead-letters", "replay", "nothing", "nobody", *more)
        assert (status, out) == (1, "")
        assert err == "Error: There are no dead letters nothing, nobody, or they are no longer kept.\n"
    assert stores.jobs.recent() == []

    assert "nothing" in komo_braze("dead-letters", "replay", letters[0], "nothing", "--dry-run")[1]
    status, out, err = komo_braze("dead-letters", "discard", letters[0], "nothing", "--yes", "--json")
    assert (status, err) == (0, "")
    assert orjson.loads(out)["result"] == {"gone": ["nothing"], "skipped": {"gone": 1}}


def asked_before_discarding(arguments: list[str], komo_braze: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """The question on a terminal, which is answered with no."""

    class Asked(BaseException):
        pass

    def confirm(text: str, **_: Any) -> None:
        raise Asked(text)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    with pytest.raises(Asked) as asked:
        komo_braze("dead-letters", "discard", *arguments)
    return str(asked.value)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--all"], "Discard 3 dead letters for good?"),
        (["--text", "Ada"], "Discard 1 dead letter for good?"),
        (["--text", "nobody"], "Discard 0 dead letters for good?"),
    ],
)
def test_discarding_says_how_many(
    arguments: list[str], asked: str, komo_braze: Run, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever meant one of them stops here."""
    assert asked_before_discarding(arguments, komo_braze, monkeypatch) == asked


def test_of_many_letters_a_bound_is_told(
    komo_braze: Run, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Counting a million of them would take longer than anybody waits for a question."""
    monkeypatch.setattr("ingest.cli.dead_letters.MOST_COUNTED", 2)

    asked = asked_before_discarding(["--all"], komo_braze, monkeypatch)

    assert asked == "Discard more than 2 dead letters for good?"


def test_a_dry_run_shows_the_requests_and_changes_nothing(komo_braze: Run, letters: list[str], stores: Stores) -> None:
    """Without a worker, and without a job that one would find."""
    mend(stores)

    status, out, err = komo_braze("dead-letters", "replay", letters[0], "--dry-run")
    told = orjson.loads(komo_braze("dead-letters", "replay", "--all", "--dry-run", "--json")[1])

    assert (status, err) == (0, "")
    assert "https://rest.iad-03.braze.com/users/track" in out
    assert '"external_id":"Ada"' in out
    assert "0f3b-secret" not in out
    assert told["outcomes"] == {"delivered": 3}
    assert stores.jobs.open() == []
    assert len(ids_of(komo_braze("dead-letters", "list", "--json")[1])) == 3


def test_a_replay_is_followed_to_its_end(worker: None, komo_braze: Run, letters: list[str], stores: Stores) -> None:
    """What it was about waits to be sent again."""
    mend(stores)

    status, out, err = komo_braze("dead-letters", "replay", "--integration", "summer", "--text", "Ada", "--json")

    assert (status, err) == (0, "")
    assert (orjson.loads(out)["state"], orjson.loads(out)["done"]) == ("done", 1)
    assert ids_of(komo_braze("dead-letters", "list", "--json")[1]) == letters[:0:-1]
    assert ids_of(komo_braze("submissions", "list", "--state", "waiting", "--json")[1]) == letters[:1]


def test_discarding_in_a_pipe_needs_a_yes(
    worker: None, komo_braze: Run, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there to ask."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)

    assert komo_braze("dead-letters", "discard", letters[0])[0] == 2
    assert len(ids_of(komo_braze("dead-letters", "list", "--json")[1])) == 3
    status, out, _ = komo_braze("dead-letters", "discard", letters[0], letters[1], "--yes")

    assert status == 0
    assert "2 done" in out
    assert ids_of(komo_braze("dead-letters", "list", "--json")[1]) == letters[2:]


@pytest.mark.parametrize(("answer", "status", "left"), [("y", 0, 0), ("n", 1, 3)])
def test_discarding_asks_on_a_terminal(
    answer: str, status: int, left: int, worker: None, komo_braze: Run, letters: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It can't be undone."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)

    assert komo_braze("dead-letters", "discard", "--all")[0] == status
    assert len(ids_of(komo_braze("dead-letters", "list", "--json")[1])) == left


def test_without_a_worker_the_job_stays(
    komo_braze: Run, letters: list[str], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command does not wait for ever, and says what is missing."""
    monkeypatch.setattr(progress, "TAKEN_WITHIN_S", 0.0)

    status, out, err = komo_braze("dead-letters", "replay", "--all")

    (job_id,) = stores.jobs.open()
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert job_id in err
    status, out, err = komo_braze("dead-letters", "replay", "--all", "--json")
    assert (status, orjson.loads(out)["state"], len(err.splitlines())) == (1, "queued", 1)


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    "arguments",
    [[], ["512c0000000000000000", "--all"], ["512c0000000000000000", "--reason", "refused"],
     ["--all", "--integration", "summer"], ["--rate", "0", "--all"], ["--text", " "],
     ["--all", "--rate", "nan"], ["--all", "--rate", "inf"], ["--all", "--rate", "1e-9"],
     ["--all", "--events-not-older-than", "nan"]],
)  # fmt: skip
def test_which_ones_has_to_be_said_in_one_way(verb: str, arguments: list[str], komo_braze: Run, stores: Stores) -> None:
    """Everything is meant only where somebody says so."""
    status, _, err = komo_braze("dead-letters", verb, *arguments)

    assert status == 2
    assert "Traceback" not in err
    assert stores.jobs.open() == []


def test_what_is_not_there_is_one_sentence(komo_braze: Run, stores: Stores) -> None:
    """Letters and integrations alike, and before anything is asked of a worker."""
    missing = "Error: There is no integration nobody.\n"

    assert komo_braze("dead-letters", "list", "--integration", "nobody") == (1, "", missing)
    assert komo_braze("dead-letters", "export", "--integration", "nobody") == (1, "", missing)
    assert komo_braze("dead-letters", "replay", "--integration", "nobody") == (1, "", missing)
    for arguments in (["show", "nothing"], ["replay", "nothing"], ["discard", "nothing", "--yes"]):
        status, out, err = komo_braze("dead-letters", *arguments)
        assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert stores.jobs.open() == []
