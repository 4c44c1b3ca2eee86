"""The processes of a measurement: started with the Procfile's commands, measured, and ended by their own ids."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import redis

from workers.store.connect import unix_url
from workers.store.embedded import server_program

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Running:
    """One process with everything that it starts itself: they share a session, which bears its id."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.popen = popen
        self.log = log

    @property
    def pid(self) -> int:
        return self.popen.pid

    def runs(self) -> bool:
        return self.popen.poll() is None

    def cpu_s(self) -> float:
        """Processor time used so far by all of them, and by those of their children that are gone; 0 where unknown."""
        return sum(_cpu_ticks(fields) for fields in _session(self.pid)) / _TICKS_A_SECOND

    def memory_bytes(self) -> int:
        """What all of them have in the machine's memory."""
        return sum(int(fields[21]) for fields in _session(self.pid)) * _PAGE_BYTES

    def kill(self) -> None:
        """Nobody gets to say a last word: SIGKILL to every process of the session at once."""
        _signal_group(self.pid, signal.SIGKILL)
        self.popen.wait(10)

    def send(self, number: int) -> None:
        """A signal to every process of the session."""
        _signal_group(self.pid, number)

    def end(self, patience_s: float = 15.0) -> None:
        """Ask it to stop; kill what is left of it."""
        if self.runs():
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(patience_s)
        _signal_group(self.pid, signal.SIGKILL)
        self.popen.wait(10)

    def wait_for(self, ready: Callable[[], bool], what: str, patience_s: float = 30.0) -> None:
        """Until it is ready. Raises: RuntimeError with the end of its log if it ends before, or takes too long."""
        until = time.monotonic() + patience_s
        while not ready():
            if not self.runs() or time.monotonic() > until:
                raise RuntimeError(f"{self.name}: {what} did not happen.\n{self.last_words()}")
            time.sleep(0.02)

    def last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3000:]


class Machine:
    """Everything that a measurement has started, and its directory. Leaving the block ends and removes it all."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="komo-braze-bench-"))
        self.keep_logs = False
        self._running: list[Running] = []
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> Self:
        # Asked to stop by a signal, we end what we have started as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_: object) -> None:
        for running in reversed(self._running):
            running.end()
        if not self.keep_logs:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, name: str, command: str | Sequence[str], environ: Mapping[str, str]) -> Running:
        """
        Start a process in a session of its own.

        Args:
            command: A line for the shell, as in the Procfile, or a program and its arguments.
            environ: Put into an environment that holds none of our settings.
        """
        self._numbers[name] = number = self._numbers.get(name, 0) + 1
        log = self.directory / f"{name}.{number}.log"
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        with log.open("wb") as out:
            popen = subprocess.Popen(
                argv, cwd=ROOT, env={**_clean_environ(), **environ}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        running = Running(name, popen, log)
        self._running.append(running)
        return running

    def end(self, *them: Running) -> None:
        """End some before the rest."""
        for running in them:
            running.end()
            self._running.remove(running)


class StoreServer:
    """A real Redis or Valkey of our own, with an append-only file, on a unix socket."""

    def __init__(self, machine: Machine, name: str, *, fsync: str, copy_of: Path | None = None) -> None:
        """
        Args:
            fsync: `always` or `everysec`.
            copy_of: Start with the contents of a stopped server's directory.
        """
        self._machine = machine
        self.directory = machine.directory / name
        if copy_of:
            shutil.copytree(copy_of, self.directory, ignore=shutil.ignore_patterns("*.sock"))
        else:
            self.directory.mkdir()
        path = self.directory / "s.sock"
        self.url = unix_url(str(path))
        options = {
            "port": "0", "unixsocket": str(path), "dir": str(self.directory), "save": "", "appendonly": "yes",
            "appendfsync": fsync, "aof-use-rdb-preamble": "yes", "maxmemory": "2gb", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        self._argv = [server_program(), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self.running = machine.start(name, self._argv, {})
        self.connection = redis.Redis.from_url(self.url, protocol=2)
        self.running.wait_for(self.answers, "an answer to PING")

    def kill(self) -> None:
        """SIGKILL: what it has not written to disk is gone."""
        self.running.kill()
        self._machine.end(self.running)

    def start_again(self) -> None:
        """With what its file holds; returns at once, while it is still reading."""
        self.running = self._machine.start(self.running.name, self._argv, {})

    def answers(self) -> bool:
        """Whether it has read its file."""
        try:
            return bool(self.connection.ping())
        except redis.RedisError:  # not there yet, or still reading its file
            return False

    def stop(self) -> Path:
        """End it cleanly; returns the directory, which may be copied then."""
        self.connection.close()
        self._machine.end(self.running)
        return self.directory

    def drop(self) -> None:
        """End it and remove what it kept."""
        shutil.rmtree(self.stop(), ignore_errors=True)


def procfile(name: str) -> str:
    """The command of one of the Procfile's processes."""
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        process, _, command = line.partition(":")
        if process == name:
            return command.strip()
    raise LookupError(f"the Procfile has no process {name}")


def free_port() -> int:
    """A port of the loopback that nobody uses at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _clean_environ() -> dict[str, str]:
    kept = {name: value for name in ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER") if (value := os.environ.get(name))}
    paths = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return kept | {"PATH": paths, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _session(leader: int) -> list[list[str]]:
    """The numbers behind the name in /proc/<pid>/stat, for every process of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == leader:
            found.append(fields)
    return found


def _cpu_ticks(fields: Sequence[str]) -> int:
    return sum(map(int, fields[11:15]))


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
