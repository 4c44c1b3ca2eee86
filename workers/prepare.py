"""A batch → one request: read, transform, leave out what Braze has already or newer, pack. Pure, but for the log."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.attribute_names import SUBSCRIPTION
from schemas.batch import Batch, Entry
from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.names import Names
from workers.changes import without_older, without_unchanged
from workers.memory import Memory, is_doubtful
from workers.operations import as_braze, data_points, is_operation
from workers.pack import Item, Packed, TrackRequest, pack
from workers.transform import CompiledMapping, Mapped

log = logging.getLogger("komo_braze")

#: Braze takes 4 MB, and does not say which megabyte: https://www.braze.com/docs/api/api_limits/
MAX_REQUEST_BYTES = 3_500_000
#: Reasons to send nothing that make a submission filtered; every other makes it a dead letter.
NOTHING_MAPPED, SUPERSEDED, EVENTS_TOO_OLD = "nothing_mapped", "superseded", "events_too_old"
FILTERED = frozenset({NOTHING_MAPPED, SUPERSEDED, EVENTS_TOO_OLD})
HOUR_MS = 3_600_000
#: What Braze took longer ago is sent again, so that a write that was lost heals.
REMEMBERED_MS = 15 * 24 * HOUR_MS
NO_NAMES = Names()
_PLAIN = frozenset({str, int, float, bool, type(None)})


@dataclass(slots=True)
class Prepared:
    """What is about to travel, and what is not."""

    batch: Batch
    #: None if nothing of the batch has anything to send.
    request: TrackRequest | None
    #: What the positions in `request` mean.
    items: list[Item]
    #: Entry id -> its place in `items`.
    places: dict[str, int]
    #: Entry id -> reason, for what has nothing to send: `nothing_mapped`, or a reason to be dead.
    without: dict[str, str]
    warnings: dict[str, list[str]] = field(default_factory=dict)
    #: Place in `items` -> the keys of its events, where some of the submission's events are left out.
    left: dict[int, list[str]] = field(default_factory=dict)
    #: Of the people of the batch.
    memory: Memory | None = None
    #: Place in `items` -> names of the attributes that Braze has as they are.
    unsaid: dict[int, list[str]] = field(default_factory=dict)
    #: Entry ids of what Braze has all of already.
    unchanged: set[str] = field(default_factory=set)
    #: Entry id -> what sending all that is mapped would cost; entry id -> the sends that are due with it.
    points: dict[str, int] = field(default_factory=dict)
    sends: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    #: Operations that are not done again, because they may have been done.
    operations_left_out: int = 0
    #: Entry id -> how many messages are not asked for, because they may have been sent before the store was restored.
    withheld: dict[str, int] = field(default_factory=dict)

    def event_keys(self, place: int) -> list[str]:
        """What the events of an item are remembered by, in their order."""
        left = self.left.get(place)
        return event_keys(self.items[place].events) if left is None else left


def prepare(
    batch: Batch, integration: Integration, mapping: CompiledMapping, *, names: Names = NO_NAMES, now_ms: float = 0
) -> Prepared:
    """
    Turn what was handed out into one request; entries that do not fit into it are simply not mentioned there.

    Args:
        names: By which attributes are remembered; without them nothing is.
        now_ms: For the age of what waits, and of what is remembered.
    """
    prepared = Prepared(batch, None, [], {}, {})
    since = int((now_ms - REMEMBERED_MS) * 1000)
    prepared.memory = Memory(batch, names, since=since, keeps=not integration.existing_profiles_only)
    oldest_ms = now_ms - (integration.max_age_hours or 0) * HOUR_MS if integration.max_age_hours else None
    # A replay is older than what it stands behind: where the two are folded, the later one has to win.
    replays = any(entry.replay for entry in batch.entries)
    for entry in sorted(batch.entries, key=_order) if replays else batch.entries:
        if oldest_ms is not None and _since_ms(entry) < oldest_ms:
            prepared.without[entry.id] = "too_old"
            continue
        try:
            mapped = _map(entry, mapping, prepared)
        except Exception:  # whatever is wrong with one must not hold up its lane for ever
            _give_up(prepared, entry)
            continue
        if mapped.attributes or mapped.events or mapped.sends or _has_accepted(entry):
            _add(prepared, entry, mapped)
        else:
            prepared.without[entry.id] = _why_nothing(mapped, prepared.warnings.get(entry.id, ()))
    if replays:
        _keep_newer(prepared, prepared.memory)
    if batch.known and integration.send_only_changes:
        _leave_out_unchanged(prepared, prepared.memory)
    if prepared.items:
        _pack(prepared, integration)
    return prepared


def _why_nothing(mapped: Mapped, warnings: Sequence[str]) -> str:
    if EVENTS_TOO_OLD in warnings:
        return EVENTS_TOO_OLD
    return "no_usable_value" if mapped.warnings else NOTHING_MAPPED


def _has_accepted(entry: Entry) -> bool:
    """Whether Braze took a part of it in an earlier batch."""
    return bool(entry.done and (entry.done.get("a") or entry.done.get("e")))


def _order(entry: Entry) -> int:
    return entry.order


def _since_ms(entry: Entry) -> float:
    return entry.replay.at_ms if entry.replay else entry.received_ms


def event_keys(events: Sequence[dict[str, Any]]) -> list[str]:
    """
    What each event of one submission is remembered by: its name, its element if any, and which one it is of several.

    Not by its rule's number, which changes with the mapping.

    Args:
        events: All that the mapping yields, in their order.
    """
    keys, seen = [], Counter[str]()
    for event in events:
        _, _, number = event["properties"]["komo_submission_id"].partition(":")
        _, dot, element = number.partition(".")
        key = f"{event['name']}{dot}{element}"
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys


def _map(entry: Entry, mapping: CompiledMapping, prepared: Prepared) -> Mapped:
    received_at = datetime.fromtimestamp(entry.received_ms / 1000, UTC)
    submission = read_submission(entry.body, id=entry.submission_id, received_at=received_at)
    mapped = mapping.apply(submission, entry.person)
    if submission.warnings or mapped.warnings:
        prepared.warnings[entry.id] = [*submission.warnings, *mapped.warnings]
    since_ms = entry.replay.events_since_ms if entry.replay else None
    if since_ms is not None and mapped.events and submission.occurred_at.timestamp() * 1000 < since_ms:
        prepared.warnings.setdefault(entry.id, []).append(EVENTS_TOO_OLD)
        mapped = mapped._replace(events=[])
    return mapped


def _give_up(prepared: Prepared, entry: Entry) -> None:
    prepared.without[entry.id] = "mapping_failed"
    log.exception("mapping.failed", extra={"submission": entry.submission_id})


def _add(prepared: Prepared, entry: Entry, mapped: Mapped) -> None:
    attributes, events, place = mapped.attributes, mapped.events, len(prepared.items)
    if mapped.sends and entry.done and entry.done.get("r"):
        prepared.withheld[entry.id] = len(mapped.sends)
        doubtful = (f"sends.{one.rule}: may_have_been_done" for one in mapped.sends)
        prepared.warnings.setdefault(entry.id, []).extend(doubtful)
    elif mapped.sends:
        prepared.sends[entry.id] = mapped.sends
    if prepared.batch.sent_before == "unknown" or is_doubtful(entry):
        attributes = _without_operations(prepared, entry, attributes)
    prepared.points[entry.id] = points_of(attributes)
    if entry.done:
        names, numbers = set(entry.done.get("a", ())), set(entry.done.get("e", ()))
        attributes = {name: value for name, value in attributes.items() if name not in names}
        kept = [(key, event) for key, event in zip(event_keys(events), events, strict=True) if key not in numbers]
        prepared.left[place] = [key for key, _ in kept]
        events = [event for _, event in kept]
    prepared.places[entry.id] = place
    # Whom only a message is for has to be there to get it.
    creates = bool(mapped.sends) and not mapped.attributes and not mapped.events
    prepared.items.append(Item(entry.submission_id, entry.id, entry.person, attributes, events, creates))


def points_of(attributes: Mapping[str, Any]) -> int:
    """What Braze bills for some attributes of one person."""
    plain = sum(value.__class__ in _PLAIN for value in attributes.values())
    if plain == len(attributes) and SUBSCRIPTION.isdisjoint(attributes):
        return plain
    return sum(data_points(name, value) for name, value in attributes.items())


def _without_operations(prepared: Prepared, entry: Entry, attributes: dict[str, Any]) -> dict[str, Any]:
    """What may have been added must not be added twice; what is set may be."""
    again = [name for name, value in attributes.items() if is_operation(value)]
    if not again:
        return attributes
    prepared.operations_left_out += len(again)
    prepared.warnings.setdefault(entry.id, []).extend(f"{name}: may_have_been_done" for name in again)
    return {name: value for name, value in attributes.items() if name not in again}


def _leave_out_unchanged(prepared: Prepared, memory: Memory) -> None:
    """What Braze has already costs data points and says nothing."""
    batch, prints = prepared.batch, dict[str, dict[str, Any]]()
    people = dict(zip((entry.id for entry in batch.entries), batch.people, strict=True))
    for place, item in enumerate(prepared.items):
        person = people[item.entry]
        known = prints.get(person)
        if known is None:
            known = prints[person] = memory.prints(person)
        if not known:
            continue
        attributes, left = without_unchanged(item.attributes, known)
        if left:
            prepared.unsaid[place] = left
            prepared.items[place] = item._replace(attributes=attributes)
            if not attributes and not item.events:
                prepared.unchanged.add(item.entry)


def _keep_newer(prepared: Prepared, memory: Memory) -> None:
    """Take out of replayed submissions what one accepted later has set."""
    batch = prepared.batch
    for entry, person in zip(batch.entries, batch.people, strict=True):
        place = prepared.places.get(entry.id)
        if entry.replay is None or place is None:
            continue
        item = prepared.items[place]
        attributes, older = without_older(item.attributes, entry.order, memory.times(person))
        prepared.items[place] = item._replace(attributes=attributes)
        if older:
            prepared.warnings.setdefault(entry.id, []).extend(f"{name}: newer_value_kept" for name in older)
            if not attributes and not item.events and not _has_accepted(entry) and entry.id not in prepared.sends:
                prepared.without[entry.id] = SUPERSEDED


def _pack(prepared: Prepared, integration: Integration) -> None:
    try:
        packed = _pack_all(prepared, integration)
    except (TypeError, ValueError):  # something in there is no JSON: find out whose it is
        _set_aside(prepared)
        packed = _pack_all(prepared, integration)
    for place in packed.too_big:
        prepared.without[prepared.items[place].entry] = "too_big"
    prepared.request = packed.requests[0] if packed.requests else None


def _pack_all(prepared: Prepared, integration: Integration) -> Packed:
    batch, most = prepared.batch, integration.braze.max_objects_per_request
    return pack(
        prepared.items,
        max_objects=min(most, batch.max_objects or most),
        max_bytes=min(MAX_REQUEST_BYTES, batch.request_bytes or MAX_REQUEST_BYTES),
        existing_profiles_only=integration.existing_profiles_only,
    )


def _set_aside(prepared: Prepared) -> None:
    entries = {entry.id: entry for entry in prepared.batch.entries}
    for place, item in enumerate(prepared.items):
        try:
            orjson.dumps([item.attributes, item.events], default=as_braze)
        except (TypeError, ValueError):
            prepared.items[place] = item._replace(attributes={}, events=[])
            _give_up(prepared, entries[item.entry])
