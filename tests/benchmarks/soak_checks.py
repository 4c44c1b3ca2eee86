"""What must be true at the end of a soak, each in a sentence that says what is not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.benchmarks.soak_feed import Submission, member_of
from tests.benchmarks.soak_system import MAX_OBJECTS, System

#: Pages of the sandbox's control API.
PAGE = 10_000
#: The sum of these is `received`, always.
PARTS = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
WANTED_FILL = 70.0
#: The sandbox measures with another clock than the store.
CLOCKS_APART_MS = 2.0


def does_not_add_up(ledger: Mapping[str, int]) -> bool:
    """Whether a submission is in no counter, or in two."""
    return ledger["received"] != sum(ledger[name] for name in PARTS)


def violations(
    system: System, accepted: Mapping[str, Submission], count: int, *, fill: Mapping[int, int], spacing_ms: int
) -> Iterator[str]:
    """
    Look at the books of both sides.

    Args:
        accepted: Submission id -> what it was.
        fill: Objects in a request -> how many such requests there were while many submissions waited.
    """
    ledger, state = system.ledger(), system.braze("/state")
    if len(accepted) != count:
        yield f"{len(accepted)} different ids were given out for {count} submissions"
    yield from _ledger(ledger, count)
    yield from _events(system, accepted, ledger["possible_duplicates"])
    yield from _last_values(system, accepted.values())
    yield from _traffic(state, spacing_ms)
    if mean(fill) < WANTED_FILL:
        yield f"requests under backlog held {mean(fill):.1f} objects on average, not {WANTED_FILL:g}"
    yield from (f"logged: {line}" for line in system.errors_logged()[:10])


def mean(fill: Mapping[int, int]) -> float:
    """Objects in a request."""
    requests = sum(fill.values())
    return sum(size * many for size, many in fill.items()) / requests if requests else 0.0


def _ledger(ledger: Mapping[str, int], count: int) -> Iterator[str]:
    if does_not_add_up(ledger):
        yield f"the ledger does not add up: {ledger}"
    if ledger["received"] != count or ledger["delivered"] != count:
        yield f"{ledger['delivered']} delivered and {ledger['received']} received of {count}"


def _events(system: System, accepted: Mapping[str, Submission], possible: int) -> Iterator[str]:
    """Each submission's event exactly once, but for what is counted as possibly doubled."""
    came = Counter(_event_ids(system))
    wanted = {f"{submission_id}:1" for submission_id in accepted}
    if lost := wanted - came.keys():
        yield f"{len(lost)} submissions never arrived, such as {min(lost)}"
    if strange := came.keys() - wanted:
        yield f"{len(strange)} events came that nobody submitted, such as {min(strange)}"
    extra = came.total() - len(came)
    if extra > possible:
        yield f"{extra} events came again, but only {possible} are counted as possible duplicates"


def _event_ids(system: System) -> dict[str, int]:
    found: dict[str, int] = {}
    after = ""
    while page := system.braze(f"/event-ids?limit={PAGE}&after={after}")["ids"]:
        found |= page
        after = max(page)
    return found


def _last_values(system: System, accepted: Any) -> Iterator[str]:
    last: dict[str, int] = {}
    for one in accepted:
        member = member_of(one.person)
        last[member] = max(one.step, last.get(member, 0))
    held: dict[str, Any] = {}
    while page := system.braze(f"/profiles?limit={PAGE // 4}&offset={len(held)}")["items"]:
        held |= {profile["external_id"]: profile["custom_attributes"].get("last_step") for profile in page}
    wrong = [member for member, step in last.items() if held.get(member) != step]
    if wrong:
        examples = ", ".join(f"{member}: {held.get(member)} for {last[member]}" for member in wrong[:5])
        yield f"{len(wrong)} of {len(last)} people have a wrong last value ({examples})"
    if strangers := held.keys() - last.keys():
        yield f"{len(strangers)} people are there whom nobody named"


def _traffic(state: Mapping[str, Any], spacing_ms: int) -> Iterator[str]:
    if state["biggest_request"] > MAX_OBJECTS:
        yield f"a request held {state['biggest_request']} objects"
    if state["max_in_flight_per_person"] > 1 or state["overlaps"]:
        yield f"{state['max_in_flight_per_person']} requests were in flight for one person at once"
    spacing = state["min_spacing_ms"]
    if spacing is not None and spacing < spacing_ms - CLOCKS_APART_MS:
        yield f"one person's requests followed after {spacing} ms: {state['spacings_ms']}"
    for name in ("violations", "silent_drops"):
        if state[name]:
            yield f"the sandbox notes {name.replace('_', ' ')}: {state[name]}"
