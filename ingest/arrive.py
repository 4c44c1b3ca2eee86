"""One object of a request → an arrival: what makes it the same as another, whose it is, and where it goes."""

from datetime import datetime
from hashlib import blake2b

from schemas.arrival import Arrival
from schemas.body import OneBody
from schemas.identity import sameness
from schemas.integration import Integration
from schemas.komo import read_submission
from workers.judge import judge
from workers.transform import CompiledMapping, compile_mapping

#: Longer names are cut; they are only shown and searched.
MAX_EVENT_NAME = 200

_compiled: dict[str, tuple[Integration, CompiledMapping]] = {}


def arrive(
    one: OneBody, integration: Integration, *, received_at: datetime, delivery_id: str | None, place: int
) -> Arrival:
    """
    Judge one object as it comes in.

    Args:
        received_at: Aware, UTC.
        delivery_id: The header `webhook-id`, if there was one.
        place: In the array of the delivery, from 0.
    """
    same = sameness(one.body, one.raw, delivery_id=delivery_id, place=place)
    submission = read_submission(one.body, id="", received_at=received_at)
    judgement = judge(submission, integration, _mapping_of(integration))
    received_ms = int(received_at.timestamp() * 1000)
    return Arrival(
        own_digest(integration.id, same.digest),
        same.short_lived,
        one.raw,
        received_ms,
        submission.event[:MAX_EVENT_NAME],
        judgement,
    )


def own_digest(integration_id: str, digest: bytes) -> bytes:
    """What two integrations are both sent is two submissions, with an id for each."""
    return blake2b(digest, digest_size=len(digest), key=integration_id.encode()).digest()


def _mapping_of(integration: Integration) -> CompiledMapping:
    """Compiled once for as long as the store hands out the same document."""
    known = _compiled.get(integration.id)
    if known is None or known[0] is not integration:
        known = _compiled[integration.id] = (integration, compile_mapping(integration))
    return known[1]
