"""What one submission would come to, by the steps of a delivery; nothing is kept or sent. Pure, but for a log line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.batch import Batch, Entry
from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.names import Names
from schemas.outgoing import Outgoing
from workers.pack import pack
from workers.prepare import FILTERED, MAX_REQUEST_BYTES, NO_NAMES, Prepared, event_keys, prepare
from workers.send_pack import pack_sends
from workers.transform import CompiledMapping

TRACK = "/users/track"


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    Args:
        outcome: delivered (if Braze takes it), filtered or dead.
        reason: Why it is filtered or dead.
        requests: Path and body of each; those for messages last, one for each message, as only when they leave it is
            known who shares a call.
        left_out: Names of attributes and keys of events that are mapped and not sent: Braze has them already, a later
            submission has set them, or they are too old.
    """

    outcome: str
    reason: str | None = None
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def forecast(
    entry: Entry,
    integration: Integration,
    mapping: CompiledMapping,
    *,
    names: Names = NO_NAMES,
    known: Sequence[list[Any]] = (),
    times: Mapping[str, int] | None = None,
    now_ms: float = 0,
) -> Forecast:
    """
    Prepare a submission as a delivery would that finds it alone.

    Args:
        entry: As it would be handed out; a replay with what Braze has taken of it.
        names: By which `known` calls attributes.
        known: What Braze has accepted of the person.
        times: Which submission set which attribute last, while a dead letter is open.
        now_ms: For the age of what is remembered.
    """
    key = entry.person.key
    batch = Batch(
        [entry], "", "", integration.version, 0, b"", b"", people=[key],
        times={key: dict(times)} if times else {}, known={key: list(known)} if known else {},
    )  # fmt: skip
    prepared = prepare(batch, integration, mapping, names=names, now_ms=now_ms)
    warnings, why = prepared.warnings.get(entry.id, []), prepared.without.get(entry.id)
    if why is not None:
        return Forecast("filtered" if why in FILTERED else "dead", why, warnings=warnings)
    requests = [*_track(prepared, integration), *_sends(prepared, entry)]
    return Forecast("delivered", None, requests, warnings, _left_out(prepared, entry, mapping))


def _track(prepared: Prepared, integration: Integration) -> Iterator[tuple[str, dict[str, Any]]]:
    packed = pack(
        prepared.items,
        max_objects=integration.braze.max_objects_per_request,
        max_bytes=MAX_REQUEST_BYTES,
        existing_profiles_only=integration.existing_profiles_only,
    )
    for request in packed.requests:
        yield TRACK, orjson.loads(request.body)


def _sends(prepared: Prepared, entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    for send in prepared.sends.get(entry.id, ()):
        message = Outgoing(send.kind, send.id, entry.person, send.properties, entry.submission_id, send.rule)
        request = pack_sends([message])
        yield request.path, request.body


def _left_out(prepared: Prepared, entry: Entry, mapping: CompiledMapping) -> list[str]:
    received_at = datetime.fromtimestamp(entry.received_ms / 1000, UTC)
    mapped = mapping.apply(read_submission(entry.body, id=entry.submission_id, received_at=received_at), entry.person)
    place = prepared.places[entry.id]
    attributes, events = prepared.items[place].attributes, prepared.event_keys(place)
    left = [name for name in mapped.attributes if name not in attributes]
    return left + [key for key in event_keys(mapped.events) if key not in events]
