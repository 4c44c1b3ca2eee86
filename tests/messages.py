"""Messages that wait in an outbox, put there as a drain's step does it."""

import orjson
import redis

from schemas.integration import Integration
from schemas.mapping import SendKind
from schemas.outgoing import Outgoing
from schemas.person import Person
from workers.store.keys import own
from workers.store.scripts import script_text

CAMPAIGN = "c0ffee00-aaaa-4bbb-8ccc-dddddddddddd"
CANVAS = "ca11ab1e-aaaa-4bbb-8ccc-dddddddddddd"
SPACING_MS = 2000

_PUT = (
    "local P, now, spacing = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    + script_text("step/sends")
    + "\nput_sends(cjson.decode(ARGV[3]), ARGV[4])"
)


def a_message(
    member: str = "m1", *, kind: SendKind = "campaign", braze_id: str = CAMPAIGN, number: int = 0, **properties: object
) -> Outgoing:
    """One message to somebody with an external_id."""
    return Outgoing(kind, braze_id, Person("external_id", member), properties, f"50c4{number:016x}", 1)


def put(connection: redis.Redis, integration: Integration, *messages: Outgoing, now_ms: float) -> None:
    """Each as of a submission of its own that was accepted by Braze just now."""
    for one in messages:
        args = [now_ms, SPACING_MS, orjson.dumps([one.packed()]), one.person.key]
        connection.eval(_PUT, 1, own(integration), *args)  # type: ignore[arg-type]
