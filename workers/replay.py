"""
Step: dead letters → lanes, because a person asked; under the rules that are current now, in acceptance order.

A letter that still goes nowhere stays dead. What Braze has accepted of a letter travels with it, and is left out.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.arrival import Judgement
from schemas.dead_letter import ReplayOptions
from schemas.integration import Integration
from schemas.komo import read_submission
from workers.chosen import WAIT_S, choose, integrations_of, tell
from workers.errors import UnknownIntegration
from workers.judge import judge
from workers.rehearse import dry_run
from workers.store import Stores
from workers.store.jobs import Job
from workers.store.letter_moves import Move
from workers.store.letters import Letter
from workers.sweep import Wake
from workers.transform import CompiledMapping, compile_mapping

__all__ = ["advance", "dry_run"]

log = logging.getLogger("komo_braze")

#: Letters moved in one go.
PAGE = 75
HOUR_MS = 3_600_000
#: With a rate, so much of it goes at once at first, and at most after the replay was held up.
FIRST_MS, CATCH_UP_MS = 1000.0, 5000.0


@dataclass(slots=True)
class _Pace:
    """How many letters may go now, at a rate. `from_ms` is the time from which the rate counts; None at the start."""

    rate: float | None
    now_ms: float
    from_ms: float | None = None

    def room(self) -> int:
        if self.rate is None:
            return PAGE
        most_ms = FIRST_MS if self.from_ms is None else CATCH_UP_MS
        self.from_ms = max(self.from_ms or 0.0, self.now_ms - max(most_ms, 1000 / self.rate))
        return min(PAGE, int((self.now_ms - self.from_ms) * self.rate / 1000 + 1e-6))

    def spend(self, letters: int) -> None:
        if self.rate is not None and self.from_ms is not None:
            self.from_ms += letters * 1000 / self.rate

    def rest_s(self) -> float:
        """After how many seconds it is worth while to look again."""
        if self.rate is None or self.from_ms is None:
            return WAIT_S
        return max(WAIT_S, (self.from_ms - self.now_ms) / 1000 + 1 / self.rate)


def advance(
    job: Job, stores: Stores, until: Callable[[], bool], wake: Wake, *, clock: Callable[[], float] = time.time
) -> float | None:
    """
    Bring a replay forward; a crash at any line is finished by the next run.

    Args:
        job: Its `asked` are ReplayOptions.
        until: Whether the time is up.
        clock: Seconds; for the rate.

    Returns: After how many seconds to call again, longer where it has to wait: for its rate, for room, for what is
        judged again; None if it is over.
    Raises: LeaseLost if another worker has taken the job over.
    """
    options = ReplayOptions.from_json(job.asked or {})
    if options.dry_run:
        stores.jobs.finish(job.id, state="done", result=_without_requests(dry_run(options, stores)))
        return None
    if not choose(job, options, stores, until):
        return 0.0
    pace = _Pace(options.rate, clock() * 1000, job.progress.get("from_ms"))
    for one in integrations_of(stores, options):
        with suppress(UnknownIntegration):  # deleted meanwhile
            while not until() and _put_back(job, options, one.id, stores, wake, pace):
                if tell(job, options, stores, from_ms=pace.from_ms):
                    return None
                pace.now_ms = clock() * 1000
    if tell(job, options, stores, from_ms=pace.from_ms):
        return None
    return 0.0 if until() else pace.rest_s()


def _without_requests(told: dict[str, Any]) -> dict[str, Any]:
    """They hold what people typed: they are answered to whoever asks, and never kept."""
    return {name: value for name, value in told.items() if name != "requests"}


def _put_back(
    job: Job, options: ReplayOptions, integration_id: str, stores: Stores, wake: Wake, pace: _Pace
) -> bool:  # fmt: skip
    """Move one page; False if nothing is left, or it has to wait."""
    integration, moves = stores.integrations.get(integration_id).integration, stores.dead_letters.moves
    most = pace.room()
    for _ in range(2):  # once more with as many as there is room for
        entries = moves.todo(integration, job.id, most) if most > 0 else []
        if not entries:
            return False
        found = stores.dead_letters.read(integration, entries)
        there = [one for one in found if one]
        moved = moves.put_back(
            integration, job.id, _judge_all(there, integration),
            gone=[entry for entry, one in zip(entries, found, strict=True) if one is None],
            events_from_ms=_events_from_ms(job, options),
        )  # fmt: skip
        if moved.status != "full":
            break
        most = moved.room
    if moved.status == "ok":
        pace.spend(len(there))
        _call(integration, moved.wake, stores, wake)
        log.info("dead_letter.replayed", extra={"job": job.id, "integration": integration.id, "count": moved.moved})
    return moved.status in ("ok", "stale")


def _events_from_ms(job: Job, options: ReplayOptions) -> int | None:
    hours = options.events_not_older_than_hours
    return None if hours is None else job.created_ms - int(hours * HOUR_MS)


def _judge_all(letters: Sequence[Letter], integration: Integration) -> list[Move]:
    mapping = compile_mapping(integration)
    return [Move(letter, _judge(letter, integration, mapping)) for letter in letters]


def _judge(letter: Letter, integration: Integration, mapping: CompiledMapping) -> Judgement:
    received_at = datetime.fromtimestamp(letter.head[4] / 1000, UTC)
    try:
        submission = read_submission(orjson.loads(letter.body), id=letter.id, received_at=received_at)
        judgement = judge(submission, integration, mapping)
        if judgement.destination != "lane" or letter.was_taken:
            return judgement
        mapped = mapping.apply(submission, judgement.person)
    except Exception:  # whatever is wrong with one must not hold up the others
        log.exception("mapping.failed", extra={"submission": letter.id})
        return Judgement("dead", reason="mapping_failed")
    if mapped.attributes or mapped.events or mapped.sends:
        return judgement
    return Judgement("dead", reason="no_usable_value" if mapped.warnings else "nothing_mapped")


def _call(integration: Integration, lanes: Sequence[int], stores: Stores, wake: Wake) -> None:
    for lane in lanes:
        try:
            wake("drain", integration.id, lane)
        except Exception as error:  # whatever the broker's client raises: the sweep calls again
            stores.inbox.forget_wake(integration, lane)
            log.warning("wake.failed", extra={"integration": integration.id, "error": type(error).__name__})
