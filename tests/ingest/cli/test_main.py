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
    failing.append(ZeroDivisionError("division by zero"))

    assert run(["fail"]) == 1
    assert "ZeroDivisionError: division by zero. LOG_LEVEL=DEBUG shows more." in capsys.readouterr().err

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
