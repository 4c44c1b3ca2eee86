"""Submissions of one lane that travel in one request, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from schemas.person import Person


class Entry(NamedTuple):
    """One submission as it was handed out."""

    id: str
    submission_id: str
    order: int
    person: Person
    received_ms: int
    event: str
    body: dict[str, Any]
    #: `a`, `e`: names of attributes and keys of events that Braze has taken; `u`: true where it may have taken more.
    done: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step handed out."""

    entries: list[Entry]
    #: "" for new work; "clean" where an earlier attempt was certainly not applied; "unknown" where it may have been.
    sent_before: Literal["", "clean", "unknown"]
    #: How many people the batch was limited to, "" without such a limit; "0" for one submission alone.
    cut: str
    version: int
    #: Failed attempts of this lane since its last success.
    tries: int
    #: As handed out, for the record.
    heads: bytes
    bodies: bytes
    #: Counts the batches of a lane, so that a settlement sent twice settles once.
    number: int = 0
    #: What the store calls the person of each entry.
    people: Sequence[str] = ()


@dataclass(slots=True)
class Settlement:
    """What became of a batch. Exactly one of `verdicts` and `retry_after_ms` is set."""

    batch: Batch
    #: Whether a request went out: then its people are left alone for the spacing time.
    sent: bool = True
    #: A letter per entry: d delivered, f filtered, x dead, b back to the head of its person's queue.
    verdicts: str = ""
    #: Per entry, for the record: [outcome, [warnings]].
    results: list[Any] = field(default_factory=list)
    #: Entry id -> {"why": reason, "details": JSON}.
    dead: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Entry id -> JSON of what Braze accepted of it.
    done: dict[str, str] = field(default_factory=dict)
    #: For entries put back: how many people may share their next batch; "0": one submission alone.
    cut: str | None = None
    #: Whom `cut` is about, by the keys of people; empty: everybody who is put back.
    alone: set[str] = field(default_factory=set)
    retry_after_ms: float | None = None
    flight_state: Literal["clean", "unknown"] = "unknown"
    #: Why the integration pauses, in plain words.
    pause: str | None = None
    #: For how long nobody may call this kind of endpoint of the workspace.
    gate_after_ms: float | None = None
    #: One JSON object about the attempt, for the timeline.
    attempt: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """The form that step.lua reads."""
        told: dict[str, Any] = {
            "people": self.batch.people, "sent": self.sent, "counts": self.counts, "attempt": self.attempt,
            "number": self.batch.number,
        }  # fmt: skip
        if self.gate_after_ms is not None:
            told["gate_after"] = self.gate_after_ms
        if self.retry_after_ms is not None:
            told |= {"retry_after": self.retry_after_ms, "flight_state": self.flight_state}
            return told | ({"pause": self.pause, "version": self.batch.version} if self.pause else {})
        told |= {"verdicts": self.verdicts, "version": self.batch.version}
        for name, value in (("dead", self.dead), ("done", self.done), ("cut", self.cut)):
            if value:
                told[name] = value
        if self.cut and self.alone:
            told["alone"] = dict.fromkeys(self.alone, True)
        return told

    def record(self) -> tuple[bytes, bytes, bytes]:
        """Heads, bodies and results of what was delivered or filtered; three empty texts if nothing was."""
        kept = [i for i, verdict in enumerate(self.verdicts) if verdict in "df"]
        if not kept:
            return b"", b"", b""
        results = orjson.dumps([self.results[i] for i in kept])
        if len(kept) == len(self.verdicts):
            return self.batch.heads, self.batch.bodies, results
        heads, bodies = orjson.loads(self.batch.heads), orjson.loads(self.batch.bodies)
        return orjson.dumps([heads[i] for i in kept]), orjson.dumps([bodies[i] for i in kept]), results
