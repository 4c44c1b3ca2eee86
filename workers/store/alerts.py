"""
What a person should hear of: an outbox that is emptied in order, and the memory of what was said already.

komo:alerts           stream  alerts that were not delivered yet, oldest first: kind, integration id ('' = all of them),
                              alert (the JSON to send); about the newest MOST_KEPT of them
{komo:alerts}:said    hash    "<integration id> <kind>" -> what was said last, in the words of workers/notice.py;
                              nothing where all is well
{komo:alerts}:next    hash    only while there are alerts; due: when to try next, ms; tries: failures in a row
{komo:alerts}:lease   string  token of the one sender at work; expires after LEASE_MS

The braces name the slot of the outbox, so that one script may touch all four. Read only, P being an integration's
prefix: P:state, P:ledger, P:in:<lane>, P:dlq; and komo:pressure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own
from workers.store.scripts import Script

OUTBOX = "komo:alerts"
SAID = "{komo:alerts}:said"
NEXT = "{komo:alerts}:next"
LEASE = "{komo:alerts}:lease"
#: An outbox of which nobody takes anything stays a small thing.
MOST_KEPT = 1000
#: Longer than a sender's time and the deadline of its last call together.
LEASE_MS = 30_000
#: The longest pause between two tries at a receiver that fails.
LONGEST_WAIT_S = 60
#: New dead letters that are counted for one alert, and what is read of them at most.
MOST_LETTERS, MOST_LETTER_BYTES = 1000, 2_000_000


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to say. `fields` is the JSON that a receiver gets."""

    kind: str
    #: "" for what concerns all of them.
    integration: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Boxed:
    """An alert on its way; `body` is JSON, ready to send."""

    id: bytes
    kind: str
    integration: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """How an integration is doing."""

    #: "", "person" or "braze".
    paused: str = ""
    paused_because: str = ""
    #: Waiting, in flight and held.
    waiting: int = 0
    dead: int = 0
    #: When the oldest work that waits was accepted or replayed, ms; None if nothing waits.
    oldest_ms: int | None = None
    #: Stream id of the newest dead letter; "" if there is none.
    newest_letter: str = ""


@dataclass(frozen=True, slots=True)
class NewLetters:
    """Dead letters that appeared since one was told of."""

    newest: str
    count: int
    #: Whether there are more than were counted.
    more: bool
    #: Of the newest few, newest first.
    reasons: list[str]


class AlertBox:
    """
    The outbox and its memory, over one connection.

    Args:
        max_waiting_bytes: The setting; None: half of the store's `maxmemory`.
    """

    def __init__(self, connection: redis.Redis, *, max_waiting_bytes: int | None = None) -> None:
        self._redis = connection
        self.max_waiting_bytes = max_waiting_bytes
        self._raise = Script(connection, "alert_raise")
        self._sent = Script(connection, "alert_sent")
        self._look = Script(connection, "alert_look")
        self._letters = Script(connection, "alert_letters")

    def raise_(
        self, kind: str, integration_id: str, *, was: str, becomes: str, alert: Alert | None, now_ms: int
    ) -> int | None:
        """
        Remember what is being said, and put it into the outbox: both or neither.

        Args:
            was: What the memory held when this was decided.
            becomes: What it holds from now on; "" to forget.
            alert: None where nothing has to be said, because all is well again.

        Returns: None if somebody else has said something meanwhile, and nothing was done; else how many of the oldest
        alerts were dropped to make room.
        """
        text = (alert.kind, orjson.dumps(alert.fields)) if alert else ("", b"")
        dropped = self._raise(
            [OUTBOX, SAID, NEXT], [f"{integration_id} {kind}", was, becomes, MOST_KEPT, now_ms, integration_id, *text]
        )
        return None if dropped < 0 else int(dropped)

    def said(self, integration_id: str, kinds: Sequence[str]) -> list[str]:
        """What was said last of each kind; "" where nothing was."""
        with reaching_the_store():
            values: Any = self._redis.hmget(SAID, [f"{integration_id} {kind}" for kind in kinds])
        return [(value or b"").decode() for value in values]

    def forget_others(self, integration_ids: Collection[str]) -> None:
        """Drop the memory of integrations that are no longer there."""
        known = {*integration_ids, ""}
        with reaching_the_store():
            fields: Any = self._redis.hkeys(SAID)
            gone = [field for field in fields if field.decode().partition(" ")[0] not in known]
            if gone:
                self._redis.hdel(SAID, *gone)

    def look(self, integration: Integration) -> Look | None:
        """How an integration is doing now, in one short step; None if it was moved or removed meanwhile."""
        found = self._look([own(integration)], [])
        if not found:
            return None
        paused, because, waiting, dead, oldest, newest = found
        return Look(
            paused.decode(), because.decode(errors="replace"), waiting, dead, int(oldest) if oldest else None,
            newest.decode(),
        )  # fmt: skip

    def letters_since(self, integration: Integration, letter: str) -> NewLetters:
        """
        Dead letters that are newer than one and still there.

        Args:
            letter: Stream id; "" for all there are.
        """
        newest, count, more, *reasons = self._letters(
            [f"{own(integration)}:dlq"], [f"({letter}" if letter else "-", MOST_LETTERS, MOST_LETTER_BYTES]
        )
        return NewLetters(newest.decode(), count, bool(more), [reason.decode() for reason in reasons])

    def due(self, now_ms: int) -> bool:
        """Whether there is something to send, and the receiver is not left alone after a failure."""
        with reaching_the_store():
            due = self._redis.hget(NEXT, "due")
        # A time that lies further ahead was written by a clock that was wrong.
        return due is not None and not 0 < int(due) - now_ms <= LONGEST_WAIT_S * 1000

    def take(self, token: str) -> bool:
        """Become the one sender; False while there is another."""
        with reaching_the_store():
            return bool(self._redis.set(LEASE, token, nx=True, px=LEASE_MS))

    def let_go(self, token: str) -> None:
        """Let the next sender come."""
        with reaching_the_store():
            if self._redis.get(LEASE) == token.encode():
                self._redis.delete(LEASE)

    def oldest(self, count: int) -> list[Boxed]:
        """The alerts to send first."""
        with reaching_the_store():
            entries: Any = self._redis.xrange(OUTBOX, count=count)
        return [
            Boxed(id_, fields[b"kind"].decode(), fields[b"integration"].decode(), fields[b"alert"])
            for id_, fields in entries
        ]

    def sent(self, alert_id: bytes, *, now_ms: int) -> None:
        """The receiver has it."""
        self._sent([OUTBOX, NEXT], [alert_id, now_ms])

    def failed(self, *, now_ms: int) -> int:
        """The receiver has it not; returns for how many seconds it is left alone: 1, 2, 4 and so on."""
        with reaching_the_store():
            tries = int(self._redis.hincrby(NEXT, "tries", 1))
            wait_s = min(LONGEST_WAIT_S, 2 ** min(tries - 1, 10))
            self._redis.hset(NEXT, "due", now_ms + wait_s * 1000)
        return int(wait_s)
