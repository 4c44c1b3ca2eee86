"""
Step: one person out of everything kept here, because somebody asked for it.

Two walks over all integrations. The first collects the contact, profile, user and session ids out of the person's own
submissions, the second lets go of what is theirs: submissions about the person, and those that name nobody and carry
one of these ids, held or settled.

What is in flight finishes first. An entry may then become a dead letter, and a replay may have made an entry of a dead
letter that was not looked at yet; so lanes, letters and lanes again are looked through until nothing is found in the
last and nobody died meanwhile, and only then what is settled.

What is held goes before anything can join it to the person, and once more after the lanes, as it may have waited in
one until rules were changed. What a draft keeps names nobody yet: it goes if the draft's identifiers so far say that it
is the person's, if it carries one of these ids, or if the person's e-mail or phone stands in a field of the form.

Submissions accepted after the job was created are not touched: the person may have come back.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

import orjson

from schemas.integration import Integration
from schemas.person import Person
from workers.errors import UnknownIntegration
from workers.store import Stores
from workers.store.jobs import Job
from workers.store.people import Kept
from workers.sweep import Wake
from workers.whose import is_own, is_unnamed, marks_of, person_of, read_body

log = logging.getLogger("komo_braze")

#: What is looked through in each integration, in this order.
STAGES: dict[str, tuple[str, ...]] = {
    "look": ("lanes", "letters", "records"),
    "erase": ("held", "lanes", "letters", "lanes again", "held again", "records"),
}
#: Rounds in a row through new letters and lanes that find nothing, while others die all the time. What is missed then
#: was replayed and died again in each of them.
ROUNDS = 5
_NO_SUCH_PERSON = "The value is not usable as an identifier of this kind, so nothing can be kept under it."


@dataclass(frozen=True, slots=True)
class Place:
    """How far a job is. Names nobody."""

    walk: Literal["look", "erase"] = "look"
    #: Ids are walked in their order; those up to this one are through.
    through: str = ""
    integration: str = ""
    #: Index in STAGES.
    stage: int = 0
    lane: int = 0
    #: Id of the last entry that was looked at.
    after: str = ""
    #: Id of the last record to look at.
    until: str = ""
    #: Whether something of the person is out in this lane.
    out: bool = False
    #: Whether something of the person was in a lane since the letters were begun with.
    found: bool = False
    #: The last death when the letters were begun with: those that died later are new.
    newest: str = ""
    #: Rounds in a row that found nothing.
    rounds: int = 0
    #: Orders up to which submissions count, of integrations whose orders ran ahead of the clock; None before a look.
    ahead: dict[str, int] | None = None
    #: Submissions that went so far, as far as it was noted.
    gone: int = 0

    def next_stage(self) -> "Place":
        return self.at_stage(self.stage + 1)

    def at_stage(self, stage: int) -> "Place":
        """At the beginning of a stage of the same integration."""
        return replace(self, stage=stage, lane=0, after="", until="", out=False)

    def at(self, integration_id: str, through: str) -> "Place":
        """At the beginning of an integration; empty before the first."""
        return Place(self.walk, through, integration_id, gone=self.gone, ahead=self.ahead)


def advance(job: Job, stores: Stores, until: Callable[[], bool], wake: Wake) -> bool:  # noqa: ARG001 - as every job's step
    """
    Go on with forgetting a person; a crash at any line is finished by the next run.

    Args:
        job: `asked` is {"kind", "value", "alias_label" or None}; it is erased at the end.
        until: Whether the time is up; at least one part is looked through.

    Returns: Whether it is finished. If not, it has to be called again: now if the time was up, else in a while, because
        something of the person is in flight or everything that waits is being judged again.
    Raises: LeaseLost; StoreUnavailable.
    """
    if job.asked is None:
        return True
    forgetting = _Forgetting(job, stores)
    while (integration := forgetting.integration()) is not None:
        moved = forgetting.go_on(integration)
        forgetting.note()
        if not moved or until():
            return False
    _finish(job, stores)
    return True


class _Forgetting:
    """One run of a job: where it is, and whom it is about."""

    def __init__(self, job: Job, stores: Stores) -> None:
        self._job, self._stores, self._people = job, stores, stores.people
        self.place = Place(**job.progress)
        self._marks = self._people.marks(job.id)
        if self.place.ahead is None:
            self.place = replace(self.place, ahead=self._people.orders_ahead(_after(stores, "")))

    def integration(self) -> Integration | None:
        """The one to go on with; None if all of them are through."""
        for integration in _after(self._stores, self.place.through):
            if integration.id != self.place.integration:
                self.place = self.place.at(integration.id, self.place.through)
            return integration
        if self.place.walk == "erase":
            return None
        self.place = replace(self.place.at("", ""), walk="erase")
        return self.integration()

    def note(self) -> None:
        """Keep how far it is, and the job's lease."""
        gone = self.place.gone
        self._stores.jobs.note(self._job.id, progress=asdict(self.place), matched=gone, done=gone)

    def go_on(self, integration: Integration) -> bool:
        """Look through one part of an integration; False where it has to wait."""
        assert self._job.asked is not None  # noqa: S101 - for the type checker: `advance` has looked
        person, stages = person_of(self._job.asked, integration), STAGES[self.place.walk]
        if person is None or self.place.stage == len(stages):
            if person and self.place.walk == "erase":
                self._people.forget_values(integration, person.key)
                self._stores.outbox.forget(integration, person.key)
            self.place = self.place.at("", integration.id)
            return True
        stage = stages[self.place.stage]
        if stage.startswith("held"):
            return self._held(integration, person)
        if stage == "letters":
            return self._letters(integration, person)
        if stage == "records":
            return self._records(integration, person)
        if integration.draft and self.place.lane < self._people.lanes(integration):
            return self._draft(integration, person)
        return self._lane(integration, person)

    def _lane(self, integration: Integration, person: Person) -> bool:
        place = self.place
        if place.lane >= self._people.lanes(integration):
            again = STAGES[place.walk][place.stage] == "lanes again" and self._may_have_died(integration)
            self.place = self._next_round() if again else place.next_stage()
            return True
        job_id = self._job.id if place.walk == "erase" else ""
        passage = self._people.waiting(
            integration, place.lane, person.key, latest=self._latest(integration), after=place.after, job_id=job_id
        )
        if passage is None:  # it begins again; what was found stays found
            self.place = place.at_stage(place.stage)
            return False
        self._learn(marks_of(read_body(orjson.loads(body))) for body in passage.bodies)
        place = replace(
            place, after=passage.next, gone=place.gone + passage.went,
            out=place.out or passage.out > 0, found=place.found or passage.out + passage.went > 0,
        )  # fmt: skip
        at_end = not passage.next
        self.place = replace(place, out=False, lane=place.lane + (not place.out)) if at_end else place
        return not (at_end and place.out)

    def _draft(self, integration: Integration, person: Person) -> bool:
        """What waits in a draft names nobody yet, and nothing of it is out."""
        place = self.place
        entries = self._people.kept_by_draft(integration, place.lane, place.after)
        theirs = {one.id for one in entries if self._is_theirs(one.kept, integration, person)}
        gone = 0
        if theirs and place.walk == "erase":
            gone = self._people.drop_from_draft(integration, place.lane, theirs, self._job.id)
        place = replace(place, gone=place.gone + gone)
        self.place = replace(place, after=entries[-1].id) if entries else replace(place, after="", lane=place.lane + 1)
        return True

    def _held(self, integration: Integration, person: Person) -> bool:
        held = self._people.held(integration, self.place.after)
        theirs = {one.id for one in held if self._is_theirs(one.kept, integration, person)}
        # Asked also where there is nothing to drop: it may lie elsewhere, while all is judged again.
        gone = self._people.drop_held(integration, theirs, self._job.id)
        if gone is None:
            self.place = self.place.at_stage(self.place.stage)
            return False
        place = replace(self.place, gone=self.place.gone + gone)
        self.place = replace(place, after=held[-1].id) if held else place.next_stage()
        return True

    def _may_have_died(self, integration: Integration) -> bool:
        """Whether a letter of the person may be among those that died since the letters were begun with."""
        place = self.place
        return place.found or (place.rounds < ROUNDS and self._people.last_death(integration) != place.newest)

    def _next_round(self) -> Place:
        """To the letters again, behind those that were there when they were begun with."""
        place = self.place
        rounds = 0 if place.found else place.rounds + 1
        again = place.at_stage(place.stage - 1)
        return replace(again, after=place.newest, newest="", found=False, rounds=rounds)

    def _letters(self, integration: Integration, person: Person) -> bool:
        if not self.place.newest:
            self.place = replace(self.place, newest=self._people.last_death(integration), found=False)
        # Those that die meanwhile are for the next round: they might go on dying for ever.
        until = self.place.newest
        letters = self._people.letters(integration, self.place.after, until) if until else []
        if not letters:
            self.place = self.place.next_stage()
            return True
        theirs = {one.id for one in letters if self._is_theirs(one.kept, integration, person)}
        gone = self._people.drop_letters(integration, theirs, self._job.id) if self.place.walk == "erase" else 0
        rounds = 0 if gone else self.place.rounds
        self.place = replace(self.place, after=letters[-1].id, gone=self.place.gone + gone, rounds=rounds)
        return True

    def _records(self, integration: Integration, person: Person) -> bool:
        # What is put at the end meanwhile has been looked at, or was accepted later.
        until = self.place.until or self._people.last_record(integration)
        records = self._people.records(integration, self.place.after, until) if until else []
        if not records:
            self.place = self.place.next_stage()
            return True
        gone = 0
        for record in records:
            theirs = {at for at, one in enumerate(record.kept) if self._is_theirs(one, integration, person)}
            if theirs and self.place.walk == "erase":
                gone += self._people.rewrite(integration, record, theirs, self._job.id)
        self.place = replace(self.place, after=records[-1].id, until=until, gone=self.place.gone + gone)
        return True

    def _is_theirs(self, kept: Kept, integration: Integration, person: Person) -> bool:
        """Whether it has to go; on the first walk, what it says about the person is learned instead."""
        if kept.head[0] > self._latest(integration):
            return False
        submission, named = read_body(kept.body), Person(*kept.head[3]) if kept.head[3] else None
        own = is_own(named, submission, integration, person)
        if self.place.walk == "look":
            self._learn([marks_of(submission)] if own else [])
            return own
        if own or self._marks.isdisjoint(marks_of(submission)):
            return own
        return is_unnamed(named, submission, integration)

    def _latest(self, integration: Integration) -> int:
        """The order of the last submission that counts."""
        # The last microsecond of the job's creation: orders are microseconds of the same clock.
        return max(self._job.created_ms * 1000 + 999, (self.place.ahead or {}).get(integration.id, 0))

    def _learn(self, found: Iterable[set[bytes]]) -> None:
        new = {mark for marks in found for mark in marks} - self._marks
        self._people.add_marks(self._job.id, new)
        self._marks |= new


def _after(stores: Stores, through: str) -> Iterator[Integration]:
    for integration_id in sorted(stores.integrations.ids()):
        if integration_id > through:
            try:
                yield stores.integrations.get(integration_id).integration
            except UnknownIntegration:  # removed meanwhile, with all that was kept for it
                continue


def _finish(job: Job, stores: Stores) -> None:
    """Tell what went, and forget whom it was about."""
    integrations = list(_after(stores, ""))
    numbers = stores.people.numbers(integrations, job.id)
    usable = not integrations or any(person_of(job.asked or {}, one) for one in integrations)
    total = sum(numbers.values())
    stores.jobs.note(job.id, matched=total, done=total)
    stores.jobs.finish(
        job.id, state="done" if usable else "failed", why="" if usable else _NO_SUCH_PERSON, result=numbers,
        keep_asked=False,
    )  # fmt: skip
    stores.people.clean_up(integrations, job.id)
    log.info("person.forgotten", extra={"job": job.id, **numbers})
