"""An empty store, and somebody who types commands."""

from collections.abc import Callable, Iterator

import pytest

from ingest.cli.main import run
from schemas.settings import load_settings
from workers.store import Stores, open_stores
from workers.store.connect import connect

SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def stores(redis_server: str) -> Iterator[Stores]:
    """An empty store."""
    connection = connect(redis_server)
    connection.flushall()
    yield open_stores(load_settings({"REDIS_URL": redis_server, "SECRET_KEY": SECRET_KEY}), connection)
    connection.close()


@pytest.fixture
def komo_braze(
    stores: Stores, redis_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command: arguments in, exit status, output and errors out."""
    monkeypatch.setenv("REDIS_URL", redis_server)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    def command(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command
