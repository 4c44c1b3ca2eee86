"""`komo-braze jobs`: what workers do because a person asked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ingest.cli.opened import opened, say, store_options, table
from ingest.cli.progress import lines_of
from schemas.api import MOST_ON_A_PAGE, PAGE
from workers.jobs import stop
from workers.store.jobs import Job


@click.group()
def jobs() -> None:
    """Show how far replays, discards and forgettings are, and stop them."""


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, MOST_ON_A_PAGE), default=PAGE, show_default=True)
@store_options
def list_jobs(limit: int, data_dir: Path | None, as_json: bool) -> None:
    """List jobs, newest first; they are kept for seven days after their end."""
    with opened(data_dir) as here:
        found = here.stores.jobs.recent(limit)
    say({"items": [job.short() for job in found]}, as_json, _listed(found))


@jobs.command("show")
@click.argument("job_id", metavar="ID")
@store_options
def show_job(job_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Show a job; it is kept for seven days after its end."""
    with opened(data_dir) as here:
        job = here.stores.jobs.get(job_id)
    _show(job, job_id, as_json)


@jobs.command("stop")
@click.argument("job_id", metavar="ID")
@store_options
def stop_job(job_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Stop a job for good; what it did stands. One that is over already stays as it is."""
    with opened(data_dir) as here:
        job = stop(job_id, here.stores)
    _show(job, job_id, as_json)


def _show(job: Job | None, job_id: str, as_json: bool) -> None:
    if job is None:
        raise click.ClickException(f"There is no job {job_id}, or it is no longer kept.")
    say(job.shown(), as_json, lines_of(job))


def _listed(found: Sequence[Job]) -> Iterator[str]:
    if not found:
        yield "There are no jobs."
        return
    rows = [("ID", "KIND", "STATE", "CREATED", "DONE", "SKIPPED", "OF")]
    rows += [
        (one.id, one.kind, one.state, one.created_at, str(one.done), str(one.skipped), str(one.matched))
        for one in found
    ]  # fmt: skip
    yield from table(rows)
