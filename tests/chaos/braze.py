"""
The sandbox Braze with a journal: every call of /users/track, written down at once, so that it outlives everything.

One JSON object a line, `n` being the call's number:

    {"k": "in",   n, at, to: [[person, attributes or null, event id or null], ...]}   arrived, not checked yet
    {"k": "took", n, at, of: as `to`}                                                 accepted, applied soon
    {"k": "out",  n, at, status, fault}                                               answered; status 0: cut off
    {"k": "did",  n, at}                                                              applied
"""

import io
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from flask import Flask

from ingest.sandbox.braze.api import TORN_LENGTH
from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.applying import EVENT_ID, Work
from ingest.sandbox.braze.faults import Fault, Faults
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.schedule import Schedule

JOURNAL = "CHAOS_JOURNAL"
Told = list[tuple[str, dict[str, Any] | None, str | None]]


class Journal:
    """Appends to a file, from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._numbers = 0
        #: What the call of this thread is about: `n` its number, `fault` what was done to it on request.
        self.call = threading.local()
        #: Accepted and not yet applied: identity of the work -> number of its call.
        self.pending: dict[int, int] = {}

    def begin(self, body: bytes) -> None:
        with self._lock:
            self._numbers += 1
            self.call.n, self.call.fault = self._numbers, ""
        self.note("in", self._numbers_of_call(), to=_told(body))

    def note(self, kind: str, number: int, **members: Any) -> None:
        line = orjson.dumps({"k": kind, "n": number, "at": time.time(), **members}) + b"\n"
        with self._lock:
            self._file.write(line)

    def _numbers_of_call(self) -> int:
        return int(self.call.n)


class _NotedFaults(Faults):
    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def take(self, path: str) -> Fault | None:
        fault = super().take(path)
        if fault is not None:
            self._journal.call.fault = fault.in_words()
        return fault


class _NotedSchedule(Schedule):
    def __init__(self, do: Callable[[Any], None], journal: Journal) -> None:
        super().__init__(do)
        self._journal = journal

    def add(self, work: Work, delay_ms: tuple[float, float]) -> None:
        number = int(self._journal.call.n)
        self._journal.pending[id(work)] = number
        self._journal.note("took", number, of=_objects(work.attributes, work.events))
        super().add(work, delay_ms)


class NotedSandbox(Sandbox):
    """Tells its journal what it takes and applies."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        super().__init__()
        self.faults = _NotedFaults(journal)
        self.schedule = _NotedSchedule(self._apply, journal)

    def _apply(self, work: Work) -> None:
        super()._apply(work)
        self.journal.note("did", self.journal.pending.pop(id(work)))


class Noted:
    """The sandbox's application; calls of /users/track are written down on their way in and out."""

    def __init__(self, app: Flask, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/users/track":
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        journal = self._journal
        journal.begin(body)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            cut = ("Content-Length", TORN_LENGTH) in headers
            number = 0 if cut else int(status.split()[0])
            journal.note("out", journal.call.n, status=number, fault=journal.call.fault)
            return start_response(status, headers, *more)

        return self._app(environ, start)


def _told(body: bytes) -> Told:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    return _objects(found.get("attributes", ()), found.get("events", ()))


def _objects(attributes: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]]) -> Told:
    return [*_attributes(attributes), *_events(events)]


def _attributes(given: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any] | None, str | None]]:
    for one in given:
        yield one.get("external_id", ""), {name: one[name] for name in one if name != "external_id"}, None


def _events(given: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any] | None, str | None]]:
    for one in given:
        yield one.get("external_id", ""), None, str(one.get("properties", {}).get(EVENT_ID, ""))


def from_environment() -> Noted:
    """As a server of WSGI starts it; `CHAOS_JOURNAL` is the file."""
    journal = Journal(Path(os.environ[JOURNAL]))
    return Noted(create_app(NotedSandbox(journal)), journal)
