"""`komo-braze people`: what is kept here about one of them."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import click
import orjson

from ingest.cli.filters import not_blank
from ingest.cli.opened import BY, opened, store_options
from ingest.cli.progress import watch
from schemas.api_dead_letters import KINDS
from workers.export import export, is_usable


@click.group()
def people() -> None:
    """Forget a person, or tell what is kept about one."""


@people.command("forget")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--value", callback=not_blank, help="Asked for if left out, so that it stays out of the shell's history.")
@click.option("--alias-label", callback=not_blank, metavar="LABEL", help="Of a user_alias.")
@store_options
def forget(kind: str, value: str | None, alias_label: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Erase what is kept here about a person. Profiles in Braze are not touched."""
    asked = _whom(kind, value, alias_label)
    with opened(data_dir) as here:
        job = here.stores.jobs.create("forget", asked, by=BY)
        watch(here.stores.jobs, job, as_json)


@people.command("export")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--value", callback=not_blank, help="Asked for if left out, so that it stays out of the shell's history.")
@click.option("--alias-label", callback=not_blank, metavar="LABEL", help="Of a user_alias.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file that only you may read.")
@store_options
def export_person(
    kind: str,
    value: str | None,
    alias_label: str | None,
    output: Path | None,
    data_dir: Path | None,
    as_json: bool,  # noqa: ARG001 -- it always is
) -> None:
    """Tell everything that is kept here about a person, as JSON lines; the last one is {"what": "end", ...}."""
    asked = _whom(kind, value, alias_label)
    with opened(data_dir) as here:
        if not is_usable(asked, here.stores):
            raise click.ClickException("The value is not usable as an identifier of this kind.")
        with _to(output) as file:
            for line in export(asked, here.stores):
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if line["what"] != "end":
            raise click.ClickException("It is not complete: an integration was changed meanwhile. Ask again.")


def _to(output: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Where the lines go; a file is nobody else's."""
    if output is None:
        return nullcontext(sys.stdout.buffer)
    try:
        file: int = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(file, 0o600)
    except OSError as error:
        raise click.ClickException(f"{output} can't be written: {error.strerror}.") from None
    return os.fdopen(file, "wb")


def _whom(kind: str, value: str | None, alias_label: str | None) -> dict[str, str]:
    """Whom the options mean; asks for what is missing."""
    if kind == "user_alias" and alias_label is None:
        raise click.UsageError("--alias-label is missing: a user_alias is found by its label and value.")
    if kind != "user_alias" and alias_label is not None:
        raise click.UsageError("--alias-label belongs to --kind user_alias, and to no other.")
    while value is None or not value.strip():
        value = str(click.prompt("Value", err=True))
    return {"kind": kind, "value": value} | ({"alias_label": alias_label} if alias_label else {})
