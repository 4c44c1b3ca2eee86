"""`komo-braze people`: what is kept here about one of them."""

from pathlib import Path

import click

from ingest.cli.filters import not_blank
from ingest.cli.opened import BY, opened, store_options
from ingest.cli.progress import watch
from schemas.api_dead_letters import KINDS


@click.group()
def people() -> None:
    """Forget a person."""


@people.command("forget")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--value", callback=not_blank, help="Asked for if left out, so that it stays out of the shell's history.")
@click.option("--alias-label", callback=not_blank, metavar="LABEL", help="Of a user_alias.")
@store_options
def forget(kind: str, value: str | None, alias_label: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Erase what is kept here about a person. Profiles in Braze are not touched."""
    if kind == "user_alias" and alias_label is None:
        raise click.UsageError("--alias-label is missing: a user_alias is found by its label and value.")
    if kind != "user_alias" and alias_label is not None:
        raise click.UsageError("--alias-label belongs to --kind user_alias, and to no other.")
    while value is None or not value.strip():
        value = str(click.prompt("Value", err=True))
    asked = {"kind": kind, "value": value} | ({"alias_label": alias_label} if alias_label else {})
    with opened(data_dir) as here:
        job = here.stores.jobs.create("forget", asked, by=BY)
        watch(here.stores.jobs, job, as_json)
