"""Sends requests to Braze: a session per thread, an absolute deadline, no redirects, nothing from the environment."""

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any, Protocol

import requests
from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from workers.braze.addresses import refuse_private
from workers.braze.deadline import Watch
from workers.braze.reply import NoAnswer, NotAllowed, Reply, read_reply, redact
from workers.braze.sent import read_sent

#: Required of partners: https://www.braze.com/docs/partners/isv_partners/api_partner/
USER_AGENT = "partner-Komo"
#: Seconds to connect, and of silence between two bytes.
TIMEOUT = (3.05, 30)
#: Seconds from start to end of one call: a Braze cut off earlier would turn slow answers into doubled events.
DEADLINE_S = 30.0
#: Seconds between two signs of life while a call is out; a lease lasts three times as long.
BEAT_S = 5.0
#: No answer of Braze's is near this size.
MAX_REPLY_BYTES = 1_000_000
#: Addresses with their keys that a thread keeps ready.
MOST_PREPARED = 100
#: Whatever can go wrong between us and an answer.
BROKEN = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)

WATCH = Watch()


class Reader(Protocol):
    """Sorts an answer: `read_reply`, or its like for another kind of endpoint."""

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes, *, secret: str, now_s: float) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request and what came of it."""

    reply: Reply
    duration_ms: int


class _WatchedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(refuse_private(super()._new_conn(), self.host))

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()  # Otherwise done further down, where nobody can tell it from sending.
        WATCH.sending(self.sock)
        super().endheaders(*args, **kwargs)


class _WatchedHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(refuse_private(super()._new_conn(), self.host))

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        WATCH.sending(self.sock)
        super().endheaders(*args, **kwargs)


def _watched(sock: socket.socket) -> socket.socket:
    """From here on, so that a proxy's answer and the handshake end in time too."""
    WATCH.connected(sock)
    return sock


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """The usual adapter, with connections that the watch can cut."""

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = DEFAULT_POOLBLOCK, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _watch_pools(manager)
        return manager


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class BrazeClient:
    """
    Sends bodies to Braze and reads the answers.

    Args:
        proxy: An outbound HTTP proxy, as a URL.
        session: Makes a session; tests mount an adapter of their own on it.
        deadline_s: From start to end of one call.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        session: Callable[[], requests.Session] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._make_session = session or self._new_session
        self._deadline_s = deadline_s
        self._local = threading.local()

    def track(
        self, rest_endpoint: str, api_key: str, body: bytes, *, beat: Callable[[], object] | None = None
    ) -> Attempt:
        """
        POST /users/track.

        Args:
            body: The JSON, ready to send.
            beat: Called now and then while the answer is awaited.

        Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
        """
        return self.post(f"{rest_endpoint}/users/track", api_key, body, beat=beat)

    def send(
        self, rest_endpoint: str, api_key: str, path: str, body: bytes, *, beat: Callable[[], object] | None = None
    ) -> Attempt:
        """POST to one of the endpoints that send messages; the reply to a success is `workers.braze.sent.Asked`."""
        return self.post(f"{rest_endpoint}{path}", api_key, body, beat=beat, read=read_sent)

    def get(self, rest_endpoint: str, api_key: str, path: str, read: Reader) -> Attempt:
        """GET from one of the endpoints that list things, with its query in the path."""
        return self._call("GET", f"{rest_endpoint}{path}", api_key, b"", None, read)

    def post(
        self, url: str, api_key: str, body: bytes, *, beat: Callable[[], object] | None = None,
        read: Reader = read_reply,
    ) -> Attempt:  # fmt: skip
        """One POST that always ends within the deadline, and never raises: what went wrong is in the reply."""
        return self._call("POST", url, api_key, body, beat, read)

    def _call(
        self, method: str, url: str, api_key: str, body: bytes, beat: Callable[[], object] | None, read: Reader
    ) -> Attempt:
        if not _fits_a_header(api_key):
            return Attempt(NotAllowed(0, "There is no REST key, or it holds characters that no key has."), 0)
        started = time.monotonic()
        with WATCH.call(self._deadline_s, beat=beat, every_s=BEAT_S) as call:
            try:
                reply = self._exchange(method, url, api_key, body, started, read)
            except BROKEN as error:
                words = redact(f"{type(error).__name__}: {_why(error)}", api_key)
                # What never began to leave us was certainly not applied: refused, not found, no handshake.
                reply = NoAnswer(0, words, applied="unknown" if call.sent else "no")
        if call.expired and isinstance(reply, NoAnswer):
            reply = replace(reply, words=f"no answer within {self._deadline_s:g} s")
        return Attempt(reply, round((time.monotonic() - started) * 1000))

    def _exchange(self, method: str, url: str, api_key: str, body: bytes, started: float, read: Reader) -> Reply:
        session = self._session()
        # Straight to the adapter: it follows nothing, keeps no cookies and asks no environment.
        adapter = session.get_adapter(url)
        request = self._prepared(session, method, url, api_key, body)
        response = adapter.send(
            request,
            stream=True,
            timeout=TIMEOUT,
            verify=session.verify is None or session.verify,
            cert=session.cert,
            proxies=session.proxies,
        )
        try:
            content = _read_capped(response, started + self._deadline_s)
        except BROKEN as error:  # the status says enough where it is not a success
            content = f"the answer broke off: {type(error).__name__}".encode()
        finally:
            response.close()
        return read(response.status_code, response.headers, content, secret=api_key, now_s=time.time())

    def _prepared(
        self, session: requests.Session, method: str, url: str, api_key: str, body: bytes
    ) -> requests.PreparedRequest:
        """This thread's request to the address, with another body: preparing one anew costs more than sending it."""
        known: dict[tuple[str, str, str], requests.PreparedRequest] = self._local.__dict__.setdefault("prepared", {})
        request = known.get((method, url, api_key))
        if request is None:
            if len(known) >= MOST_PREPARED:
                known.clear()
            headers = {
                "Authorization": f"Bearer {api_key}",
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            }
            asked = requests.Request(method, url, headers=headers)
            request = known[method, url, api_key] = session.prepare_request(asked)
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        return request

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._make_session()
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.proxies.update({scheme: url for scheme, url in self._proxies.items() if url})
        session.mount("https://", WatchedAdapter(pool_connections=4, pool_maxsize=1))
        session.mount("http://", WatchedAdapter(pool_connections=4, pool_maxsize=1))
        return session


def _fits_a_header(api_key: str | None) -> bool:
    return api_key is not None and api_key != "" and api_key.isascii() and api_key.isprintable() and " " not in api_key


def _read_capped(response: requests.Response, until: float) -> bytes:
    """The body up to its cap. What is cut off no longer reads as JSON, so its outcome counts as unknown."""
    chunks, size = [], 0
    for chunk in response.iter_content(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REPLY_BYTES or time.monotonic() > until:
            break
    return b"".join(chunks)


def _why(error: Exception) -> str:
    """What stood against it, without the pools, retries and addresses that the libraries wrap around it."""
    reason = getattr(next(iter(error.args), None), "reason", None)
    return re.sub(r"^\w+\(host=[^)]*\): ", "", str(reason or error))
