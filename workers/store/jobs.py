"""
What people asked for and what takes longer than a request: replay, discard, forget.

komo:job:<id>        hash    id, kind, state, by, asked (JSON), created_at, started_at, finished_at (ISO), matched,
                             done, skipped, why, result (JSON), progress (JSON: how far it is, for its step alone),
                             failures (in a row); expires KEEP_S after its end
komo:job:<id>:lease  string  token of the one worker at it; expires after LEASE_MS
komo:jobs            zset    job id -> when it was created, ms; what is older than LISTED_MS goes
komo:jobs:open       set     ids of jobs that are not finished
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import orjson
import redis

from workers.errors import LeaseLost
from workers.store.connect import reaching_the_store
from workers.store.scripts import Script

Kind = Literal["replay", "discard", "forget"]
State = Literal["queued", "running", "done", "failed"]

LEASE_MS = 15_000
#: How long a finished job can be read.
KEEP_S = 7 * 86_400
#: How long a job is listed, at most.
LISTED_MS = 30 * 86_400_000
#: What is kept as JSON; the others are text or numbers.
_JSON = ("asked", "result", "progress")
_NUMBERS = ("matched", "done", "skipped", "failures")


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that somebody asked for, and how far it is."""

    id: str
    kind: Kind
    state: State
    #: Who asked: `api`, `page` or `cli`, as in the audit lines of integrations.
    by: str
    #: The options as plain JSON; None once a forget is over.
    asked: dict[str, Any] | None
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    #: How many letters or entries it is about; how many of them are through, and how many stay as they are.
    matched: int = 0
    done: int = 0
    skipped: int = 0
    #: A sentence, if it failed.
    why: str = ""
    result: dict[str, Any] | None = None
    #: How far it is; only its step knows what that means.
    progress: dict[str, Any] = field(default_factory=dict)
    failures: int = 0

    @property
    def created_ms(self) -> int:
        """When it was created, by the store's clock."""
        return round(datetime.fromisoformat(self.created_at).timestamp() * 1000)

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed")

    def shown(self) -> dict[str, Any]:
        """What the API tells: everything but `progress`; `asked` of a forget names a person, so it is not shown."""
        names = ("id", "kind", "state", "by", "created_at", "started_at", "finished_at", "matched", "done", "skipped")
        told = {name: getattr(self, name) for name in names}
        asked = None if self.kind == "forget" else self.asked
        return told | {"why": self.why or None, "asked": asked, "result": self.result}


class Jobs:
    """Jobs, over one connection. A job's lease is kept per thread: who writes without holding it, loses it."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._note = Script(connection, "job_note")
        self._held = threading.local()

    def create(self, kind: Kind, asked: dict[str, Any], *, by: str) -> Job:
        """
        Keep what somebody asked for; it begins with the next `wake("job", job.id, 0)`, or the next sweep.

        Raises: StoreUnavailable, after which it may have been kept.
        """
        with reaching_the_store():
            seconds, micros = self._redis.time()
            now = seconds * 1000 + micros // 1000
            job = Job(uuid4().hex[:16], kind, "queued", by, asked, _iso(now))
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(
                _key(job.id),
                mapping={
                    "id": job.id, "kind": kind, "state": "queued", "by": by, "asked": orjson.dumps(asked),
                    "created_at": job.created_at,
                },
            )  # fmt: skip
            pipe.zadd("komo:jobs", {job.id: now})
            pipe.sadd("komo:jobs:open", job.id)
            pipe.zremrangebyscore("komo:jobs", "-inf", now - LISTED_MS)
            pipe.execute()
        return job

    def get(self, job_id: str) -> Job | None:
        """A job as it is now; None if there is none, or it ended more than a week ago."""
        with reaching_the_store():
            told: Any = self._redis.hgetall(_key(job_id))
        return _read(told) if told else None

    def recent(self, limit: int = 50) -> list[Job]:
        """The newest jobs that can still be read, newest first."""
        with reaching_the_store():
            ids: Any = self._redis.zrevrange("komo:jobs", 0, limit - 1)
            pipe = self._redis.pipeline(transaction=False)
            for job_id in ids:
                pipe.hgetall(_key(job_id.decode()))
            return [_read(told) for told in pipe.execute() if told]

    def open(self) -> list[str]:
        """Ids of the jobs that are not finished."""
        with reaching_the_store():
            return sorted(member.decode() for member in self._redis.smembers("komo:jobs:open"))  # type: ignore[union-attr]

    def take(self, job_id: str, token: str) -> bool:
        """Become the only one at a job; False if somebody else is. The thread that took it writes with this token."""
        with reaching_the_store():
            if not self._redis.set(_lease(job_id), token, nx=True, px=LEASE_MS):
                return False
        self._tokens()[job_id] = token
        return True

    def renew(self, job_id: str, token: str) -> bool:
        """Keep it a little longer; False if it is no longer ours. `note` does the same."""
        with reaching_the_store():
            return bool(self._note([_key(job_id), _lease(job_id), "komo:jobs:open"], [token, LEASE_MS, 0]))

    def let_go(self, job_id: str, token: str, *, rest_s: float = 0) -> None:
        """Give it back, after a rest in which nobody may take it; nothing happens if it is no longer ours."""
        self._tokens().pop(job_id, None)
        with reaching_the_store():
            self._note([_key(job_id), _lease(job_id), "komo:jobs:open"], [token, round(rest_s * 1000), 0])

    def note(self, job_id: str, **fields: Any) -> None:
        """
        Write how far a job is, by the names of Job's fields, and keep its lease.

        Raises: LeaseLost if somebody else has taken it over; nothing was written then.
        """
        self._write(job_id, fields, keep_s=0)

    def finish(
        self,
        job_id: str,
        *,
        state: Literal["done", "failed"],
        why: str = "",
        result: dict[str, Any] | None = None,
        keep_asked: bool = True,
    ) -> None:
        """
        End a job; it can be read for another week.

        Args:
            why: A sentence, if it failed.
            keep_asked: False where it names a person who is to be forgotten.

        Raises: LeaseLost if somebody else has taken it over; nothing was written then.
        """
        fields: dict[str, Any] = {"state": state, "finished_at": _iso(time.time() * 1000), "why": why, "progress": {}}
        if result is not None:
            fields["result"] = result
        if not keep_asked:
            fields["asked"] = None
        self._write(job_id, fields, keep_s=KEEP_S)

    def begin(self, job_id: str) -> None:
        """Mark a job as running; raises LeaseLost."""
        self.note(job_id, state="running", started_at=_iso(time.time() * 1000))

    def drop(self, job_id: str) -> None:
        """Forget the id of a job that can no longer be read."""
        with reaching_the_store():
            self._redis.srem("komo:jobs:open", job_id)

    def _write(self, job_id: str, fields: dict[str, Any], *, keep_s: int) -> None:
        told: list[str | bytes | int] = [self._tokens().get(job_id, ""), LEASE_MS, keep_s]
        for name, value in fields.items():
            told += (name, orjson.dumps(value) if name in _JSON else value)
        if not self._note([_key(job_id), _lease(job_id), "komo:jobs:open"], told):
            raise LeaseLost

    def _tokens(self) -> dict[str, str]:
        if not hasattr(self._held, "tokens"):
            self._held.tokens = {}
        tokens: dict[str, str] = self._held.tokens
        return tokens


def _key(job_id: str) -> str:
    return f"komo:job:{job_id}"


def _lease(job_id: str) -> str:
    return f"komo:job:{job_id}:lease"


def _iso(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(told: dict[bytes, bytes]) -> Job:
    found: dict[str, Any] = {name.decode(): value.decode() for name, value in told.items()}
    found |= {name: orjson.loads(found[name]) for name in _JSON if name in found}
    found |= {name: int(found[name]) for name in _NUMBERS if name in found}
    return Job(**found)
