"""Systems of several machines' worth of processes: a store that fails over, another broker, two hosts."""

import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import redis

from tests.benchmarks.processes import Running, listens
from tests.chaos.system import System, free_ports

MASTER = "komo"
#: After so long without an answer a sentinel takes a server to be down.
DOWN_AFTER_MS = 2000
RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class SentinelSystem(System):
    """One primary, two replicas, three sentinels; the wake-up calls go the same way."""

    def open_store(self) -> str:
        self.ports = free_ports(3)
        self.watchers = free_ports(3)
        for number, port in enumerate(self.ports, 1):
            more = [] if number == 1 else ["--replicaof", "127.0.0.1", str(self.ports[0])]
            self.add(f"redis-{number}", self._server(f"redis-{number}", port, more))
        self._until(lambda: all(map(listens, self.ports)))
        for number, port in enumerate(self.watchers, 1):
            self.add(f"sentinel-{number}", self._sentinel(f"sentinel-{number}", port))
        self._until(lambda: self._followers() == 2)
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.watchers)
        return f"sentinel://{hosts}/0?master={MASTER}"

    def primary(self) -> str:
        """The slot of the server that the sentinels call the master."""
        told: Any = None
        for port in self.watchers:
            with suppress(redis.RedisError), redis.Redis(port=port, protocol=2, socket_timeout=1) as watcher:
                told = watcher.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
                break
        return f"redis-{self.ports.index(int(told[1])) + 1}"

    def in_step(self) -> bool:
        """Whether the sentinels' master has both others behind it."""
        return self._followers(self.ports[int(self.primary()[-1]) - 1]) == 2

    def _followers(self, port: int | None = None) -> int:
        try:
            with redis.Redis(port=port or self.ports[0], protocol=2, socket_timeout=1) as server:
                info: Any = server.info("replication")
        except redis.RedisError:
            return 0
        linked = [one for name, one in info.items() if name.startswith("slave") and isinstance(one, dict)]
        return sum(one["state"] == "online" for one in linked)

    def _server(self, name: str, port: int, more: Sequence[str]) -> Callable[[], Running]:
        directory = self.machine.directory / name
        directory.mkdir()
        program = shutil.which("redis-server") or shutil.which("valkey-server") or "redis-server"
        argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "",
                "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
                "--maxmemory-policy", "noeviction", *more]  # fmt: skip
        return lambda: self.machine.start(name, argv, {})

    def _sentinel(self, name: str, port: int) -> Callable[[], Running]:
        config = self.machine.directory / f"{name}.conf"
        lines = [
            f"port {port}", "bind 127.0.0.1", f"dir {self.machine.directory}",
            f"sentinel monitor {MASTER} 127.0.0.1 {self.ports[0]} 2",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {MASTER} 6000", f"sentinel parallel-syncs {MASTER} 2",
        ]  # fmt: skip
        config.write_text("\n".join(lines) + "\n")
        program = shutil.which("redis-server") or shutil.which("valkey-server") or "redis-server"
        return lambda: self.machine.start(name, [program, str(config), "--sentinel"], {})

    def _until(self, what: Callable[[], bool], patience_s: float = 30.0) -> None:
        until = time.monotonic() + patience_s
        while not what():
            if time.monotonic() > until:
                raise RuntimeError("the store and its sentinels do not come up")
            time.sleep(0.1)


class RabbitSystem(System):
    """The store is one Redis, the broker RabbitMQ."""

    def open_store(self) -> str:
        url = super().open_store()
        self.rabbit_port, spread, names = free_ports(3)
        directory = self.machine.directory / "rabbit"
        directory.mkdir()
        (directory / "plugins").write_text("[].\n")
        environ = {
            "HOME": str(directory), "RABBITMQ_NODENAME": "komo-failover@localhost", "RABBITMQ_LOGS": "-",
            "RABBITMQ_NODE_PORT": str(self.rabbit_port), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(spread), "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory), "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            "RABBITMQ_PID_FILE": str(directory / "pid"), "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }  # fmt: skip
        self.add("names", lambda: self.machine.start("names", ["epmd", "-port", str(names)], environ))
        self.slots["names"].running.wait_for(lambda: listens(names), "listening")
        self.add("rabbit", lambda: self.machine.start("rabbit", [RABBIT], environ))
        self.slots["rabbit"].running.wait_for(lambda: listens(self.rabbit_port), "listening", 90)
        time.sleep(2)
        return url

    def broker_url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.rabbit_port}//"

    def starter(self, name: str, process: str, **more: str) -> Callable[[], Running]:
        return super().starter(name, process, CELERY_BROKER_URL=self.broker_url(), **more)

    def restart_broker(self) -> None:
        """Ask it to end, as an upgrade does; its successor comes at once."""
        slot = self.slots["rabbit"]
        slot.killed, slot.rests_until = True, time.time()
        slot.running.popen.send_signal(signal.SIGTERM)


class TwoHosts(System):
    """Two hosts with a web, a worker and a clock each, and one store."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.add("clock-2", self.starter("clock-2", "clock"))

    def host(self, number: int) -> list[str]:
        """The slots of one of them."""
        return [f"web-{number}", f"worker-{number}", "clock" if number == 1 else "clock-2"]
