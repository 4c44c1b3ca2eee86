"""What test_lane_model.py plays with: a lane of one hub, a Braze that does as it is told, and workers that may die."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
import redis

from schemas.settings import load_settings
from tests.factories import a_document
from tests.fakes import PowerCut, power_cut_after
from tests.workers.test_drain import SECRET, World
from workers.braze.client import Attempt
from workers.braze.reply import (
    Accepted,
    AllRefused,
    BadRequest,
    NoAnswer,
    NotAllowed,
    RateLimited,
    Refusal,
    Reply,
    Unavailable,
)
from workers.drain import Pipeline, drain_lane
from workers.jobs import advance
from workers.store import open_stores
from workers.store.inbox import LEASE_MS
from workers.store.keys import own

ATTRIBUTES = ("first_name", "team")
EVENTS = ("entry", "answer", "prize", "visit", "share")
#: Long, so that what the store forgets by its own clock outlives an example; below what is left of a dead lease.
SPACING_MS = 9000


class Said(NamedTuple):
    """What Braze does with one request."""

    kind: str
    #: Whether it was applied, where the kind leaves that open.
    applied: bool = False
    #: Which objects are refused, counted over attributes and events, as often as there are so many.
    refused: frozenset[int] = frozenset()
    reset_s: float | None = None


OPEN_KINDS = ("away", "cut", "killed", "frozen")


class Braze:
    """Answers as it was told, and applies what it took."""

    def __init__(self, lane: "Lane") -> None:
        self.lane = lane
        self.answers: list[Said] = []
        #: How it refuses: the named objects, everything but naming them, everything without a name.
        self.manner = "some"
        self.most_objects = 75
        #: Numbers of submissions whose attributes it never takes; the events of the odd ones neither.
        self.poison: set[int] = set()
        self.events: Counter[tuple[str, str]] = Counter()
        #: Person -> submissions, in the order in which their first event was applied.
        self.arrived: dict[str, list[str]] = {}
        #: Person and attribute -> the numbers of the submissions whose values were applied.
        self.values: dict[tuple[str, str], list[int]] = {}
        self.answered_at: dict[str, float] = {}
        #: Events that were sent while nobody heard the answer; those taken and told; those of the latest answer, which
        #: is settled when something else follows; how many were told after nobody had heard of them.
        self.unheard: set[tuple[str, str]] = set()
        self.told: set[tuple[str, str]] = set()
        self._latest: set[tuple[str, str]] = set()
        self.doubtful = 0

    def track(self, endpoint: str, key: str, body: bytes, *, beat: Callable[[], object] | None = None) -> Attempt:
        request = orjson.loads(body)
        said = self.answers.pop(0) if self.answers else Said("accepted")
        self._look_at_spacing(request)
        self.hear()
        reply, applied = self._reply(request, said)
        refused = {(one.array, one.index) for one in getattr(reply, "refused", ())}
        if applied:
            self._apply(request, refused)
        events = [(submission_of(one), one["name"]) for one in request.get("events", ())]
        if said.kind in OPEN_KINDS:
            self.unheard.update(events)
        elif applied:
            self._latest = {one for at, one in enumerate(events) if ("events", at) not in refused}
        if said.kind == "killed":
            raise PowerCut
        if said.kind == "frozen":
            self.lane.taken_over()
        return Attempt(reply, duration_ms=1)

    def hear(self, *, died: bool = False) -> None:
        """What the latest answer said is known to the store by now, unless the worker died with it."""
        if died:
            self.unheard |= self._latest
        else:
            self.doubtful += len(self._latest & self.unheard)
            self.told |= self._latest
        self._latest = set()

    def _look_at_spacing(self, request: dict[str, Any]) -> None:
        objects = [*request.get("attributes", ()), *request.get("events", ())]
        assert 0 < len(objects) <= 75
        for person in {one["external_id"] for one in objects}:
            before = self.answered_at.get(person)
            assert before is None or self.lane.now - before >= SPACING_MS, f"{person} again: {self.lane.now} - {before}"
            self.answered_at[person] = self.lane.now

    def _reply(self, request: dict[str, Any], said: Said) -> tuple[Reply, bool]:
        """The answer, and whether what it does not refuse is applied."""
        places = [(array, at) for array in ("attributes", "events") for at in range(len(request.get(array, ())))]
        if said.kind in ("killed", "frozen"):
            return Accepted(201), said.applied
        if said.kind in ("away", "cut"):
            return Unavailable(503) if said.kind == "away" else NoAnswer(0, applied="unknown"), said.applied
        if said.kind in ("accepted", "refused") and len(places) > self.most_objects:
            return BadRequest(400, "Max Input Length Exceeded"), False
        if said.kind == "accepted":
            drawn = {places[at % len(places)] for at in said.refused}
            bad = [one for one in places if one in drawn or self._is_poison(request, *one)]
            return self._judge([Refusal(*one, "no") for one in bad])
        others: dict[str, Reply] = {
            "refused": BadRequest(400, "Bad Request"), "large": BadRequest(413), "gateway": Unavailable(502),
            "unreachable": NoAnswer(0, applied="no"), "forbidden": NotAllowed(401),
            "limited": RateLimited(429, reset_s=said.reset_s),
        }  # fmt: skip
        return others[said.kind], False

    def _judge(self, refused: list[Refusal]) -> tuple[Reply, bool]:
        if not refused or self.manner == "some":
            return Accepted(201, refused=refused), True
        return (AllRefused(400, refused=refused) if self.manner == "all" else BadRequest(400)), False

    def _is_poison(self, request: dict[str, Any], array: str, at: int) -> bool:
        one = request[array][at]
        if array == "events":
            number = self.lane.number_of[submission_of(one)]
            return number in self.poison and number % 2 == 1
        return any(int(one[name]) in self.poison for name in ATTRIBUTES if name in one)

    def _apply(self, request: dict[str, Any], refused: set[tuple[str, int]]) -> None:
        for at, one in enumerate(request.get("attributes", ())):
            for name in ATTRIBUTES:
                if name in one and ("attributes", at) not in refused:
                    self.values.setdefault((one["external_id"], name), []).append(int(one[name]))
        for at, one in enumerate(request.get("events", ())):
            if ("events", at) not in refused:
                arrived = self.arrived.setdefault(one["external_id"], [])
                if submission_of(one) not in arrived:
                    arrived.append(submission_of(one))
                event = submission_of(one), one["name"]
                assert event not in self.told, f"{event} again, although it was taken"
                self.events[event] += 1


def submission_of(event: dict[str, Any]) -> str:
    told: str = event["properties"]["komo_submission_id"]
    return told.partition(":")[0]


class Lane(World):
    """A hub whose only lane is served by a worker that may die, freeze and be replaced."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.played = Braze(self)
        #: Submission -> its number, in the order of acceptance; its body by its number; those ever replayed.
        self.number_of: dict[str, int] = {}
        self.bodies: list[dict[str, Any]] = []
        self.replayed: set[str] = set()
        #: What is mapped, by version and now.
        self.documents: dict[int, dict[str, Any]] = {}
        self.document: dict[str, Any] = {}
        #: Until when the lease of a worker that died is kept, ms.
        self.dead_until: float | None = None
        super().__init__(connection)

    def reopen(self, connection: redis.Redis) -> None:
        self.pipeline = self.worker(connection)
        self.stores = self.pipeline.stores

    def worker(self, connection: redis.Redis, *, hurried: bool = False) -> Pipeline:
        environ = {"SECRET_KEY": SECRET, "LANES": "1", "PERSON_SPACING_MS": f"{SPACING_MS}"}
        stores, seconds = open_stores(load_settings(environ), connection), iter(range(1_000_000))
        return Pipeline(
            stores, self.played, chance=lambda: 0.5, wall=lambda: self.now / 1000,  # type: ignore[arg-type]
            clock=(lambda: next(seconds)) if hurried else (lambda: 0.0),
        )  # fmt: skip

    def taken_over(self) -> None:
        """The worker freezes for so long that another one finds the lane free."""
        self.now += LEASE_MS + 1000
        self.connection.delete(f"{own(self.integration)}:lease:0")
        drain_lane("summer-hub", 0, self.worker(self.connection), now_ms=self.now)
        self.played.hear()

    def serve(self, kill: tuple[int, bool] | None, *, hurried: bool) -> float:
        """A worker comes by, and may die at it; returns for how long the lane wants to wait."""
        if self.dead_until is not None and self.now >= self.dead_until:
            self.connection.delete(f"{own(self.integration)}:lease:0")
            self.dead_until = None
        doomed = power_cut_after(self.connection, kill[0], answered=kill[1]) if kill else self.connection
        try:
            wait_ms = drain_lane("summer-hub", 0, self.worker(doomed, hurried=hurried), now_ms=self.now).wait_ms
        except PowerCut:
            self.played.hear(died=True)
            self.dead_until = self.now + LEASE_MS
            return LEASE_MS
        self.played.hear()
        return wait_ms

    def save(self, **document: Any) -> None:
        self.stores.integrations.save(a_document(**document), by="test")
        self.document = document
        self.note_version()

    def note_version(self) -> None:
        """Every change makes one, and calls for the lanes."""
        self.documents[self.integration.version] = self.document
        self.stores.inbox.kick(self.integration, now_ms=self.now)

    def advance_job(self, job_id: str, kill: tuple[int, bool] | None) -> bool:
        self.connection.delete(f"komo:job:{job_id}:lease", "komo:jobs:lease:0", "komo:jobs:lease:1")
        doomed = power_cut_after(self.connection, kill[0], answered=kill[1]) if kill else self.connection
        try:
            return advance(job_id, self.worker(doomed).stores, lambda *_: None, budget_s=60) is None
        except PowerCut:
            return False

    def read(self, name: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        found: Any = self.connection.xrange(f"{own(self.integration)}:{name}")
        return found  # type: ignore[no-any-return]


def id_of(head: Any) -> str:
    return f"{head[1]:x}{head[2]}"
