import subprocess
import sys
from shlex import quote

import click
import pytest

from ingest.cli import main as module
from ingest.cli.main import COMMANDS, komo_braze, run
from schemas.settings import SettingsError
from workers.errors import StoreUnavailable


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command that raises what the test puts here."""
    errors: list[BaseException] = []

    @click.command()
    def fail() -> None:
        raise errors[0]

    monkeypatch.setattr(module.Commands, "get_command", lambda *_: fail)
    return errors


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreUnavailable("The store is away."), "Error: The store is away.\n"),
        (SettingsError(["A is wrong.", "B is wrong."]), "Error: A is wrong.\nError: B is wrong.\n"),
        (click.ClickException("No such file."), "Error: No such file.\n"),
        (KeyboardInterrupt(), "Error: Stopped.\n"),
    ],
)
def test_a_failure_is_one_clear_sentence_and_status_1(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], error: BaseException, said: str
) -> None:
    """People read it, and scripts look at the status."""
    failing.append(error)

    assert run(["fail"]) == 1
    assert capsys.readouterr().err.lstrip("\n") == said


def test_even_a_mistake_of_ours_shows_no_traceback(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless somebody asks for it."""
    failing.append(ZeroDivisionError("division of ada@example.com"))

    assert run(["fail"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError at test_main.py:" in said
    assert "LOG_LEVEL=DEBUG shows more." in said
    assert "ada" not in said, "an error's text quotes what could not be read"

    monkeypatch.setenv("LOG_LEVEL", "debug")
    with pytest.raises(ZeroDivisionError):
        run(["fail"])


@pytest.mark.parametrize("arguments", [["no-such-command"], ["up", "--no-such-option"], ["up", "--port", "0"]])
def test_wrong_usage_has_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As every shell user expects."""
    assert run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_every_command_is_there_and_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of commands must not name a module that is gone."""
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out

    for name in COMMANDS:
        command = komo_braze.get_command(click.Context(komo_braze), name)
        assert command is not None
        assert command.help
        assert f"\n  {name} " in listed


@pytest.mark.parametrize("into", ["| head -1", "> /dev/full"])
def test_an_output_that_ends_early_is_no_accident(into: str) -> None:
    """Who reads no further is no error to tell of, but no success either, as with git; a full disk is told."""
    program = "import click; from ingest.cli import main as m\n"
    program += "c = click.Command('c', callback=lambda: [click.echo('x' * 1000) for _ in range(1000)])\n"
    program += "m.Commands.get_command = lambda *_: c\nm.main(['c'])"
    line = f"{sys.executable} -c {quote(program)} {into}"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, timeout=60)

    if "head" in into:
        assert (done.returncode, done.stderr) == (141, "")
    else:
        assert done.returncode == 1
        assert done.stderr == "Error: The output can't be written (No space left on device).\n"
