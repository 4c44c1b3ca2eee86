"""What explains what was seen: faults laid beside the calls that they met."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from tests.chaos.diary import Diary, Happening
from tests.chaos.journal import Call

WORKER_KILLED, STORE_KILLED = "`kill -9` of a worker", "`kill -9` of the store"
FROZEN = "worker frozen beyond its lease"
RESET, REFUSED = "connections reset", "outage, connections refused"
#: Our calls of Braze are given up then.
DEADLINE_S = 30.0
DEADLINE_PASSED = "answer after 35 s, beyond the deadline"
#: How long a worker may be busy with an answer until the store knows of it; the machine may be busy, too.
SETTLING_S = 2.0
#: What a process has sent when it is killed arrives as much later at most.
ON_THE_WAY_S = 0.3
#: A process that was frozen sends what it had in its hands within this time.
THAWING_S = 3.0
#: Faults of single calls by the words of the sandbox, and as the table names them.
SPOILED = {
    "cut before": "connection cut before applying",
    "cut after": "connection cut after applying",
    "answered 504, applied": "504, applied",
    "answered 504": "504, not applied",
    "answered 502": "502",
    "answered 201": "unreadable 201",
    "answered 500": "outage, 500",
    "answered 503": "outage, 503 with HTML",
}


class Causes:
    """Asked about one call or two."""

    def __init__(self, diary: Diary) -> None:
        self._stops = diary.of(WORKER_KILLED, FROZEN, RESET, REFUSED)
        self._stop_times = [one.began for one in self._stops]
        self._thaws = [one.ended for one in diary.of(FROZEN)]
        self._store_kills = diary.of(STORE_KILLED)

    def attempt_ended_at(self, call: Call) -> float:
        """When whoever made it stopped waiting, at the earliest."""
        return min(call.ended_at, call.at + DEADLINE_S)

    def of_abandoning(self, call: Call) -> str:
        """Why nobody was there any more when Braze was through with this call; '' if somebody was."""
        if call.ended_at - call.at > DEADLINE_S:
            return DEADLINE_PASSED
        stop = self._first(self._stops, self._stop_times, call.at - ON_THE_WAY_S, call.ended_at + 0.1)
        return stop.kind if stop else ""

    def of_resending(self, call: Call) -> str:
        """Why what this call brought had to be brought again; '' if there is no reason."""
        for words, name in SPOILED.items():
            if words in call.fault:
                return name
        if why := self.of_abandoning(call):
            return why
        stop = self._first(self._stops, self._stop_times, call.at - ON_THE_WAY_S, call.ended_at + SETTLING_S)
        if stop:
            return stop.kind
        times = [one.began for one in self._store_kills]
        kill = self._first(self._store_kills, times, call.at - ON_THE_WAY_S, call.ended_at + SETTLING_S)
        return kill.kind if kill else ""

    def of_disorder(self, early: Call, late: Call) -> str:
        """What the promise of order excepts: a call that Braze applies after we stopped waiting for it."""
        for call in (early, late):
            if why := self.of_abandoning(call):
                return f"call {call.number} was given up before Braze was through with it: {why}"
            if self._is_thawed(call):
                return f"call {call.number} came from a process that had been frozen"
        return ""

    def of_late_value(self, calls: Sequence[Call], attribute: str, held: Any) -> str:
        """The same for the value that stayed: it came with such a call."""
        for call in calls:
            if call.taken and any(told and told.get(attribute) == held for _, told, _ in call.of):
                return self.of_disorder(call, call)
        return ""

    def of_haste(self, before: Call, call: Call) -> str:
        """The same for a call that came while another was out, or soon after it."""
        if why := self.of_abandoning(before):
            return f"call {before.number} was given up: {why}"
        return f"call {call.number} came from a process that had been frozen" if self._is_thawed(call) else ""

    def _is_thawed(self, call: Call) -> bool:
        return any(0 <= call.at - thaw <= THAWING_S for thaw in self._thaws)

    def _first(self, them: Sequence[Happening], times: Sequence[float], since: float, until: float) -> Happening | None:
        at = bisect_left(times, since)
        return them[at] if at < len(them) and times[at] <= until else None
