"""Submissions of one lane that travel in one request, and what became of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from schemas.attempts import NO_ATTEMPTS, Attempts
from schemas.latency import LONGEST_MS, bucket_of
from schemas.person import Person


class Replay(NamedTuple):
    """What a person asked for when they put a dead letter back."""

    #: How often it was replayed by now.
    number: int
    at_ms: int
    #: Events that happened before are left out.
    events_since_ms: float | None


class Entry(NamedTuple):
    """One submission as it was handed out."""

    id: str
    submission_id: str
    #: Rises with acceptance: says which of two submissions of a Braze workspace was accepted later.
    order: int
    person: Person
    received_ms: int
    event: str
    body: dict[str, Any]
    #: `a`, `e`: names of attributes and keys of events that Braze has taken; `u`: true where it may have taken more;
    #: `r`: true where its messages may have been sent, as it is out of a backup;
    #: `t`, `k`: earlier attempts and their number; `h`: its deaths before it was replayed (schemas.deaths).
    done: dict[str, Any] | None = None
    #: Days since 1970 of its acceptance.
    day: int = 0
    replay: Replay | None = None

    @property
    def tried(self) -> Attempts:
        """What was tried with it in earlier batches."""
        if not self.done or "t" not in self.done:
            return NO_ATTEMPTS
        return Attempts(self.done["t"], self.done.get("k", len(self.done["t"])))

    @property
    def accepted_ms(self) -> int:
        """When it was replayed, or accepted as this person, by the store's clock."""
        return self.replay.at_ms if self.replay else self.order // 1000

    @property
    def deaths(self) -> list[Any]:
        """As `schemas.deaths.packed` has them, oldest first."""
        deaths: list[Any] = (self.done or {}).get("h", [])
        return deaths


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
    #: Failures of this lane since its last success after which Braze seemed to be away; answers 429 in a row.
    fails: int = 0
    limited: int = 0
    #: What was tried with this very batch.
    tried: Attempts = NO_ATTEMPTS
    #: Whether it has to be remembered who set which attribute last, because a dead letter may be replayed.
    guarded: bool = False
    #: The key of a person -> attribute -> the order of the submission that set it last.
    times: Mapping[str, dict[str, int]] = field(default_factory=dict)
    #: The key of a person -> what Braze has accepted of them, as `workers.changes.pack_marks` makes it.
    known: Mapping[str, list[list[Any]]] = field(default_factory=dict)
    #: Where Braze took less than the document allows: objects, and bytes, in one request.
    max_objects: int | None = None
    request_bytes: int | None = None
    #: Whether Braze, or its rate limit, gave trouble since it last answered well.
    shaky: bool = False
    #: When it was handed out, by the store's clock.
    at_ms: int = 0


@dataclass(slots=True)
class Settlement:
    """What became of a batch. Exactly one of `verdicts` and `retry_after_ms` is set."""

    batch: Batch
    #: Whether a request went out: then its people are left alone for the spacing time.
    sent: bool = True
    #: A letter per entry: d delivered, f filtered, x dead, b back to the head of its person's queue.
    verdicts: str = ""
    #: Per entry, for the record: [outcome, [warnings]]; then all attempts, their number, and deaths, if any are older.
    results: list[Any] = field(default_factory=list)
    #: Entry id -> {"why": reason, "details": JSON, "done": JSON of what Braze accepted of it}.
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
    #: Whether Braze seemed to be away.
    away: bool = False
    #: What the gate has to know: see `workers.outcome.news`; None for nothing.
    gate: dict[str, float] | None = None
    #: Every attempt at this batch, the one just made among them.
    tried: Attempts = NO_ATTEMPTS
    counts: dict[str, int] = field(default_factory=dict)
    #: The key of a person -> JSON: attribute -> the order of the submission that set it last.
    times: dict[str, str] = field(default_factory=dict)
    #: The key of a person -> JSON of what Braze has accepted of them by now.
    known: dict[str, str] = field(default_factory=dict)
    #: Entry id -> the messages that are due now that it is delivered, as `workers.send_pack.waiting` has them.
    sends: dict[str, list[list[str]]] = field(default_factory=dict)
    #: Day of acceptance -> how many replayed submissions of that day are settled.
    closed: dict[str, int] = field(default_factory=dict)
    #: Smaller limits that Braze turned out to have: `max_objects`, `request_bytes`.
    learned: dict[str, int] = field(default_factory=dict)
    #: How long what is delivered took since its acceptance: bucket (schemas.latency) -> how many.
    latency: dict[str, int] = field(default_factory=dict)

    def measure(self, now_ms: float) -> None:
        """
        Note how long everything took that is delivered.

        Args:
            now_ms: By the store's clock.
        """
        delivered = zip(self.batch.entries, self.verdicts, strict=False)  # without verdicts nothing is
        times = [round(now_ms) - entry.accepted_ms for entry, verdict in delivered if verdict == "d"]
        self.latency = {str(bucket): count for bucket, count in Counter(map(bucket_of, times)).items()}
        if times:
            self.counts["latency_ms"] = sum(min(max(0, ms), LONGEST_MS) for ms in times)

    def told(self) -> dict[str, Any]:
        """The form that step.lua reads."""
        told: dict[str, Any] = {
            "people": self.batch.people, "sent": self.sent, "counts": self.counts, "number": self.batch.number,
            "version": self.batch.version,
            "tried": orjson.dumps(self.tried.packed()).decode() if self.tried.number else "",
        }  # fmt: skip
        if self.gate is not None:
            told["gate"] = self.gate
        if self.retry_after_ms is not None:
            told |= {"retry_after": self.retry_after_ms, "flight_state": self.flight_state, "away": self.away}
            return told | ({"pause": self.pause} if self.pause else {})
        told["verdicts"] = self.verdicts
        for name in ("dead", "done", "cut", "times", "known", "sends", "closed", "learned", "latency"):
            if value := getattr(self, name):
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
