"""The running system: the Procfile's processes, each started again as soon as it is gone, as a supervisor would do."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from tests.benchmarks.processes import Machine, Running, listens, procfile
from tests.benchmarks.setting import TOKEN, environment
from tests.chaos.braze import JOURNAL
from tests.chaos.diary import Diary
from tests.chaos.gateway import Gateway
from workers.store.embedded import server_program

SANDBOX = (
    "exec granian --interface wsgi --factory --host 127.0.0.1 --port ${PORT} --workers 1 --blocking-threads 48"
    " --no-access-log tests.chaos.braze:from_environment"
)
LOOK_EVERY_S = 0.1
#: A process that starts while the store is away ends with a sentence: it looks for the store within this time.
STARTS_FOR_S = 8.0
#: Below those that Linux gives to outgoing connections: nobody can take a port while its owner is dead.
PORTS = range(20_000, 30_000)


@dataclass(slots=True)
class Slot:
    """The place of a process; who is in it changes."""

    name: str
    start: Callable[[], Running]
    running: Running
    started_at: float = field(default_factory=time.time)
    #: Not started again before, epoch seconds.
    rests_until: float = 0.0
    #: Whether we have killed who is in it.
    killed: bool = False


class System:
    """A store, a Braze behind a gateway, webs, workers and a clock."""

    def __init__(
        self, machine: Machine, diary: Diary, *, spacing_ms: int, webs: int = 2, workers: int = 2, **more: object
    ) -> None:
        """
        Args:
            more: Settings by their names.
        """
        self.machine, self.diary = machine, diary
        self.journal = machine.directory / "journal.jsonl"
        self.journal.touch()
        self.store_port, self.braze_port, gate_port, *self.web_ports = free_ports(3 + webs)
        self.braze_url = f"http://127.0.0.1:{gate_port}"
        sandbox = {"PORT": str(self.braze_port), JOURNAL: str(self.journal)}
        self.sandbox = machine.start("sandbox", SANDBOX, sandbox)
        self.gateway = Gateway(gate_port, self.braze_port)
        #: Since when to when the store was away, epoch seconds; the end is infinite while it is.
        self.store_away: list[list[float]] = []
        self._lock = threading.RLock()
        self._ends = threading.Event()
        self.slots: dict[str, Slot] = {}
        self._environ = environment(
            self.open_store(), self.braze_url, WEB_WORKERS=1, PERSON_SPACING_MS=spacing_ms, LOG_LEVEL="INFO", **more
        )
        for number, port in enumerate(self.web_ports, 1):
            self.add(f"web-{number}", self.starter(f"web-{number}", "web", PORT=str(port)))
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            self.add(name, self.starter(name, "worker", WORKER_NAME=name))
        self.add("clock", self.starter("clock", "clock"))
        self.sandbox.wait_for(lambda: listens(self.braze_port), "listening")
        for number, port in enumerate(self.web_ports, 1):
            self.slots[f"web-{number}"].running.wait_for(lambda port=port: _is_ready(port), "ready")  # type: ignore[misc]
        self._supervisor = threading.Thread(target=self._supervise, name="chaos-supervisor", daemon=True)
        self._supervisor.start()

    def open_store(self) -> str:
        """Start what keeps everything; returns its address."""
        self._directory = self.machine.directory / "store"
        self._directory.mkdir()
        self.add("store", self._start_store)
        self.slots["store"].running.wait_for(lambda: listens(self.store_port), "listening")
        return f"redis://127.0.0.1:{self.store_port}/0"

    def add(self, name: str, start: Callable[[], Running]) -> None:
        """Start a process that is started again whenever it is gone."""
        self.slots[name] = Slot(name, start, start())

    def starter(self, name: str, process: str, **more: str) -> Callable[[], Running]:
        """What starts one of the Procfile's processes."""
        command = procfile(process)
        return lambda: self.machine.start(name, command, self._environ | more)

    def _start_store(self) -> Running:
        options = {
            "port": str(self.store_port), "bind": "127.0.0.1", "dir": str(self._directory), "save": "",
            "appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        argv = [server_program(), *(part for name, value in options.items() for part in (f"--{name}", value))]
        return self.machine.start("store", argv, {})

    def names(self, process: str) -> list[str]:
        """The slots of one kind of process."""
        return [name for name in self.slots if name.split("-")[0] == process]

    def kill(self, name: str, rest_s: float) -> None:
        """SIGKILL to a process and all that it started; its successor comes after `rest_s` seconds."""
        with self._lock:
            slot = self.slots[name]
            slot.killed, slot.rests_until = True, time.time() + rest_s
            if name == "store":
                self.store_away.append([time.time(), float("inf")])
            slot.running.kill()

    def freeze(self, name: str, wait: Callable[[float], None], seconds: float) -> bool:
        """SIGSTOP, and SIGCONT after some time; False if it was not to be: killed or ended meanwhile."""
        running = self.slots[name].running
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGSTOP)
            wait(seconds)
            with self._lock:
                if running.runs():
                    os.killpg(running.pid, signal.SIGCONT)
                    return True
        return False

    def _supervise(self) -> None:
        while not self._ends.wait(LOOK_EVERY_S):
            for slot in self.slots.values():
                with self._lock:
                    if not slot.running.runs():
                        self._bury(slot)
                    if slot.name == "store" and self.store_away and listens(self.store_port):
                        self.store_away[-1][1] = min(self.store_away[-1][1], time.time())
            if not self.sandbox.runs() and not self._ends.is_set():
                self.diary.complain(f"the sandbox ended by itself: {self.sandbox.last_words()[-500:]}")
                return

    def _bury(self, slot: Slot) -> None:
        if not slot.killed:
            self._judge(slot)
            slot.killed, slot.rests_until = True, time.time() + 0.5
        if time.time() < slot.rests_until:
            return
        self.machine.end(slot.running)
        slot.running, slot.started_at, slot.killed = slot.start(), time.time(), False

    def _judge(self, slot: Slot) -> None:
        """A process that can't find the store when it starts may end; no other may."""
        began = slot.started_at
        if any(away < began + STARTS_FOR_S and back > began for away, back in self.store_away):
            self.diary.note("ended at its start, as the store was away", slot.name)
        else:
            status = slot.running.popen.returncode
            self.diary.complain(f"{slot.name} ended by itself with {status}: {slot.running.last_words()[-500:]}")

    def api(self, method: str, path: str, body: Any = None, patience_s: float = 20.0) -> tuple[int, Any]:
        """A call of the management API, repeated until some web process answers it otherwise than 503; status, JSON."""
        until, turn = time.monotonic() + patience_s, 0
        while True:
            turn += 1
            port = self.web_ports[turn % len(self.web_ports)]
            with contextlib.suppress(OSError, HTTPException):
                status, answer = call(port, method, f"/api/v1{path}", body, {"Authorization": f"Bearer {TOKEN}"})
                if status != 503 or time.monotonic() > until:
                    return status, answer
            if time.monotonic() > until:
                return 0, None
            time.sleep(0.2)

    def braze(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """A call of the sandbox's control API, past the gateway. Raises: RuntimeError if it refuses."""
        status, answer = call(self.braze_port, method, f"/sandbox/api{path}", body)
        if status >= 400:
            raise RuntimeError(f"the sandbox answered {status}: {answer}")
        return answer

    def end(self) -> None:
        """Stop looking after the processes; the machine ends them."""
        self._ends.set()
        self._supervisor.join(20)
        self.gateway.end()


def call(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON. Raises: OSError, HTTPException."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = None if body is None else orjson.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, orjson.loads(data) if data else None
    except orjson.JSONDecodeError:
        return answer.status, data[:300].decode("utf-8", "replace")


def _is_ready(port: int) -> bool:
    try:
        return call(port, "GET", "/readyz")[0] == 200
    except (OSError, HTTPException):
        return False


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, and nobody gets by chance."""
    found: list[int] = []
    for port in random.sample(PORTS, 200):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports")
