"""Following a job to its end: a bar on a terminal, lines elsewhere. The job does not need anybody who looks at it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import orjson

from ingest.cli.opened import say
from workers.store.jobs import Job, Jobs

#: Between two looks.
LOOK_EVERY_S = 0.2
#: Between two lines where nobody sees a bar.
LINE_EVERY_S = 5.0
#: A worker that runs takes a job long before.
TAKEN_WITHIN_S = 10.0

Told = Callable[[Job], None]


class NotFollowed(click.ClickException):
    """Nobody looks at a job any more, although it is not over."""

    def __init__(self, job: Job, message: str) -> None:
        super().__init__(message)
        self.job = job


def follow(
    jobs: Jobs, job: Job, *, clock: Callable[[], float] = time.monotonic, pause: Callable[[float], None] = time.sleep
) -> Job:
    """
    Wait for a job's end, telling on standard error how far it is.

    Returns: The finished job.
    Raises: NotFollowed if no worker takes it in time, or somebody stops waiting; the job stays.
    """
    began = clock()
    try:
        with _telling(job, clock) as tell:
            while not job.finished:
                if job.state == "queued" and clock() - began >= TAKEN_WITHIN_S:
                    raise NotFollowed(
                        job,
                        f"No worker has taken job {job.id} within {TAKEN_WITHIN_S:.0f} seconds; "
                        "it waits and is done once worker and clock run and are through with other jobs.",
                    )
                pause(LOOK_EVERY_S)
                job = jobs.get(job.id) or _gone(job)
                tell(job)
    except KeyboardInterrupt:
        raise NotFollowed(job, f"Stopped looking. The job goes on: komo-braze jobs show {job.id}") from None
    return job


def watch(jobs: Jobs, job: Job, as_json: bool) -> None:
    """
    Follow a job, and print it: as JSON also where its end was not seen, so that a program learns its id.

    Raises: ClickException if it was not done.
    """
    try:
        end(follow(jobs, job), as_json)
    except NotFollowed as error:
        if as_json:
            say(error.job.shown(), as_json, ())
        raise


def end(job: Job, as_json: bool) -> None:
    """Print a finished job. Raises: ClickException if it failed, or was stopped."""
    say(job.shown(), as_json, lines_of(job))
    if job.state == "failed":
        raise click.ClickException(f"Job {job.id} failed: {job.why or 'the log of the worker says why.'}")
    if job.state == "stopped":
        raise click.ClickException(f"Job {job.id} was stopped; what it did stands.")


def lines_of(job: Job) -> Iterator[str]:
    """A job as people read it."""
    yield f"{job.id}  {job.kind}  {job.state}  {_counted(job)}"
    for name, value in (job.result or {}).items():
        yield f"  {name}  {orjson.dumps(value).decode()}"


def _counted(job: Job) -> str:
    return f"{job.done} done, {job.skipped} skipped, of {job.matched}"


def _gone(job: Job) -> Job:
    raise click.ClickException(f"Job {job.id} is no longer kept.")


@contextmanager
def _telling(job: Job, clock: Callable[[], float]) -> Iterator[Told]:
    if not sys.stderr.isatty():
        yield _lines(clock)
        return
    with click.progressbar(length=max(job.matched, 1), label=job.kind, file=sys.stderr) as bar:

        def tell(now: Job) -> None:
            bar.length = max(now.matched, 1)
            bar.update(now.done + now.skipped - bar.pos)

        yield tell


def _lines(clock: Callable[[], float]) -> Told:
    told_at, told = clock(), ""

    def tell(now: Job) -> None:
        nonlocal told_at, told
        line = f"{now.kind} {now.id}: {_counted(now)}"
        if now.state != "queued" and line != told and clock() - told_at >= LINE_EVERY_S:
            click.echo(line, err=True)
            told_at, told = clock(), line

    return tell
