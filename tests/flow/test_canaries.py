"""
Secrets and personal data in everything that comes in, and then a search of everything that goes out but to Braze.

Each canary is a text that occurs nowhere else. The store's file may hold what people have typed, and no secret.
"""

import base64
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from ingest.app import create_app
from schemas.settings import NEEDED_BY_WEB, load_settings
from tests.benchmarks.processes import Machine
from tests.factories import a_body
from tests.flow.test_processes import System, _ask, _wait
from workers.logs import JsonLines
from workers.store import open_stores

PERSONAL = {
    "email": "canary.mail@personal.example", "phone": "+61491570156", "name": "Canaria-Finch",
    "answer": "zzcanaryanswer",
}  # fmt: skip
WRONG_PASSWORD, WRONG_TOKEN, WRONG_KEY = "canary-wrong-password", "canary-wrong-token", "canary-wrong-url-key"
BRAZE_KEY = "an-example-of-a-key-0000"


class Planted:
    """A system through which everything has gone."""

    def __init__(self, system: System) -> None:
        self.system = system
        told = system.api("POST", "/integrations/summer-hub/rotate-secret", {"which": "url_key"})
        self.url_key = told["url_key"]
        self.secrets = [
            system.environ["SECRET_KEY"], system.environ["ADMIN_PASSWORD"], system.environ["API_TOKEN"], BRAZE_KEY,
            system.secret, system.secret.removeprefix("whsec_"), self.url_key, WRONG_PASSWORD, WRONG_TOKEN, WRONG_KEY,
        ]  # fmt: skip
        self.answers: list[str] = []
        self._good()
        self._bad()

    def _good(self) -> None:
        body = a_body("canary-member", number=1, first_name=PERSONAL["name"], email=PERSONAL["email"],
                      phone=PERSONAL["phone"], note=PERSONAL["answer"])  # fmt: skip
        path = f"/webhooks/komo/summer-hub?key={self.url_key}"
        assert _ask(self.system.web_port, "POST", path, body, {"Content-Type": "application/json"})[0] == 202
        self.system.wait_until_delivered(1)

    def _bad(self) -> None:
        """Whatever is refused, quotes nothing."""
        port, bearer = self.system.web_port, {"Authorization": f"Bearer {self.system.environ['API_TOKEN']}"}
        for path, headers in (
            (f"/webhooks/komo/summer-hub?key={WRONG_KEY}", {}),
            ("/webhooks/komo/summer-hub", {"Authorization": f"Bearer {WRONG_TOKEN}"}),
            (f"/webhooks/komo/nobody?key={self.url_key}", {}),
            ("/api/v1/people/forget", {"Authorization": f"Bearer {WRONG_TOKEN}"}),
            ("/api/v1/people/forget", bearer),
            ("/api/v1/submissions/search", bearer),
            ("/api/v1/integrations", bearer),
            ("/sign-in", {}),
        ):
            status, answer = _ask(port, "POST", path, {**PERSONAL, "password": WRONG_PASSWORD, "kind": 7}, headers)
            assert 400 <= status < 500, path
            self.answers.append(str(answer))
        headers = {"Authorization": f"Bearer {self.system.secret}", "Content-Type": "application/json"}
        status, answer = _ask(port, "POST", "/webhooks/komo/summer-hub", [PERSONAL["email"], 7, PERSONAL], headers)
        assert status == 422
        self.answers.append(str(answer))


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    before = signal.getsignal(signal.SIGTERM)
    with Machine() as machine:
        yield Planted(System(machine))
    signal.signal(signal.SIGTERM, before)


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
    """Logs are kept elsewhere, by others, for longer."""
    logs = "".join(
        one.log.read_text("utf-8", "replace")
        for one in (planted.system.web, planted.system.worker, planted.system.clock)
    )

    assert "delivery.attempted" in logs, "what is searched is what the processes have said"
    assert found_in(logs, [*PERSONAL.values(), *planted.secrets]) == []


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
    connection = redis.Redis.from_url(planted.system.environ["REDIS_URL"])
    told = []
    for key in connection.scan_iter():
        name = key.decode()
        if name.startswith(("{", "komo:")):
            continue  # the store's own, which holds submissions
        kind = connection.type(key)
        dump: Any = connection.lrange(key, 0, -1) if kind == b"list" else connection.dump(key)
        told.append(f"{name} {dump!r}")
    connection.close()

    assert found_in("".join(told), [*PERSONAL.values(), *planted.secrets]) == []


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
