"""
Judging again what waits or is held, after the rules for people have changed, in acceptance order and before sending
goes on.

P:state           hash    redo: the version of the save that changed the rules, or ended a draft, until everything
                          is judged again; redo_by: what redo was when the judging began
P:annex           stream  what is accepted meanwhile; judged after everything older
P:new:<lane>      stream  what has been judged; takes the place of P:in:<lane> at the end
P:newdone:<lane>  hash    as P:done:<lane>; takes its place
P:newheld         stream  as P:held (holding.py), of what has been judged; takes its place
P:newhold         hash    as P:hold; takes its place
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import redis

from schemas.arrival import Judgement
from schemas.integration import Integration
from schemas.person import lane_of
from workers.errors import LeaseLost
from workers.store.connect import reaching_the_store
from workers.store.inbox import LEASE_MS, MAX_HELD, Limits
from workers.store.keys import generations, own, shared
from workers.store.scripts import Script

#: Entries judged between two looks at the lease, at most, over all lanes and what is held.
PAGE = 800


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry to be judged again."""

    stream: str
    id: str
    head: list[Any]
    body: bytes

    @property
    def order(self) -> int:
        return int(self.head[0])


class Redo:
    """The moves, over one connection; each is whole or nothing, and may be repeated."""

    def __init__(self, connection: redis.Redis, limits: Limits) -> None:
        self._redis = connection
        self._limits = limits
        self._begin = Script(connection, "redo_begin")
        self._move = Script(connection, "redo_move")
        self._finish = Script(connection, "redo_finish")

    def wanted(self, integration: Integration) -> bool:
        """Whether a save has asked for it."""
        with reaching_the_store():
            return bool(self._redis.hget(f"{own(integration)}:state", "redo"))

    def begin(self, integration: Integration, token: str) -> Literal["none", "busy", "begun"]:
        """Take, or keep, all lanes; busy while a drain is at work in one of them."""
        status: bytes = self._begin([own(integration), *generations(integration.braze)], [token, LEASE_MS])[0]
        return status.decode()  # type: ignore[return-value]

    def oldest(self, integration: Integration) -> list[Waiting]:
        """The entries that were accepted first of those left, in that order; what came meanwhile is last."""
        with reaching_the_store():
            lanes = int(self._redis.hget(f"{own(integration)}:state", "lanes") or 0)
            count = max(1, PAGE // (lanes + 1))
            streams = ["held", *(f"in:{lane}" for lane in range(lanes))]
            pages = [self._page(integration, stream, count) for stream in streams]
            found = [one for page in pages for one in page]
            if not found:
                return self._page(integration, "annex", PAGE)
        # A lane of which only a part was read may hold older entries than what the others show at their end.
        known_to = min((page[-1].order for page in pages if len(page) == count), default=None)
        return sorted((one for one in found if known_to is None or one.order <= known_to), key=lambda one: one.order)

    def move(self, integration: Integration, token: str, judged: Sequence[tuple[Waiting, Judgement]]) -> None:
        """
        Move entries to where they belong now; what is held for one of them goes ahead of it.

        Raises: LeaseLost if another has taken over.
        """
        with reaching_the_store():
            lanes = int(self._redis.hget(f"{own(integration)}:state", "lanes") or 0)
        about = f"{integration.version} {self._limits.hold_us} {MAX_HELD}"
        args: list[str | bytes | int] = [token, integration.id, about]
        for one, judgement in judged:
            person = judgement.person
            whose = person.packed() if person else None
            # The version in it stays that under which the submission was received.
            head = [*one.head[:3], whose, *one.head[4:]]
            args += (
                one.stream, one.id, judgement.destination,
                lane_of(person.key, lanes) if person else judgement.reason, person.key if person else "",
                orjson.dumps(head), int(judgement.attributes), judgement.events, orjson.dumps(whose),
                ",".join(judgement.marks),
            )  # fmt: skip
        if self._move([own(integration), shared(integration.braze.workspace)], args) < 0:
            raise LeaseLost

    def finish(self, integration: Integration, token: str) -> bool:
        """
        Let sending go on if nothing is left.

        Raises: LeaseLost if another has taken over.
        """
        status: bytes = self._finish([own(integration)], [token])
        if status == b"lost":
            raise LeaseLost
        return status == b"done"

    def _page(self, integration: Integration, stream: str, count: int) -> list[Waiting]:
        entries: Any = self._redis.xrange(f"{own(integration)}:{stream}", count=count)
        return [Waiting(stream, id_.decode(), orjson.loads(values[b"h"]), values[b"b"]) for id_, values in entries]
