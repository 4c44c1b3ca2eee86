"""
`komo-braze`: every command, and how errors end.

Exit status: 0 done, 1 the thing asked for failed, 2 wrong usage. Errors are one clear sentence, never a traceback.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

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
}


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
    try:
        status = komo_braze.main(args=arguments, prog_name="komo-braze", standalone_mode=False)
    except click.ClickException as error:  # wrong usage has 2 as its status, everything else 1
        error.show()
        return error.exit_code
    except SettingsError as error:
        return _fail(*error.sentences)
    except (click.Abort, KeyboardInterrupt):
        return _fail("Stopped.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: no second error at exit
        return 1
    except PipelineError as error:
        return _fail(str(error))
    except Exception as error:
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            raise
        return _fail(f"This should not have happened: {type(error).__name__}: {error}. LOG_LEVEL=DEBUG shows more.")
    return status if isinstance(status, int) else 0


def _fail(*sentences: str) -> int:
    for sentence in sentences:
        click.echo(f"Error: {sentence}", err=True)
    return 1
