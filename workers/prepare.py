"""A batch → one request: read, transform, leave out what Braze has already, pack. Pure, but for the log."""

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
from workers.pack import Item, Packed, TrackRequest, pack
from workers.transform import CompiledMapping, Mapped

log = logging.getLogger("komo_braze")

#: Braze takes 4 MB, and does not say which megabyte: https://www.braze.com/docs/api/api_limits/
MAX_REQUEST_BYTES = 3_500_000
#: The one reason that makes a submission filtered; every other makes it a dead letter.
NOTHING_MAPPED = "nothing_mapped"


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


def prepare(batch: Batch, integration: Integration, mapping: CompiledMapping) -> Prepared:
    """Turn what was handed out into one request; entries that do not fit into it are simply not mentioned there."""
    prepared = Prepared(batch, None, [], {}, {})
    for entry in batch.entries:
        try:
            mapped = _map(entry, mapping, prepared)
        except Exception:  # whatever is wrong with one must not hold up its lane for ever
            _give_up(prepared, entry)
            continue
        if mapped.attributes or mapped.events or (entry.done and (entry.done.get("a") or entry.done.get("e"))):
            _add(prepared, entry, mapped)
        else:
            prepared.without[entry.id] = "no_usable_value" if mapped.warnings else NOTHING_MAPPED
    if prepared.items:
        _pack(prepared, integration)
    return prepared


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
    return pack(
        prepared.items,
        max_objects=integration.braze.max_objects_per_request,
        max_bytes=MAX_REQUEST_BYTES,
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
