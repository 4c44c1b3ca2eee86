"""Submissions as the pages list them: what `timeline.short` tells, and what else people want to see at a glance."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis

from schemas.person import Person
from workers.store.connect import reaching_the_store
from workers.store.found import Found, attempts_so_far
from workers.store.keys import own
from workers.store.timeline import reason_of
from workers.store.wanted import Bodies, names_in


class Row(NamedTuple):
    """One submission."""

    id: str
    #: Of the integration: its id.
    integration: str
    event: str
    state: str
    #: Why it was filtered, discarded or is dead.
    reason: str | None
    received_at: datetime
    #: When it ended, or died.
    settled_at: datetime | None
    person: Person | None
    #: The names that the body gives; the id where it gives no name.
    card: str | None
    hub: str | None
    #: How many requests were made for it so far.
    attempts: int


class Rows:
    """Tells them, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def tell(self, them: Sequence[tuple[Found, Bodies]]) -> list[Row]:
        """A row of each, in the same order."""
        waiting = self._waiting([found for found, _ in them if found.state in ("waiting", "in_flight")])
        return [_row(found, bodies, waiting.get((found.place.stream, found.id))) for found, bodies in them]

    def _waiting(self, them: Sequence[Found]) -> dict[tuple[str, str], int]:
        """How often it was tried to deliver what waits, by stream and id: that stands elsewhere."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for found in them:
                prefix, name = own(found.integration), found.place.stream.partition(" ")[2]
                done = name.replace("in:", "done:").replace("new:", "newdone:")
                pipe.hget(f"{prefix}:{done if done != name else 'none'}", found.place.entry_id)
                pipe.hmget(f"{prefix}:lane:{name.removeprefix('in:')}", "flight", "tried")
            answers: list[Any] = pipe.execute()
        told = zip(them, answers[::2], answers[1::2], strict=True)
        return {
            (found.place.stream, found.id): attempts_so_far(
                done, tried if found.place.entry_id in (flight or b"").decode().split() else None
            ).number
            for found, done, (flight, tried) in told
        }


def _row(found: Found, bodies: Bodies, attempts: int | None) -> Row:
    body = bodies.read(found.place.at)
    (card_id, card), (hub_id, hub) = names_in(body, "card"), names_in(body, "hub")
    if attempts is None:
        attempts = found.extra["attempts"].number if "attempts" in found.extra else 0
    return Row(
        found.id, found.integration.id, str(found.head[6]), found.state, reason_of(found), _time(found.head[4]),
        _time(found.at_ms) if found.at_ms else None, Person(*found.head[3]) if found.head[3] else None,
        card or card_id, hub or hub_id, attempts,
    )  # fmt: skip


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
