"""`komo-braze integrations`: settings as files, for people who keep them in git."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson

from ingest.cli.opened import BY, Opened, Problems, opened, say, store_options, table
from ingest.connection import try_connection
from ingest.outlook import outbox_of
from schemas.problems import InvalidDocument
from workers.braze.client import BrazeClient
from workers.braze.probe import probe
from workers.store.integration_record import Saved, StoredIntegration


@click.group()
def integrations() -> None:
    """Show and change integrations."""


@integrations.command("list")
@store_options
def list_integrations(data_dir: Path | None, as_json: bool) -> None:
    """List all integrations."""
    with opened(data_dir) as here:
        found = here.stores.integrations.list()
        shown = [_shown(here, one) for one in found]
    rows = [("ID", "STATE", "VERSION", "BRAZE WORKSPACE", "NAME", "WAITS BECAUSE")]
    rows += [
        (one["id"], _state(one), str(one["version"]), _workspace(one), one["name"], _waits_because(one))
        for one in shown
    ]
    say(shown, as_json, table(rows) if shown else ["There are no integrations."])


@integrations.command("show")
@click.argument("integration_id", metavar="ID")
@store_options
def show_integration(integration_id: str, data_dir: Path | None, as_json: bool) -> None:  # noqa: ARG001
    """Print the document of an integration, which is JSON either way; its `standing` says whether it sends."""
    with opened(data_dir) as here:
        say(_shown(here, here.stores.integrations.get(integration_id)), True, ())


@integrations.command("apply")
@click.argument("file", type=click.File("rb"))
@store_options
def apply(file: Any, data_dir: Path | None, as_json: bool) -> None:
    """Create or replace an integration from a FILE with its document; - reads standard input."""
    document = read_json(file.read(), file.name)
    with opened(data_dir) as here:
        try:
            saved = here.stores.integrations.save(document, by=BY)
        except InvalidDocument as error:
            raise Problems(error.problems) from None
        # The next sweep, within a second or two, sends what waited for this.
        here.stores.inbox.kick(saved.stored.integration)
        here.stores.outbox.kick(saved.stored.integration)
        warnings = [warning.shown() for warning in saved.warnings]
        told = saved.stored.shown(here.public_url) | {"warnings": warnings} | dict(saved.secrets)
    say(told, as_json, _lines_of(saved, told))


@integrations.command("test")
@click.argument("integration_id", metavar="ID")
@store_options
@click.pass_context
def test(context: click.Context, integration_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Ask Braze whether host, key, permissions and types are right. Never writes to a profile."""
    with opened(data_dir) as here:
        lines = _ask(here, here.stores.integrations.get(integration_id))
    good = all(ok for _, ok, _ in lines)
    told = {"ok": good, "lines": [{"name": name, "ok": ok, "detail": detail} for name, ok, detail in lines]}
    say(told, as_json, table([("ok" if ok else "FAILED", name, detail) for name, ok, detail in lines]))
    context.exit(0 if good else 1)


@integrations.command("pause")
@click.argument("integration_id", metavar="ID")
@store_options
def pause(integration_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Stop sending; submissions are still accepted and kept."""
    with opened(data_dir) as here:
        stored = here.stores.integrations.pause(integration_id, by=BY)
        say(stored.shown(here.public_url), as_json, [f"{integration_id} is paused."])


@integrations.command("resume")
@click.argument("integration_id", metavar="ID")
@store_options
def resume(integration_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Send again, whoever paused."""
    with opened(data_dir) as here:
        stored = here.stores.integrations.resume(integration_id, by=BY)
        here.stores.inbox.kick(stored.integration)
        here.stores.outbox.kick(stored.integration)
        say(stored.shown(here.public_url), as_json, [f"{integration_id} is active."])


@integrations.command("delete")
@click.argument("integration_id", metavar="ID")
@click.option("--discard", is_flag=True, help="Also if submissions wait, are held or dead: they are lost.")
@store_options
def delete(integration_id: str, discard: bool, data_dir: Path | None, as_json: bool) -> None:
    """Remove an integration and everything kept for it."""
    with opened(data_dir) as here:
        here.stores.integrations.delete(integration_id, discard=discard)
    say({"id": integration_id, "deleted": True}, as_json, [f"{integration_id} is deleted."])


def read_json(data: bytes, name: str) -> Any:
    """The content of a file; raises ClickException in one sentence if it is not JSON."""
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{name} is not JSON: {error}.") from None


def _shown(here: Opened, stored: StoredIntegration) -> dict[str, Any]:
    standing = here.stores.standing.tell(stored.integration)
    return stored.shown(here.public_url) | {
        "standing": standing, "outbox": outbox_of(here.stores.outbox, stored.integration)
    }  # fmt: skip


def _state(shown: dict[str, Any]) -> str:
    return "draft" if shown.get("draft") else str(shown["state"])


def _workspace(shown: dict[str, Any]) -> str:
    """A draft has none, whatever it asks for."""
    return "" if shown.get("draft") else str(shown["braze"]["workspace"])


def _waits_because(shown: dict[str, Any]) -> str:
    standing = shown["standing"]
    until = f" (until {standing['until']})" if standing["until"] else ""
    return "" if standing["sending"] else f"{standing['because']}{until}"


def _ask(here: Opened, stored: StoredIntegration) -> list[tuple[str, bool, str]]:
    return try_connection(stored, partial(probe, client=BrazeClient(proxy=here.settings.braze_proxy)))


def _lines_of(saved: Saved, told: dict[str, Any]) -> Iterator[str]:
    yield f"{saved.stored.id} is {'created' if saved.created else 'saved'} as version {saved.stored.version}."
    for warning in told["warnings"]:
        yield f"Warning: {warning['pointer']}: {warning['detail']}"
    if saved.secrets:
        yield f"Komo posts to   {told['webhook_url']}"
        yield f"webhook_secret  {saved.secrets['webhook_secret']}   (shown this once)"
        yield f"url_key         {saved.secrets['url_key']}   (shown this once)"
