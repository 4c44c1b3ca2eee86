"""
Secrets and personal data in everything that comes in, and then a search of everything that goes out but to Braze.

The store's file may hold what people have typed, and no secret. `tests/test_reprs.py` looks at what a repr shows.
"""

import base64
import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from itsdangerous import base64_decode

from ingest.app import create_app
from ingest.cli.main import run
from schemas.settings import NEEDED_BY_WEB, load_settings
from tests.flow.planted import BRAZE_KEY, PERSONAL, Planted, planted_system
from tests.flow.test_processes import _wait
from tests.visitor import PASSWORD, Visitor
from workers.logs import JsonLines
from workers.store import open_stores

Command = Callable[..., str]


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    before = signal.getsignal(signal.SIGTERM)
    with planted_system() as planted:
        yield planted
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def command(planted: Planted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """What a command prints, on both of its ways out."""
    for name, value in planted.system.environ.items():
        monkeypatch.setenv(name, value)

    def printed(*arguments: str) -> str:
        run(arguments)
        told = capsys.readouterr()
        return told.out + told.err

    return printed


def found_in(text: str, canaries: list[str]) -> list[str]:
    """Canaries that stand there, also in base64, as Basic and Bearer headers may be written."""
    forms = {one: (one, base64.b64encode(one.encode()).decode().rstrip("=")) for one in canaries}
    return [one for one, written in forms.items() if any(form in text for form in written)]


def test_a_canary_that_is_there_is_found(planted: Planted) -> None:
    """A search that can't find anything proves nothing: here what people have typed is in the store's file."""
    assert set(found_in(store_file(planted), [PERSONAL["name"], PERSONAL["answer"]])) == {
        PERSONAL["name"], PERSONAL["answer"],
    }  # fmt: skip


def store_file(planted: Planted) -> str:
    directory = planted.system.machine.directory / "store"
    files = [one for one in directory.rglob("*") if one.is_file()]
    assert files
    return "".join(one.read_text("latin-1") for one in files)


def test_secrets_are_sealed_in_the_store_s_file(planted: Planted) -> None:
    """A stolen backup opens no door: not to Braze, not to the webhook, not to the pages."""
    _wait(lambda: "summer-hub" in store_file(planted), "a file")

    assert found_in(store_file(planted), planted.secrets) == []


def test_nothing_is_in_the_logs_of_any_process(planted: Planted) -> None:
    """Logs are kept elsewhere, by others, for longer; also where Braze or a crash quotes somebody."""
    logs = planted.logs()

    assert {one for one in ("delivery.attempted", "task.failed", "alert.sent") if one not in logs} == set()
    assert found_in(logs, [*PERSONAL.values(), *planted.secrets]) == []


def test_nothing_is_in_alerts_or_metrics(planted: Planted) -> None:
    """They go to chat rooms and dashboards; Braze's words, which may quote somebody, stay here."""
    alerts = "".join(planted.alerts)

    assert "Braze does not know this REST key" in alerts
    assert "refused" in alerts
    assert "komo_braze_" in planted.metrics
    assert found_in(alerts + planted.metrics, [*PERSONAL.values(), *planted.secrets]) == []


def test_nothing_is_quoted_in_an_error(planted: Planted) -> None:
    """Senders keep what they were answered."""
    assert found_in("".join(planted.answers), [*PERSONAL.values(), *planted.secrets]) == []


def test_nothing_is_in_the_command_line_of_any_process(planted: Planted) -> None:
    """Everybody on the machine can read those."""
    system = planted.system
    lines = [
        (process / "cmdline").read_bytes().decode()
        for one in (system.web, system.worker, system.clock)
        for process in Path("/proc").glob("[0-9]*")
        if _session_of(process) == one.pid
    ]

    assert any("granian" in line for line in lines)
    assert found_in("".join(lines), [*PERSONAL.values(), *planted.secrets]) == []


def _session_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except (OSError, IndexError, ValueError):
        return -1


def test_nothing_is_in_the_broker(planted: Planted) -> None:
    """A wake-up call holds ids; queues are looked at by people who may not see answers."""
    calls = planted.calls()
    held: Any = planted.store
    others = [held.dump(key) for key in held.scan_iter() if not key.startswith((b"{", b"komo:"))]

    assert any("summer-hub" in call["body"] for call in calls), "bodies are searched as they were before base64"
    assert found_in(repr(calls) + repr(others), [*PERSONAL.values(), *planted.secrets]) == []


def test_nothing_is_in_the_name_of_a_file_or_of_a_key(planted: Planted) -> None:
    """Names stand in listings, backups' logs and slow logs."""
    files = [str(path) for path in planted.system.machine.directory.rglob("*")]
    keys: list[Any] = list(planted.store.scan_iter())

    assert any(one.endswith(".aof") for one in files)
    assert found_in(repr(files) + repr(keys), [*PERSONAL.values(), *planted.secrets]) == []


def test_what_a_command_prints_holds_no_secret(command: Command, planted: Planted) -> None:
    """Whoever may run it has the environment; whoever reads over a shoulder, or a log of what ran, has not."""
    listed = orjson.loads(command("dead-letters", "list", "--json"))
    [letter] = [one["id"] for one in listed["items"]]
    told = [
        command(*line.split())
        for line in (
            "integrations list", "integrations show summer-hub", "integrations show summer-hub --json",
            "integrations test summer-hub", "submissions list --json", f"submissions show {letter}",
            "dead-letters list", f"dead-letters show {letter} --json", "dead-letters export -",
            "jobs list --json", "doctor", "doctor --json",
        )
    ]  # fmt: skip

    assert all(told)
    assert PERSONAL["email"] in told[7], "what was asked for is told"
    assert found_in("".join(told), [one for one in planted.secrets if one != planted.system.environ["API_TOKEN"]]) == []


def test_a_command_that_lists_names_nobody(command: Command) -> None:
    """Only what shows one thing, or exports, tells what somebody has typed; with a dead letter come Braze's words."""
    told = [
        command(*line.split())
        for line in (
            "integrations list", "submissions list", "submissions list --json", "dead-letters list",
            "jobs list --json", "doctor", "doctor --json",
        )
    ]  # fmt: skip
    [letter] = orjson.loads(command("dead-letters", "list", "--json"))["items"]

    assert all(told)
    assert letter.pop("answer") == f"{PERSONAL['name']} <[e-mail]> [number] [key]"
    assert found_in("".join(told) + repr(letter), list(PERSONAL.values())) == []


def test_the_cookie_holds_a_token_and_nothing_else(planted: Planted) -> None:
    """It is signed, not sealed: whoever has the browser's profile can read it."""
    environ = planted.system.environ | {"ADMIN_PASSWORD": PASSWORD, "PORT": "8000"}
    settings = load_settings(environ)
    client = create_app(settings, open_stores(settings), lambda *_: None).test_client()
    visitor = Visitor(client)
    client.environ_base |= {"wsgi.url_scheme": "https", "HTTP_HOST": "komo.example.org"}
    visitor.sign_in()
    searched = visitor.send("/activity", who=PERSONAL["email"], text=PERSONAL["answer"])
    cookie = client.get_cookie("__Host-komo_braze", "komo.example.org") or client.get_cookie("__Host-komo_braze")
    assert cookie
    held = orjson.loads(base64_decode(cookie.value.split(".")[0]))

    assert searched.status_code == 200
    assert set(held) <= {"token", "csrf_token", "language"}
    assert held["token"]
    assert found_in(repr(held), [*PERSONAL.values(), *planted.secrets, PASSWORD]) == []


def test_a_crash_that_quotes_somebody_says_where_and_not_what(redis_server: str) -> None:
    """The text of an error is written by libraries, and they quote what they could not read."""
    given = dict.fromkeys(NEEDED_BY_WEB - {"REDIS_URL"}, "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E")
    settings = load_settings(given | {"REDIS_URL": redis_server, "PUBLIC_URL": "https://komo.example.org"})
    app = create_app(settings, open_stores(settings), lambda *_: None)

    def crash() -> str:
        raise RuntimeError(f"could not read {PERSONAL['email']} with {BRAZE_KEY}")

    app.add_url_rule("/api/crash", view_func=crash)
    app.add_url_rule("/crash", "crash-for-people", view_func=crash)
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler, log = Kept(), logging.getLogger("komo_braze")
    log.addHandler(handler)
    try:
        answers = [app.test_client().get(path, headers={"Accept": "text/html"}) for path in ("/api/crash", "/crash")]
    finally:
        log.removeHandler(handler)

    assert [answer.status_code for answer in answers] == [500, 500]
    assert len(lines) == 2
    assert "test_canaries.py:" in lines[0]
    assert found_in("".join(lines + [answer.text for answer in answers]), [PERSONAL["email"], BRAZE_KEY]) == []


def test_settings_show_no_secret_when_they_are_printed(redis_server: str) -> None:
    """A debugger, an assertion, or somebody's print would."""
    given = dict.fromkeys(NEEDED_BY_WEB - {"REDIS_URL"}, "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E")
    settings = load_settings(given | {"REDIS_URL": redis_server, "PUBLIC_URL": "https://komo.example.org"})

    assert "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E" not in repr(settings)
