"""Lists, searches and single submissions in a crowd of integrations: how long the store's side of a page takes."""

import gc
import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from schemas.dead_letter import LetterFilter
from schemas.integration import Integration
from tests.benchmarks import crowd, idle
from tests.benchmarks.processes import Machine, StoreServer
from tests.benchmarks.setting import environment, settings_of
from tests.benchmarks.table import Target, markdown
from workers.store import open_stores
from workers.store.dead_letters import DeadLetters
from workers.store.inbox import Limits
from workers.store.records import OutOfTime
from workers.store.search import PAGE_SECONDS, Search
from workers.store.timeline import Timeline

#: What a page may take, ms, and what of that its store may: of all integrations, and of one.
OF_ALL_MS, OF_ONE_MS, BOUNDED_MS = 60.0, 25.0, 120.0
#: Pages that lie behind the first.
DEEP = 10


class _Looks:
    """Everything that a page asks for; the integrations are read beforehand, as a page has them at hand."""

    def __init__(self, connection: Any, built: crowd.Crowd) -> None:
        self.built = built
        every: Callable[[], Sequence[Integration]] = lambda: built.integrations  # noqa: E731
        self.timeline, self.search = Timeline(connection, every), Search(connection, every)
        self.letters = DeadLetters(connection, every, Limits())

    def all(self) -> dict[str, tuple[Callable[[], Any], float]]:
        """What is asked for, and what it may take, ms."""
        built, busy, buried = self.built, self.built.integrations[7].id, self.built.integrations[0]
        settled, dead = built.settled[len(built.settled) // 3], built.dead[len(built.dead) // 2]
        unknown = settled[1][:-4] + "0000"
        find, deep, deep_in_one = self.search.find_rows, self._deep(None), self._deep(busy)
        return {
            "rows of all": (find, OF_ALL_MS),
            "rows of all, deep": (lambda: find(cursor=deep), OF_ALL_MS),
            "rows of one": (lambda: find(integration_id=busy), OF_ONE_MS),
            "rows of one, deep": (lambda: find(cursor=deep_in_one, integration_id=busy), OF_ONE_MS),
            "rows of one card": (lambda: find(card="spin the wheel", integration_id=busy), OF_ONE_MS),
            "rows of all, a rare text": (lambda: find(text="no such text"), BOUNDED_MS),
            "one settled": (lambda: self.timeline.show(settled[1]), OF_ALL_MS),
            "one settled, of a known one": (lambda: self.timeline.show(settled[1], settled[0]), OF_ONE_MS),
            "one dead": (lambda: self.timeline.show(dead[1]), OF_ALL_MS),
            "one unknown": (lambda: self._show_unknown(unknown), BOUNDED_MS),
            "letters of all": (lambda: self.letters.list(LetterFilter()), OF_ALL_MS),
            "letters of one": (lambda: self.letters.list(LetterFilter(integration=buried.id)), OF_ONE_MS),
            "one letter": (lambda: self.letters.show(dead[1]), OF_ALL_MS),
            "reasons of one": (lambda: self.letters.reasons(buried), OF_ONE_MS),
            "reasons of all": (lambda: self.letters.reasons_many(built.integrations), OF_ALL_MS),
        }

    def _deep(self, integration_id: str | None) -> str | None:
        cursor = None
        for _ in range(DEEP):
            _, cursor = self.search.find_rows(integration_id=integration_id, cursor=cursor)
        return cursor

    def _show_unknown(self, unknown: str) -> None:
        with suppress(OutOfTime):
            self.timeline.show(unknown, seconds=PAGE_SECONDS)


def measure(machine: Machine, *, rounds: int, size: crowd.Size | None = None) -> tuple[list[Target], list[str]]:
    """
    Each look so many times, by turns.

    Returns: For each its 95th percentile, and the medians.
    """
    server = StoreServer(machine, "looking", fsync="everysec")
    stores = open_stores(settings_of(environment(server.url, "http://127.0.0.1:9")))
    started = time.monotonic()
    built = crowd.fill(stores, size=size)
    built_s = time.monotonic() - started
    looks = _Looks(stores.connection, built).all()
    gc.collect()
    gc.freeze()  # a web process does not hold the ids of a crowd, and does not look through them for garbage
    times: dict[str, list[float]] = {name: [] for name in looks}
    for _, (name, (look, _)) in itertools.product(range(rounds), looks.items()):
        began = time.perf_counter()
        look()
        times[name].append((time.perf_counter() - began) * 1000)
    targets, medians = [], []
    for name, taken in times.items():
        taken.sort()
        targets.append(Target(name, looks[name][1], idle.percentile(taken, 95), "ms", at_most=True))
        medians.append([name, f"{idle.percentile(taken, 50):.1f}", f"{taken[-1]:.1f}"])
    server.drop()
    table = markdown(("ms", "p50", "most"), medians)
    return targets, [f"{len(built.integrations):,} integrations, built in {built_s:.0f} s.\n\n{table}"]
