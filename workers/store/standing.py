"""
What keeps an integration from sending now, and each submission from its turn. Only reads, and only what the scripts
themselves go by.

P:state           hash    paused, paused_because, probe_at, redo, lanes (inbox.py)
P:lane:<lane>     hash    retry_at, quiet_until, failed_at; tried: the attempts at the batch that was put off
P:lease:<lane>    string  somebody is at work there
P:due             zset    lane -> when it wants to run next, ms
P:parked:<lane>   zset    person -> when their turn comes, ms
W:gate:track      hash    what all integrations of the Braze workspace wait for (step/gate.lua)
W:ceilings        hash    integration -> the rates that its document allows
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import redis

from schemas.attempts import read_attempts
from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own, shared
from workers.store.letters import iso

#: Work that has been due for longer than this, with nobody at it, means that nobody comes.
LATE_MS = 60_000

REDO = "The rules by which people are found have changed: what waits is judged again first."
LATE = "Its work has been due for over a minute and nobody comes for it: is a worker running, and the clock?"
LIMITED = "Braze has had too many requests (429): everything for this Braze workspace waits."
AWAY = "Braze seems to be away ({} requests failed in a row): one request at a time tries whether it is back."
NONE_LEFT = "Nothing is left of Braze's rate limit until its window ends."
FEW_LEFT = "Little is left of Braze's rate limit: it is spread over the rest of the window."
CEILING = "It sends as fast as braze.rate_limit allows in this Braze workspace."
RETRY = "The last request failed; it is made again."
QUIET = "A worker was lost while it called Braze: that request is made again in a moment."
SPACING = "Its person was written to a moment ago."
TURN = "It waits for its turn."


class Cause(NamedTuple):
    """Why something waits."""

    because: str
    until_ms: float | None = None
    #: False where it goes on, only slower.
    stops: bool = True

    def shown(self) -> dict[str, Any]:
        """`because`, and `until` in ISO or None."""
        return {"because": self.because, "until": iso(self.until_ms) if self.until_ms else None}


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane; times in ms, 0 for none."""

    has_work: bool
    is_held: bool
    retry_at: float
    quiet_until: float
    failed_at: float
    #: The last attempt at the batch that was put off.
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Look:
    """Everything that was read, at one moment."""

    now: float
    state: Mapping[str, str]
    #: Times moved as step/gate.lua does where the clock was set back.
    gate: Mapping[str, float]
    #: Requests by the length of their period, ms: the lowest that anybody allows.
    rates: Mapping[str, float]
    due: Mapping[int, float]
    lanes: Sequence[Lane]

    def cause(self) -> Cause | None:
        """What keeps all of it, most lasting first."""
        return self._pause() or self._gate() or self._pace() or self._all_lanes()

    def _pause(self) -> Cause | None:
        paused, because = self.state.get("paused", ""), self.state.get("paused_because", "")
        if paused == "person":
            return Cause(because or "Paused by a person.")
        if self.state.get("redo"):
            return Cause(REDO)
        if paused == "braze":
            return Cause(because, self._later(float(self.state.get("probe_at") or 0)))
        free = [at for lane, at in self.due.items() if not (lane < len(self.lanes) and self.lanes[lane].is_held)]
        # 0 is no time: a lane that was just filled anew is due at once, however old what is in it.
        return Cause(LATE) if any(0 < at < self.now - LATE_MS for at in free) else None

    def _gate(self) -> Cause | None:
        gate = self.gate
        if gate.get("until", 0) > self.now:
            return Cause(LIMITED, gate["until"])
        if gate.get("open_until", 0) > 0:
            return Cause(AWAY.format(int(gate.get("fails", 0))), self._later(gate["open_until"]))
        if gate.get("resets", 0) > self.now and gate.get("left", 1) <= 0:
            return Cause(NONE_LEFT, gate["resets"])
        return None

    def _pace(self) -> Cause | None:
        if self.gate.get("resets", 0) > self.now and self.gate.get("next", 0) > self.now:
            return Cause(FEW_LEFT, self.gate["next"], stops=False)
        opens = max((self._opens(period, most) for period, most in self.rates.items()), default=0)
        return Cause(CEILING, opens, stops=False) if opens > self.now else None

    def _opens(self, period: str, requests: float) -> float:
        burst = max(1 if requests < 20 else 2, requests // 20)
        return self.gate.get(f"tat:{period}", 0) - (burst - 1) * float(period) / max(1, requests - burst)

    def _all_lanes(self) -> Cause | None:
        causes = [self.of_lane(number) for number, lane in enumerate(self.lanes) if lane.has_work]
        waiting = [one for one in causes if one and one.until_ms]
        return min(waiting, key=lambda one: one.until_ms or 0) if waiting and len(waiting) == len(causes) else None

    def of_lane(self, number: int) -> Cause | None:
        """What keeps one lane, while others may go on."""
        if number >= len(self.lanes):
            return None
        lane = self.lanes[number]
        if lane.retry_at > self.now and self.gate.get("closed_at", 0) <= lane.failed_at:
            return Cause(RETRY, max(lane.retry_at, lane.quiet_until))
        return Cause(QUIET, lane.quiet_until) if lane.quiet_until > self.now else None

    def last_problem(self) -> dict[str, Any] | None:
        problems = [lane.problem for lane in self.lanes if lane.problem]
        if not problems:
            return None
        last = max(problems, key=lambda one: one.get("at", 0))
        return {"at": iso(last.get("at", 0)), "status": last.get("status"), "answer": last.get("answer")}

    def _later(self, at: float) -> float | None:
        return at if at > self.now else None


class Standing:
    """Tells what is waited for, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def tell(self, integration: Integration, *, now_ms: float | None = None) -> dict[str, Any]:
        """
        How an integration is doing.

        Args:
            now_ms: Only in tests; otherwise the store's own clock counts.

        Returns: `sending` (whether it could send now), `because` (what keeps it, or slows it down, in a sentence, or
        None), `until` (ISO, or None where nobody knows), `last_problem` ({`at`, `status`, `answer`} of the last attempt
        at what was put off, or None).
        """
        look = self._look(integration, now_ms)
        cause = look.cause()
        told = cause.shown() if cause else {"because": None, "until": None}
        return {"sending": not (cause and cause.stops), **told, "last_problem": look.last_problem()}

    def waits(
        self, integration: Integration, lane: int | None, person_key: str, *, now_ms: float | None = None
    ) -> dict[str, Any]:
        """
        Why one submission waits.

        Args:
            lane: None while it is judged again.

        Returns: `because`, `until` (ISO or None).
        """
        look = self._look(integration, now_ms)
        cause = look.cause()
        if cause and cause.stops:
            return cause.shown()
        if lane is None:
            return Cause(REDO).shown()
        mine = look.of_lane(lane) or self._spacing(integration, lane, person_key, look)
        return (mine or cause or Cause(TURN)).shown()

    def oldest_waiting_s(self, integrations: Sequence[Integration], *, now_s: float) -> float:
        """For how many seconds the submission waits that was accepted, or replayed, first; 0 if none waits."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for one in integrations:
                pipe.hmget(f"{own(one)}:state", "lanes", "redo")
            for one, (lanes, redo) in zip(integrations, pipe.execute(), strict=True):
                for lane in range(int(lanes or 0)):
                    pipe.xrange(f"{own(one)}:in:{lane}", count=1)
                    if redo:
                        pipe.xrange(f"{own(one)}:new:{lane}", count=1)
                if redo:
                    pipe.xrange(f"{own(one)}:annex", count=1)
            firsts = [_since_ms(page[0][1]) for page in pipe.execute() if page]
        return max(0.0, now_s - min(firsts) / 1000) if firsts else 0.0

    def _spacing(self, integration: Integration, lane: int, person_key: str, look: _Look) -> Cause | None:
        with reaching_the_store():
            turn = self._redis.zscore(f"{own(integration)}:parked:{lane}", person_key)
        return Cause(SPACING, turn) if turn is not None and turn > look.now else None

    def _look(self, integration: Integration, now_ms: float | None) -> _Look:
        prefix, workspace = own(integration), shared(integration.braze.workspace)
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            pipe.time()
            pipe.hgetall(f"{prefix}:state")
            pipe.hgetall(f"{workspace}:gate:track")
            pipe.hvals(f"{workspace}:ceilings")
            pipe.zrange(f"{prefix}:due", 0, -1, withscores=True)
            (seconds, micros), raw_state, raw_gate, ceilings, due = pipe.execute()
            state = {name.decode(): value.decode(errors="replace") for name, value in raw_state.items()}
            lanes = self._lanes(prefix, int(state.get("lanes") or 0))
        now = seconds * 1000 + micros // 1000 if now_ms is None else now_ms
        gate = gate_at({name.decode(): float(value) for name, value in raw_gate.items()}, now)
        rates = _rates([integration.braze.rates, *(text.decode() for text in ceilings)])
        return _Look(now, state, gate, rates, {int(lane): at for lane, at in due}, lanes)

    def _lanes(self, prefix: str, count: int) -> list[Lane]:
        pipe = self._redis.pipeline(transaction=False)
        for lane in range(count):
            pipe.hmget(f"{prefix}:lane:{lane}", "retry_at", "quiet_until", "failed_at", "tried", "flight")
            pipe.xlen(f"{prefix}:in:{lane}")
            pipe.exists(f"{prefix}:lease:{lane}")
        told = pipe.execute()
        return [_lane(*told[at : at + 3]) for at in range(0, len(told), 3)]


def _lane(noted: Sequence[bytes | None], length: int, held: int) -> Lane:
    retry_at, quiet_until, failed_at, tried, flight = noted
    kept = read_attempts(orjson.loads(tried or b"null")).kept
    # What these say is about the batch that was put off.
    retry, quiet, failed = (float(at or 0) if flight else 0.0 for at in (retry_at, quiet_until, failed_at))
    return Lane(length > 0, bool(held), retry, quiet, failed, kept[-1] if flight and kept else None)


def gate_at(told: Mapping[str, float], now: float) -> Mapping[str, float]:
    """What a gate has noted, its times moved as step/gate.lua does where the clock was set back."""
    back = max(0.0, told.get("at", now) - now)
    if not back:
        return told
    times = {"until", "resets", "next", "open_until", "probe_until", "closed_at"}
    return {name: at - back if at and (name in times or name.startswith("tat:")) else at for name, at in told.items()}


def _rates(texts: Iterable[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for requests, _, period in (one.partition("/") for text in texts for one in text.split()):
        found[period] = min(found.get(period, float(requests)), float(requests))
    return found


def _since_ms(values: Mapping[bytes, bytes]) -> float:
    """When an entry was accepted, or replayed: its head starts with microseconds of the store's clock."""
    return float(values[b"t"]) if b"t" in values else orjson.loads(values[b"h"])[0] / 1000
