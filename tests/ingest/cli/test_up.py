import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.cli.main import run
from ingest.cli.ready import answers
from ingest.cli.up import child_environment, commands, local, refuse_busy_port, with_options
from schemas.settings import SETTING_NAMES, load_settings

ROOT = Path(__file__).parents[3]
#: Nothing of the developer's own settings.
PLAIN = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTING_NAMES:
        monkeypatch.delenv(name, raising=False)


def free_ports(number: int) -> int:
    """The first of some ports in a row that nobody uses now."""
    for first in range(18_000 + os.getpid() % 4_000, 30_000, number):
        try:
            for port in range(first, first + number):
                refuse_busy_port("127.0.0.1", port, "")
        except Exception:  # noqa: S112 -- taken: the next ones
            continue
        return first
    pytest.fail("no free ports")


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`komo-braze` as a person would run it; at the end it is stopped as a person would, and all of it is gone."""
    program = [sys.executable, "-m", "ingest.cli", *arguments]
    with subprocess.Popen(program, cwd=ROOT, env=PLAIN, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def read_until(process: subprocess.Popen[str], pattern: str, seconds: float = 40) -> str:
    """Everything printed until a line fits."""
    assert process.stdout is not None
    said, until = "", time.monotonic() + seconds
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
        assert time.monotonic() < until, said
    pytest.fail(f"it ended: {said}")


def test_a_busy_port_is_one_clear_sentence_before_anything_starts(
    busy_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second most common mistake of a first start."""
    monkeypatch.setenv("HOST", "127.0.0.1")

    assert run(["up", "--port", str(busy_port), "--data-dir", str(tmp_path)]) == 1

    said = capsys.readouterr().err
    assert said == (
        f"Error: Nothing can listen on 127.0.0.1, port {busy_port} (Address already in use): "
        "choose another with --port.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["up.lock"]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("LANES", "0", "Error: LANES is '0', but must be a whole number from 1 to 256.\n"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Error: The store at redis://127.0.0.1:1/0 can't be reached ("),
        ("SECRET_KEY", "short", "Error: SECRET_KEY must hold random keys of at least 32 characters;"),
    ],
)
def test_a_broken_setting_is_one_clear_sentence(
    setting: str,
    value: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Broken settings never start half of the processes."""
    monkeypatch.setenv(setting, value)

    assert run(["up", "--port", str(free_ports(1)), "--data-dir", str(tmp_path)]) == 1

    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_data_directory_without_rights_is_one_clear_sentence(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else can be done without it."""
    assert run([command, "--port", str(free_ports(3)), "--data-dir", "/proc/no-such-place"]) == 1

    assert re.fullmatch(
        r"Error: The data directory /proc/no-such-place can't be used \(.*\)\.\n", capsys.readouterr().err
    )


def test_options_win_over_the_environment_and_blanks_count_as_not_set() -> None:
    """What is typed last is meant."""
    given = with_options({"PORT": "1", "DATA_DIR": "a", "HOST": " "}, port=2, data_dir=Path("b"))

    assert given == {"PORT": "2", "DATA_DIR": "b"}


def test_every_worker_has_a_name_of_its_own() -> None:
    """Celery tells them apart by it."""
    found = commands({}, workers=3)

    assert [command.name for command in found] == ["web", "worker.1", "worker.2", "worker.3", "clock"]
    assert [command.environ.get("WORKER_NAME") for command in found[1:4]] == ["worker.1", "worker.2", "worker.3"]


def test_programs_are_found_beside_our_python() -> None:
    """Nobody has to activate the virtual environment."""
    assert child_environment({"PATH": "/bin"})["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/bin"


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_web_process_is_asked_where_it_can_be_reached(host: str, url: str) -> None:
    """0.0.0.0 is where one listens, not where one calls."""
    assert local(load_settings({"HOST": host})) == url


def test_up_runs_everything_restarts_what_dies_and_stops_in_time(tmp_path: Path) -> None:
    """The whole of it, as a person would run it."""
    port = free_ports(1)
    with running("up", "--port", str(port), "--data-dir", str(tmp_path)) as process:
        said = read_until(process, r"Ready: ")
        assert "ADMIN_PASSWORD: " in said
        assert "Warning: PUBLIC_URL is not set." in said
        assert answers(f"http://127.0.0.1:{port}/readyz")

        web = re.search(r"Starting granian \(main PID: (\d+)\)", said)
        assert web
        os.kill(int(web[1]), signal.SIGKILL)
        read_until(process, r"web was killed by SIGKILL; starting it again in 1 s")
        until = time.monotonic() + 20
        while not answers(f"http://127.0.0.1:{port}/healthz"):
            assert time.monotonic() < until, "the web process did not come back"
            time.sleep(0.1)

        asked_at = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 0
        assert time.monotonic() - asked_at < 15
    refuse_busy_port("127.0.0.1", port, "")
