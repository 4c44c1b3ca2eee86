"""What every test may ask for: a real Redis server, and a store in both its forms."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from fakeredis import FakeRedis, FakeServer

#: Which store a test runs on: the imitation with Lua, which is quick, and a real server, which is right.
STORES = ("fakeredis", "redis-server")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server of our own (Debian's, where there is one), with its file on disk."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.fail("The tests need redis-server or valkey-server: run them with `make test`, which installs one.")
    directory = tmp_path_factory.mktemp("redis")
    socket = directory / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(directory), "--save", "", "--appendonly", "yes"]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen([program, *options], stdout=log, stderr=log)
    try:
        _wait_for(socket, server)
        yield f"unix://{quote(str(socket))}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=STORES)
def store_connection(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty store: the test runs once on each of its forms."""
    if request.param == "fakeredis":
        client: redis.Redis = FakeRedis(server=FakeServer())
    else:
        # Here, so that tests of the shapes need no store.
        from workers.store.connect import connect

        client = connect(request.getfixturevalue("redis_server"), any_format=True)
        client.flushall()
    yield client
    client.close()


def _wait_for(socket: Path, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while not socket.exists():
        assert server.poll() is None, "the Redis server ended at once"
        assert time.monotonic() < until, "the Redis server does not listen"
        time.sleep(0.01)
