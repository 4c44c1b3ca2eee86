"""
What people asked for and what takes longer than a request: replay, discard, forget.

komo:job:<id>        hash    id, kind, state, by, asked (JSON), created_at, started_at, finished_at (ISO), matched,
                             done, skipped, why, result (JSON), progress (JSON: how far it is, for its step alone),
                             failures (in a row), spent (at work, ms); expires KEEP_S after its end
komo:job:<id>:lease  string  token of the one worker at it, expires after LEASE_MS; or `rests`: nobody may take it yet
komo:job:<id>:called string  there while a call for it is on its way
komo:jobs            zset    job id -> when it was created, ms; what is older than LISTED_MS goes
komo:jobs:open       set     ids of jobs that are not finished
komo:jobs:lease:<n>  string  a place for a job at work: token of who has it, expires after LEASE_MS; or `for` and the id
                             of the job that is called to it, expires after KEPT_MS
komo:jobs:line       zset    job id -> its spent; jobs that found every place taken
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
State = Literal["queued", "running", "done", "failed", "stopped"]

LEASE_MS = 15_000
#: Jobs at work at one moment, over all workers: they must not crowd out deliveries.
AT_WORK = 2
#: A place is kept so long for the one that was called to it: it should not go to whoever comes by.
KEPT_MS = 1_000
#: A call that has not arrived so long after its time is lost, or its queue is long; the sweep calls again.
CALL_MS = 5_000
#: Who stands in line is called by whoever leaves a place; should these have died, by the sweep.
LINE_MS = LEASE_MS
#: How long a finished job can be read.
KEEP_S = 7 * 86_400
#: How long a job is listed, at most.
LISTED_MS = 30 * 86_400_000
#: What is kept as JSON; the others are text or numbers.
_JSON = ("asked", "result", "progress")
_NUMBERS = ("matched", "done", "skipped", "failures", "spent")
#: Members of a filter that may name a person: they are not shown, and not kept longer than they are needed.
_NAMING = ("identifier", "text")
_OPEN = "komo:jobs:open"
_LINE = "komo:jobs:line"
_PLACES = tuple(f"komo:jobs:lease:{number}" for number in range(AT_WORK))


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that somebody asked for, and how far it is."""

    id: str
    kind: Kind
    state: State
    #: Who asked: `api`, `page` or `cli`, as in the audit lines of integrations.
    by: str
    #: The options as plain JSON; once it is over without what may name a person, and None of a forget.
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
    #: For how long it was at work, ms; who stands in line with the least is next.
    spent: int = 0

    @property
    def created_ms(self) -> int:
        """When it was created, by the store's clock."""
        return round(datetime.fromisoformat(self.created_at).timestamp() * 1000)

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def shown(self) -> dict[str, Any]:
        """What the API tells: everything but `progress`, and what names a person."""
        names = ("id", "kind", "state", "by", "created_at", "started_at", "finished_at", "matched", "done", "skipped")
        told = {name: getattr(self, name) for name in names}
        return told | {"why": self.why or None, "asked": self.asked_of_nobody(), "result": self.result}

    def short(self) -> dict[str, Any]:
        """The same for a list: without ids and results, of which there may be thousands."""
        told = self.shown()
        asked = told["asked"] and {name: value for name, value in told["asked"].items() if name != "ids"}
        return {name: value for name, value in told.items() if name != "result"} | {"asked": asked}

    def asked_of_nobody(self) -> dict[str, Any] | None:
        """`asked` without what may name a person: a forget is about one, and a filter may be."""
        if self.kind == "forget" or self.asked is None:
            return None
        letters = self.asked.get("filter")
        if letters is None:
            return self.asked
        return self.asked | {"filter": {name: letters[name] for name in letters if name not in _NAMING}}


class Jobs:
    """Jobs, over one connection. A job's lease is kept per thread: who writes without holding it, loses it."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._note = Script(connection, "job_note")
        self._take = Script(connection, "job_take")
        self._let_go = Script(connection, "job_let_go")
        self._stop = Script(connection, "job_stop")
        self._calls = Script(connection, "job_calls")
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
            pipe.sadd(_OPEN, job.id)
            pipe.zremrangebyscore("komo:jobs", "-inf", now - LISTED_MS)
            pipe.execute()
        return job

    def keep_finished(self, kind: Kind, asked: dict[str, Any], result: dict[str, Any], *, by: str, matched: int) -> Job:
        """Keep the record of what was done while somebody waited for it, without what names a person."""
        with reaching_the_store():
            seconds, micros = self._redis.time()
            now = seconds * 1000 + micros // 1000
            job = Job(
                uuid4().hex[:16], kind, "done", by, asked, _iso(now), _iso(now), _iso(now), matched, result=result
            )
            fields: dict[Any, Any] = {
                "id": job.id, "kind": kind, "state": job.state, "by": by, "asked": orjson.dumps(job.asked_of_nobody()),
                "created_at": job.created_at, "started_at": job.created_at, "finished_at": job.created_at,
                "matched": matched, "result": orjson.dumps(result),
            }  # fmt: skip
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(_key(job.id), mapping=fields)
            pipe.expire(_key(job.id), KEEP_S)
            pipe.zadd("komo:jobs", {job.id: now})
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
            return sorted(member.decode() for member in self._redis.smembers(_OPEN))  # type: ignore[union-attr]

    def to_call(self) -> list[str]:
        """Ids of open jobs for whom no call is on its way; whoever asks has to call them."""
        with reaching_the_store():
            if not self._redis.exists(_OPEN):
                return []
        found = self._calls([_OPEN, _LINE, *_PLACES], [CALL_MS, *_called("\n").split("\n")])
        return sorted(one.decode() for one in found)

    def expect_call(self, job_id: str) -> None:
        """Let the sweep know that a call for this job is about to be made."""
        with reaching_the_store():
            self._redis.set(_called(job_id), 1, px=CALL_MS)

    def forget_call(self, job_id: str) -> None:
        """The call could not be made: the next sweep makes it."""
        with reaching_the_store():
            self._redis.delete(_called(job_id))

    def take(self, job_id: str, token: str) -> bool:
        """
        Become the only one at a job; the thread that took it writes with this token.

        Returns: False if somebody else is at it, it rests, or AT_WORK jobs are at work; then it is called in its turn.
        """
        if not self._take(_keys(job_id), [token, LEASE_MS, job_id, LINE_MS]):
            return False
        self._tokens()[job_id] = token
        return True

    def renew(self, job_id: str, token: str) -> bool:
        """Keep it a little longer; False if it is no longer ours. `note` does the same."""
        return bool(self._note([_key(job_id), _lease(job_id), _OPEN, *_PLACES], [token, LEASE_MS, 0]))

    def let_go(self, job_id: str, token: str, *, rest_s: float | None = None, spent_s: float = 0) -> str | None:
        """
        Give it back.

        Args:
            rest_s: After so long it is called again, and most of that time nobody may take it; None: nobody calls.
            spent_s: For how long it was at work.

        Returns: The job that is next on the place that this one has left; it has to be called.
        """
        self._tokens().pop(job_id, None)
        rest_ms = round((rest_s or 0) * 1000)
        call_ms = 0 if rest_s is None else rest_ms + CALL_MS
        args: list[str | bytes | int | float] = [token, round(rest_ms * 0.8), call_ms, round(spent_s * 1000), KEPT_MS]
        following: bytes = self._let_go(_keys(job_id), args)
        return following.decode() or None

    def stop(self, job: Job) -> bool:
        """End a job where it is; what names a person goes. Returns: whether it was not over yet."""
        asked = orjson.dumps(job.asked_of_nobody())
        fields = ("state", "stopped", "finished_at", _iso(time.time() * 1000), "progress", "{}", "asked", asked)
        return bool(self._stop([*_keys(job.id)[:4], _OPEN], [job.id, KEEP_S, *fields]))

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
            keep_asked: False where nothing of it is to be kept; what may name a person is not kept anyway.

        Raises: LeaseLost if somebody else has taken it over; nothing was written then.
        """
        fields: dict[str, Any] = {"state": state, "finished_at": _iso(time.time() * 1000), "why": why, "progress": {}}
        if result is not None:
            fields["result"] = result
        job = self.get(job_id) if keep_asked else None
        fields["asked"] = job and job.asked_of_nobody()
        self._write(job_id, fields, keep_s=KEEP_S)

    def begin(self, job_id: str) -> None:
        """Mark a job as running; raises LeaseLost."""
        self.note(job_id, state="running", started_at=_iso(time.time() * 1000))

    def drop(self, job_id: str) -> None:
        """Forget the id of a job that can no longer be read."""
        with reaching_the_store():
            self._redis.srem(_OPEN, job_id)
            self._redis.zrem(_LINE, job_id)

    def _write(self, job_id: str, fields: dict[str, Any], *, keep_s: int) -> None:
        told: list[str | bytes | int] = [self._tokens().get(job_id, ""), LEASE_MS, keep_s]
        for name, value in fields.items():
            told += (name, orjson.dumps(value) if name in _JSON else value)
        if not self._note([_key(job_id), _lease(job_id), _OPEN, *_PLACES], told):
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


def _called(job_id: str) -> str:
    return f"komo:job:{job_id}:called"


def _keys(job_id: str) -> list[str]:
    return [_key(job_id), _lease(job_id), _called(job_id), _LINE, *_PLACES]


def _iso(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(told: dict[bytes, bytes]) -> Job:
    found: dict[str, Any] = {name.decode(): value.decode() for name, value in told.items()}
    found |= {name: orjson.loads(found[name]) for name in _JSON if name in found}
    found |= {name: int(found[name]) for name in _NUMBERS if name in found}
    return Job(**found)
