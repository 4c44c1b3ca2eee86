"""
`komo-braze`: every command, and how errors end.

Exit status: 0 done, 1 the thing asked for failed, 2 wrong usage, 141 nobody reads the output any more (`| head -1`).
Errors are one clear sentence, never a traceback.
"""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from traceback import extract_tb

import click

from schemas.settings import SettingsError
from workers.errors import PipelineError

#: Where each command lives: module and attribute.
COMMANDS = {
    "up": "ingest.cli.up:up",
    "demo": "ingest.cli.demo:demo",
    "integrations": "ingest.cli.integrations:integrations",
    "submissions": "ingest.cli.submissions:submissions",
    "dead-letters": "ingest.cli.dead_letters:dead_letters",
    "people": "ingest.cli.people:people",
    "jobs": "ingest.cli.jobs:jobs",
    "doctor": "ingest.cli.doctor:doctor",
    "secrets": "ingest.cli.secrets:secrets",
    "store": "ingest.cli.store:store",
}

#: What a disk says that takes no more.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
#: As a shell tells that a signal ended a command: so do others whose reader goes away, under `pipefail` too.
NOBODY_READS = 128 + signal.SIGPIPE


class Commands(click.Group):
    """Loads a command when it is asked for, so that `komo-braze --help` needs no store."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="komo-braze", prog_name="komo-braze")
def komo_braze() -> None:
    """Brings what people submit on Komo cards into their Braze profiles."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Raises: SystemExit, always."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns: its exit status."""
    output = sys.stdout
    try:
        status = komo_braze.main(args=arguments, prog_name="komo-braze", standalone_mode=False)
    except click.ClickException as error:  # wrong usage has 2 as its status, everything else 1
        error.show()
        return error.exit_code
    except SettingsError as error:
        return _fail(*error.sentences)
    except (click.Abort, KeyboardInterrupt):
        return _fail("Stopped.")
    except SystemExit:
        if sys.stdout is output:
            raise
        return NOBODY_READS  # click ends with 1, and has put something in its place that fails no more
    except PipelineError as error:
        return _fail(str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            return _full(error)
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            raise
        # Its text may quote what somebody has typed, and what is printed here ends up in logs.
        what = f"{type(error).__name__} at {_place(error)}"
        return _fail(f"This should not have happened: {what}. LOG_LEVEL=DEBUG shows more.")
    return status if isinstance(status, int) else 0


def _full(error: OSError) -> int:
    _silence()
    return _fail(f"The output can't be written ({error.strerror}).")


def _silence() -> None:
    """What is still in the buffer of our output must not fail a second time at exit."""
    with suppress(OSError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _place(error: Exception) -> str:
    """File and line where it was raised."""
    last = extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def _fail(*sentences: str) -> int:
    for sentence in sentences:
        click.echo(f"Error: {sentence}", err=True)
    return 1
