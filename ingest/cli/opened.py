"""How commands reach the stores, and how they print: lines for people, JSON for programs."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from ingest.cli.surroundings import surroundings
from schemas.problems import Problem
from schemas.settings import Settings
from workers.store import Stores, open_stores

#: How `save` and its like record who it was.
BY = "command line"

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with."""

    stores: Stores
    settings: Settings

    @property
    def public_url(self) -> str:
        """Where Komo reaches the web process; as under `up` where nobody said."""
        return self.settings.public_url or f"http://127.0.0.1:{self.settings.port}"


class Problems(click.ClickException):
    """Several things are wrong: a line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        lines = [f"{one.pointer or 'The document'}: {one.detail}" for one in problems]
        super().__init__("\n".join(lines))

    def show(self, file: Any = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"Error: {line}", err=True, file=file)


@contextmanager
def opened(data_dir: Path | None, *, writes: bool = True) -> Iterator[Opened]:
    """
    The stores of this environment; without `REDIS_URL` those of the data directory, running or not.

    Args:
        writes: Whether something may be written, which has to reach `STORE_REPLICAS` before anybody is told of it.

    Raises: SettingsError; StoreUnavailable and its like, in one sentence.
    """
    environ = {**os.environ, **({"DATA_DIR": str(data_dir)} if data_dir else {})}
    with surroundings(environ) as found:
        stores = open_stores(found.settings)
        try:
            yield Opened(stores, found.settings)
            if writes:
                stores.confirm()
        finally:
            stores.connection.close()


def store_options(command: _F) -> _F:
    """`--json` and `--data-dir`, which every command has."""
    data_dir = click.option(
        "--data-dir", type=click.Path(path_type=Path), help="Of the embedded store [default: DATA_DIR or ./data]."
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    return as_json(data_dir(command))


def say(data: Any, as_json: bool, lines: Iterable[str]) -> None:
    """Print the data as JSON, or the lines."""
    if as_json:
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
        return
    for line in lines:
        click.echo(line)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines, columns below each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
