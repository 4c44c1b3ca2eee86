"""
The inbox: one stream per lane, read under a fenced lease, emptied only after Braze said yes.

P = {braze_workspace}:<integration_id>

P:in:<lane>      stream  accepted submissions, oldest first: b body, h head, p person ("" in a draft, which is paused
                         until all of it is judged), a and e the objects to expect;
                         a replayed one also: n how often, t when (ms), c events before that (ms) are left out
P:lane:<lane>    hash    cursor; flight, flight_state, flight_bytes, holder: the batch that is out; retry_at: not again
                         before, quiet_until: nor before that, whatever a person asks for, failed_at, ms; tries, fails,
                         tried: what was tried with it; alarm: when a wake-up call comes anyway, ms
P:lease:<lane>   string  token of the one drain at work there; expires after LEASE_MS
P:wake:<lane>    string  "somebody will come by": a wake-up is queued or the lane waits on purpose; expires
P:due            zset    lane -> when it wants to run next, ms; only lanes with work
P:park:<person>  list    ids of entries that the cursor passed while their person had to wait
P:parked:<lane>  zset    person with a park list -> when their turn comes, ms
P:cut            hash    person -> how many people may share their next batch; "0 n": their next n submissions go alone
P:done:<lane>    hash    entry id -> JSON of what Braze has accepted of it already, and of what was tried
                         (schemas.batch); ids are a lane's own
P:seen:<day>     set     8-byte digests of what was accepted on that day since 1970
P:once:<digest>  string  day; the same for bodies without id and time, for ten minutes
P:held, P:hold           submissions that name nobody, until somebody identifies themselves: holding.py
P:state          hash    version, paused, paused_because, probe_at, lanes, seen_days (of P:seen, oldest first),
                         order (of what was accepted last);
                         max_objects, request_bytes, learned_at (ms): smaller limits that Braze turned out to have;
                         restored: when the store was restored from a backup (restored.py), ms
P:ledger         hash    counters, changed only inside the scripts, so that they always add up
P:latency        hash    bucket (schemas.latency) -> how many were delivered so long after their acceptance

W = {braze_workspace}: what all its integrations share

W:busy           hash    person -> until when at most (ms), and whose, a request about them is out; with "?" behind the
                         time: they are kept free for a batch that waits; expires
W:cool:<slot>    hash    person -> until when Braze is left alone about them, ms; two slots rotate
W:gate:track     hash    whether Braze may be called: step/gate.lua
W:ceilings       hash    integration -> the rates that its document allows
W:known:<host>:<n>
                 hash    person -> JSON of what Braze has accepted of them (workers.changes); the current one and the
                         one before are read, each is dropped as a whole; expires
W:names          hash    attribute -> its number in W:known (memory.py)
P:open, W:open, W:times  open dead letters, and who set which attribute last meanwhile: open_letters.lua

komo:active      set     ids of integrations that have work; a shortcut for the sweep, rebuilt by it

A head is JSON: [order, day, digest, [kind, value, alias label] or null, received_ms, version, event].
Orders are microseconds of the store's clock that always rise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from schemas.arrival import Arrival
from schemas.batch import Batch, Settlement
from schemas.integration import Integration
from schemas.person import lane_of
from workers.errors import StaleRules
from workers.store.connect import reaching_the_store
from workers.store.handed_out import Rest as Rest
from workers.store.handed_out import read_step
from workers.store.handed_out import submission_id as submission_id
from workers.store.keys import MEMORY_MS, memory_keys, own, shared
from workers.store.scripts import Script
from workers.tally import Tally

#: How long a silent drain keeps its lane. A heartbeat renews it while a call is out.
LEASE_MS = 15_000
#: How long others leave a person alone because of a batch in flight: the deadline of a call, and a little.
FLIGHT_MS = 35_000
#: Submissions in one batch: folding may put many of one person into one object.
MAX_ENTRIES = 500
#: Submissions held under one mark; of more, the oldest is filtered. They all go ahead of who identifies themselves, in
#: the same step, and a step must not hold the store up.
MAX_HELD = 500
#: A person's checksum, before the number of lanes is known.
CHECKSUMS = 2**32
#: How long a smaller limit that Braze turned out to have is believed.
RELEARN_MS = 86_400_000
#: A paused integration is tried with real work at least this often (workers.outcome), though the clock be set back.
PROBE_MS = 900_000
#: Bodies in one batch.
MAX_BATCH_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the inbox; see the settings of the same names."""

    lanes: int = 4
    max_waiting: int = 1_000_000
    person_spacing_ms: int = 2000
    keep_settled: int = 100_000
    hold_hours: int = 24

    @property
    def hold_us(self) -> int:
        """In the unit of orders."""
        return self.hold_hours * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What accepting came to: an id per arrival, whether it was there before, and which lanes want a wake-up call."""

    submissions: list[tuple[str, bool]]
    wake: list[int]


class Full(Exception):
    """Too much waits already; nothing was kept."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} submissions wait already")
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found."""

    #: Lanes whose time has come and whom nobody is about to serve.
    lanes: list[int]
    #: Whether what waits has to be judged again first.
    redo: bool
    #: Whether it was taken off the list of those that have work.
    struck: bool = False


class Inbox:
    """Accept and step, over one connection."""

    def __init__(self, connection: redis.Redis, limits: Limits, tally: Tally | None = None) -> None:
        self._redis = connection
        self.limits = limits
        self._accept = Script(connection, "accept", tally, told=True)
        self._step = Script(connection, "step", tally, told=True)
        self._sweep = Script(connection, "sweep")
        self._kick = Script(connection, "kick")

    def accept(self, integration: Integration, arrivals: Sequence[Arrival], *, now_ms: int | None = None) -> Receipt:
        """
        Keep submissions, all of them or none, and say which lanes want a wake-up call.

        Raises: Full; StaleRules, nothing was kept; StoreUnavailable, after which they may have been kept.
        """
        now, limits = "-" if now_ms is None else now_ms, self.limits
        about = f"{now} {limits.lanes} {limits.max_waiting} {integration.version} {integration.id}"
        args: list[str | bytes] = [f"{about} {limits.hold_us} {MAX_HELD}"]
        for one in arrivals:
            args += _told(one, integration.version)
        status, *told = self._accept([own(integration), shared(integration.braze.workspace)], args).decode().split(" ")
        if status == "stale":
            raise StaleRules
        if status == "full":
            raise Full(int(told[0]))
        wake = [int(lane) for lane in told[0].split(",") if lane]
        days = [int(day) for day in told[1:]]
        ids = [(submission_id(abs(day), one.digest.hex()), day < 0) for day, one in zip(days, arrivals, strict=True)]
        if wake:
            with reaching_the_store():
                self._redis.sadd("komo:active", integration.id)
        return Receipt(ids, wake)

    def step(
        self,
        integration: Integration,
        lane: int,
        token: str,
        settlement: Settlement | None = None,
        *,
        release: bool = False,
        now_ms: float | None = None,
    ) -> Batch | Rest:
        """
        Settle the last batch and take the next, in one step that happens wholly or not at all.

        Args:
            token: Of this drain, the same from its first step to its last.
            release: Give the lane back after settling.
            now_ms: Only in tests; otherwise the store's own clock counts.

        Raises: LeaseLost if another drain has taken the lane over; nothing was settled then.
        """
        braze = integration.braze
        ask: dict[str, Any] = {
            "id": integration.id, "version": integration.version, "lane": lane, "token": token, "release": release,
            "lease_ms": LEASE_MS, "relearn_ms": RELEARN_MS, "probe_ms": PROBE_MS, "flight_ms": FLIGHT_MS,
            "spacing_ms": self.limits.person_spacing_ms, "rates": braze.rates,
            "max_objects": braze.max_objects_per_request, "max_entries": MAX_ENTRIES, "max_bytes": MAX_BATCH_BYTES,
            "known": memory_keys(braze), "memory_ms": MEMORY_MS,
        }  # fmt: skip
        if now_ms is not None:
            ask["now"] = now_ms
        record = (b"", b"", b"")
        if settlement:
            ask["settle"] = settlement.told()
            if self.limits.keep_settled:
                record = settlement.record()
        answer = self._step([own(integration), shared(braze.workspace)], [orjson.dumps(ask), *record])
        return read_step(answer)

    def renew(self, integration: Integration, lane: int, token: str) -> bool:
        """Keep the lane a little longer; False if it is no longer ours."""
        key = f"{own(integration)}:lease:{lane}"
        with reaching_the_store():
            if self._redis.get(key) != token.encode():
                return False
            return bool(self._redis.pexpire(key, LEASE_MS))

    def sweep(self, integration: Integration, *, slow: bool = False, now_ms: float | None = None) -> Swept:
        """
        What has to be called for an integration now; each lane is named once in five seconds.

        Args:
            slow: Look at every lane, also for work that nobody has on their list: who resumed may have died halfway.
        """
        args = ["" if now_ms is None else now_ms, "1" if slow else ""]
        busy, redo, *lanes = self._sweep([own(integration)], args)
        struck = not busy and not redo and self.deactivate(integration.id)
        # Something may have come in between, and its name was struck off the list with the others.
        if struck and self.has_work(integration):
            self.activate(integration.id)
            struck = False
        return Swept([int(lane) for lane in lanes], redo=bool(redo), struck=struck)

    def has_work(self, integration: Integration) -> bool:
        """Whether a lane or a kind of message wants to run, now or later."""
        with reaching_the_store():
            return bool(self._redis.exists(f"{own(integration)}:due", f"{own(integration)}:sends:due"))

    def activate(self, integration_id: str) -> None:
        """Put an integration on the list of those that have work."""
        with reaching_the_store():
            self._redis.sadd("komo:active", integration_id)

    def active(self) -> list[str]:
        """Ids of integrations that have work, or had some a moment ago."""
        with reaching_the_store():
            return sorted(_text(member) for member in self._redis.smembers("komo:active"))

    def oldest_due_s(self, integrations: Sequence[Integration], *, now_s: float) -> float:
        """For how many seconds the work that waits longest has been due; 0 if none is."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for integration in integrations:
                pipe.zrange(f"{own(integration)}:due", 0, 0, withscores=True)
            firsts = [found[0][1] for found in pipe.execute() if found]
        return max(0.0, now_s - min(firsts) / 1000) if firsts else 0.0

    def deactivate(self, integration_id: str) -> bool:
        """Forget that an integration has work; False if nobody knew of any."""
        with reaching_the_store():
            return bool(self._redis.srem("komo:active", integration_id))

    def kick(self, integration: Integration, *, now_ms: float | None = None) -> list[int]:
        """Make every lane that holds something due now: after a resume or a save. Returns those lanes."""
        lanes = [int(lane) for lane in self._kick([own(integration)], ["" if now_ms is None else now_ms])]
        if lanes:
            with reaching_the_store():
                self._redis.sadd("komo:active", integration.id)
        return lanes

    def forget_wake(self, integration: Integration, lane: int) -> None:
        """Say that nobody will come by after all, so that the next sweep calls again."""
        with reaching_the_store():
            self._redis.delete(f"{own(integration)}:wake:{lane}")


def _told(one: Arrival, version: int) -> tuple[str | bytes, ...]:
    """What the script is told of an arrival; Redis' Lua reads one text faster than several."""
    found = one.judgement
    person = found.person.key if found.person else ""
    label = f"{one.short_lived:d} {found.destination} {lane_of(person, CHECKSUMS)}"
    facts = f"{label} {found.attributes:d} {found.events} {one.digest.hex()} {','.join(found.marks) or '-'}"
    whose = orjson.dumps(found.person.packed() if found.person else None)
    rest = orjson.dumps([one.received_ms, version, one.event])
    return one.digest, facts, person or found.reason, one.body, whose, rest[1:-1]


def _text(member: bytes | str) -> str:
    return member.decode() if isinstance(member, bytes) else member
