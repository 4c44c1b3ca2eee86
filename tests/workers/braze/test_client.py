import datetime
import gc
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes import FakeBraze
from workers.braze import client as client_module
from workers.braze.client import DEADLINE_S, MAX_REPLY_BYTES, BrazeClient, WatchedAdapter
from workers.braze.reply import Accepted, BadRequest, NoAnswer, NotAllowed, RateLimited, Unavailable
from workers.braze.sent import Asked

KEY = "00000000-1111-2222-3333-444444444444"
BODY = b'{"attributes":[{"external_id":"u1","team":"red"}]}'
#: No test waits longer for anything.
LATEST_S = 10
#: What is dripped would last longer than `DRIP_S`.
SOON_S, DRIP_S = 0.5, 4
SUCCESS = b'{"message":"success","attributes_processed":1}'

Conversation = Callable[["Server", socket.socket], None]


@dataclass
class Server:
    """One thread that holds one conversation after the other, each as it was told."""

    listener: socket.socket
    conversations: list[Conversation]
    #: Raw requests, and from which connection they came.
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        for conversation in self.conversations:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(LATEST_S)
            with connection:
                try:
                    if self.tls:
                        with self.tls.wrap_socket(connection, server_side=True) as secure:
                            conversation(self, secure)
                    else:
                        conversation(self, connection)
                except OSError:
                    pass  # the client has gone, which some tests want


def read_request(server: Server, connection: socket.socket) -> bytes:
    """The whole request, body included; b"" at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    server.requests.append(head + b"\r\n\r\n" + body)
    return server.requests[-1]


def answer(status: str, body: bytes = SUCCESS, *headers: str) -> Conversation:
    """Answer every request of a connection in the same way."""

    def conversation(server: Server, connection: socket.socket) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
        while read_request(server, connection):
            connection.sendall(head.encode() + b"\r\n\r\n" + body)

    return conversation


def say(*parts: bytes, every_s: float = 0, after_request: bool = True) -> Conversation:
    """Send raw bytes, then hang up."""

    def conversation(server: Server, connection: socket.socket) -> None:
        if after_request:
            read_request(server, connection)
        for part in parts:
            connection.sendall(part)
            time.sleep(every_s)

    return conversation


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[tuple[Server, threading.Thread]] = []

    def start(*conversations: Conversation, tls: ssl.SSLContext | None = None) -> Server:
        server = Server(socket.create_server(("127.0.0.1", 0)), list(conversations), tls=tls)
        server.listener.settimeout(LATEST_S)
        thread = threading.Thread(target=server.serve)
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, _ in servers:
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
    for _, thread in servers:
        thread.join(LATEST_S)
        assert not thread.is_alive()


@pytest.fixture
def braze_client() -> Iterator[BrazeClient]:
    """One that leaves no connection open."""
    client = BrazeClient(deadline_s=LATEST_S)
    yield client
    client._session().close()


@pytest.fixture
def hurried() -> Iterator[BrazeClient]:
    """One whose deadline can be waited for."""
    client = BrazeClient(deadline_s=SOON_S)
    yield client
    client._session().close()


def test_an_accepted_request_carries_what_braze_asks_for(serve: Serve, braze_client: BrazeClient) -> None:
    """The key in its header, the body as it is, and the name that Braze requires of partners."""
    server = serve(answer("201 Created"))

    attempt = braze_client.track(f"http://{server.address}", KEY, BODY)

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert isinstance(attempt.reply, Accepted)
    assert attempt.duration_ms >= 0
    assert head.startswith(b"POST /users/track HTTP/1.1\r\n")
    assert {f"authorization: bearer {KEY}", "content-type: application/json", "user-agent: partner-komo"} <= {*lines}
    assert body == BODY


def test_a_connection_is_kept_and_used_again(serve: Serve, braze_client: BrazeClient) -> None:
    """A handshake for each batch would cost more than the batch."""
    server = serve(answer("201 Created"), answer("201 Created"))

    for _ in range(3):
        assert isinstance(braze_client.track(f"http://{server.address}", KEY, BODY).reply, Accepted)

    assert (len(server.requests), server.connections) == (3, 1)


def test_every_thread_has_a_session_of_its_own(serve: Serve, braze_client: BrazeClient) -> None:
    """Sessions are not made to be shared."""
    server = serve(answer("201 Created"), answer("201 Created"))
    sessions = set()

    def call() -> None:
        braze_client.track(f"http://{server.address}", KEY, BODY)
        sessions.add(braze_client._session())
        braze_client._session().close()

    for _ in range(2):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(LATEST_S)
    assert len(sessions) == 2


def test_cookies_are_not_kept(serve: Serve, braze_client: BrazeClient) -> None:
    """One session serves many keys, and none should be known by another's cookie."""
    server = serve(answer("201 Created", SUCCESS, "Set-Cookie: who=me; Path=/"))
    for _ in range(2):
        braze_client.track(f"http://{server.address}", KEY, BODY)
    assert b"cookie" not in server.requests[1].lower()


def test_a_refused_connection_is_certain_not_to_be_applied(braze_client: BrazeClient) -> None:
    """So nothing counts as a possible duplicate."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    reply = braze_client.track(f"http://127.0.0.1:{port}", KEY, BODY).reply

    assert isinstance(reply, NoAnswer)
    assert (reply.status, reply.applied) == (0, "no")
    assert reply.words.startswith("ConnectionError: Failed to establish a new connection: ")
    assert "refused" in reply.words


def test_an_unknown_host_is_certain_not_to_be_applied(braze_client: BrazeClient) -> None:
    """Nobody heard it."""
    reply = braze_client.track("https://rest.nowhere.invalid", KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"


@pytest.mark.parametrize("url", ["https://", "http://[::1", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://a..b"])
def test_an_address_that_is_none_ends_in_a_reply_too(braze_client: BrazeClient, url: str) -> None:
    """A drain that dies of it would meet it again for ever."""
    reply = braze_client.track(url, KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "smart\u2019quote", "tab\t"])
def test_a_key_that_fits_no_header_is_a_setting_to_mend(braze_client: BrazeClient, key: str) -> None:
    """It comes from an environment variable, and neither a retry nor a dead letter would help."""
    reply = braze_client.track("http://127.0.0.1:9", key, BODY).reply
    assert isinstance(reply, NotAllowed)
    assert reply.status == 0
    assert key == "" or key not in reply.words


@pytest.mark.parametrize("parts", [(), (b"HTTP/1.1 201 Created\r\nContent-Le",), (b"220 smtp ready\r\n",)])
def test_a_cut_before_the_answer_leaves_the_outcome_unknown(
    serve: Serve, braze_client: BrazeClient, parts: tuple[bytes, ...]
) -> None:
    """Braze may have taken the request all the same."""
    reply = braze_client.track(f"http://{serve(say(*parts)).address}", KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


@pytest.mark.parametrize(
    ("status", "kind"), [("201 Created", NoAnswer), ("400 Bad Request", BadRequest), ("429 Slow", RateLimited),
                         ("503 Busy", Unavailable)]
)  # fmt: skip
@pytest.mark.parametrize("rest", ['Content-Length: 999\r\n\r\n{"mess', "Transfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_of_a_broken_answer_the_status_is_enough_unless_it_is_a_success(
    serve: Serve, braze_client: BrazeClient, status: str, kind: type, rest: str
) -> None:
    """A 429 without its body is still a 429, and nothing of it was applied."""
    server = serve(say(f"HTTP/1.1 {status}\r\n{rest}".encode()))
    reply = braze_client.track(f"http://{server.address}", KEY, BODY).reply
    assert type(reply) is kind
    assert reply.status == int(status[:3])


def drip(*_: object) -> Conversation:
    return say(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 200, every_s=0.05)


def test_a_dripping_answer_ends_at_the_deadline(serve: Serve, hurried: BrazeClient) -> None:
    """The timeout between two bytes never passes, and the lane would be held for ever."""
    started = time.monotonic()
    reply = hurried.track(f"http://{serve(drip()).address}", KEY, BODY).reply
    assert time.monotonic() - started < DRIP_S
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


def test_dripping_headers_end_at_the_deadline(serve: Serve, hurried: BrazeClient) -> None:
    """The same before the body has begun."""
    started = time.monotonic()
    server = serve(say(b"HTTP/1.1 201 Created\r\n", *[b"x: y\r\n"] * 90, every_s=0.05))
    reply = hurried.track(f"http://{server.address}", KEY, BODY).reply
    assert time.monotonic() - started < DRIP_S
    assert isinstance(reply, NoAnswer)
    assert (reply.applied, reply.words) == ("unknown", "no answer within 0.5 s")


def test_after_a_deadline_the_next_call_has_a_connection_of_its_own(serve: Serve, hurried: BrazeClient) -> None:
    """The rest of the late answer must not be read as the next one's."""
    server = serve(drip(), answer("201 Created"))
    hurried.track(f"http://{server.address}", KEY, BODY)
    hurried._deadline_s = LATEST_S
    assert isinstance(hurried.track(f"http://{server.address}", KEY, BODY).reply, Accepted)
    assert server.connections == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_proxy_that_drips_ends_at_the_deadline_and_nothing_was_sent(serve: Serve) -> None:
    """The key and the data only leave through the tunnel."""
    server = serve(say(b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 90, every_s=0.05, after_request=False))
    client = BrazeClient(proxy=f"http://{server.address}", deadline_s=SOON_S)
    started = time.monotonic()
    reply = client.track("https://rest.iad-03.braze.com", KEY, BODY).reply
    client._session().close()
    gc.collect()  # The cut reads like the end of the headers, and the library drops its new TLS socket unclosed.
    assert time.monotonic() - started < DRIP_S
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"


def test_a_reply_without_end_is_cut_at_its_cap(serve: Serve) -> None:
    """Whatever it says, it is not one of Braze's."""
    more = b" " * 65536
    server = serve(say(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n" + SUCCESS[:-1], *[more] * 400))
    client = BrazeClient(deadline_s=LATEST_S)
    reply = client.track(f"http://{server.address}", KEY, BODY).reply
    client._session().close()
    assert isinstance(reply, NoAnswer)
    assert (reply.status, reply.applied) == (201, "unknown")
    assert 400 * len(more) > MAX_REPLY_BYTES


def test_a_packed_reply_is_unpacked(serve: Serve, braze_client: BrazeClient) -> None:
    """`requests` asks for it by itself."""
    server = serve(answer("201 Created", gzip.compress(SUCCESS), "Content-Encoding: gzip"))
    assert isinstance(braze_client.track(f"http://{server.address}", KEY, BODY).reply, Accepted)


def test_a_reply_that_unpacks_to_hundreds_of_megabytes_is_cut_off(serve: Serve, braze_client: BrazeClient) -> None:
    """Whoever answers in Braze's place could otherwise fill a worker's memory with a few bytes."""
    bomb = gzip.compress(b" " * 300_000_000, compresslevel=1)
    server = serve(answer("201 Created", bomb, "Content-Encoding: gzip"))
    tracemalloc.start()
    try:
        reply = braze_client.track(f"http://{server.address}", KEY, BODY).reply
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"
    assert peak < 20 * MAX_REPLY_BYTES


def test_a_reply_with_thousands_of_headers_is_none(serve: Serve, braze_client: BrazeClient) -> None:
    """They end up in memory, too."""
    server = serve(answer("201 Created", SUCCESS, *(f"X-{at}: a" for at in range(5000))))

    assert isinstance(braze_client.track(f"http://{server.address}", KEY, BODY).reply, NoAnswer)


def test_a_reply_that_can_t_be_unpacked_leaves_the_outcome_unknown(serve: Serve, braze_client: BrazeClient) -> None:
    """The status is a success, and what else was said is lost."""
    server = serve(answer("201 Created", b"not packed", "Content-Encoding: gzip"))
    reply = braze_client.track(f"http://{server.address}", KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Elsewhere", "308 Moved"])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    serve: Serve, braze_client: BrazeClient, status: str
) -> None:
    """Whoever answers for Braze could ask for it to be sent anywhere."""
    elsewhere = serve(answer("201 Created"))
    server = serve(answer(status, b"", f"Location: http://{elsewhere.address}/users/track"))
    reply = braze_client.track(f"http://{server.address}", KEY, BODY).reply
    assert isinstance(reply, NotAllowed)
    assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["http://[", "//", "http://a..b/", "\xff"])
def test_where_a_redirect_points_to_is_not_even_read(serve: Serve, braze_client: BrazeClient, location: str) -> None:
    """It is an answer: the address is wrong."""
    server = serve(answer("302 Found", b"x" * 10, f"Location: {location}"))
    assert isinstance(braze_client.track(f"http://{server.address}", KEY, BODY).reply, NotAllowed)


def test_nothing_is_taken_from_the_environment(
    serve: Serve, braze_client: BrazeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy meant for something else would see every key, and a .netrc would replace ours."""
    server, other = serve(answer("201 Created")), serve(answer("201 Created"))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{other.address}")

    braze_client.track(f"http://{server.address}", KEY, BODY)

    assert other.requests == []
    assert f"Bearer {KEY}".encode() in server.requests[0]


def test_the_proxy_of_the_settings_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even for addresses that the environment would leave out."""
    monkeypatch.setenv("no_proxy", "*")
    proxy = serve(answer("201 Created"))
    client = BrazeClient(proxy=f"http://{proxy.address}", deadline_s=LATEST_S)
    reply = client.track("http://rest.nowhere.invalid", KEY, BODY).reply
    client._session().close()
    assert isinstance(reply, Accepted)
    assert proxy.requests[0].startswith(b"POST http://rest.nowhere.invalid/users/track ")


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_builds_no_tunnel_is_certain_to_have_sent_nothing(serve: Serve, status: str) -> None:
    """And neither the key nor the proxy's password is in what is said about it."""
    proxy = serve(say(f"HTTP/1.1 {status}\r\n\r\n".encode()))
    client = BrazeClient(proxy=f"http://me:hunter2@{proxy.address}", deadline_s=LATEST_S)
    reply = client.track("https://rest.iad-03.braze.com", KEY, BODY).reply
    client._session().close()
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"
    assert status[:3] in reply.words
    assert not {KEY, "hunter2"} & {*reply.words.split("'")}
    assert "hunter2" not in reply.words
    assert KEY.encode() not in proxy.requests[0]


def test_the_lease_is_renewed_while_the_answer_is_awaited(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow Braze must not cost us the lane."""
    beats = threading.Event()

    def slow(server: Server, connection: socket.socket) -> None:
        read_request(server, connection)
        beats.wait(LATEST_S)
        connection.sendall(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n" + SUCCESS)

    monkeypatch.setattr(client_module, "BEAT_S", 0.01)
    client = BrazeClient(deadline_s=LATEST_S)
    reply = client.track(f"http://{serve(slow).address}", KEY, BODY, beat=beats.set).reply
    client._session().close()
    assert beats.is_set()
    assert isinstance(reply, Accepted)


def test_the_deadline_leaves_a_slow_braze_its_time() -> None:
    """Cut off earlier, slow answers would turn into doubled events; later, others would take the people over."""
    assert DEADLINE_S == 30


@dataclass
class Authority:
    server: ssl.SSLContext
    certificate: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate for 127.0.0.1 that only those trust who are told to."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert", directory / "key")
    return Authority(context, directory / "cert")


@pytest.fixture
def trusting(authority: Authority) -> Iterator[BrazeClient]:
    """A client for which the made-up authority is a real one."""

    def session() -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(authority.certificate)
        session.mount("https://", WatchedAdapter())
        return session

    client = BrazeClient(session=session, deadline_s=LATEST_S)
    yield client
    client._session().close()


def over_tls(server: Server) -> str:
    return f"https://localhost:{server.listener.getsockname()[1]}"


def test_a_request_over_tls_is_watched_too(serve: Serve, authority: Authority, trusting: BrazeClient) -> None:
    """As all of Braze's are."""
    server = serve(answer("201 Created"), tls=authority.server)
    for _ in range(2):
        assert isinstance(trusting.track(over_tls(server), KEY, BODY).reply, Accepted)
    assert server.connections == 1


def test_a_certificate_that_nobody_trusts_gets_nothing(
    serve: Serve, authority: Authority, braze_client: BrazeClient
) -> None:
    """No handshake, no request."""
    server = serve(answer("201 Created"), tls=authority.server)
    reply = braze_client.track(over_tls(server), KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"
    assert server.requests == []


@pytest.mark.parametrize("parts", [(), (b"HTTP/1.1 201 Created\r\n",)])
def test_a_cut_of_tls_after_sending_leaves_the_outcome_unknown(
    serve: Serve, authority: Authority, trusting: BrazeClient, parts: tuple[bytes, ...]
) -> None:
    """It looks like a failed handshake, but the request has left."""
    reply = trusting.track(over_tls(serve(say(*parts), tls=authority.server)), KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


def test_a_dripping_answer_over_tls_ends_at_the_deadline(
    serve: Serve, authority: Authority, trusting: BrazeClient
) -> None:
    """The watch has to cut the connection under it."""
    trusting._deadline_s = SOON_S
    started = time.monotonic()
    reply = trusting.track(over_tls(serve(drip(), tls=authority.server)), KEY, BODY).reply
    assert time.monotonic() - started < DRIP_S
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


@pytest.mark.parametrize("parts", [(), (b"\x16",), (b"HTTP/1.1 400 plain text here\r\n\r\n",)])
def test_a_failed_handshake_is_certain_to_have_sent_nothing(
    serve: Serve, trusting: BrazeClient, parts: tuple[bytes, ...]
) -> None:
    """Cut off, or answered in the clear."""
    reply = trusting.track(over_tls(serve(say(*parts, after_request=False))), KEY, BODY).reply
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"


def test_a_handshake_that_drips_ends_at_the_deadline(serve: Serve, trusting: BrazeClient) -> None:
    """A record of the handshake may take as long as its sender likes."""
    trusting._deadline_s = SOON_S
    started = time.monotonic()
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
    server = serve(say(record, *[b"\x00"] * 150, every_s=0.05, after_request=False))
    reply = trusting.track(over_tls(server), KEY, BODY).reply
    assert time.monotonic() - started < DRIP_S
    assert isinstance(reply, NoAnswer)
    assert reply.applied == "no"


def test_a_stand_in_may_take_the_place_of_the_network() -> None:
    """As the tests of everything else do."""
    braze = FakeBraze().will_answer(429, X_RateLimit_Reset=12).will_fail(requests.ConnectTimeout("late"))
    braze.will_fail(requests.ReadTimeout("late"))
    client = BrazeClient(session=braze.session)

    replies = [client.track("https://rest.iad-03.braze.com", KEY, BODY).reply for _ in range(4)]

    assert [type(reply) for reply in replies] == [RateLimited, NoAnswer, NoAnswer, Accepted]
    assert (replies[0].reset_s, replies[1], replies[2]) == (
        12, NoAnswer(0, "ConnectTimeout: late", applied="no"), NoAnswer(0, "ReadTimeout: late", applied="unknown")
    )  # fmt: skip
    assert [body["attributes"][0]["team"] for body in braze.bodies] == ["red"] * 4


def test_a_call_for_messages_goes_to_its_own_path_and_is_read_in_its_own_way() -> None:
    """A transactional success has no message, and would be none for /users/track."""
    braze = FakeBraze().will_answer(201, {"dispatch_id": "9d8c", "status": "sent"})
    attempt = BrazeClient(session=braze.session).send(
        "https://rest.iad-03.braze.com", KEY, "/canvas/trigger/send", b"{}"
    )

    assert isinstance(attempt.reply, Asked)
    assert attempt.reply.dispatch_id == "9d8c"
    [request] = braze.requests
    assert request.url == "https://rest.iad-03.braze.com/canvas/trigger/send"
    assert request.headers["User-Agent"] == "partner-Komo"
