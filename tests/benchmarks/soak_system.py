"""The running system of the soak: store, sandbox Braze, web, worker and clock, by the Procfile's commands."""

import http.client
import time
from typing import Any

import orjson

from tests.benchmarks.delivering import SWEPT, start_web
from tests.benchmarks.processes import Machine, Running, StoreServer, free_port, listens, procfile
from tests.benchmarks.setting import API_KEY, INTEGRATION_ID, TOKEN, document, environment, settings_of
from workers.store import open_stores

#: One process, as its state is its own; it applies what it accepted after a random 10 to 100 ms.
SANDBOX = (
    "exec granian --interface wsgi --factory --host 127.0.0.1 --port ${PORT} --workers 1 --blocking-threads 8"
    " --no-access-log ingest.sandbox.braze.app:from_environment"
)
#: Objects in one request: https://www.braze.com/docs/api/api_limits/
MAX_OBJECTS = 75


class System:
    """Everything started, one integration connected."""

    def __init__(self, machine: Machine, *, spacing_ms: int) -> None:
        self._machine = machine
        self._braze_port = free_port()
        self.sandbox = machine.start("sandbox", SANDBOX, {"PORT": str(self._braze_port), "SANDBOX_BRAZE_KEY": API_KEY})
        self.store = StoreServer(machine, "store", fsync="always")
        braze_url = f"http://127.0.0.1:{self._braze_port}"
        self._environ = environment(
            self.store.url, braze_url, WEB_WORKERS=2, PERSON_SPACING_MS=spacing_ms, LOG_LEVEL="INFO"
        )
        self.web, self.port = start_web(machine, self._environ)
        self.clock = machine.start("clock", procfile("clock"), self._environ)
        self.worker = machine.start("worker", procfile("worker"), self._environ)
        self.sandbox.wait_for(lambda: listens(self._braze_port), "listening")
        self.worker.wait_for(lambda: bool(self.store.connection.exists(SWEPT)), "the first sweep")
        rate_limit = {"requests": 3000, "per_seconds": 3}
        settings = document(braze_url)
        settings["braze"] |= {"rate_limit": rate_limit, "max_objects_per_request": MAX_OBJECTS}
        self.secret = self.api("POST", "/integrations", settings)["webhook_secret"]
        self._stores = open_stores(settings_of(self._environ))
        self._integration = self._stores.integrations.get(INTEGRATION_ID).integration

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the management API."""
        return ask(self.port, method, f"/api/v1{path}", body, {"Authorization": f"Bearer {TOKEN}"})

    def braze(self, path: str, method: str = "GET") -> Any:
        """A call of the sandbox's control API."""
        return ask(self._braze_port, method, f"/sandbox/api{path}")

    def ledger(self) -> dict[str, int]:
        """Every counter, all read at one moment."""
        return self._stores.ledger.read(self._integration)

    def kill_worker(self) -> None:
        """SIGKILL to the worker and whatever it started; a new one takes its place."""
        self.worker.kill()
        self._machine.end(self.worker)
        self.worker = self._machine.start("worker", procfile("worker"), self._environ)

    def dead_processes(self) -> list[str]:
        """Who has ended though nobody asked them to."""
        ours: list[Running] = [self.store.running, self.sandbox, self.web, self.clock, self.worker]
        return [one.name for one in ours if not one.runs()]

    def errors_logged(self) -> list[str]:
        """Lines in which one of our processes speaks of an error."""
        logs = sorted(self._machine.directory.glob("*.log"))
        ours = [log for log in logs if log.name.split(".")[0] in ("web", "worker", "clock")]
        return [
            f"{log.name}: {line[:300]}"
            for log in ours
            for line in log.read_text("utf-8", "replace").splitlines()
            if '"level":"error"' in line or '"level":"critical"' in line or line.startswith("Traceback")
        ]


def ask(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON that is answered. Raises: RuntimeError for a status of 400 and above."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = None if body is None else orjson.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {data[:500]!r}")
    return orjson.loads(data) if data else None


def wait_until(ready: Any, until: float, step_s: float = 0.2) -> bool:
    """Look again and again; False if it is not so by that time (of `time.monotonic`)."""
    while not ready():
        if time.monotonic() > until:
            return False
        time.sleep(step_s)
    return True
