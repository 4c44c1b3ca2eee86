"""`komo-braze jobs`: what workers do because a person asked."""

from pathlib import Path

import click

from ingest.cli.opened import opened, say, store_options
from ingest.cli.progress import lines_of


@click.group()
def jobs() -> None:
    """Show how far a replay, a discard or a forgetting is."""


@jobs.command("show")
@click.argument("job_id", metavar="ID")
@store_options
def show_job(job_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Show a job; it is kept for seven days after its end."""
    with opened(data_dir) as here:
        job = here.stores.jobs.get(job_id)
    if job is None:
        raise click.ClickException(f"There is no job {job_id}, or it is no longer kept.")
    say(job.shown(), as_json, lines_of(job))
