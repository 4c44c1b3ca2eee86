"""The pages in a crowd of integrations: how long the web process takes for each, from the request to the last byte."""

import gc
import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ingest.app import create_app
from schemas.settings import Settings
from tests.benchmarks import crowd, idle
from tests.benchmarks.processes import Machine, StoreServer
from tests.benchmarks.setting import environment, settings_of
from tests.benchmarks.table import Target, markdown
from tests.visitor import PASSWORD, Visitor
from workers.store import Stores, open_stores

#: What a page may take, ms.
PAGE_MS = 150.0


def measure(machine: Machine, *, rounds: int, size: crowd.Size | None = None) -> tuple[list[Target], list[str]]:
    """
    Each page so many times, by turns, by somebody who is signed in.

    Returns: For each its 95th percentile, and the medians.
    """
    server = StoreServer(machine, "pages", fsync="everysec")
    settings = settings_of(environment(server.url, "http://127.0.0.1:9") | {"ADMIN_PASSWORD": PASSWORD})
    stores = open_stores(settings)
    built = crowd.fill(stores, size=size)
    visitor = _sign_in(settings, stores)
    pages = _pages(visitor, built)
    gc.collect()
    gc.freeze()  # a web process does not hold the ids of a crowd, and does not look through them for garbage
    times: dict[str, list[float]] = {name: [] for name in pages}
    for _, (name, look) in itertools.product(range(rounds), pages.items()):
        began = time.perf_counter()
        answer = look()
        times[name].append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (name, answer.status_code)
        assert 'data-testid="sign-out"' in answer.text, name
    targets, medians = [], []
    for name, taken in times.items():
        taken.sort()
        targets.append(Target(f"page: {name}", PAGE_MS, idle.percentile(taken, 95), "ms", at_most=True))
        medians.append([name, f"{idle.percentile(taken, 50):.1f}", f"{taken[-1]:.1f}"])
    server.drop()
    return targets, [markdown(("page, ms", "p50", "most"), medians)]


def _sign_in(settings: Settings, stores: Stores) -> Visitor:
    app = create_app(settings, stores, lambda *_: None, broker_answers=lambda: True)
    app.config["SESSION_COOKIE_SECURE"] = False
    visitor = Visitor(app.test_client())
    assert visitor.sign_in().status_code == 200
    return visitor


def _pages(visitor: Visitor, built: crowd.Crowd) -> dict[str, Callable[[], Any]]:
    busy, buried = built.integrations[7].id, built.integrations[0].id
    settled, dead = built.settled[len(built.settled) // 3], built.dead[0]
    paths = {
        "overview": "/",
        "overview, last": "/?page=40",
        "one integration": f"/integrations/{busy}",
        "its fields": f"/integrations/{busy}/fields",
        "its people": f"/integrations/{busy}/people",
        "where Komo posts to": f"/integrations/{busy}/komo",
        "activity of all": "/activity",
        "activity of one": f"/activity?integration={busy}",
        "one submission": f"/submissions/{settled[1]}",
        "one dead letter": f"/submissions/{dead[1]}",
        "one unknown": f"/submissions/{settled[1][:-4]}0000",
        "dead letters of all": "/dead-letters",
        "dead letters of one": f"/dead-letters?integration={buried}",
        "cost and health of all": "/figures",
        "cost and health of one": f"/figures?integration={busy}&span=week",
    }
    return {name: partial(visitor.open, path) for name, path in paths.items()}
