"""A name of Braze's that DNS leads into our own network."""

import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from workers.braze import addresses
from workers.braze.addresses import is_public
from workers.braze.client import BrazeClient
from workers.braze.reply import NoAnswer

KEY = "00000000-1111-2222-3333-444444444444"
BRAZE = "https://rest.iad-01.braze.com"


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A machine of our own network, which every name leads to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        looked_up = socket.getaddrinfo

        def lie(host: str, port: Any, *more: Any, **named: Any) -> Any:
            return looked_up("127.0.0.1", listener.getsockname()[1], *more, **named)

        monkeypatch.setattr(socket, "getaddrinfo", lie)
        yield listener


def test_a_key_never_travels_to_a_machine_of_our_own_network(
    inside: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever holds the DNS could otherwise have the key brought to a service that trusts its neighbours."""
    with caplog.at_level(logging.WARNING, "komo_braze"):
        reply = BrazeClient().track(BRAZE, KEY, b"{}").reply

    connection, _ = inside.accept()
    with connection:
        assert connection.recv(100) == b""
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no", "it is tried again later, and nothing is counted as perhaps doubled"
    assert "rest.iad-01.braze.com leads to 127.0.0.1" in reply.words
    told = [record for record in caplog.records if record.getMessage() == "braze.address_refused"]
    assert [vars(record)["address"] for record in told] == ["127.0.0.1"]
    assert KEY not in caplog.text + reply.words


def test_the_end_of_the_very_connection_counts(inside: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public address at the first question and a private one at the second is the usual trick."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address != "127.0.0.1")

    assert isinstance(BrazeClient().track(BRAZE, KEY, b"{}").reply, NoAnswer)
    connection, _ = inside.accept()
    with connection:
        assert connection.recv(100) == b""


def test_hosts_that_the_operator_has_named_may_be_inside(inside: socket.socket) -> None:
    """Sandboxes, tests and dedicated installations stand there."""
    sent = []

    def answer() -> None:
        connection, _ = inside.accept()
        with connection:
            sent.append(connection.recv(10_000))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 21\r\n\r\n" + b'{"message":"success"}')

    thread = threading.Thread(target=answer)
    thread.start()
    reply = BrazeClient().track(f"http://braze.example:{inside.getsockname()[1]}", KEY, b"{}").reply
    thread.join(5)

    assert reply.status == 201
    assert sent[0].startswith(b"POST /users/track")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::a00:1", "2002:a00:1::",
    ],
)  # fmt: skip
def test_private_addresses_are_known_in_every_form(address: str) -> None:
    """An IPv6 address may carry a private IPv4 address in it, and clouds tell secrets at link-local ones."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["104.18.37.5", "2606:4700::6812:2505", "::ffff:104.18.37.5", "64:ff9b::6812:2505"])
def test_braze_stands_on_the_public_internet(address: str) -> None:
    """Refusing too much would stop every delivery."""
    assert is_public(address)
