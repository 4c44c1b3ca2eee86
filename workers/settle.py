"""A decision about a request → what becomes of each submission in it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.batch import Settlement
from schemas.person import Person
from workers.outcome import Decision, Halve, Pause, Retry, Settle
from workers.pack import TrackRequest
from workers.prepare import NOTHING_MAPPED, Prepared

#: Warning of a submission that Braze took with an error nobody can place.
ACCEPTED_UNKNOWN = "accepted_unknown"
#: In place of a number of people: one submission alone.
ALONE = "0"


@dataclass(frozen=True, slots=True)
class Try:
    """The attempt, for the timeline and the dead letter."""

    #: Counted from 1.
    number: int
    status: int
    words: str
    duration_ms: int

    def told(self, objects: int) -> str:
        """One JSON object."""
        return orjson.dumps(
            {"attempt": self.number, "status": self.status, "answer": self.words, "duration_ms": self.duration_ms,
             "objects": objects}
        ).decode()  # fmt: skip


def settle(prepared: Prepared, decision: Decision, attempt: Try) -> Settlement:
    """Say what became of every submission of the batch."""
    request, batch = prepared.request, prepared.batch
    objects = len(request.attributes) + len(request.events) if request else 0
    told = attempt.told(objects)
    match decision:
        case Retry(after_s=after_s, applied=applied, everybody=everybody):
            return Settlement(
                batch, retry_after_ms=after_s * 1000, gate_after_ms=after_s * 1000 if everybody else None,
                # An earlier attempt that may have been applied stays so, whatever came of this one.
                flight_state="unknown" if "unknown" in (applied, batch.sent_before) else "clean",
                attempt=told, counts={"requests": 1},
            )  # fmt: skip
        case Pause(why=why, probe_after_s=after_s):
            return Settlement(
                batch, retry_after_ms=after_s * 1000, pause=why, attempt=told, counts={"requests": 1},
                flight_state="unknown" if batch.sent_before == "unknown" else "clean",
            )  # fmt: skip
        case Halve(why=why):
            verdicts = _Verdicts(prepared)
            verdicts.halve(why, attempt)
        case Settle():
            verdicts = _Verdicts(prepared)
            verdicts.place(decision, attempt)
    counts = {"requests": 1, "objects": objects}
    if verdicts.possible_duplicates:
        counts["possible_duplicates"] = verdicts.possible_duplicates
    return verdicts.settlement(told, counts)


def nothing_to_send(prepared: Prepared) -> Settlement:
    """For a batch in which nothing is mapped, or nothing usable: no request is made."""
    settlement = _Verdicts(prepared).settlement("", {})
    settlement.sent = False
    return settlement


@dataclass(slots=True)
class _Placed:
    """An answer, followed to the items behind each object; all by place in `items`."""

    #: Names of the attributes that Braze took.
    attributes: dict[int, set[str]] = field(default_factory=dict)
    #: Keys of the events that Braze took.
    events: dict[int, list[str]] = field(default_factory=dict)
    #: Who is at fault, and Braze's words about it.
    culprits: dict[int, str] = field(default_factory=dict)
    #: Who shared a refused object with others: only one of them need be at fault.
    folded: set[int] = field(default_factory=set)
    #: Events of which nobody knows whether they landed, because what was to create their person was refused.
    uncertain: int = 0

    def accepted(self, place: int) -> dict[str, list[str]]:
        """`a` attribute names, `e` event keys; a member without any is left out."""
        names, keys = sorted(self.attributes.get(place, ())), self.events.get(place, [])
        return {kind: found for kind, found in (("a", names), ("e", keys)) if found}


class _Verdicts:
    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.dead: dict[str, dict[str, str]] = {}
        self.done: dict[str, str] = {}
        self.back: set[str] = set()
        self.cut: str | None = None
        #: Whom `cut` is about, by their keys; nobody: everybody.
        self.alone: set[str] = set()
        self.unknown = False
        self.possible_duplicates = 0
        batch = prepared.batch
        #: Entries of which Braze may have taken something that nobody told us of.
        self.doubtful = {
            one.id for one in batch.entries if batch.sent_before == "unknown" or (one.done and one.done.get("u"))
        }
        for entry_id, why in prepared.without.items():
            if why != NOTHING_MAPPED:
                self.dead[entry_id] = {"why": why, "details": "{}"}

    def halve(self, why: str, attempt: Try) -> None:
        """Put everything back for half as many people; a submission that was alone is the culprit."""
        request, items = self.prepared.request, self.prepared.items
        if request is None:
            return
        travelled = {place for places in request.attributes for place in places}
        travelled.update(place for place, _ in request.events)
        people = {items[place].person for place in travelled}
        if len(travelled) == 1:
            self._die(items[travelled.pop()].entry, attempt, why, {})
        else:
            self.cut = str(len(people) // 2) if len(people) > 1 else ALONE
        self.back = {item.entry for item in items if item.entry not in self.dead}

    def place(self, decision: Settle, attempt: Try) -> None:
        """Follow each refusal to the submissions behind the refused object."""
        request = self.prepared.request
        if request is None:
            return
        if decision.rest_accepted and not decision.refused and _is_whole(request, self.prepared):
            self.unknown = decision.accepted_unknown
            self.possible_duplicates = (
                sum(self._is_doubtful(place) for place, _ in request.events) if self.doubtful else 0
            )
            return
        bad_attributes, bad_events, strays = _by_index(decision, request)
        placed = _place(self.prepared, request, bad_attributes, bad_events)
        if not decision.rest_accepted:
            if not placed.culprits and not placed.folded:  # nobody to blame after all
                self.halve(attempt.words, attempt)
                return
            placed.attributes, placed.events, placed.uncertain = {}, {}, 0
        self.unknown = decision.rest_accepted and (decision.accepted_unknown or strays)
        taken = sum(len(events) for place, events in placed.events.items() if self._is_doubtful(place))
        self.possible_duplicates = taken + placed.uncertain
        self.cut = ALONE if placed.folded else None
        self.alone = {self.prepared.items[place].person.key for place in placed.folded}
        self._sort(placed, attempt)

    def _is_doubtful(self, place: int) -> bool:
        return self.prepared.items[place].entry in self.doubtful

    def _sort(self, placed: _Placed, attempt: Try) -> None:
        for place, item in enumerate(self.prepared.items):
            if item.entry in self.dead:
                continue
            if place in placed.culprits and place not in placed.folded:
                self._die(item.entry, attempt, placed.culprits[place], placed.accepted(place))
            elif not self._is_complete(place, placed):
                self.back.add(item.entry)
                if accepted := placed.accepted(place):
                    self.done[item.entry] = orjson.dumps(self._with_earlier(item.entry, accepted)).decode()

    def _is_complete(self, place: int, placed: _Placed) -> bool:
        item = self.prepared.items[place]
        return len(placed.events.get(place, ())) == len(item.events) and placed.attributes.get(place, set()).issuperset(
            item.attributes
        )

    def _with_earlier(self, entry_id: str, accepted: dict[str, list[str]]) -> dict[str, list[str]]:
        entry = next(entry for entry in self.prepared.batch.entries if entry.id == entry_id)
        earlier: dict[str, Any] = entry.done or {}
        return {kind: [*earlier.get(kind, ()), *accepted.get(kind, ())] for kind in ("a", "e")}

    def _die(self, entry_id: str, attempt: Try, words: str, accepted: dict[str, list[str]]) -> None:
        details = {"status": attempt.status, "answer": words, "attempts": attempt.number, "accepted": accepted}
        self.dead[entry_id] = {"why": "refused", "details": orjson.dumps(details).decode()}

    def settlement(self, told: str, counts: dict[str, int]) -> Settlement:
        batch, without, warnings = self.prepared.batch, self.prepared.without, self.prepared.warnings
        for entry in batch.entries if self.doubtful and self.back else ():
            if entry.id in self.doubtful & self.back:
                known = orjson.loads(self.done.get(entry.id, "null")) or entry.done or {}
                self.done[entry.id] = orjson.dumps({**known, "u": True}).decode()
        verdicts: list[str] = []
        results: list[Any] = []
        extra = [ACCEPTED_UNKNOWN] if self.unknown else []
        for entry in batch.entries:
            noted = warnings.get(entry.id, [])
            if entry.id in self.dead:
                verdicts.append("x")
                results.append(None)
            elif entry.id in self.back:
                verdicts.append("b")
                results.append(None)
            elif entry.id in without:
                verdicts.append("f")
                results.append(["filtered", [without[entry.id], *noted]])
            else:
                verdicts.append("d")
                results.append(["delivered", [*noted, *extra]])
        return Settlement(
            batch, verdicts="".join(verdicts), results=results, dead=self.dead, done=self.done,
            cut=self.cut if self.back else None, alone=self.alone, attempt=told, counts=counts,
        )  # fmt: skip


def _is_whole(request: TrackRequest, prepared: Prepared) -> bool:
    """Whether everything of every item travels: the usual case, and the one that has to be quick."""
    if sum(len(item.events) for item in prepared.items) != len(request.events):
        return False
    travels = {place for places in request.attributes for place in places}
    return all(place in travels or not item.attributes for place, item in enumerate(prepared.items))


def _by_index(decision: Settle, request: TrackRequest) -> tuple[dict[int, str], dict[int, str], bool]:
    """Braze's words by attributes object and by event, and whether some were about an object that we never sent."""
    attributes: dict[int, str] = {}
    events: dict[int, str] = {}
    strays = False
    for refusal in decision.refused:
        if refusal.array == "attributes" and refusal.index < len(request.attributes):
            attributes.setdefault(refusal.index, refusal.words)
        elif refusal.array == "events" and refusal.index < len(request.events):
            events.setdefault(refusal.index, refusal.words)
        else:
            strays = True
    return attributes, events, strays


def _place(
    prepared: Prepared, request: TrackRequest, bad_attributes: dict[int, str], bad_events: dict[int, str]
) -> _Placed:
    placed = _Placed()
    objects = orjson.loads(request.body)["attributes"] if bad_attributes else []
    for k, places in enumerate(request.attributes):
        if k not in bad_attributes:
            for place in places:
                names = prepared.items[place].attributes
                placed.attributes.setdefault(place, set()).update(_names_in(objects[k], names) if objects else names)
        elif len(places) == 1:
            placed.culprits[places[0]] = bad_attributes[k]
        else:
            placed.folded.update(places)
    nobody = _uncreated(prepared, request, objects, bad_attributes)
    for k, (place, number) in enumerate(request.events):
        if k in bad_events:
            placed.culprits.setdefault(place, bad_events[k])
        elif prepared.items[place].person in nobody:
            placed.uncertain += 1
        else:
            placed.events.setdefault(place, []).append(prepared.event_keys(place)[number])
    return placed


def _names_in(sent: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Which attributes an object carries: a person may have two objects, and only one of them may be refused."""
    return [name for name in names if name.partition(".")[0] in sent]


def _uncreated(
    prepared: Prepared, request: TrackRequest, objects: list[dict[str, Any]], bad: dict[int, str]
) -> set[Person]:
    """
    Whose alias may not exist: where the object that creates it is refused, Braze skips their events without a word.

    Source: https://www.braze.com/docs/api/objects_filters/user_alias_object/
    """
    creating = [k for k, sent in enumerate(objects) if sent.get("_update_existing_only") is False]
    people = {k: prepared.items[request.attributes[k][0]].person for k in creating}
    return {people[k] for k in creating if k in bad} - {people[k] for k in creating if k not in bad}
