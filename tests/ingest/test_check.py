import socket

import pytest

from ingest.check import check

GOOD = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "ADMIN_PASSWORD": "a-pass-phrase",
    "API_TOKEN": "a-token-of-24-characters", "HOST": "127.0.0.1",
}  # fmt: skip


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, redis_server: str) -> pytest.MonkeyPatch:
    for name, value in (GOOD | {"REDIS_URL": redis_server}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_good_surroundings_say_nothing(environ: pytest.MonkeyPatch) -> None:
    """A server is started right behind it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environ.setenv("PORT", str(free.getsockname()[1]))

    check()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY must hold random keys"),
        ("REDIS_URL", "redis://127.0.0.1:1", "can't be reached"),
        ("REDIS_URL", "http://127.0.0.1", "must start with redis://"),
        ("PORT", "seven", "must be a whole number"),
    ],
)
def test_each_mistake_is_a_sentence(environ: pytest.MonkeyPatch, name: str, value: str, told: str) -> None:
    """A server would say it once per process, between lines of its own."""
    environ.setenv(name, value)

    with pytest.raises(SystemExit, match=told):
        check()


def test_a_busy_port_is_seen_before_the_server_shares_it(environ: pytest.MonkeyPatch) -> None:
    """Two servers on one port would take turns in answering, each from a store of its own."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        environ.setenv("PORT", str(busy.getsockname()[1]))

        with pytest.raises(SystemExit, match="Nothing can listen"):
            check()
