"""The webhook beside a bare endpoint, and beside one that makes a Celery message of every submission."""

import random
import time
from collections.abc import Iterator, Mapping
from itertools import count

from tests.benchmarks import load, profiles
from tests.benchmarks.processes import Machine, Running, StoreServer, free_port, listens
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of, signed, submissions
from tests.benchmarks.table import Row, Run, Target
from workers.store import open_stores

WARM_UP = 500
PATH = f"/webhooks/komo/{INTEGRATION_ID}"
#: Nothing is delivered here.
NOWHERE = "http://127.0.0.1:9"
#: Row -> what granian serves, and how the store writes.
ROWS = {
    "bare endpoint, one XADD": ("tests.benchmarks.endpoints:bare", "everysec"),
    "the same behind our front": ("tests.benchmarks.endpoints:bare_behind_front", "everysec"),
    "webhook with task.delay(submission)": ("tests.benchmarks.endpoints:with_delay", "everysec"),
    "webhook": ("ingest.front:from_environment", "everysec"),
    "webhook, fsync always": ("ingest.front:from_environment", "always"),
}


class _Served:
    """One endpoint with a server and a store of its own."""

    def __init__(self, machine: Machine, name: str, target: str, fsync: str, numbers: Iterator[int]) -> None:
        self.row = Row(name)
        self._rng, self._numbers = random.Random(name), numbers
        self._store = StoreServer(machine, f"accept-{len(name)}", fsync=fsync)
        environ = environment(self._store.url, NOWHERE, LOG_LEVEL="WARNING")
        stores = open_stores(settings_of(environ))
        saved = stores.integrations.save(document(NOWHERE), by="benchmark")
        self._secret = saved.secrets["webhook_secret"]
        self._port = free_port()
        self.web = _serve(machine, target, self._port, environ)

    def run(self, requests: int) -> Run:
        """Raises: RuntimeError if one of them was not accepted."""
        start = next(self._numbers) * 1_000_000
        prepared = [self._request(raw) for raw in submissions(requests, requests, start=start)]
        cpu_s, store_cpu_s = self.web.cpu_s(), self._store.running.cpu_s()
        result = load.drive(self._port, prepared)
        if dict(result.statuses) != {202: requests}:
            told = self.web.last_words()
            raise RuntimeError(f"{self.row.name}: not all were accepted: {dict(result.statuses)}\n{told}")
        return Run(requests, result.seconds, self.web.cpu_s() - cpu_s, self._store.running.cpu_s() - store_cpu_s)

    def _request(self, raw: bytes) -> bytes:
        headers: Mapping[str, str] = signed(self._secret, raw, self._rng)
        return load.request(self._port, PATH, headers, raw)


def measure(
    machine: Machine, *, rounds: int, requests: int, profile: bool
) -> tuple[list[Row], list[Target], list[str]]:
    """
    All by turns: one worker process each, 16 connections, every request signed and a submission of its own.

    Returns: Rows, targets, and what is worth knowing beside them.
    """
    numbers = count(1)
    served = [_Served(machine, name, target, fsync, numbers) for name, (target, fsync) in ROWS.items()]
    for one in served:
        one.run(WARM_UP)
    for _ in range(rounds):
        for one in served:
            one.row.runs.append(one.run(requests))
    rows = [one.row for one in served]
    bare, fronted, delay, ours, always = rows
    targets = [
        Target("accept vs a bare endpoint", 0.75, ours.rate / bare.rate),
        Target("accept vs task.delay(submission)", 1.8, ours.rate / delay.rate),
        Target("accept, fsync always vs everysec", 0.75, always.rate / ours.rate),
    ]
    beside = (
        f"Beside the bare endpoint behind the same front the webhook is {ours.rate / fronted.rate:.2f} times as fast,"
        f" and takes {ours.cpu_us / fronted.cpu_us:.2f} times the processor; that one is"
        f" {fronted.rate / bare.rate:.2f} times as fast as the one that granian serves by itself."
    )
    notes = [beside]
    if profile:
        notes.append("The webhook:\n" + _profile(machine, served[rows.index(ours)], requests))
    return rows, targets, notes


def _profile(machine: Machine, served: _Served, requests: int) -> str:
    path = profiles.record(machine, served.web)
    until = time.monotonic() + profiles.SECONDS + 2
    while time.monotonic() < until:
        served.run(requests)
    return profiles.top_functions(path)


def _serve(machine: Machine, target: str, port: int, environ: Mapping[str, str]) -> Running:
    interface = ["rsgi"] if "front" in target else ["wsgi", "--blocking-threads", "4"]
    command = [
        "granian", "--interface", *interface, "--factory", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--http", "1", "--no-access-log", target,
    ]  # fmt: skip
    web = machine.start("web", command, environ)
    web.wait_for(lambda: listens(port), "listening")
    return web
