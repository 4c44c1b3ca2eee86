"""`komo-braze demo`: as `up`, with a sandbox Braze, a sandbox Komo hub, and an integration that connects the two."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import orjson

from ingest.cli.ready import when_ready
from ingest.cli.supervisor import Command, Supervisor
from ingest.cli.surroundings import Surroundings, surroundings
from ingest.cli.up import (
    alone_in,
    child_environment,
    commands,
    local,
    refuse_busy_port,
    reviving,
    shared_locks,
    sign_in,
    with_options,
)
from schemas.settings import NEEDED_BY_WEB, SECRET_SETTINGS, SETTING_NAMES, Settings, load_settings
from workers.errors import UnknownIntegration
from workers.store import Stores, open_stores
from workers.store.integration_record import StoredIntegration

SANDBOX = (
    "exec granian --interface wsgi --factory --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 4 --no-ws "
    "--no-access-log ingest.sandbox.{name}.app:from_environment"
)


@click.command()
@click.option("--port", type=click.IntRange(1, 65533), help="The first of three ports [default: PORT or 8000].")
@click.option("--data-dir", type=click.Path(path_type=Path), help="What is kept [default: demo in DATA_DIR or ./data].")
def demo(port: int | None, data_dir: Path | None) -> None:
    """Run everything on this machine with a sandbox Braze and a sandbox Komo hub, nothing to configure."""
    given = demo_environment(os.environ, port, data_dir)
    settings = load_settings(given)
    with alone_in(settings.data_dir):
        for number in range(3):
            refuse_busy_port(settings.host, settings.port + number, "--port")
        with surroundings(given, need=NEEDED_BY_WEB, make_up=True) as found:
            _run(found)


def _run(found: Surroundings) -> None:
    settings = found.settings
    processes = [*commands(found.environ), *sandboxes(found, connect_hub(settings))]
    supervisor = Supervisor(processes, pass_fds=shared_locks(found))
    supervisor.say("Starting ...")
    urls = [f"{local(settings)}/healthz", _sandbox_url(settings, 1), f"{_sandbox_url(settings, 2)}/healthz"]
    when_ready(urls, lambda: supervisor.say(where_to_click(found)))
    supervisor.run(reviving(found.store, supervisor.say))


def demo_environment(environ: Mapping[str, str], port: int | None, data_dir: Path | None) -> dict[str, str]:
    """The environment of the demo: on this machine alone, with a data directory of its own, and the sandbox allowed."""
    given = with_options(environ, port=port, data_dir=data_dir)
    if data_dir is None:
        given["DATA_DIR"] = str(Path(given.get("DATA_DIR", "data")) / "demo")
    given.setdefault("HOST", "127.0.0.1")
    # Celery warns in many lines where a newcomer tries this as root, as people do in a container.
    given.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
    settings = load_settings(given)
    given.setdefault("PUBLIC_URL", f"http://127.0.0.1:{settings.port}")
    given["EXTRA_BRAZE_HOSTS"] = ",".join([*settings.extra_braze_hosts, _sandbox_url(settings, 1)])
    return given


def connect_hub(settings: Settings) -> StoredIntegration:
    """The demo's integration: made at the first start, left as people changed it later, but for the sandbox's port."""
    stores: Stores = open_stores(settings)
    try:
        document: dict[str, Any] = orjson.loads(files("ingest.sandbox").joinpath("demo_integration.json").read_bytes())
        document["braze"]["rest_endpoint"] = _sandbox_url(settings, 1)
        try:
            stored = stores.integrations.get(document["id"])
        except UnknownIntegration:
            stores.integrations.save(document, by="demo")
            return stores.integrations.get(document["id"])
        if stored.integration.braze.rest_endpoint != document["braze"]["rest_endpoint"]:
            stores.integrations.save({**stored.document, "braze": document["braze"]}, by="demo")
        return stores.integrations.get(document["id"])
    finally:
        stores.connection.close()


def sandboxes(found: Surroundings, integration: StoredIntegration) -> list[Command]:
    """The sandboxes' processes; they know nothing of the connector but what they are told here."""
    settings = found.settings
    braze = _sandbox_url(settings, 1)
    strangers = {name: value for name, value in found.environ.items() if name not in SECRET_SETTINGS | {*SETTING_NAMES}}
    environ = child_environment(strangers) | {
        "SANDBOX_BRAZE_PUBLIC": braze,
        "SANDBOX_BRAZE_KEY": integration.api_key() or "",
        "SANDBOX_HUB_WEBHOOK_URL": f"{local(settings)}/webhooks/komo/{integration.id}",
        "SANDBOX_HUB_WEBHOOK_SECRET": integration.webhook_secrets[0],
        "SANDBOX_HUB_BRAZE_URL": f"{braze}/segments?attribute=email&operator=is&value={{email}}",
    }
    return [
        Command(name, SANDBOX.format(port=settings.port + number, name=name), environ)
        for number, name in ((1, "braze"), (2, "hub"))
    ]


def where_to_click(found: Surroundings) -> str:
    """What a newcomer wants to know once everything answers."""
    settings = found.settings
    hub = _sandbox_url(settings, 2)
    return f"""
Everything is running.

  Connector        {settings.public_url}
  API docs         {settings.public_url}/api/docs
  Sandbox Braze    {_sandbox_url(settings, 1)}
  Sandbox hub      {hub}

{sign_in(found)}
Data directory: {settings.data_dir}

Play a card at {hub}, then look for the person at {_sandbox_url(settings, 1)}.
Ctrl-C stops everything."""


def _sandbox_url(settings: Settings, number: int) -> str:
    return f"http://127.0.0.1:{settings.port + number}"
