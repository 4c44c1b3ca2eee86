"""Stand-ins: a Braze that answers from a script, and a store that the power leaves."""

import copy
import io
import threading
from collections import deque
from typing import Any

import orjson
import redis
import requests
from fakeredis import FakeServer
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ProxyError, SSLError
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError

from workers.braze.client import WATCH

ARRAYS = ("attributes", "events", "purchases")


class FakeBraze(HTTPAdapter):
    """
    Answers from a script, by default with a success that counts what it got.

    Mount it, `session.mount("https://", braze)`; `BrazeClient(session=braze.session)` does that for every thread.
    """

    def __init__(self) -> None:
        super().__init__()
        #: As they arrived; `bodies` are their JSON.
        self.requests: list[requests.PreparedRequest] = []
        self._script: deque[tuple[int, bytes, dict[str, str]] | tuple[BaseException, bool]] = deque()
        self._lock = threading.Lock()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What each request said."""
        return [orjson.loads(request.body or b"null") for request in self.requests]

    def will_answer(self, status: int, body: Any = None, **headers: object) -> "FakeBraze":
        """
        Answer the next request that has no answer yet.

        Args:
            body: JSON, or text or bytes as they are; None for Braze's plainest words.
            headers: With underscores in place of hyphens: `X_RateLimit_Reset=12`.
        """
        if body is None:
            body = {"message": "success" if 200 <= status < 300 else f"answer {status}"}
        raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else orjson.dumps(body)
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        self._script.append((status, raw, named))
        return self

    def will_fail(self, exception: BaseException, *, sent: bool | None = None) -> "FakeBraze":
        """
        Raise instead of an answer.

        Args:
            sent: Whether the request had begun to leave by then; None takes it from the exception's type.
        """
        self._script.append((exception, _is_later_than_connecting(exception) if sent is None else sent))
        return self

    def session(self) -> requests.Session:
        """A session that reaches nothing but this."""
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        with self._lock:
            self.requests.append(request)
            told = self._script.popleft() if self._script else (201, _success(request), {})
        if isinstance(told[0], BaseException):
            if told[1]:
                WATCH.sending(None)
            raise told[0]
        WATCH.sending(None)
        status, body, headers = told
        return self.build_response(request, _raw(status, body, headers))


def _is_later_than_connecting(exception: BaseException) -> bool:
    reason = exception.args[0] if exception.args else None
    return not (
        isinstance(exception, ConnectTimeout | SSLError | ProxyError)
        or isinstance(getattr(reason, "reason", reason), NewConnectionError)
    )


def _success(request: requests.PreparedRequest) -> bytes:
    sent = orjson.loads(request.body or b"{}")
    counts = {f"{name}_processed": len(sent[name]) for name in ARRAYS if name in sent}
    return orjson.dumps({"message": "success", **counts})


def _raw(status: int, body: bytes, headers: dict[str, str]) -> HTTPResponse:
    return HTTPResponse(io.BytesIO(body), headers={"content-type": "application/json"} | headers, status=status,
                        preload_content=False)  # fmt: skip


class PowerCut(BaseException):
    """The process is gone: nobody catches it, nothing is cleaned up."""


def copy_of(server: FakeServer) -> FakeServer:
    """Another store with the same in it, scripts too: quicker than to bring everything in again for each power cut."""
    copied = FakeServer()
    copied.script_cache.update(server.script_cache)
    for number, one in server.dbs.items():
        other = copied.dbs[number]
        other._dict, other._expiry_heap, other.time = copy.deepcopy((one._dict, one._expiry_heap, one.time))
    return copied


def power_cut_after(connection: redis.Redis, commands: int, *, answered: bool = False) -> redis.Redis:
    """
    The same store, through a client that lets so many commands reach it and then raises PowerCut, ever after.

    Scripts count like any command, and a pipeline as one. The first client goes on working.

    Args:
        answered: The command at which it dies still reaches the store, but its answer reaches nobody.
    """
    left = [commands]

    def count(execute: Any, *args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            if answered and left[0] == -1:
                execute(*args, **options)
            raise PowerCut
        return execute(*args, **options)

    class Doomed(type(connection)):  # type: ignore[misc]  # whichever client it is
        def execute_command(self, *args: Any, **options: Any) -> Any:
            return count(super().execute_command, *args, **options)

        def pipeline(self, *args: Any, **options: Any) -> Any:
            pipe = super().pipeline(*args, **options)
            execute = pipe.execute
            pipe.execute = lambda *args, **options: count(execute, *args, **options)
            return pipe

    doomed = copy.copy(connection)
    doomed.__class__ = Doomed
    doomed.auto_close_connection_pool = False
    return doomed
