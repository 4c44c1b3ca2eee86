"""Two worker processes share one rate limit: how much of it they use, and whether they ever go beyond."""

import time
from collections import Counter
from datetime import datetime
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.delivering import ARRAY, SWEPT, start_web
from tests.benchmarks.processes import Machine, StoreServer, free_port, listens, procfile
from tests.benchmarks.setting import API_KEY, INTEGRATION_ID, document, environment, settings_of, submissions
from tests.benchmarks.soak_system import SANDBOX, ask
from tests.benchmarks.table import Target
from workers.store import open_stores

REQUESTS, PERIOD_S = 30, 3
#: One attributes object and one event: a submission fills a request.
MAX_OBJECTS = 2
#: The sandbox keeps 200 requests readable: they are fetched before so many more can have come.
LOOK_EVERY_S = 2.0


def measure(machine: Machine, *, seconds: float) -> tuple[list[Target], list[str]]:
    """
    Plenty waits; the sandbox counts requests in windows that begin on the clock, when they arrive.

    Returns: Targets about the windows that lie wholly inside the time, and their histogram.
    """
    port = free_port()
    braze_url = f"http://127.0.0.1:{port}"
    sandbox = machine.start("sandbox", SANDBOX, {"PORT": str(port), "SANDBOX_BRAZE_KEY": API_KEY})
    sandbox.wait_for(lambda: listens(port), "listening")
    ask(
        port,
        "POST",
        "/sandbox/api/settings",
        {"rate_limits": {"track": [REQUESTS, PERIOD_S], "other": [250_000, 3600]}},
    )
    server = StoreServer(machine, "limit", fsync="everysec")
    environ = environment(server.url, braze_url, LOG_LEVEL="WARNING")
    stores = open_stores(settings_of(environ))
    settings = document(braze_url)
    rate_limit = {"requests": REQUESTS, "per_seconds": PERIOD_S}
    settings["braze"] |= {"rate_limit": rate_limit, "max_objects_per_request": MAX_OBJECTS}
    secret = stores.integrations.save(settings, by="benchmark").secrets["webhook_secret"]
    web, web_port = start_web(machine, environ)
    workers = [machine.start("worker", procfile("worker"), environ | {"WORKER_NAME": f"worker-{k}"}) for k in (1, 2)]
    clock = machine.start("clock", procfile("clock"), environ)
    workers[0].wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")
    _send(web_port, secret, int(REQUESTS * (seconds / PERIOD_S + 4)))
    windows, statuses = _watch(port, seconds)
    machine.end(web, *workers, clock)
    server.drop()
    whole = [windows[number] for number in range(min(windows) + 1, max(windows))]
    targets = [
        Target("limit, most requests in a window", REQUESTS, max(whole), "requests", at_most=True),
        Target("limit, share of it used", 0.9, sum(whole) / len(whole) / REQUESTS),
        Target("limit, answers 429", 0, statuses.get("429", 0), "answers", at_most=True),
    ]
    histogram = ", ".join(f"{size}: {many}" for size, many in sorted(Counter(whole).items()))
    in_turn = " ".join(map(str, whole))
    return targets, [f"Requests in a window: how many windows. {histogram}. In turn: {in_turn}."]


def _send(port: int, secret: str, count: int) -> None:
    bodies = list(submissions(count, count))
    path, headers = f"/webhooks/komo/{INTEGRATION_ID}", {"Authorization": f"Bearer {secret}"}
    arrays = [b"[" + b",".join(bodies[i : i + ARRAY]) + b"]" for i in range(0, count, ARRAY)]
    result = load.drive(port, [load.request(port, path, headers, one) for one in arrays], connections=1)
    if set(result.statuses) != {202}:
        raise RuntimeError(f"not accepted: {dict(result.statuses)}")


def _watch(port: int, seconds: float) -> tuple[Counter[int], dict[str, int]]:
    """Requests by the number of their window, and answers by their status."""
    came: dict[int, float] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        items: list[dict[str, Any]] = ask(port, "GET", "/sandbox/api/requests?limit=200")["items"]
        came |= {
            one["number"]: datetime.fromisoformat(one["at"]).timestamp()
            for one in items
            if one["path"] == "/users/track"
        }
    statuses: dict[str, int] = ask(port, "GET", "/sandbox/api/state")["statuses"]
    return Counter(int(at // PERIOD_S) for at in came.values()), statuses
