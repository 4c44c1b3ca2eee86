"""Many lanes that want the slots of one process, in simulated time."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from workers.slots import Lane, Slots


@dataclass
class Clock:
    now: float

    def __call__(self) -> float:
        return self.now


class Crowd:
    """Threads, a broker, and lanes that are called once: no sweep helps. `takes` says how long a call takes when."""

    def __init__(self, takes: Callable[[str, float], float], endpoint: Callable[[str], str]) -> None:
        self.clock = Clock(0.0)
        self.slots = Slots(16, clock=self.clock)
        self.takes, self.endpoint = takes, endpoint
        self.threads, self.queue = 16, deque[Lane]()
        self.todo: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.asked: dict[Lane, float] = {}
        #: name -> when it was served, and how long it had waited.
        self.waits: dict[str, list[tuple[float, float]]] = {}
        #: How many slots were held by calls that are out for over a second, at each moment.
        self.since: dict[Lane, float] = {}
        self.stuck: list[tuple[float, int]] = []

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.todo, (self.clock.now + seconds, next(self.numbers), what))

    def want(self, lane: Lane, *, every_s: float | None = None) -> None:
        if lane not in self.asked:
            self.asked[lane] = self.clock.now
            self.queue.append(lane)
        if every_s:
            self.at(every_s, lambda: self.want(lane, every_s=every_s))

    def visit(self, came: Lane | None) -> None:
        lane = self.slots.take(came, self.endpoint(came[0]) if came else "")
        if call := self.slots.whom_to_call():
            self.at(call[1] / 1000 + 0.002, lambda: self.queue.append(call[0]))
        if lane is None:
            self.threads += 1
            return
        name, self.since[lane] = lane[0], self.clock.now
        seconds = self.takes(name, self.clock.now) if lane in self.asked else 0.002
        if lane in self.asked:
            self.waits.setdefault(name, []).append((self.clock.now, self.clock.now - self.asked.pop(lane)))
        calling = self.slots.calling(name, self.endpoint(name))
        calling.__enter__()
        self.at(seconds, lambda: self.end(lane, seconds, calling))

    def end(self, lane: Lane, seconds: float, calling: AbstractContextManager[None]) -> None:
        calling.__exit__(None, None, None)
        self.slots.note(lane[0], self.endpoint(lane[0]), seconds, ok=seconds < 30)
        self.slots.give_back(lane)
        del self.since[lane]
        self.visit(None)

    def run(self, until: float) -> None:
        while True:
            while self.threads and self.queue:
                self.threads -= 1
                self.visit(self.queue.popleft())
            if not self.todo or self.todo[0][0] > until:
                break
            self.clock.now, _, what = heapq.heappop(self.todo)
            what()
            stuck = sum(self.clock.now - since > 1 for since in self.since.values())
            self.stuck.append((self.clock.now, stuck))

    def longest_wait(self, name: str, *, after: float = 0.0) -> float:
        waiting = [self.clock.now - since for lane, since in self.asked.items() if lane[0] == name]
        return max([wait for at, wait in self.waits[name] if at >= after] + waiting)
