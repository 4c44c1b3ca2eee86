"""
What jobs do with dead letters: first a list of those that are meant, then a move for each page of it.

P = {braze_workspace}:<integration_id>

P:job:<id>      zset  what a job has still to do: id of an entry of P:dlq -> stamp of the submission
P:jobdone:<id>  hash  done, or the reason why a letter was left alone -> how many; expires after 30 days
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
import redis

from schemas.arrival import Judgement
from schemas.attempts import read_attempts
from schemas.deaths import Death, packed, read_deaths
from schemas.integration import Integration
from schemas.person import lane_of
from workers.store.connect import reaching_the_store
from workers.store.inbox import CHECKSUMS, Limits
from workers.store.keys import own, shared
from workers.store.letters import Letter
from workers.store.scripts import Script


class Move(NamedTuple):
    """A letter on its way back, judged again; it stays dead if it goes to no lane."""

    letter: Letter
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Moved:
    """What putting letters back came to; only `ok` has changed anything."""

    status: Literal["ok", "stale", "redo", "full"]
    #: How many wait in their lanes now.
    moved: int = 0
    #: Lanes that want a wake-up call.
    wake: tuple[int, ...] = ()
    #: How many would have had room.
    room: int = 0


class LetterMoves:
    """
    The lists and the moves, over one connection; each move is whole or nothing, and may be repeated.

    Args:
        limits: `lanes` and `max_waiting` bound what is put back.
    """

    def __init__(self, connection: redis.Redis, limits: Limits) -> None:
        self._redis = connection
        self._limits = limits
        self._replay = Script(connection, "replay")
        self._discard = Script(connection, "discard")

    def add(self, integration: Integration, job_id: str, chosen: Mapping[str, int]) -> None:
        """Note what a job has to do; doing so twice changes nothing."""
        if chosen:
            with reaching_the_store():
                self._redis.zadd(f"{own(integration)}:job:{job_id}", dict(chosen))

    def todo(self, integration: Integration, job_id: str, most: int) -> Sequence[str]:
        """The entries that a job has still to do, those accepted first before the others."""
        with reaching_the_store():
            found: Any = self._redis.zrange(f"{own(integration)}:job:{job_id}", 0, most - 1)
        return [entry.decode() for entry in found]

    def told(self, integrations: Sequence[Integration], job_id: str) -> tuple[int, Counter[str]]:
        """How many letters a job has still to do, and what it did so far: `done`, or the reason of those left alone."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for one in integrations:
                pipe.zcard(f"{own(one)}:job:{job_id}")
                pipe.hgetall(f"{own(one)}:jobdone:{job_id}")
            answers: Any = pipe.execute()
        counts = Counter[str]()
        for told in answers[1::2]:
            counts.update({what.decode(): int(count) for what, count in told.items()})
        return sum(answers[::2]), counts

    def times(self, integration: Integration, person: str) -> dict[str, int]:
        """Which submission set which attribute of a person last, as far as that is remembered (open_letters.lua)."""
        with reaching_the_store():
            told = self._redis.hget(f"{shared(integration.braze.workspace)}:times", person)
        return orjson.loads(told) if told else {}

    def drop(self, integrations: Sequence[Integration], job_id: str) -> None:
        """Drop what is kept for a job that is over."""
        with reaching_the_store():
            for one in integrations:
                self._redis.unlink(f"{own(one)}:job:{job_id}", f"{own(one)}:jobdone:{job_id}")

    def put_back(
        self,
        integration: Integration,
        job_id: str,
        moves: Sequence[Move],
        *,
        gone: Sequence[str] = (),
        events_from_ms: int | None = None,
        now_ms: int | None = None,
    ) -> Moved:
        """
        Put letters back behind what waits in their lanes, all of them or none, and cross them off a job's list.

        Args:
            integration: As it was when they were judged.
            gone: Entries of the list that are not dead any more.
            events_from_ms: Events older than this are left out when they are delivered.
            now_ms: Only in tests; otherwise the store's own clock counts.

        Raises: StoreUnavailable, after which they may have been moved; moving them again does nothing.
        """
        limits = self._limits
        args: list[str | bytes | int] = [
            f"{'-' if now_ms is None else now_ms} {limits.lanes} {limits.max_waiting} {integration.version} {job_id}",
            "" if events_from_ms is None else events_from_ms,
        ]
        for move in moves:
            args += _told(move)
        for entry in gone:
            args += (entry, "gone", "", "", "", "")
        status, *told = self._replay([own(integration)], args).decode().split(" ")
        if status != "ok":
            return Moved(status, room=int(told[0]) if told else 0)
        wake = tuple(int(lane) for lane in told[1].split(",") if lane)
        if wake:
            with reaching_the_store():
                self._redis.sadd("komo:active", integration.id)
        return Moved("ok", int(told[0]), wake)

    def discard(self, integration: Integration, job_id: str | None, entries: Sequence[str]) -> int:
        """
        Give letters up for good, by the ids of their entries; they stay searchable among what is settled.

        Returns: How many of them were still dead.
        """
        keys = [own(integration), shared(integration.braze.workspace)]
        return int(self._discard(keys, [integration.id, job_id or "", *entries]))


def _told(move: Move) -> tuple[str | bytes | int, ...]:
    letter, judgement = move
    person = judgement.person
    if judgement.destination != "lane" or person is None:
        return letter.entry, judgement.reason or "gone", "", "", "", ""
    # The version in it stays that under which the submission was received.
    head = [*letter.head[:3], person.packed(), *letter.head[4:]]
    facts = f"{lane_of(person.key, CHECKSUMS)} {judgement.attributes:d} {judgement.events}"
    return letter.entry, "", facts, person.key, orjson.dumps(head), _done(letter)


def _done(letter: Letter) -> bytes:
    """What its new entry has to know of it: JSON up to the time of the replay, which only the store knows."""
    attempts = read_attempts(letter.details)
    number = letter.done.get("k") or attempts.number
    death = Death(letter.at_ms, letter.why, letter.version, number)
    rest = {name: value for name, value in letter.done.items() if name != "h"}
    done = orjson.dumps(rest | {"h": packed([*read_deaths(letter.done.get("h")), death])})
    # A null stands at its end in place of that time.
    return done.removesuffix(b"null]]}")
