"""What must be true at the end, from the books of both sides; each in a sentence that says what is not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.chaos.causes import Causes
from tests.chaos.feed import EMPTY, GOOD, HOPELESS, INTEGRATIONS, NAMELESS, Sent, attribute_of
from tests.chaos.journal import Arrival, Call, arrivals, by_person, refused_ids, refused_values

#: The sum of these is `received`, always.
PARTS = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
#: Objects in one request: https://www.braze.com/docs/api/api_limits/
MAX_OBJECTS = 75
#: The sandbox measures with another clock than the store.
CLOCKS_APART_S = 0.003
#: An outage, and the longest that nobody dares to call after it; the feed is steady, so there is always work.
LONGEST_SILENCE_S = 120.0
#: Found by the sandbox itself, and judged here.
JUDGED_HERE = frozenset({"same_person_in_flight"})


@dataclass(slots=True)
class Books:
    """What both sides have written."""

    accepted: Mapping[str, Sent]
    accepted_at: Mapping[str, float]
    #: Integration -> its ledger.
    ledgers: Mapping[str, Mapping[str, int]]
    #: Integration -> submission id -> state, of those that are not settled as delivered: `dead`, `discarded` and so on.
    states: Mapping[str, Mapping[str, str]]
    calls: list[Call]
    #: Person -> custom attributes in the sandbox.
    profiles: Mapping[str, Mapping[str, Any]]
    #: The sandbox's own summary.
    summary: Mapping[str, Any]
    spacing_s: float


@dataclass(slots=True)
class Findings:
    """What came of it."""

    broken: list[str] = field(default_factory=list)
    #: Exceptions that the promises name, each with its proof.
    explained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    #: Each time that an event was doubled: the submission's id, and the call after which it was sent again.
    doubled: list[tuple[str, Call]] = field(default_factory=list)
    inversions: int = 0
    numbers: Counter[str] = field(default_factory=Counter)


def examine(books: Books, causes: Causes) -> Findings:
    """Everything at once."""
    findings = Findings()
    came = arrivals(books.calls)
    for check in (_ledgers, _losses, _duplicates, _order, _last_values, _one_at_a_time, _requests, _silence):
        findings.broken += check(books, came, causes, findings)
    return findings


def does_not_add_up(ledger: Mapping[str, int]) -> bool:
    """Whether a submission is in no counter, or in two."""
    return ledger["received"] != sum(ledger[name] for name in PARTS)


Came = Mapping[str, list[Arrival]]


def _ledgers(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    for name, ledger in books.ledgers.items():
        mine = Counter(one.kind for one in books.accepted.values() if one.integration == name)
        if does_not_add_up(ledger):
            yield f"the ledger of {name} does not add up: {ledger}"
        if ledger["received"] != mine.total():
            yield f"{name} received {ledger['received']}, but {mine.total()} were answered 202"
        for left in ("waiting", "in_flight", "held"):
            if ledger[left]:
                yield f"{name}: {ledger[left]} are still {left.replace('_', ' ')}"
        if ledger["filtered"] != mine[EMPTY]:
            yield f"{name}: {ledger['filtered']} were filtered, not {mine[EMPTY]}"
        if ledger["dead"] + ledger["discarded"] < mine[HOPELESS] + mine[NAMELESS]:
            yield f"{name}: only {ledger['dead']} dead and {ledger['discarded']} discarded"


def _losses(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """Everything accepted is somewhere, and only once."""
    delivered: Counter[str] = Counter()
    for one_id, one in books.accepted.items():
        state = books.states[one.integration].get(one_id, "delivered")
        delivered[one.integration] += state == "delivered"
        if one.kind == GOOD and state == "delivered" and one_id not in came:
            findings.lost.append(one_id)
        elif one.kind in (HOPELESS, NAMELESS) and state not in ("dead", "discarded"):
            yield f"number {one.number} ({one.kind}) is {state}"
        elif one.kind == EMPTY and state != "filtered":
            yield f"number {one.number}, with nothing to send, is {state}"
    for name, ledger in books.ledgers.items():
        if ledger["delivered"] != delivered[name]:
            yield f"{name}: the ledger says {ledger['delivered']} delivered, its submissions {delivered[name]}"
    if findings.lost:
        examples = ", ".join(f"{one} (number {books.accepted[one].number})" for one in findings.lost[:5])
        yield f"{len(findings.lost)} submissions are lost: {examples}"
    if strange := came.keys() - books.accepted.keys():
        yield f"{len(strange)} events came that nobody submitted, such as {min(strange)}"


def _duplicates(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """Each event that Braze has more than once is counted by its integration's ledger: once, however often it came."""
    repeated: Counter[str] = Counter()
    for one_id, times in came.items():
        calls = sorted((one.call for one in times), key=lambda call: call.at)
        findings.doubled += [(one_id, call) for call in calls[:-1]]
        if one_id in books.accepted:
            repeated[books.accepted[one_id].integration] += len(times) > 1
    for name, ledger in books.ledgers.items():
        if repeated[name] > ledger["possible_duplicates"]:
            yield f"{name}: {repeated[name]} events came again, {ledger['possible_duplicates']} are counted as possible"
    findings.numbers["repeated"] = repeated.total()
    findings.numbers["possible_duplicates"] = sum(one["possible_duplicates"] for one in books.ledgers.values())
    unexplained = [call.number for _, call in findings.doubled if not causes.of_resending(call)]
    if unexplained:
        yield f"{len(unexplained)} events came again for no reason that we gave, such as of call {unexplained[0]}"


def _order(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """
    A person's events arrive as they were accepted, by their first arrivals.

    Left out are those that Braze has refused: as dead letters they come later, or never.
    """
    refused, numbers = refused_ids(books.calls), refused_values(books.calls)
    lines: dict[tuple[str, str], list[tuple[int, Arrival]]] = {}
    for one_id, times in came.items():
        one = books.accepted.get(one_id)
        if one and one_id not in refused and one.number not in numbers:
            lines.setdefault((one.integration, times[0].person), []).append((one.number, times[0]))
    for (integration, person), line in lines.items():
        line.sort(key=lambda numbered: numbered[0])
        last_number, last = line[0]
        for number, first in line[1:]:
            if first.place > last.place:
                last_number, last = number, first
                continue
            told = f"{integration}, {person}: {number} came in call {first.call.number}, {last_number} only in call"
            told = f"{told} {last.call.number}"
            if why := causes.of_disorder(first.call, last.call):
                findings.explained.append(f"order: {told}: {why}")
            else:
                findings.inversions += 1
    findings.numbers["people in order"] = len(lines)
    if findings.inversions:
        yield f"{findings.inversions} inversions, the last: {told}"


def _last_values(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """Everybody ends with the number of the last of their submissions that was delivered."""
    last: dict[tuple[str, str], int] = {}
    for one_id, times in came.items():
        if one := books.accepted.get(one_id):
            for person in {arrival.person for arrival in times}:  # sent again after the identifiers were changed
                place = (person, attribute_of(one.integration))
                last[place] = max(one.number, last.get(place, 0))
    calls = by_person(books.calls)
    wrong = []
    for (person, attribute), number in last.items():
        held = books.profiles.get(person, {}).get(attribute)
        if held == number:
            continue
        told = f"{person} has {attribute} {held}, not {number}"
        if why := causes.of_late_value(calls[person], attribute, held):
            findings.explained.append(f"last value: {told}: {why}")
        else:
            wrong.append(told)
    findings.numbers["last values right"] = len(last) - len(wrong)
    if wrong:
        yield f"{len(wrong)} of {len(last)} last values are wrong: {'; '.join(wrong[:5])}"


def _one_at_a_time(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """One request at a time for a person, spaced."""
    overlaps, close, again = [], [], 0
    least_s = float("inf")
    for person, calls in by_person(books.calls).items():
        before = calls[0]
        for call in calls[1:]:
            gap_s = call.at - causes.attempt_ended_at(before)
            if gap_s >= books.spacing_s - CLOCKS_APART_S:
                least_s = min(least_s, gap_s)
            elif why := causes.of_haste(before, call):
                findings.explained.append(f"spacing: {person}, calls {before.number} and {call.number}: {why}")
            elif gap_s < -CLOCKS_APART_S:
                overlaps.append(f"{person} in calls {before.number} and {call.number}")
            elif before.taken:
                close.append(f"{person}: {gap_s * 1000:.0f} ms between calls {before.number} and {call.number}")
            else:
                again += 1
            before = max(before, call, key=lambda one: one.ended_at)
    findings.numbers["sent again sooner than spaced, what Braze had not taken"] = again
    findings.numbers["least spacing in ms"] = round(least_s * 1000) if least_s < 1e6 else 0
    if overlaps:
        yield f"{len(overlaps)} times two requests for a person were out at once: {'; '.join(overlaps[:3])}"
    if close:
        yield f"{len(close)} requests came too soon for a person: {'; '.join(close[:3])}"


def _requests(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """Nothing unmapped, nothing too big, nothing that Braze drops without a word."""
    allowed = {attribute_of(name) for name in INTEGRATIONS}
    for call in books.calls:
        if len(call.to) > MAX_OBJECTS:
            yield f"call {call.number} held {len(call.to)} objects"
        for _, attributes, _ in call.to:
            if attributes and not attributes.keys() <= allowed:
                yield f"call {call.number} wrote {sorted(attributes)}"
                return
    if silent := books.summary["silent_drops"]:
        yield f"the sandbox dropped in silence: {silent}"
    if noted := {name: many for name, many in books.summary["violations"].items() if name not in JUDGED_HERE}:
        yield f"the sandbox notes violations: {noted}"


def _silence(books: Books, came: Came, causes: Causes, findings: Findings) -> Iterator[str]:
    """Work goes on soon after a trouble is over."""
    taken = sorted(call.took_at for call in books.calls if call.taken)
    longest_s = max((after - before for before, after in pairwise(taken)), default=0.0)
    findings.numbers["longest silence in s"] = round(longest_s)
    if longest_s > LONGEST_SILENCE_S:
        yield f"Braze took nothing for {longest_s:.0f} s"
