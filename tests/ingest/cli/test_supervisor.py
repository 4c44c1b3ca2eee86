import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.cli import supervisor as module
from ingest.cli.supervisor import Command, Supervisor

ROOT = Path(module.__file__).parents[2]


def _command(name: str, line: str) -> Command:
    return Command(name, line, os.environ)


def _run_until(supervisor: Supervisor, true: Callable[[], object], seconds: float = 20) -> None:
    """Everything runs until the condition holds, and is stopped then."""
    until = time.monotonic() + seconds

    def look() -> None:
        if true() or time.monotonic() > until:
            supervisor.stop()

    supervisor.run(look)
    assert time.monotonic() < until, "what was waited for did not happen"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_lines_carry_the_name_of_their_process_and_no_colour_in_a_pipe() -> None:
    """Three processes talk at once, and logs are read by machines too."""
    output = io.StringIO()
    supervisor = Supervisor([_command("web", "echo ready; exec sleep 60")], output=output)

    _run_until(supervisor, lambda: "ready" in output.getvalue())

    assert "web        | ready\n" in output.getvalue()
    assert "\033" not in output.getvalue()


def test_a_process_that_ends_is_started_again_and_the_others_go_on(tmp_path: Path) -> None:
    """A crash of the worker must not stop the web process from taking submissions."""
    starts, others = tmp_path / "starts", tmp_path / "others"
    supervisor = Supervisor(
        [_command("worker", f"echo >> '{starts}'; exit 3"), _command("web", f"echo >> '{others}'; exec sleep 60")],
        output=(output := io.StringIO()),
    )

    _run_until(supervisor, lambda: starts.exists() and len(starts.read_text()) >= 2)

    assert "komo-braze | worker ended with status 3; starting it again in 1 s\n" in output.getvalue()
    assert len(others.read_text()) == 1


def test_what_a_dead_process_started_does_not_live_on(tmp_path: Path) -> None:
    """It would hold the port, or drain a lane beside its successor."""
    child = tmp_path / "child"
    line = f"sleep 60 & [ -s '{child}' ] || echo $! > '{child}'; kill -9 $$"
    supervisor = Supervisor([_command("web", line)], output=(output := io.StringIO()))

    _run_until(supervisor, lambda: "was killed by SIGKILL" in output.getvalue())

    assert not _alive(int(child.read_text()))


def test_a_stop_is_asked_for_before_it_is_forced(tmp_path: Path) -> None:
    """A worker finishes its request; one that hangs is killed in time."""
    polite = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    supervisor = Supervisor([_command("worker", polite)], output=(output := io.StringIO()))
    _run_until(supervisor, lambda: "up" in output.getvalue())
    assert "| bye\n" in output.getvalue()


def test_a_process_that_ignores_the_stop_is_killed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen seconds are promised."""
    monkeypatch.setattr(module, "STOP_WAIT_S", 0.3)
    line = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
    supervisor = Supervisor([_command("worker", line)], output=(output := io.StringIO()))

    _run_until(supervisor, lambda: "worker" in output.getvalue())

    assert not _alive(int(output.getvalue().rpartition("| ")[2]))


#: Supervises one process, as `komo-braze up` does, and prints its pid.
SUPERVISES = """
import os
from ingest.cli.supervisor import Command, Supervisor
Supervisor([Command("web", "echo $$; exec sleep 60", os.environ)]).run()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_nothing_is_left_behind_however_the_supervisor_ends(number: int, status: int) -> None:
    """The next start would find the port taken."""
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells children of their parent's death")
    with subprocess.Popen([sys.executable, "-c", SUPERVISES], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().rpartition(b"| ")[2])
        assert _alive(pid)

        parent.send_signal(number)

        assert parent.wait(15) == status
    until = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _alive(pid)


def test_a_reader_that_goes_away_stops_everything() -> None:
    """`komo-braze up | head` must not leave processes that nobody sees."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISES], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().rpartition(b"| ")[2])
        parent.stdout.close()
        os.kill(pid, signal.SIGKILL)  # its restart is the next thing to be printed

        assert parent.wait(15) == 0
