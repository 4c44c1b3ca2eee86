"""Dead letters as a drain leaves them, without a drain."""

from typing import Any

import orjson
import redis

from schemas.integration import Integration
from tests.factories import NOON_MS, a_body
from workers.store.inbox import submission_id
from workers.store.keys import own, shared

DAY = NOON_MS // 86_400_000


def bury(
    connection: redis.Redis,
    integration: Integration,
    member: str | None = "m1",
    number: int = 1,
    *,
    why: str = "refused",
    stamp: int | None = None,
    day: int = DAY,
    details: dict[str, Any] | None = None,
    done: dict[str, Any] | None = None,
    died_ms: int | None = None,
    raw: bytes | None = None,
    **fields: Any,
) -> str:
    """
    Leave a dead letter, with everything that is counted about it.

    Args:
        member: None where no person was found.
        number: Tells submissions from each other; the stamp too, if none is given.
        died_ms: None: now.

    Returns: The submission's id.
    """
    prefix, workspace = own(integration), shared(integration.braze.workspace)
    digest = f"{number:016x}"
    person = None if member is None else ["external_id", member, None]
    event = "CompetitionEntrySuccess"
    letter: dict[Any, Any] = {
        "b": raw or orjson.dumps(a_body(member or "", number=number, **fields)),
        "h": orjson.dumps([stamp or number, day, digest, person, NOON_MS, 1, event]),
        "p": "", "why": why, "details": orjson.dumps(details or {}), "done": orjson.dumps(done) if done else "",
        "at": died_ms or NOON_MS, "v": 1, "n": 0,
    }  # fmt: skip
    connection.hincrby(f"{prefix}:ledger", "received", 1)
    connection.hincrby(f"{prefix}:ledger", "dead", 1)
    connection.hincrby(f"{prefix}:open", str(day), 1)
    connection.sadd(f"{workspace}:open", integration.id)
    connection.xadd(f"{prefix}:dlq", letter, id=f"{died_ms}-{number}" if died_ms else "*")
    return submission_id(day, digest)
