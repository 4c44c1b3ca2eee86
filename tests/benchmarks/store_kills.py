"""The store is killed under load and started again: nothing is lost, and how long until everything flows again."""

import threading
import time

import orjson

from tests.benchmarks import load
from tests.benchmarks.delivering import PATIENCE_S, SWEPT, Stub, start_web
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import INTEGRATION_ID, document, environment, settings_of, submissions
from tests.benchmarks.table import Target
from workers.store import open_stores

#: Submissions in a call, and seconds between two calls.
ARRAY, PAUSE_S = 5, 0.02
#: Seconds between two kills, and how long the store stays away.
BETWEEN_S, AWAY_S = 6.0, 0.5
BRAZE_MS = 30
LONGEST_S = 5.0


class _Feed(threading.Thread):
    """Brings submissions to the webhook one call after the other, each until it is answered 202."""

    def __init__(self, port: int, secret: str) -> None:
        super().__init__(daemon=True)
        self._port, self._headers = port, {"Authorization": f"Bearer {secret}"}
        self._ends = threading.Event()
        #: Event id -> when its submission was accepted, by `time.time`.
        self.accepted: dict[str, float] = {}
        self.refused = 0

    def run(self) -> None:
        line, number = load.Connection(self._port), 0
        while not self._ends.wait(PAUSE_S):
            raw = b"[" + b",".join(submissions(ARRAY, number + ARRAY, start=number)) + b"]"
            status, answer = line.ask(load.request(self._port, f"/webhooks/komo/{INTEGRATION_ID}", self._headers, raw))
            if status != 202:
                self.refused += 1
                continue
            number += ARRAY
            now = time.time()
            self.accepted |= {f"{one['id']}:1": now for one in orjson.loads(answer)["submissions"]}

    def end(self) -> None:
        self._ends.set()
        self.join(30)


def measure(machine: Machine, *, kills: int) -> tuple[list[Target], list[str]]:
    """
    SIGKILL to a server that writes every change to disk before it answers, while submissions come and are delivered.

    Returns: Targets; the seconds from each start of the server until something accepted after it reached Braze.
    """
    stub = Stub(machine)
    stub.answers(delay_ms=BRAZE_MS)
    server = StoreServer(machine, "store-kills", fsync="always")
    environ = environment(server.url, stub.url)
    stores = open_stores(settings_of(environ))
    secret = stores.integrations.save(document(stub.url), by="benchmark").secrets["webhook_secret"]
    web, port = start_web(machine, environ)
    worker = machine.start("worker", procfile("worker"), environ)
    clock = machine.start("clock", procfile("clock"), environ)
    worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
    feed = _Feed(port, secret)
    feed.start()
    started_at = [_kill_once(server) for _ in range(kills)]
    time.sleep(BETWEEN_S)
    feed.end()
    worker.wait_for(lambda: stub.report()["ids"].keys() >= feed.accepted.keys(), "every delivery", PATIENCE_S)
    report = stub.report()
    gone = [one.name for one in (web, worker, clock) if not one.runs()]
    machine.end(web, worker, clock)
    server.drop()
    seconds = [_flows_after(at, feed.accepted, report["first_at"]) for at in started_at]
    doubled = sum(many > 1 for many in report["ids"].values())
    targets = [
        Target(
            f"{kills} kills of the store, lost",
            0,
            len(feed.accepted.keys() - report["ids"].keys()),
            "submissions",
            at_most=True,
        ),
        Target("until all flows again, longest", LONGEST_S, max(seconds), "s", at_most=True),
        Target("other processes that ended", 0, len(gone), "processes", at_most=True),
    ]
    took = ", ".join(f"{one:.2f}" for one in seconds)
    told = (
        f"Seconds from each start of the store until something accepted since reached Braze: {took}. Of"
        f" {len(feed.accepted):,} accepted, {doubled} came twice; {feed.refused} calls were put off."
    )
    return targets, [told]


def _kill_once(server: StoreServer) -> float:
    time.sleep(BETWEEN_S)
    server.kill()
    time.sleep(AWAY_S)
    at = time.time()
    server.start_again()
    return at


def _flows_after(at: float, accepted: dict[str, float], first_at: dict[str, float]) -> float:
    """Seconds until the first submission accepted after a moment reached Braze."""
    return min(first_at[name] for name, when in accepted.items() if when > at) - at
