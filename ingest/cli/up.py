"""`komo-braze up`: the Procfile's processes on one machine, with the embedded store where `REDIS_URL` is not set."""

import fcntl
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from ingest.cli.procfile import process_lines
from ingest.cli.ready import when_ready
from ingest.cli.supervisor import Command, Supervisor
from ingest.cli.surroundings import Surroundings, Unusable, surroundings
from schemas.settings import NEEDED_BY_WEB, Settings, load_settings
from workers.store.embedded import EmbeddedStore


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Where the web process listens [default: PORT or 8000].")
@click.option("--data-dir", type=click.Path(path_type=Path), help="What is kept [default: DATA_DIR or ./data].")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
def up(port: int | None, data_dir: Path | None, workers: int) -> None:
    """Run everything on this machine: web, worker and clock, and the embedded store unless REDIS_URL is set."""
    given = with_options(os.environ, port=port, data_dir=data_dir)
    settings = load_settings(given)
    public_url_missing = "PUBLIC_URL" not in given
    given.setdefault("PUBLIC_URL", f"http://127.0.0.1:{settings.port}")
    with alone_in(settings.data_dir):
        refuse_busy_port(settings.host, settings.port, "--port")
        with surroundings(given, need=NEEDED_BY_WEB, make_up=True) as found:
            supervisor = Supervisor(commands(found.environ, workers), pass_fds=shared_locks(found))
            supervisor.say(_welcome(found, warn=public_url_missing))
            when_ready([f"{local(settings)}/healthz"], lambda: supervisor.say(f"Ready: {found.settings.public_url}"))
            supervisor.run(reviving(found.store, supervisor.say))


def with_options(environ: Mapping[str, str], *, port: int | None, data_dir: Path | None) -> dict[str, str]:
    """The environment, where options of the command line win; variables that are set to nothing are left out."""
    options = {"PORT": port and str(port), "DATA_DIR": data_dir and str(data_dir)}
    given = {name: value for name, value in environ.items() if value.strip()}
    return given | {name: value for name, value in options.items() if value}


def commands(environ: Mapping[str, str], workers: int = 1) -> list[Command]:
    """The Procfile's processes, `workers` times its worker."""
    lines = process_lines()
    prepared = child_environment(environ)
    web, clock = (Command(name, lines[name], prepared) for name in ("web", "clock"))
    names = ["worker"] if workers == 1 else [f"worker.{number}" for number in range(1, workers + 1)]
    return [web, *(Command(name, lines["worker"], prepared | {"WORKER_NAME": name}) for name in names), clock]


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """So that children find granian and celery beside our Python, and their lines come at once."""
    beside_us = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside_us, environ.get("PATH", os.defpath)])
    return {**environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def shared_locks(found: Surroundings) -> list[int]:
    """Children hold the store's lock too: should we be killed, nobody stops it under their hands."""
    return [found.store.users_lock] if found.store else []


def reviving(store: EmbeddedStore | None, say: Callable[[str], None]) -> Callable[[], None]:
    """What to do each turn: start the embedded store again if it died."""

    def revive() -> None:
        if store is not None and store.revive():
            say("The store had ended; it is started again, with everything that it held.")

    return revive


def local(settings: Settings) -> str:
    """How the web process is reached from this machine."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 -- compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def refuse_busy_port(host: str, port: int, option: str) -> None:
    """Raises: Unusable in one sentence, if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        why = error.strerror or str(error)
        raise Unusable(f"Nothing can listen on {host}, port {port} ({why}): choose another with {option}.") from error


@contextmanager
def alone_in(data_dir: Path) -> Iterator[None]:
    """Raises: Unusable in one sentence, if `up` or `demo` already runs on this data directory, or it has no rights."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "up.lock").open("w")
    except OSError as error:
        raise Unusable(f"The data directory {data_dir} can't be used ({error.strerror}).") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"komo-braze already runs on the data directory {data_dir}.") from None
        yield


def sign_in(found: Surroundings) -> str:
    """What a person needs to sign in: made-up secrets are printed, those that were set are not."""
    return "\n".join(
        f"{name}: {found.environ[name] if name in found.kept else '(as set)'}"
        for name in ("ADMIN_PASSWORD", "API_TOKEN")
    )


def _welcome(found: Surroundings, *, warn: bool) -> str:
    lines = [f"Data directory: {found.settings.data_dir}", sign_in(found)]
    if warn:
        lines.append(
            f"Warning: PUBLIC_URL is not set. Komo can't reach {found.settings.public_url}: set it to this machine's "
            "public address."
        )
    return "\n".join(lines)
