"""
The outbox: messages that Braze shall send, each kind in a stream of its own, read under a fenced lease.

P = {braze_workspace}:<integration_id>, <name> = sends:campaign, sends:canvas or sends:transactional

P:<name>         stream  messages that wait or are out, oldest first: k kind, i Braze's id of the campaign or canvas,
                         s JSON (rule, properties, person, submission, at: when it was received, ms), p person key,
                         t not before, ms
P:lane:<name>    hash    flight, flight_state, holder, before, number, out_at: the call that is out (ids with blanks
                         between); doubt_at: since when Braze may have it; groups: parts of a refused call that are
                         still to be tried; retry_at, failed_at, fails, alarm; paused_because, paused_version, probe_at:
                         Braze does not let us ask; problem, problem_of, problem_at, problem_for: what Braze said last
                         of a message it will not send, of which campaign or canvas, when, and the person key. Times in
                         ms
P:lease:<name>   string  token of the one drain at work there; expires
P:wake:<name>    string  "somebody will come by"; expires
P:sends:due      zset    <name> -> when it wants to run next, ms; only where something waits
P:sends:troubles stream  what was not sent, or nobody knows of: what (dead, unknown), kind, id, submission, rule, p
                         person key, status, words, at (ms); without what the message said; bounded in number and age
P:ledger         hash    sent, send_unknown, send_dead: messages
W:gate:send      hash    whether Braze may be asked: step/gate.lua; W is {braze_workspace}

A message of a campaign or canvas is asked for at most once, as Braze has no key to know it again by: `flight_state` is
`sent` before the call leaves, and what is found so without its holder counts as unknown. A transactional message has a
key, which Braze knows for a day, and is asked for again until then. A crash of the store itself may take the mark
along, where its file is not written at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from schemas.integration import Integration
from schemas.mapping import SendKind
from schemas.outgoing import SEND_KINDS, Calls, CallSettlement, unpacked
from workers.errors import LeaseLost
from workers.store.connect import reaching_the_store
from workers.store.inbox import FLIGHT_MS, LEASE_MS, PROBE_MS, Rest
from workers.store.keys import own, shared
from workers.store.scripts import Script
from workers.tally import Tally

#: Recipients in one call. https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_campaigns/
MAX_RECIPIENTS = 50
#: Of the data in one call; a request may have 4 MB. https://www.braze.com/docs/api/api_limits/
MAX_CALL_BYTES = 3_000_000
#: Requests and ms, of all endpoints that share Braze's hourly limit. https://www.braze.com/docs/api/api_limits/
RATES = "250000/3600000"
#: Braze knows a transactional message again for 24 hours; a little less, as its clock is not ours.
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
KEY_MS = 23 * 3_600_000
TROUBLES = "sends:troubles"
MOST_EXPIRED = 500


@dataclass(frozen=True, slots=True)
class Outlook:
    """How one kind of messages is doing."""

    kind: SendKind
    waiting: int
    #: Why Braze is not asked for any; '' if it is.
    paused_because: str
    #: Braze's words of the last message that it did not send, '' if none since the last good one of the same campaign.
    problem: str
    #: Braze's id of that campaign or canvas.
    problem_of: str


class Outbox:
    """
    Over one connection.

    Args:
        spacing_ms: How long a message waits after its submission was accepted, as Braze applies it a little later.
        keep_hours: How long a message may wait, and how long it stays known what was not sent.
    """

    def __init__(
        self, connection: redis.Redis, *, spacing_ms: int = 2000, keep_hours: int = 720, tally: Tally | None = None
    ) -> None:
        self._redis = connection
        self._spacing_ms, self._keep_ms = spacing_ms, keep_hours * 3_600_000
        self._step = Script(connection, "send_step", tally, told=True)
        self._sweep = Script(connection, "send_sweep")
        self._kick = Script(connection, "send_kick")
        self._forget = Script(connection, "send_forget")
        self._expire = Script(connection, "send_expire")

    def step(
        self,
        integration: Integration,
        kind: SendKind,
        token: str,
        settlement: CallSettlement | None = None,
        *,
        release: bool = False,
        now_ms: float | None = None,
    ) -> Calls | Rest:
        """
        Settle the last call and take the next, in one step that happens wholly or not at all.

        Args:
            token: Of this drain, the same from its first step to its last.
            release: Let others go on after settling.
            now_ms: Only in tests; otherwise the store's own clock counts.

        Raises: LeaseLost if another drain has taken over; nothing was settled then.
        """
        has_key = kind == "transactional"
        ask: dict[str, Any] = {
            "name": _name(kind), "token": token, "release": release, "lease_ms": LEASE_MS, "flight_ms": FLIGHT_MS,
            "spacing_ms": self._spacing_ms, "rates": RATES, "most": 1 if has_key else MAX_RECIPIENTS,
            "probe_ms": PROBE_MS, "most_bytes": MAX_CALL_BYTES, "key_ms": KEY_MS if has_key else 0,
        }  # fmt: skip
        if now_ms is not None:
            ask["now"] = now_ms
        if settlement:
            ask["settle"] = settlement.told()
        answer = self._step([own(integration), shared(integration.braze.workspace)], [orjson.dumps(ask)])
        return _read_step(kind, answer)

    def renew(self, integration: Integration, kind: SendKind, token: str) -> bool:
        """Keep the lease a little longer; False if it is no longer ours."""
        key = f"{own(integration)}:lease:{_name(kind)}"
        with reaching_the_store():
            if self._redis.get(key) != token.encode():
                return False
            return bool(self._redis.pexpire(key, LEASE_MS))

    def sweep(self, integration: Integration, *, slow: bool = False, now_ms: float | None = None) -> list[SendKind]:
        """
        The kinds that have to be called for now; each is named once in five seconds.

        Args:
            slow: Look at all that waits, also what is on no list.
        """
        return _kinds(self._sweep([own(integration)], ["" if now_ms is None else now_ms, "1" if slow else ""]))

    def kick(self, integration: Integration, *, now_ms: float | None = None) -> list[SendKind]:
        """Make due what waits, also what Braze has paused: after a resume or a save. Returns those kinds."""
        return _kinds(self._kick([own(integration)], ["" if now_ms is None else now_ms]))

    def forget_wake(self, integration: Integration, kind: SendKind) -> None:
        """Say that nobody will come by after all, so that the next sweep calls again."""
        with reaching_the_store():
            self._redis.delete(f"{own(integration)}:wake:{_name(kind)}")

    def kept_of(self, integration: Integration, person_key: str) -> Iterator[dict[str, Any]]:
        """Messages that wait for a person, and what is known of those that were not sent, a bounded part at a time."""
        for stream in (*(f"sends:{kind}" for kind in SEND_KINDS), TROUBLES):
            after = "-"
            while chunk := self._chunk(f"{own(integration)}:{stream}", after):
                after = f"({chunk[-1][0].decode()}"
                yield from (_told(stream, values) for _, values in chunk if values.get(b"p") == person_key.encode())

    def _chunk(self, key: str, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        with reaching_the_store():
            found: Any = self._redis.xrange(key, after, count=MOST_EXPIRED)
        chunk: list[tuple[bytes, dict[bytes, bytes]]] = found
        return chunk

    def forget(self, integration: Integration, person_key: str) -> int:
        """
        Let go of everything kept for one person; returns how many messages will not be asked for any more.

        A call that is out finishes, and is not made again for them.
        """
        gone = sum(self._forget_in(integration, _name(kind), person_key) for kind in SEND_KINDS)
        self._forget_in(integration, TROUBLES, person_key)
        return gone

    def look(self, integration: Integration) -> list[Outlook]:
        """How each kind is doing, in the order of SEND_KINDS."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for kind in SEND_KINDS:
                pipe.xlen(f"{own(integration)}:{_name(kind)}")
                pipe.hmget(f"{own(integration)}:lane:{_name(kind)}", ["paused_because", "problem", "problem_of"])
            found = iter(pipe.execute())
        return [Outlook(kind, next(found), *map(_text, next(found))) for kind in SEND_KINDS]

    def troubles(
        self, integration: Integration, *, submission_id: str | None = None, limit: int = 100, look_at: int = 10_000
    ) -> list[dict[str, Any]]:
        """
        Messages that were not sent, or of which nobody knows, newest first.

        Args:
            submission_id: Only those of one submission.
            look_at: How many of the newest are read at most.

        Returns: `what` (dead, unknown), `kind`, `id`, `submission`, `rule`, `status`, `words` (Braze's own), `at` (ms).
        """
        found = []
        for told in self._newest_troubles(integration, look_at):
            if submission_id in (None, told["submission"]):
                found.append(told)
                if len(found) == limit:
                    break
        return found

    def trim(self, integration: Integration, *, now_ms: int) -> None:
        """Let go of what has waited, or was known, for long enough; a bounded number at a time."""
        for kind in SEND_KINDS:
            self._expire([own(integration)], [_name(kind), max(0, now_ms - self._keep_ms), now_ms, MOST_EXPIRED])
        with reaching_the_store():
            self._redis.xtrim(f"{own(integration)}:{TROUBLES}", minid=max(0, now_ms - self._keep_ms), approximate=False)

    def _forget_in(self, integration: Integration, stream: str, person_key: str) -> int:
        gone, after = 0, b"-"
        while after:
            after, went = self._forget([own(integration)], [stream, person_key, after])
            gone += int(went)
        return gone

    def _newest_troubles(self, integration: Integration, most: int) -> Iterator[dict[str, Any]]:
        key, until, page = f"{own(integration)}:{TROUBLES}", "+", 500
        while most > 0:
            with reaching_the_store():
                found: Any = self._redis.xrevrange(key, max=until, count=min(page, most))
            for entry_id, fields in found:
                yield _read_trouble(fields)
                until = f"({_text(entry_id)}"
            most = most - page if len(found) == page else 0


def _name(kind: SendKind) -> str:
    return f"sends:{kind}"


def _kinds(names: list[bytes]) -> list[SendKind]:
    return [kind for kind in SEND_KINDS if _name(kind).encode() in names]


def _text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""


def _read_trouble(fields: dict[bytes, bytes]) -> dict[str, Any]:
    told: dict[str, Any] = {_text(name): _text(value) for name, value in fields.items() if name != b"p"}
    return told | {name: int(float(told[name])) for name in ("rule", "status", "at")}


def _read_step(kind: SendKind, answer: list[Any]) -> Calls | Rest:
    match answer[0]:
        case b"calls":
            _, entries, sent_before, version, number, fails, limited, shaky = answer
            messages = [unpacked(kind, of.decode(), text) for of, text in entries]
            return Calls(kind, messages, sent_before.decode(), int(version), number, fails, limited, bool(shaky))
        case b"wait":
            return Rest("wait", wait_ms=answer[1], alarm=answer[3] == b"alarm")
        case b"lost":
            raise LeaseLost
        case why:
            return Rest(why.decode())


def _told(stream: str, values: dict[bytes, bytes]) -> dict[str, Any]:
    fields: dict[str, Any] = {name.decode(): value.decode() for name, value in values.items() if name != b"p"}
    if "s" in fields:
        fields["message"] = orjson.loads(fields.pop("s"))
    return {"from": stream} | fields
