"""
A world in which everything happens in one order, drawn from a seed: deliveries, workers, sweeps, saves, crashes.

The seed says who is next, and how much time has passed since.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from random import Random
from typing import Any

import orjson
import redis

from ingest.arrive import arrive
from schemas.arrival import Arrival
from schemas.body import read_body
from schemas.integration import Integration
from schemas.settings import load_settings
from tests.factories import NOON, NOON_MS
from tests.workers.simulated_braze import SimulatedBraze
from tests.workers.simulated_holding import HeldWatch
from tests.workers.simulated_hubs import names_everybody, some_body, some_document
from tests.workers.simulated_workers import Worker
from workers import jobs
from workers.drain import Pipeline, drain_lane
from workers.errors import Conflict, StaleRules, StoreUnavailable, UnknownIntegration
from workers.redo import redo
from workers.store import Stores, open_stores
from workers.store.holding import Holding
from workers.store.inbox import Inbox, Receipt, Rest, Swept, submission_id
from workers.store.keys import own
from workers.store.letter_moves import LetterMoves, Moved
from workers.sweep import SLOW_EVERY

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
#: As in workers.tasks, which needs an environment.
LONGEST_ALARM_MS = 60_000
#: Takes the end of keys that live for a time away, as the world's clock says when that is. Also tells what has to add
#: up: the ledger, how many entries there are, and (now and then, as that takes time) how many bytes.
LOOK = """
local ends, sums = {}, {}
local names = redis.call('KEYS', '{*')
for _, name in ipairs(redis.call('KEYS', 'komo:job*:lease*')) do names[#names + 1] = name end
for _, name in ipairs(redis.call('KEYS', 'komo:job:*:called')) do names[#names + 1] = name end
for _, name in ipairs(names) do
  local left = redis.call('PTTL', name)
  if left > 0 then
    redis.call('PERSIST', name)
    ends[#ends + 1] = {name, left}
  end
end
for i = 2, #ARGV do
  local P, entries, size = ARGV[i], 0, ARGV[1] == '' and -1 or 0
  local counts = redis.call('HMGET', P .. ':ledger', 'received', 'waiting', 'in_flight', 'held', 'delivered',
                            'filtered', 'dead', 'discarded', 'bytes')
  for n = 1, 9 do counts[n] = counts[n] or '0' end
  local streams = {P .. ':annex'}
  for lane = 0, 7 do
    streams[#streams + 1] = P .. ':in:' .. lane
    streams[#streams + 1] = P .. ':new:' .. lane
  end
  local held, under = 0, 0
  for _, new in ipairs({'', 'new'}) do
    streams[#streams + 1] = P .. ':' .. new .. 'held'
    held = held + redis.call('XLEN', streams[#streams])
    for _, ids in ipairs(redis.call('HVALS', P .. ':' .. new .. 'hold')) do
      for _ in string.gmatch(ids, '%S+') do under = under + 1 end
    end
  end
  for _, stream in ipairs(streams) do
    entries = entries + redis.call('XLEN', stream)
    if size >= 0 then
      for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do size = size + #entry[2][2] + #entry[2][4] end
    end
  end
  sums[#sums + 1] = {counts, entries, size, held, under}
end
return {ends, sums}
"""


class TimedInbox(Inbox):
    """The inbox, living in the world's time."""

    time: Callable[[], float]

    def step(self, *args: Any, **named: Any) -> Any:
        return super().step(*args, **named | {"now_ms": self.time()})

    def accept(self, *args: Any, **named: Any) -> Receipt:
        return super().accept(*args, **named | {"now_ms": int(self.time())})

    def sweep(self, integration: Integration, **named: Any) -> Swept:
        return super().sweep(integration, **named | {"now_ms": self.time()})

    def kick(self, integration: Integration, **named: Any) -> list[int]:
        return super().kick(integration, **named | {"now_ms": self.time()})


class TimedMoves(LetterMoves):
    """What puts dead letters back, living in the world's time."""

    time: Callable[[], float]

    def put_back(self, *args: Any, **named: Any) -> Moved:
        return super().put_back(*args, **named | {"now_ms": int(self.time())})


@dataclass
class Sent:
    """What was put in at the door."""

    number: int
    body: dict[str, Any]


@dataclass
class World:
    """
    Args:
        connections: Makes connections to one empty store: one for us, one for each worker process.
        trouble: How often something goes wrong, 0 to 1.
    """

    rng: Random
    connections: Callable[[], redis.Redis]
    spacing_ms: int
    manner: str
    lanes: int = 2
    trouble: float = 0.3
    #: Whether integrations move between Braze workspaces.
    moves: bool = True
    now: float = NOON_MS
    current: Worker | None = None
    accepted: dict[str, dict[str, Sent]] = field(default_factory=dict)
    documents: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    #: What happened, for whoever has to understand a failure.
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._ends: dict[bytes, float] = {}
        self._turn = self._number = self._events = self._looks = 0
        self.workers: list[Worker] = []
        self.braze = SimulatedBraze(
            self.rng, lambda: self.now, lambda ms: self.current.rest(ms) if self.current else None, self.spacing_ms,
            self.manner, self.tell, self.trouble, self.rng.choice((10_000, 10_000, 4)),
        )  # fmt: skip
        self.connection = self.connections()
        self.watch = HeldWatch(self)
        self.braze.waits = self.watch.waits
        self.connection.script_flush()  # each world loads them anew, or seeds differ
        self.stores = self._open(self.connection)
        self._look: Any = self.connection.register_script(LOOK)
        self.pipelines = [self._pipeline() for _ in range(2)]

    def _open(self, connection: redis.Redis) -> Stores:
        settings = load_settings(
            {"SECRET_KEY": SECRET, "LANES": str(self.lanes), "PERSON_SPACING_MS": str(self.spacing_ms)}
        )
        stores = open_stores(settings, connection)
        inbox = TimedInbox(connection, stores.inbox.limits)
        inbox.time = lambda: self.now
        moves = TimedMoves(connection, stores.inbox.limits)
        moves.time = inbox.time
        stores.dead_letters.moves = moves
        return replace(stores, inbox=inbox)

    def _pipeline(self) -> Pipeline:
        connection = self.connections()
        execute: Any = connection.execute_command

        def command(*args: Any, **options: Any) -> Any:
            worker = self.current
            if worker is None:
                return execute(*args, **options)
            worker.rest(self.rng.choice((0, 0, 1, 5)))
            fails = self.rng.random() < self.trouble / 60
            if fails and self.rng.random() < 0.5:
                raise redis.ConnectionError("before")
            answer = execute(*args, **options)
            self.look()
            if fails:
                raise redis.ConnectionError("after")
            # A process may be frozen, or killed, with the answer on its way.
            frozen = args[0] == "EVALSHA" and self.rng.random() < self.trouble / 30
            worker.rest(40_000 if frozen else self.rng.choice((0, 0, 1, 5)))
            return answer

        connection.execute_command = command  # type: ignore[method-assign]
        return Pipeline(
            self._open(connection), self.braze, chance=self.rng.random,  # type: ignore[arg-type]
            clock=lambda: self.now / 1000, wall=lambda: self.now / 1000,
        )  # fmt: skip

    # What happens

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._events += 1
        heappush(self._agenda, (when, self._events, what))

    def run_until(self, when: float) -> None:
        """Let everything happen that happens until then."""
        while self._agenda and self._agenda[0][0] <= when:
            self.now = max(self.now, self._agenda[0][0])
            self._expire()
            heappop(self._agenda)[2]()
        self.now = max(self.now, when)
        self._expire()

    def kill_one(self) -> None:
        alive = [one for one in self.workers if not one.ended]
        if alive:
            self.kill(self.rng.choice(alive))

    def kill(self, worker: Worker) -> None:
        """Its thread ends at once; where it is on the agenda still, nothing happens then."""
        worker.killed = True
        self._agenda = sorted(entry for entry in self._agenda if getattr(entry[2], "__self__", None) is not worker)
        worker.go_on()
        self.tell("killed a worker")

    def call(self, step: str, integration_id: str, lane: int, in_ms: float = 0) -> None:
        """Publish a wake-up call: it may get lost, or come twice."""
        fate = self.rng.random() / max(self.trouble, 1e-9)
        times = 0 if fate < 0.2 else 2 if fate < 0.4 else 1
        for _ in range(times):
            self.at(self.now + in_ms + self.rng.choice((0, 1, 3, 30)), lambda: self._start(step, integration_id, lane))

    def _start(self, step: str, integration_id: str, lane: int) -> None:
        pipeline = self.rng.choice(self.pipelines)

        def drain() -> None:
            rest: Rest = drain_lane(integration_id, lane, pipeline)
            if rest.why == "more":
                self.call("drain", integration_id, lane)
            elif rest.why == "wait" and rest.alarm and rest.wait_ms <= LONGEST_ALARM_MS:
                self.call("drain", integration_id, lane, rest.wait_ms)

        def judge() -> None:
            redo(integration_id, pipeline.stores)

        def job() -> None:
            with contextlib.suppress(StoreUnavailable):  # the sweep calls again
                rest_s = jobs.advance(integration_id, pipeline.stores, self.call, budget_s=0.5)
                if rest_s is not None:
                    self.call("job", integration_id, 0, rest_s * 1000)

        worker = Worker(self, {"drain": drain, "redo": judge, "job": job}[step])
        self.workers = [one for one in self.workers if not one.ended] + [worker]
        worker.go_on()

    def sweep(self) -> None:
        self._turn += 1
        slow = self._turn % SLOW_EVERY == 0
        for integration_id in self.stores.integrations.ids() if slow else self.stores.inbox.active():
            try:
                integration = self.stores.integrations.get(integration_id).integration
            except UnknownIntegration:
                self.stores.inbox.deactivate(integration_id)
                continue
            swept = self._swept(integration, slow=slow)
            if swept.redo:
                self.call("redo", integration_id, 0)
            for lane in swept.lanes:
                self.call("drain", integration_id, lane)
        for job_id in self.stores.jobs.open():
            self.call("job", job_id, 0)
        self.look()

    def _swept(self, integration: Integration, *, slow: bool) -> Swept:
        return self.stores.inbox.sweep(integration, slow=slow)

    def save(self, integration_id: str, *, plain: bool = False, **changes: Any) -> None:
        """Save some document, whatever it changes."""
        document = changes if plain else some_document(self.rng, integration_id, moves=self.moves) | changes
        with contextlib.suppress(Conflict):
            saved = self.stores.integrations.save(document, by="test")
            self.documents[integration_id, saved.stored.version] = saved.stored.document
            self.accepted.setdefault(integration_id, {})
            self.tell(f"saved {integration_id} version {saved.stored.version} {saved.stored.document}")
            if self.stores.redo.wanted(saved.stored.integration):
                known = self.accepted[integration_id].items()
                self.braze.unordered.update(one for one, sent in known if not names_everybody(sent.body))
        self.wake(integration_id)

    def wake(self, integration_id: str) -> None:
        """What the web process does after a save."""
        if integration_id not in self.stores.integrations.ids() or self.rng.random() < self.trouble / 4:
            return  # or it was killed just before
        integration = self.stores.integrations.get(integration_id).integration
        if self.stores.redo.wanted(integration):
            self.call("redo", integration_id, 0)
            return
        for lane in self.stores.inbox.kick(integration):
            self.call("drain", integration_id, lane)

    def pause(self, integration_id: str) -> None:
        stored = self.stores.integrations.pause(integration_id, by="test")
        self.documents[integration_id, stored.version] = stored.document
        self.tell(f"paused {integration_id}")

    def resume(self, integration_id: str) -> None:
        stored = self.stores.integrations.resume(integration_id, by="test")
        self.documents[integration_id, stored.version] = stored.document
        self.tell(f"resumed {integration_id}")
        self.wake(integration_id)

    def ask(self, kind: Any, asked: dict[str, Any]) -> None:
        """Somebody wants dead letters replayed or discarded, or a person forgotten."""
        if kind == "replay":
            # Whoever died before anything of them was sent may come after those who were accepted later.
            self.braze.first_sent.update(self.dead())
        job = self.stores.jobs.create(kind, asked, by="test")
        self.tell(f"job {job.id}: {kind} {asked}")
        self.call("job", job.id, 0)

    def dead(self) -> list[str]:
        """Ids of all dead letters."""
        prefixes = [own(self.stores.integrations.get(one).integration) for one in self.accepted]
        letters: list[Any] = [letter for one in prefixes for _, letter in self.connection.xrange(f"{one}:dlq")]  # type: ignore[union-attr]
        heads = [orjson.loads(letter[b"h"]) for letter in letters]
        return [submission_id(head[1], head[2]) for head in heads]

    def delete(self, integration_id: str) -> None:
        self.stores.integrations.delete(integration_id, discard=True)
        self.accepted.pop(integration_id)
        self.tell(f"deleted {integration_id}")

    def accept(self, integration_id: str, count: int) -> None:
        """Some people submit something; some of it comes twice."""
        integration = self.stores.integrations.get(integration_id).integration
        known = self.accepted[integration_id]
        bodies = []
        for _ in range(count):
            self._number += 1
            bodies.append((self._number, some_body(self.rng, self._number)))
        if known and self.rng.random() < 0.1:
            again = self.rng.choice(list(known.values()))
            bodies.append((again.number, again.body))
        arrivals = [
            arrive(read_body(orjson.dumps(body))[0], integration, received_at=NOON, delivery_id=None, place=0)
            for _, body in bodies
        ]
        held = self.watch.held(integration)
        with contextlib.suppress(StaleRules):
            receipt = self.stores.inbox.accept(integration, arrivals)
            new: list[tuple[str, Arrival]] = []
            for (number, body), (submission, is_known), one in zip(bodies, receipt.submissions, arrivals, strict=True):
                assert is_known == (submission in known)
                if not is_known:
                    new.append((submission, one))
                known.setdefault(submission, Sent(number, body))
                self.braze.number_of.setdefault(submission, number)
            self.watch.check_joined(integration, held, new)
            for lane in receipt.wake:
                self.call("drain", integration_id, lane)
        self.tell(f"accepted {count} for {integration_id}")
        self.look()

    def let_go(self, integration_id: str, *, after_ms: float) -> None:
        """End what is held for longer, as a sweep does after the hours that were set."""
        integration = self.stores.integrations.get(integration_id).integration
        day_ms = self.stores.inbox.limits.hold_hours * 3_600_000
        Holding(self.connection, hours=self.stores.inbox.limits.hold_hours).expire(
            integration, now_ms=int(self.now + day_ms - after_ms)
        )
        self.look()

    def tell(self, what: str) -> None:
        self.story.append(f"{(self.now - NOON_MS) / 1000:9.3f} {what}")

    # What must always hold

    def look(self) -> None:
        """Take the short-lived keys into our time, and see whether everything adds up."""
        self._looks += 1
        prefixes = [own(self.stores.integrations.get_cached(one).integration) for one in self.accepted]
        ends, sums = self._look(args=["1" if self._looks % 20 == 0 else "", *prefixes])
        for name, left in ends:
            self._ends[name] = self.now + math.ceil(left / 100) * 100  # some ms have passed since it was set
        for known, (counts, entries, size, held_there, held_under) in zip(self.accepted.values(), sums, strict=True):
            received, waiting, in_flight, held, delivered, filtered, dead, discarded, size_told = map(int, counts)
            told = (waiting, in_flight, held, delivered, filtered, dead, discarded)
            assert received == sum(told), counts
            assert min(told) >= 0, counts
            assert entries == waiting + in_flight + held, (entries, counts)
            assert held_there == held_under == held, (held_there, held_under, counts)
            assert size in (-1, size_told), (size, counts)
            assert received == len(known)
        if self._looks % 20 == 0:
            for prefix in prefixes:
                self._check_reasons(prefix)
            for one in self.accepted:
                if not self.stores.redo.wanted(self.stores.integrations.get_cached(one).integration):
                    self.watch.check_held(one)

    def _check_reasons(self, prefix: str) -> None:
        """Dead letters are counted by their reason as if somebody counted them one by one."""
        letters: Any = self.connection.xrange(f"{prefix}:dlq")
        counted: Any = self.connection.hgetall(f"{prefix}:reasons")
        assert {why: int(count) for why, count in counted.items()} == Counter(one[b"why"] for _, one in letters)

    def _expire(self) -> None:
        gone = [name for name, end in self._ends.items() if end <= self.now]
        for name in gone:
            del self._ends[name]
            self.connection.delete(name)
