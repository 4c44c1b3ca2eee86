"""
What is kept about one person, found and let go of a bounded part at a time.

komo:job:<id>:marks  set   digests of the contact, profile, user and session ids in a person's submissions; expires
P:job:<id>           hash  waiting, held, dead, settled: how many submissions a job has let go of; expires
W:times, W:known:<host>:<n>
                     hash  person -> what is remembered of them (inbox.py); any value that is to be remembered beyond
                           that has to be let go of here, too (`forget_values`)
W:busy               hash  person -> the mark of a request about them; one whose drain died would stay

What waits or is held becomes discarded without a record, and so do dead letters; what is settled stays counted as what
it was, and as expired. Each script happens wholly or not at all, and does nothing the second time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import redis

from schemas.integration import Integration
from schemas.person import lane_of
from workers.store.connect import reaching_the_store
from workers.store.keys import generations, own, shared
from workers.store.scripts import Script

#: How long a job's marks and numbers are kept after it was last at work.
KEEP_S = 7 * 86_400
#: Read in one go.
LETTERS, RECORDS = 100, 16
#: Letters that the store lets go of in one call: each may be as big as a request.
AT_ONCE = 4
NUMBERS = ("waiting", "held", "dead", "settled")


class Kept(NamedTuple):
    """One submission that is kept here."""

    #: [order, day, digest, person, received_ms, version, event]
    head: list[Any]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Passage:
    """What one look at a part of a lane came to."""

    #: Where to go on behind; empty at the lane's end.
    next: str
    #: How many of the person's entries are out, and how many went.
    out: int = 0
    went: int = 0
    #: Only where nothing was to go: the bodies of the person's entries.
    bodies: Collection[bytes] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter, or one submission that is held or waits in a draft."""

    id: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Record:
    """The settled submissions of one batch."""

    id: str
    kept: list[Kept]
    results: list[Any]


class People:
    """What a job that forgets somebody finds and lets go of, over one connection."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._waiting = Script(connection, "forget_waiting")
        self._draft = Script(connection, "forget_draft")
        self._held = Script(connection, "forget_held")
        self._letters = Script(connection, "forget_letters")
        self._settled = Script(connection, "forget_settled")
        self._values = Script(connection, "forget_values")

    def lanes(self, integration: Integration) -> int:
        """How many lanes there are; none before anything was accepted."""
        with reaching_the_store():
            return int(self._redis.hget(f"{own(integration)}:state", "lanes") or 0)

    def orders_ahead(self, integrations: Iterable[Integration]) -> dict[str, int]:
        """
        The last orders of those integrations whose orders run ahead of the store's clock, as it was set back.

        Orders always rise, so what is accepted until the clock has caught up is ordered behind what it says now.
        """
        wanted = list(integrations)
        with reaching_the_store():
            seconds, micros = self._redis.time()
            pipe = self._redis.pipeline(transaction=False)
            for integration in wanted:
                pipe.hget(f"{own(integration)}:state", "order")
            orders = [int(order or 0) for order in pipe.execute()]
        now = seconds * 1_000_000 + micros
        return {one.id: order for one, order in zip(wanted, orders, strict=True) if order > now}

    def waiting(
        self, integration: Integration, lane: int, person_key: str, *, latest: int, after: str, job_id: str
    ) -> Passage | None:
        """
        Look at a part of a lane, and let go of what waits there for a person.

        Args:
            latest: The order of the last submission that counts; later ones are not looked at.
            after: The id of the entry to start behind; empty at the lane's beginning.
            job_id: Empty to let go of nothing, and to return the bodies instead.

        Returns: None while everything that waits is judged again.
        """
        args: list[str | int] = [lane, person_key, latest, after or "-", job_id, integration.id, KEEP_S]
        status, *told = self._waiting(_keys(integration), args)
        if status != b"ok":
            return None
        following, out, went, *bodies = told
        return Passage(following.decode(), out, went, bodies)

    def kept_by_draft(self, integration: Integration, lane: int, after: str) -> list[Letter]:
        """Some of what waits in a draft's lane, oldest first, behind an entry id; empty at the end."""
        return self._entries(integration, f"in:{lane}", after, "+")

    def drop_from_draft(self, integration: Integration, lane: int, ids: Collection[str], job_id: str) -> int:
        """Let go of what waits there by its entry ids; returns how many were there."""
        return int(self._draft([own(integration)], [lane, job_id, KEEP_S, *ids]))

    def is_judged_again(self, integration: Integration) -> bool:
        """Whether what waits lies elsewhere, because its rules were changed."""
        with reaching_the_store():
            return bool(self._redis.hget(f"{own(integration)}:state", "redo"))

    def waits(self, integration: Integration, lane: int, after: str) -> list[Letter]:
        """Some of what waits or is out in a lane, oldest first, behind an entry id; empty at the end."""
        return self._entries(integration, f"in:{lane}", after, "+")

    def last_setters(self, integration: Integration, person_key: str) -> dict[str, int]:
        """Which submission set which attribute of a person last, by its order; kept while letters are open."""
        with reaching_the_store():
            text: Any = self._redis.hget(f"{shared(integration.braze.workspace)}:times", person_key)
        found: dict[str, int] = orjson.loads(text) if text else {}
        return found

    def held(self, integration: Integration, after: str) -> list[Letter]:
        """Some of what is held, oldest first, behind an entry id; empty at the end."""
        return self._entries(integration, "held", after, "+")

    def drop_held(self, integration: Integration, ids: Collection[str], job_id: str) -> int | None:
        """Let go of what is held by its entry ids; returns how many were there, None while all is judged again."""
        went = int(self._held([own(integration)], [job_id, KEEP_S, *ids]))
        return None if went < 0 else went

    def letters(self, integration: Integration, after: str, until: str) -> list[Letter]:
        """Some dead letters, oldest first, behind one entry id and up to another; empty at the end."""
        return self._entries(integration, "dlq", after, until)

    def drop_letters(self, integration: Integration, ids: Collection[str], job_id: str) -> int:
        """Let go of dead letters by their entry ids; returns how many were there."""
        wanted, went = list(ids), 0
        for at in range(0, len(wanted), AT_ONCE):
            went += int(self._letters(_keys(integration), [job_id, integration.id, KEEP_S, *wanted[at : at + AT_ONCE]]))
        return went

    def last_death(self, integration: Integration) -> str:
        """The entry id of the letter that died last, whether it is still there or not; empty before the first."""
        with reaching_the_store():
            if not self._redis.exists(f"{own(integration)}:dlq"):
                return ""
            told: Any = self._redis.xinfo_stream(f"{own(integration)}:dlq")
        last: bytes = told["last-generated-id"]
        return last.decode()

    def last_record(self, integration: Integration) -> str:
        """The id of the newest settled record; empty without any."""
        with reaching_the_store():
            page: Any = self._redis.xrevrange(f"{own(integration)}:settled", count=1)
        return page[0][0].decode() if page else ""

    def records(self, integration: Integration, after: str, until: str) -> list[Record]:
        """Some settled records, oldest first, behind one entry id and up to another; empty at the end."""
        with reaching_the_store():
            page: Any = self._redis.xrange(f"{own(integration)}:settled", _behind(after), until, count=RECORDS)
        return [_read_record(id_.decode(), values) for id_, values in page]

    def rewrite(self, integration: Integration, record: Record, gone: Collection[int], job_id: str) -> int:
        """
        Take submissions out of a settled record, by their places from 0.

        The rest gets a new place at the stream's end: it is searchable a little longer than the others of its time.
        """
        rest = [place for place in range(len(record.kept)) if place not in gone]
        heads = orjson.dumps([record.kept[place].head for place in rest])
        bodies = orjson.dumps([record.kept[place].body for place in rest])
        results = orjson.dumps([record.results[place] for place in rest])
        args: list[str | bytes | int] = [job_id, KEEP_S, record.id, len(gone), len(rest), heads, bodies, results]
        return int(self._settled([own(integration)], args))

    def forget_values(self, integration: Integration, person_key: str) -> None:
        """Drop what is remembered of the values that a person was sent, and of a request about them."""
        lane = lane_of(person_key, max(1, self.lanes(integration)))
        self._values(_keys(integration), [person_key, lane])
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for key in generations(integration.braze):
                pipe.hdel(key, person_key)
            pipe.execute()

    def add_marks(self, job_id: str, marks: Iterable[bytes]) -> None:
        """Keep digests by which submissions that name nobody are known to be a person's."""
        wanted = list(marks)
        if wanted:
            with reaching_the_store():
                pipe = self._redis.pipeline(transaction=True)
                pipe.sadd(_marks(job_id), *wanted)
                pipe.expire(_marks(job_id), KEEP_S)
                pipe.execute()

    def marks(self, job_id: str) -> set[bytes]:
        """What `add_marks` kept."""
        with reaching_the_store():
            return set(self._redis.smembers(_marks(job_id)))  # type: ignore[arg-type]

    def numbers(self, integrations: Iterable[Integration], job_id: str) -> dict[str, int]:
        """How many submissions a job has let go of, by NUMBERS, over all integrations."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for integration in integrations:
                pipe.hmget(f"{own(integration)}:job:{job_id}", list(NUMBERS))
            rows = pipe.execute()
        return {name: sum(int(row[at] or 0) for row in rows) for at, name in enumerate(NUMBERS)}

    def clean_up(self, integrations: Iterable[Integration], job_id: str) -> None:
        """Remove what a finished job has kept for itself."""
        with reaching_the_store():
            self._redis.unlink(_marks(job_id))
            for integration in integrations:
                self._redis.unlink(f"{own(integration)}:job:{job_id}")

    def _entries(self, integration: Integration, stream: str, after: str, until: str) -> list[Letter]:
        with reaching_the_store():
            page: Any = self._redis.xrange(f"{own(integration)}:{stream}", _behind(after), until, count=LETTERS)
        return [
            Letter(id_.decode(), Kept(orjson.loads(values[b"h"]), orjson.loads(values[b"b"]))) for id_, values in page
        ]


def _keys(integration: Integration) -> list[str]:
    return [own(integration), shared(integration.braze.workspace)]


def _marks(job_id: str) -> str:
    return f"komo:job:{job_id}:marks"


def _behind(entry_id: str) -> str:
    return f"({entry_id}" if entry_id else "-"


def _read_record(entry_id: str, values: dict[bytes, bytes]) -> Record:
    heads, bodies = orjson.loads(values[b"h"]), orjson.loads(values[b"b"])
    kept = [Kept(head, body) for head, body in zip(heads, bodies, strict=True)]
    return Record(entry_id, kept, orjson.loads(values[b"r"]))
