"""What waits for replicas, with real servers: no fake knows WAIT."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from schemas.settings import load_settings
from tests.factories import a_document, an_arrival
from workers.errors import StoreUnavailable
from workers.store import Stores, open_stores
from workers.store.client import StoreClient
from workers.store.connect import connect, reaching_the_store
from workers.store.inbox import Rest
from workers.store.keys import own

KEY = "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Pair:
    """A primary and its replica."""

    def __init__(self, directory: Path) -> None:
        self.ports = [_free_port(), _free_port()]
        program = shutil.which("redis-server") or shutil.which("valkey-server") or "redis-server"
        self.servers = []
        for port in self.ports:
            argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
            argv += ["--dbfilename", f"{port}.rdb", "--repl-diskless-sync-delay", "0"]
            self.servers.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.primary, self.replica = (redis.Redis(port=port, protocol=2) for port in self.ports)
        self.link()

    def link(self) -> None:
        """Let the replica follow, and wait until it does."""
        until = time.monotonic() + 15
        asked = False
        while time.monotonic() < until:
            with suppress(redis.RedisError):
                asked = asked or bool(self.replica.replicaof("127.0.0.1", str(self.ports[0])))
                info: Any = self.replica.info("replication")
                if info.get("master_link_status") == "up":
                    return
            time.sleep(0.02)
        raise AssertionError("the replica does not follow")

    def stores(self, replicas: int) -> Stores:
        url = f"redis://127.0.0.1:{self.ports[0]}/0"
        return open_stores(load_settings({"SECRET_KEY": KEY, "REDIS_URL": url, "STORE_REPLICAS": str(replicas)}))

    def end(self) -> None:
        for client in (self.primary, self.replica):
            client.close()
        for server in self.servers:
            server.kill()
            server.wait(10)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Both at work, and no long wait for a replica that is away."""
    monkeypatch.setattr(sys.modules[StoreClient.__module__], "REPLICAS_TIMEOUT_MS", 500)
    pair = Pair(tmp_path)
    yield pair
    pair.end()


def test_what_was_accepted_is_on_a_replica_and_without_one_nothing_is_told(pair: Pair) -> None:
    """A 202 must outlive its primary; one that was left alone must promise nothing, and hand no batch out."""
    stores = pair.stores(1)
    with closing(stores.connection):
        integration = stores.integrations.save(a_document(), by="test").stored.integration
        stores.confirm()

        stores.inbox.accept(integration, [an_arrival("m1")])
        assert pair.replica.hget(f"{own(integration)}:ledger", "received") == b"1"

        pair.replica.replicaof("NO", "ONE")
        for promise in (
            lambda: stores.inbox.accept(integration, [an_arrival("m2")]),
            lambda: stores.inbox.step(integration, 0, "token"),
            stores.confirm,
        ):
            with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
                promise()


def test_a_repeat_of_what_reached_no_replica_is_not_accepted_either(pair: Pair) -> None:
    """It is known here already, but a 202 would promise what the first answer did not."""
    stores = pair.stores(1)
    with closing(stores.connection):
        integration = stores.integrations.save(a_document(), by="test").stored.integration
        stores.confirm()
        os.kill(pair.servers[1].pid, signal.SIGSTOP)  # linked still, and as far as it was
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
                    stores.inbox.accept(integration, [an_arrival("m1")])
        finally:
            os.kill(pair.servers[1].pid, signal.SIGCONT)

        pair.link()
        pair.primary.wait(1, 10_000)  # a busy machine takes its time to wake it
        receipt = stores.inbox.accept(integration, [an_arrival("m1")])

    assert [again for _, again in receipt.submissions] == [True]


def test_nobody_waits_for_replicas_that_nobody_asked_for(pair: Pair) -> None:
    """One machine is enough for most, and a replica that is away must not stop it."""
    pair.replica.replicaof("NO", "ONE")
    stores = pair.stores(0)
    with closing(stores.connection):
        integration = stores.integrations.save(a_document(), by="test").stored.integration
        stores.confirm()
        stores.inbox.accept(integration, [an_arrival("m1")])

        assert isinstance(stores.inbox.step(integration, 99, "token"), Rest)


def test_a_master_that_was_demoted_is_left(pair: Pair) -> None:
    """It stays up and says no for ever: the next connection asks anew who the master is."""
    client: Any = connect(f"redis://127.0.0.1:{pair.ports[0]}/0")
    with closing(client):
        script = client.script_load("redis.call('SET', KEYS[1], 1) return 1")
        client.execute_command("EVALSHA", script, 1, "key")
        before = len(pair.primary.client_list(_type="normal"))
        pair.primary.replicaof("127.0.0.1", str(pair.ports[1]))

        with pytest.raises(StoreUnavailable), reaching_the_store():
            client.execute_command("EVALSHA", script, 1, "key")

        assert len(pair.primary.client_list(_type="normal")) == before - 1


def test_a_script_that_a_demoted_master_does_not_know_brings_nobody_to_a_halt(pair: Pair) -> None:
    """Restarted as a replica it knows no script, and refuses to wait: both only mean that it is the wrong one."""
    stores = pair.stores(1)
    with closing(stores.connection):
        integration = stores.integrations.save(a_document(), by="test").stored.integration
        stores.inbox.accept(integration, [an_arrival("m1")])
        pair.primary.replicaof("127.0.0.1", str(pair.ports[1]))
        pair.primary.script_flush()

        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                stores.inbox.accept(integration, [an_arrival("m2")])


def test_after_a_failover_scripts_go_where_the_sentinels_point(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left alone, the client connects again to the address it had, and never gets away from the demoted one."""
    points_to = [("127.0.0.1", pair.ports[0])]
    monkeypatch.setattr("redis.sentinel.Sentinel.discover_master", lambda *_: points_to[0])
    client: Any = connect("sentinel://127.0.0.1:1/0?master=komo", check=False)
    with closing(client):
        script = client.script_load("redis.call('SET', KEYS[1], 1) return 1")
        assert client.execute_command("EVALSHA", script, 1, "key") == 1
        pair.replica.replicaof("NO", "ONE")
        pair.primary.replicaof("127.0.0.1", str(pair.ports[1]))
        points_to[0] = ("127.0.0.1", pair.ports[1])

        with pytest.raises(StoreUnavailable), reaching_the_store():
            client.execute_command("EVALSHA", script, 1, "key")

        pair.replica.script_load("redis.call('SET', KEYS[1], 1) return 1")
        assert client.execute_command("EVALSHA", script, 1, "key") == 1
