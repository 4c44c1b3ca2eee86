"""`komo-braze secrets`: what is sealed under `SECRET_KEY`, when that changes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ingest.cli.opened import Opened, opened, say, store_options
from workers.store import Stores
from workers.store.alive import LATE_S
from workers.store.seal import key_marks
from workers.store.sealed import Tally


@click.group()
def secrets() -> None:
    """Seal what is kept with another SECRET_KEY."""


@secrets.command("reseal")
@store_options
@click.pass_context
def reseal(context: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Seal all Braze keys and webhook secrets with the first key of SECRET_KEY. Everything may go on running."""
    with opened(data_dir) as here:
        if behind := without_the_newest_key(here):
            raise click.ClickException(
                f"{', '.join(behind)}: not running with the first key of SECRET_KEY. Restart every process with it "
                "first, or they could not open what is sealed here; one that ended is forgotten within a minute."
            )
        told = _reseal_all(here.stores)
    say(_shown(told), as_json, _lines(told))
    context.exit(1 if told.broken or told.left else 0)


def without_the_newest_key(here: Opened) -> Sequence[str]:
    """Processes that are alive and could not open what is sealed with our newest key. Raises: StoreUnavailable."""
    [newest] = key_marks(here.settings.secret_key[:1])
    beats = here.stores.alive.look()
    return [
        f"{one.kind} {one.name}" for one in beats if one.age_s <= LATE_S and one.runs and newest not in one.runs["keys"]
    ]


def _reseal_all(stores: Stores) -> Tally:
    told = Tally()
    with _bar(stores.sealed.ids()) as ids:
        for one in ids:
            told.add(stores.sealed.reseal(one))
    return told


@contextmanager
def _bar(ids: Sequence[str]) -> Iterator[Iterable[str]]:
    """A bar for whoever looks at a terminal."""
    if not sys.stderr.isatty():
        yield ids
        return
    with click.progressbar(ids, label="Sealing", file=sys.stderr) as bar:
        yield bar


def _shown(told: Tally) -> dict[str, object]:
    return {"resealed": told.resealed, "already": told.newest, "left": told.left, "broken": told.broken}


def _lines(told: Tally) -> Iterator[str]:
    yield (
        f"{told.resealed} sealed anew, {told.newest} were sealed with the first key of SECRET_KEY already."
        if told.resealed or told.newest or told.broken
        else "Nothing is sealed yet."
    )
    if told.left:
        yield f"{told.left} were changed by somebody else again and again: run this once more."
    for one, number in sorted(told.broken.items()):
        yield f"{one}: {number} can't be opened with SECRET_KEY; add the key they were sealed with at its end."
