"""A decision about a request → what becomes of each submission in it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.attempts import Attempts
from schemas.batch import Batch, Entry, Settlement
from workers.memory import is_doubtful
from workers.outcome import Decision, Halve, Pause, Retry, Settle
from workers.pack import TrackRequest
from workers.placing import Placed, by_index, follow, is_whole
from workers.prepare import FILTERED, Prepared
from workers.taken import Taken

#: Warning of a submission that Braze took with an error nobody can place.
ACCEPTED_UNKNOWN = "accepted_unknown"
#: Of a submission of which Braze has everything already.
UNCHANGED = "unchanged"
#: In place of a number of people: one submission alone.
ALONE = "0"


#: Where Braze takes fewer objects than it was sent, these are tried in turn; of bytes half of what it was sent.
FEWER_OBJECTS = (50, 25, 10, 5, 2, 1)
FEWEST_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Try:
    """The attempt, for the timeline and the dead letter."""

    #: Counted from 1, among those at this batch.
    number: int
    status: int
    words: str
    duration_ms: int
    at_ms: int = 0

    def told(self, objects: int) -> Attempts:
        """As the timeline shows it."""
        one = {"at": self.at_ms, "status": self.status, "answer": self.words, "duration_ms": self.duration_ms,
               "objects": objects}  # fmt: skip
        return Attempts([one], 1)


def settle(prepared: Prepared, decision: Decision, attempt: Try, gate: dict[str, float] | None = None) -> Settlement:
    """
    Say what became of every submission of the batch.

    Args:
        gate: As `workers.outcome.news` has it.
    """
    request, batch = prepared.request, prepared.batch
    objects = len(request.attributes) + len(request.events) if request else 0
    tried = batch.tried.followed_by(attempt.told(objects))
    match decision:
        case Retry(after_s=after_s, applied=applied, away=away):
            return Settlement(
                batch, retry_after_ms=after_s * 1000, away=away, gate=gate,
                # An earlier attempt that may have been applied stays so, whatever came of this one.
                flight_state="unknown" if "unknown" in (applied, batch.sent_before) else "clean",
                tried=tried, counts={"requests": 1},
            )  # fmt: skip
        case Pause(why=why, probe_after_s=after_s):
            return Settlement(
                batch, retry_after_ms=after_s * 1000, pause=why, gate=gate, tried=tried, counts={"requests": 1},
                flight_state="unknown" if batch.sent_before == "unknown" else "clean",
            )  # fmt: skip
    verdicts = _Verdicts(prepared, tried)
    if isinstance(decision, Halve):
        verdicts.halve(decision, attempt)
    else:
        verdicts.place(decision, attempt)
    settlement = verdicts.settlement({"requests": 1, "objects": objects})
    settlement.gate = gate
    return settlement


def nothing_to_send(prepared: Prepared) -> Settlement:
    """For a batch in which nothing is mapped, or nothing usable: no request is made."""
    settlement = _Verdicts(prepared, prepared.batch.tried).settlement({})
    settlement.sent = False
    return settlement


class _Verdicts:
    def __init__(self, prepared: Prepared, tried: Attempts) -> None:
        self.prepared = prepared
        #: Every attempt at this batch.
        self.tried = tried
        self.learned: dict[str, int] = {}
        #: Place in `items` -> names of the attributes that Braze took; None: all of every item.
        self.taken: dict[int, set[str]] | None = {}
        self.dead: dict[str, dict[str, str]] = {}
        self.done: dict[str, str] = {}
        self.back: set[str] = set()
        self.cut: str | None = None
        #: Whom `cut` is about, by their keys; nobody: everybody.
        self.alone: set[str] = set()
        self.unknown = False
        self.possible_duplicates = 0
        self.events_taken = 0
        batch = prepared.batch
        #: Entries of which Braze may have taken something that nobody told us of.
        self.doubtful = {one.id for one in batch.entries if batch.sent_before == "unknown" or is_doubtful(one)}
        entries = {entry.id: entry for entry in batch.entries}
        for entry_id, why in prepared.without.items():
            if why not in FILTERED:
                self._bury(entries[entry_id], why, {}, {})

    def halve(self, decision: Halve, attempt: Try) -> None:
        """Put everything back for half as many people; a submission that was alone is the culprit."""
        request, items = self.prepared.request, self.prepared.items
        if request is None:
            return
        self.learned = _learn(decision, request, self.prepared.batch)
        travelled = {place for places in request.attributes for place in places}
        travelled.update(place for place, _ in request.events)
        people = {items[place].person for place in travelled}
        if len(travelled) == 1 and not self.learned:
            self._die(items[travelled.pop()].entry, attempt, decision.why, {})
        else:
            self.cut = str(len(people) // 2) if len(people) > 1 else ALONE
        self.back = {item.entry for item in items if item.entry not in self.dead}

    def place(self, decision: Settle, attempt: Try) -> None:
        """Follow each refusal to the submissions behind the refused object."""
        request = self.prepared.request
        if request is None:
            return
        if decision.rest_accepted and not decision.refused and is_whole(request, self.prepared):
            self.taken = None
            self.unknown = decision.accepted_unknown
            self.events_taken = len(request.events)
            self.possible_duplicates = (
                sum(self._is_doubtful(place) for place, _ in request.events) if self.doubtful else 0
            )
            return
        bad_attributes, bad_events, strays = by_index(decision, request)
        placed = follow(self.prepared, request, bad_attributes, bad_events)
        if not decision.rest_accepted:
            if not placed.culprits and not placed.folded:  # nobody to blame after all
                self.halve(Halve(attempt.words), attempt)
                return
            placed.attributes, placed.events, placed.uncertain = {}, {}, 0
        self.taken = placed.attributes
        self.events_taken = sum(map(len, placed.events.values()))
        self.unknown = decision.rest_accepted and (decision.accepted_unknown or strays)
        taken = sum(len(events) for place, events in placed.events.items() if self._is_doubtful(place))
        self.possible_duplicates = taken + placed.uncertain
        self.cut = ALONE if placed.folded else None
        self.alone = {self.prepared.items[place].person.key for place in placed.folded}
        self._sort(placed, attempt)

    def _is_doubtful(self, place: int) -> bool:
        return self.prepared.items[place].entry in self.doubtful

    def _sort(self, placed: Placed, attempt: Try) -> None:
        for place, item in enumerate(self.prepared.items):
            if item.entry in self.dead:
                continue
            if place in placed.culprits and place not in placed.folded:
                self._die(item.entry, attempt, placed.culprits[place], placed.accepted(place))
            elif not self._is_complete(place, placed):
                self.back.add(item.entry)
                if accepted := placed.accepted(place):
                    self.done[item.entry] = orjson.dumps(self._with_earlier(item.entry, accepted)).decode()

    def _is_complete(self, place: int, placed: Placed) -> bool:
        item = self.prepared.items[place]
        return len(placed.events.get(place, ())) == len(item.events) and placed.attributes.get(place, set()).issuperset(
            item.attributes
        )

    def _with_earlier(self, entry_id: str, accepted: dict[str, list[str]]) -> dict[str, list[str]]:
        return _joined(self._entry(entry_id), accepted)

    def _entry(self, entry_id: str) -> Entry:
        return next(entry for entry in self.prepared.batch.entries if entry.id == entry_id)

    def _die(self, entry_id: str, attempt: Try, words: str, accepted: dict[str, list[str]]) -> None:
        entry, items = self._entry(entry_id), self.prepared.items
        if entry_id in self.doubtful and entry.tried.number + self.prepared.batch.tried.number > 1:
            # Each of several attempts may have been applied, and nobody will send its events again to find out.
            self.possible_duplicates += len(items[self.prepared.places[entry_id]].events)
        self._bury(entry, "refused", {"status": attempt.status, "answer": words}, accepted)

    def _bury(self, entry: Entry, why: str, details: dict[str, Any], accepted: dict[str, list[str]]) -> None:
        tried = entry.tried.followed_by(self.tried)
        if tried.number:
            details = details | tried.packed()
        if warnings := self.prepared.warnings.get(entry.id):
            details = details | {"warnings": warnings}
        done = _joined(entry, accepted) | ({"u": True} if entry.id in self.doubtful else {}) | _history(entry, tried)
        self.dead[entry.id] = {
            "why": why, "details": orjson.dumps(details).decode(), "done": orjson.dumps(done).decode() if done else "",
        }  # fmt: skip

    def settlement(self, counts: dict[str, int]) -> Settlement:
        batch, without, warnings = self.prepared.batch, self.prepared.without, self.prepared.warnings
        for entry in batch.entries if self.back else ():
            if entry.id in self.back:
                self._remember(entry)
        verdicts: list[str] = []
        results: list[Any] = []
        extra = [ACCEPTED_UNKNOWN] if self.unknown else []
        for entry in batch.entries:
            verdict, outcome, noted = "d", "delivered", [*warnings.get(entry.id, ()), *extra]
            if entry.id in self.prepared.unchanged:
                noted = [UNCHANGED, *warnings.get(entry.id, ())]
            if entry.id in self.dead:
                verdict = "x"
            elif entry.id in self.back:
                verdict = "b"
            elif entry.id in without:
                verdict, outcome, noted = "f", "filtered", [without[entry.id], *warnings.get(entry.id, ())]
            verdicts.append(verdict)
            results.append([outcome, noted, *_earlier(entry, self.tried)] if verdict in "df" else None)
        counts |= self._doubts(verdicts)
        taken = Taken(self.prepared, self.taken, self.events_taken, self.unknown)
        counts |= taken.points(verdicts)
        return Settlement(
            batch, verdicts="".join(verdicts), results=results, dead=self.dead, done=self.done,
            cut=self.cut if self.back else None, alone=self.alone, tried=self.tried, counts=counts,
            times=taken.times(opens=bool(self.dead)), known=taken.known(), sends=taken.sends(verdicts),
            closed=_closed(batch.entries, verdicts), learned=self.learned,
        )  # fmt: skip

    def _doubts(self, verdicts: Sequence[str]) -> dict[str, int]:
        """What may have been done twice, and what was not done because of that."""
        settled = zip(self.prepared.batch.entries, verdicts, strict=True)
        withheld = self.prepared.withheld
        told = {
            "possible_duplicates": self.possible_duplicates,
            "operations_left_out": self.prepared.operations_left_out,
            "send_unknown": sum(withheld.get(entry.id, 0) for entry, verdict in settled if verdict == "d"),
        }
        return {name: number for name, number in told.items() if number}

    def _remember(self, entry: Entry) -> None:
        """What the next batch has to know of an entry that is put back."""
        done: dict[str, Any] = orjson.loads(self.done.get(entry.id, "null")) or entry.done or {}
        if entry.id in self.doubtful:
            done = {**done, "u": True}
        self.done[entry.id] = orjson.dumps(done | _history(entry, entry.tried.followed_by(self.tried))).decode()


def _joined(entry: Entry, accepted: dict[str, list[str]]) -> dict[str, Any]:
    """What Braze has accepted of an entry by now; empty if nothing."""
    earlier = entry.done or {}
    joined = {kind: [*earlier.get(kind, ()), *accepted.get(kind, ())] for kind in ("a", "e")}
    return {kind: names for kind, names in joined.items() if names}


def _history(entry: Entry, tried: Attempts) -> dict[str, Any]:
    """What was tried with it, and its earlier deaths."""
    attempts = {"t": tried.kept, "k": tried.number} if tried.number else {}
    return attempts | ({"h": entry.deaths} if entry.deaths else {})


def _earlier(entry: Entry, tried: Attempts) -> list[Any]:
    """For the record, where there was something before this batch: all attempts, their number, and earlier deaths."""
    if not entry.tried.number and not entry.deaths:
        return []
    every = entry.tried.followed_by(tried)
    return [every.kept, every.number, *([entry.deaths] if entry.deaths else [])]


def _closed(entries: Iterable[Entry], verdicts: Iterable[str]) -> dict[str, int]:
    """Replayed submissions that are settled now, by the day of their acceptance."""
    settled = zip(entries, verdicts, strict=True)
    days = [str(entry.day) for entry, verdict in settled if entry.replay and verdict in "df"]
    return {day: days.count(day) for day in days}


def _learn(decision: Halve, request: TrackRequest, batch: Batch) -> dict[str, int]:
    """The next smaller limit to try; nothing where Braze said nothing of limits, or nothing smaller can be sent."""
    objects = len(request.attributes) + len(request.events)
    if objects == 1:
        return {}
    if decision.too_many == "objects":
        fewer = next(fewer for fewer in FEWER_OBJECTS if fewer < objects)
        return {"max_objects": fewer} if fewer < (batch.max_objects or objects) else {}
    if decision.too_many == "bytes" and len(request.body) > FEWEST_BYTES:
        fewer = max(FEWEST_BYTES, len(request.body) // 2)
        return {"request_bytes": fewer} if fewer < (batch.request_bytes or len(request.body)) else {}
    return {}
