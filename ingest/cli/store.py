"""`komo-braze store`: what is done to the store as a whole, while no other process is at work."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from ingest.cli.opened import opened, say, store_options, table
from ingest.cli.surroundings import Unusable, surroundings
from workers.store import Stores, open_stores
from workers.store.alive import LATE_S, Alive
from workers.store.connect import connect
from workers.store.format import FORMAT, format_of
from workers.store.format import upgrade as upgrade_format
from workers.store.restored import Restored


@click.group()
def store() -> None:
    """Upgrade the store, and make a restored backup safe."""


@store.command("format")
@store_options
def show_format(data_dir: Path | None, as_json: bool) -> None:
    """Show the format of what is kept, and the one that this version needs."""
    with _any_store(data_dir) as stores:
        found = format_of(stores.connection)
    lines = [f"The store has format {found or 'none yet'}; this version needs {FORMAT}."]
    say({"format": found, "needed": FORMAT}, as_json, lines)


@store.command("upgrade")
@store_options
def upgrade(data_dir: Path | None, as_json: bool) -> None:
    """Bring the store to the format of this version; stop every other process before."""
    with _any_store(data_dir) as stores:
        _alone(stores.alive)
        before, after = upgrade_format(stores.connection)
    line = (
        f"The store has format {after}." if before == after else f"The store had format {before} and has {after} now."
    )
    say({"before": before, "after": after}, as_json, [line])


@store.command("restored")
@store_options
def restored(data_dir: Path | None, as_json: bool) -> None:
    """
    Say that the store is out of a backup, before anything else is started on it.

    What was received until now may have been sent since the backup: it is sent again, but increments and additions to
    lists are left out, no message is asked for a second time, and its events count as possible duplicates.
    """
    with opened(data_dir) as here:
        _alone(here.stores.alive)
        every = here.stores.integrations.every()
        gone = Restored(here.stores.connection).note(every, now_ms=int(time.time() * 1000))
        ledgers = {one.id: here.stores.ledger.read(one) for one in every}
    items = [
        {"integration": name, "waiting": told["waiting"] + told["in_flight"], "held": told["held"],
         "dead": told["dead"], "messages": gone[name]}
        for name, told in ledgers.items()
    ]  # fmt: skip
    rows = [("INTEGRATION", "WAITING", "HELD", "DEAD", "MESSAGES LET GO")]
    say({"items": items}, as_json, table(rows + [tuple(map(str, one.values())) for one in items]))


@contextmanager
def _any_store(data_dir: Path | None) -> Iterator[Stores]:
    environ = {**os.environ, **({"DATA_DIR": str(data_dir)} if data_dir else {})}
    with surroundings(environ, any_format=True) as found:
        client = connect(found.settings.redis_url or "", any_format=True)
        with closing(client):
            yield open_stores(found.settings, client)


def _alone(alive: Alive) -> None:
    """Raises: Unusable if a worker may be at work; of web processes and clocks nobody is told."""
    for beat in alive.look():
        if beat.kind == "worker" and beat.age_s < LATE_S:
            raise Unusable(
                f"The worker {beat.name} was alive {beat.age_s:.0f} s ago: stop every process first; "
                f"one that was killed is forgotten after {LATE_S:.0f} s."
            )
