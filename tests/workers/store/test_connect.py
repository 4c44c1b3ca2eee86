import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from fakeredis import FakeRedis
from kombu.utils.url import parse_url

from schemas.settings import load_settings
from workers.errors import StoreUnavailable
from workers.store.client import LONG_UNUSED_S
from workers.store.connect import (
    broker_transport_options,
    broker_url,
    connect,
    reaching_the_store,
    server_version,
    shown_address,
    unix_url,
)


class AnsweringOnce:
    """A server that reads one command a connection, counts it, and hangs up or answers with a fixed text."""

    def __init__(self, answer: bytes = b"") -> None:
        self.commands = 0
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.socket.getsockname()[1]}/0"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(65536):
                    if b"SETINFO" in data:
                        connection.sendall(b"+OK\r\n" * data.count(b"SETINFO"))
                        continue
                    if b"PING" in data:
                        connection.sendall(b"+PONG\r\n")
                        continue
                    self.commands += 1
                    if not self.answer:
                        break
                    connection.sendall(self.answer)


@pytest.fixture
def hanging_up() -> Iterator[AnsweringOnce]:
    server = AnsweringOnce()
    yield server
    server.socket.close()


def _info(text: str) -> bytes:
    return f"${len(text)}\r\n{text}\r\n".encode()


def test_a_command_is_never_sent_twice_by_itself(hanging_up: AnsweringOnce) -> None:
    """The script may have run although its answer was lost: doing it again is its caller's decision."""
    with closing(connect(hanging_up.url, check=False)) as client, pytest.raises(StoreUnavailable), reaching_the_store():
        client.incr("counter")

    assert hanging_up.commands == 1


def test_an_unreachable_store_is_one_clear_sentence_without_its_password() -> None:
    """It is printed where everybody can read it."""
    with pytest.raises(StoreUnavailable) as caught:
        connect("redis://:s3cr3t@127.0.0.1:1/0?health_check_interval=5")

    assert str(caught.value).startswith("The store at redis://127.0.0.1:1/0 can't be reached (")
    assert "s3cr3t" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://localhost:port/0", "redis://localhost:99999/0", "http://localhost"])
def test_an_address_that_can_not_be_read_is_one_clear_sentence(url: str) -> None:
    """Even one that no setting's check saw."""
    with pytest.raises(StoreUnavailable, match="The store"):
        connect(url)


@pytest.mark.parametrize(
    ("version", "good"), [("5.0.14", False), ("6.0.20", False), ("6.2.0", True), ("7.2.4", True), ("8.2.1", True)]
)
def test_a_store_that_is_too_old_is_refused(version: str, good: bool) -> None:
    """Its scripts would fail later, one by one."""
    server = AnsweringOnce(_info(f"# Server\r\nredis_version:{version}\r\n"))
    with closing(server.socket):
        if good:
            connect(server.url, any_format=True).close()
        else:
            with pytest.raises(StoreUnavailable, match=rf"is redis {version}, but Redis 6\.2 or Valkey is needed"):
                connect(server.url)


def test_a_valkey_tells_its_own_name() -> None:
    """The doctor shows it."""
    server = AnsweringOnce(_info("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"))
    with closing(server.socket), closing(connect(server.url, any_format=True)) as client:
        assert server_version(client) == ("valkey", (7, 2, 4))


@pytest.mark.parametrize(
    "said",
    [
        redis.ConnectionError("Connection refused"),
        redis.TimeoutError("Timeout reading from socket"),
        redis.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        redis.ReadOnlyError("You can't write against a read only replica."),
        redis.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        redis.ResponseError("ERR Error running script: @user_script: 1: -OOM command not allowed when used memory"),
        redis.ResponseError("NOREPLICAS Not enough good replicas to write."),
    ],
)
def test_whatever_means_not_now_is_one_kind_of_error(said: Exception) -> None:
    """Komo gets a 503 with Retry-After, and a worker tries again."""
    with pytest.raises(StoreUnavailable), reaching_the_store():
        raise said


def test_a_mistake_of_ours_stays_what_it_is() -> None:
    """A 503 would hide it, and trying again would not mend it."""
    client = FakeRedis()
    client.set("text", "x")

    with pytest.raises(redis.ResponseError), reaching_the_store():
        client.lpush("text", "y")


@pytest.mark.parametrize(
    ("store", "broker"),
    [
        ("redis://:pw@host:6379/3", "redis://:pw@host:6379/3"),
        ("rediss://host/0", "rediss://host/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("unix:///run/a%20b/s.sock?db=2", "redis+socket:///run/a%20b/s.sock?virtual_host=2"),
        ("sentinel://:pw@a:26379,b:26380/1?master=m", "sentinel://:pw@a:26379/1;sentinel://:pw@b:26380/1"),
    ],
)
def test_the_broker_is_the_store_in_celery_s_way_of_writing_it(store: str, broker: str) -> None:
    """One address is enough to run everything."""
    assert broker_url(load_settings({"REDIS_URL": store})) == broker


@pytest.mark.parametrize("given", [{"REDIS_URL": "rediss://host/0"}, {"CELERY_BROKER_URL": "rediss://host/0"}])
def test_celery_checks_the_certificate_of_the_broker(given: dict[str, str]) -> None:
    """Left alone, its transport accepts any."""
    url = broker_url(load_settings(given))

    assert parse_url(url)["ssl"] == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_sentinel_s_master_goes_to_the_broker_s_options() -> None:
    """Celery does not read it out of the address."""
    settings = load_settings({"REDIS_URL": "sentinel://a:26379/0?master=m"})

    assert broker_transport_options(settings) == {"master_name": "m"}
    assert broker_transport_options(load_settings({"REDIS_URL": "redis://a"})) == {}


def test_a_broker_of_its_own_wins() -> None:
    """Any that Celery supports."""
    settings = load_settings({"REDIS_URL": "sentinel://a?master=m", "CELERY_BROKER_URL": "amqp://rabbit//"})

    assert broker_url(settings) == "amqp://rabbit//"
    assert broker_transport_options(settings) == {}


def test_a_sentinel_that_is_not_there_is_one_clear_sentence() -> None:
    """The same as for every other form of address."""
    with pytest.raises(
        StoreUnavailable, match=r"sentinel://127\.0\.0\.1:1,127\.0\.0\.1:2/0 can't be reached"
    ) as caught:
        connect("sentinel://:pw@127.0.0.1:1,127.0.0.1:2/0?master=m")

    assert "No master found for 'm'" in str(caught.value)
    assert "<" not in str(caught.value)


def test_a_shown_address_holds_no_secret_and_a_socket_s_path_any_character() -> None:
    """Both end in messages and settings."""
    assert shown_address("redis://u:pw@h:1/0?password=x") == "redis://h:1/0"
    assert unix_url("/run/a b?#%/s.sock") == "unix:///run/a%20b%3F%23%25/s.sock"


def test_threads_that_come_and_go_leave_no_connection_behind(redis_server: str) -> None:
    """A web server makes threads as it needs them; a pool that runs dry would refuse everybody."""
    client = connect(redis_server)
    script = client.script_load("return 1")

    for _ in range(150):
        thread = threading.Thread(target=client.execute_command, args=("EVALSHA", script, 0))
        thread.start()
        thread.join()

    assert len(client.client_list()) < 10


def test_a_script_runs_again_after_the_server_hung_up(redis_server: str) -> None:
    """A connection that was idle may be gone; nothing was sent over it, so nothing is in doubt."""
    client: Any = connect(redis_server)
    script = client.script_load("return 1")
    assert client.execute_command("EVALSHA", script, 0) == 1
    other = connect(redis_server)
    other.client_kill_filter(skipme=True, _type="normal")
    time.sleep(2 * LONG_UNUSED_S)

    assert client.execute_command("EVALSHA", script, 0) == 1
