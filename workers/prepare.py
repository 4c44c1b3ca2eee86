"""A batch → one request: read, transform, leave out what Braze has already or newer, pack. Pure, but for the log."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.batch import Batch, Entry
from schemas.integration import Integration
from schemas.komo import read_submission
from workers.changes import without_older
from workers.pack import Item, Packed, TrackRequest, pack
from workers.transform import CompiledMapping, Mapped

log = logging.getLogger("komo_braze")

#: Braze takes 4 MB, and does not say which megabyte: https://www.braze.com/docs/api/api_limits/
MAX_REQUEST_BYTES = 3_500_000
#: Reasons to send nothing that make a submission filtered; every other makes it a dead letter.
NOTHING_MAPPED, SUPERSEDED, EVENTS_TOO_OLD = "nothing_mapped", "superseded", "events_too_old"
FILTERED = frozenset({NOTHING_MAPPED, SUPERSEDED, EVENTS_TOO_OLD})
HOUR_MS = 3_600_000


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

    def event_keys(self, place: int) -> list[str]:
        """What the events of an item are remembered by, in their order."""
        left = self.left.get(place)
        return event_keys(self.items[place].events) if left is None else left


def prepare(batch: Batch, integration: Integration, mapping: CompiledMapping, *, now_ms: float = 0) -> Prepared:
    """
    Turn what was handed out into one request; entries that do not fit into it are simply not mentioned there.

    Args:
        now_ms: For the age of what waits; only asked where the integration has a limit for it.
    """
    prepared = Prepared(batch, None, [], {}, {})
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
        if mapped.attributes or mapped.events or (entry.done and (entry.done.get("a") or entry.done.get("e"))):
            _add(prepared, entry, mapped)
        else:
            prepared.without[entry.id] = _why_nothing(mapped, prepared.warnings.get(entry.id, ()))
    if replays:
        _keep_newer(prepared)
    if prepared.items:
        _pack(prepared, integration)
    return prepared


def _why_nothing(mapped: Mapped, warnings: Sequence[str]) -> str:
    if EVENTS_TOO_OLD in warnings:
        return EVENTS_TOO_OLD
    return "no_usable_value" if mapped.warnings else NOTHING_MAPPED


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
    if entry.done:
        names, numbers = set(entry.done.get("a", ())), set(entry.done.get("e", ()))
        attributes = {name: value for name, value in attributes.items() if name not in names}
        kept = [(key, event) for key, event in zip(event_keys(events), events, strict=True) if key not in numbers]
        prepared.left[place] = [key for key, _ in kept]
        events = [event for _, event in kept]
    prepared.places[entry.id] = place
    prepared.items.append(Item(entry.submission_id, entry.id, entry.person, attributes, events))


def _keep_newer(prepared: Prepared) -> None:
    """Take out of replayed submissions what one accepted later has set."""
    batch = prepared.batch
    for entry, person in zip(batch.entries, batch.people, strict=True):
        place = prepared.places.get(entry.id)
        if entry.replay is None or place is None:
            continue
        item = prepared.items[place]
        attributes, older = without_older(item.attributes, entry.order, batch.times.get(person, {}))
        prepared.items[place] = item._replace(attributes=attributes)
        if older:
            prepared.warnings.setdefault(entry.id, []).extend(f"{name}: newer_value_kept" for name in older)
            if not attributes and not item.events and not (entry.done and (entry.done.get("a") or entry.done.get("e"))):
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
            orjson.dumps([item.attributes, item.events])
        except (TypeError, ValueError):
            prepared.items[place] = item._replace(attributes={}, events=[])
            _give_up(prepared, entries[item.entry])
