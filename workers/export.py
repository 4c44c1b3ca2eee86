"""
Step: everything that is kept here about one person, for whoever has a right to see it.

Found as `workers.forget` finds it: a first walk collects the ids that Komo has for the person, the second tells what
names the person, or names nobody and carries one of these ids. Nothing is kept of the answer: it is told bit by bit.
What waits is looked through again behind the dead letters, as a replay may have moved one there meanwhile.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from schemas.integration import Integration
from schemas.person import Person
from schemas.submission import Submission
from workers.changes import read_marks
from workers.errors import Conflict, UnknownIntegration
from workers.store import Stores
from workers.store.handed_out import submission_id
from workers.store.people import Kept, Letter
from workers.whose import is_own, is_unnamed, marks_of, person_of, read_body

log = logging.getLogger("komo_braze")

Line = dict[str, Any]


class _Met(NamedTuple):
    """A submission on the way through an integration."""

    id: str
    kept: Kept
    submission: Submission
    named: Person | None


def is_usable(asked: dict[str, Any], stores: Stores) -> bool:
    """Whether anything can be kept under an identifier; where no integration is set up, of anybody."""
    integrations = list(_all(stores))
    return not integrations or any(person_of(asked, one) for one in integrations)


def export(asked: dict[str, Any], stores: Stores) -> Iterator[Line]:
    """
    Objects for JSON, told by their member `what`: `about` first, `submission`, `remembered` and `send`, `end` at last.

    Without `end` it is not complete: where the rules of an integration changed on the way, what waits may have been
    moved past us, and `incomplete` names it at last. A submission is told as `GET /submissions/{id}` tells it, its body
    with it.

    Args:
        asked: {"kind", "value", "alias_label" if any}.

    Raises: Conflict while what waits in an integration is judged again, before anything but `about` is told;
        StoreUnavailable.
    """
    yield {"what": "about", **asked}
    integrations = list(_all(stores))
    marks = {mark for one in integrations for mark in _marks(asked, one, stores)}
    counts: Counter[str] = Counter()
    changed = []
    for integration in integrations:
        try:
            for line in _kept_of(asked, integration, marks, stores):
                counts[line["what"]] += 1
                yield line
        except Conflict:
            changed.append(integration.id)
    submissions = counts["submission"]
    log.info(
        "person.exported",
        extra={"submissions": submissions, "others": counts.total() - submissions, "changed": len(changed)},
    )
    if changed:
        yield {"what": "incomplete", "submissions": submissions, "changed": changed}
    else:
        yield {"what": "end", "submissions": submissions}


def _kept_of(asked: dict[str, Any], integration: Integration, marks: set[bytes], stores: Stores) -> Iterator[Line]:
    if person := person_of(asked, integration):
        yield from _submissions(integration, person, marks, stores)
        yield from _remembered(integration, person, stores)


def _marks(asked: dict[str, Any], integration: Integration, stores: Stores) -> Iterator[bytes]:
    person = person_of(asked, integration)
    for met in _kept(integration, stores) if person else ():
        if person and is_own(met.named, met.submission, integration, person):
            yield from marks_of(met.submission)


def _submissions(integration: Integration, person: Person, marks: set[bytes], stores: Stores) -> Iterator[Line]:
    told = set()
    for met in _kept(integration, stores):
        is_theirs = is_own(met.named, met.submission, integration, person) or (
            not marks.isdisjoint(marks_of(met.submission)) and is_unnamed(met.named, met.submission, integration)
        )
        if is_theirs and met.id not in told:
            told.add(met.id)
            whole = stores.timeline.show(met.id, integration.id)
            # It may have been let go of since it was met.
            last_seen = {"id": met.id, "integration": integration.id, "raw": met.kept.body}
            yield {"what": "submission"} | (whole or last_seen)


def _remembered(integration: Integration, person: Person, stores: Stores) -> Iterator[Line]:
    workspace = integration.braze.workspace
    known = read_marks(stores.memory.known(integration, person.key), stores.memory.names(workspace, ()))
    setters = stores.people.last_setters(integration, person.key)
    if known or setters:
        yield {
            "what": "remembered", "integration": integration.id, "braze_workspace": workspace,
            # Long values are remembered as digests.
            "attributes": {name: {"value": mark.print, "order": mark.order} for name, mark in known.items()},
            "set_by": setters,
        }  # fmt: skip
    for message in stores.outbox.kept_of(integration, person.key):
        yield {"what": "send", "integration": integration.id, **message}


def _kept(integration: Integration, stores: Stores) -> Iterator[_Met]:
    people = stores.people
    _must_be_the_same(integration, stores)
    yield from _waiting(integration, stores)
    yield from _pages(lambda after: people.held(integration, after))
    last = people.last_death(integration)
    if last:
        yield from _pages(lambda after: people.letters(integration, after, last))
    yield from _waiting(integration, stores)
    after, until = "", people.last_record(integration)
    while until and (records := people.records(integration, after, until)):
        for record in records:
            yield from map(_met, record.kept)
        after = records[-1].id
    _must_be_the_same(integration, stores)


def _must_be_the_same(integration: Integration, stores: Stores) -> None:
    """Only a save moves what waits from lane to lane or elsewhere: at once, or as it is judged again."""
    try:
        version = stores.integrations.get(integration.id).integration.version
    except UnknownIntegration:  # removed meanwhile, with all that was kept for it
        return
    if version != integration.version:
        raise Conflict(f"{integration.id} was changed meanwhile; ask again in a moment.")
    if stores.people.is_judged_again(integration):
        raise Conflict(f"What waits in {integration.id} is being judged again; ask again in a moment.")


def _waiting(integration: Integration, stores: Stores) -> Iterator[_Met]:
    people = stores.people
    for lane in range(people.lanes(integration)):
        yield from _pages(lambda after, lane=lane: people.waits(integration, lane, after))  # type: ignore[misc]


def _pages(read: Callable[[str], list[Letter]]) -> Iterator[_Met]:
    after = ""
    while page := read(after):
        yield from (_met(one.kept) for one in page)
        after = page[-1].id


def _met(kept: Kept) -> _Met:
    named = Person(*kept.head[3]) if kept.head[3] else None
    return _Met(submission_id(kept.head[1], kept.head[2]), kept, read_body(kept.body), named)


def _all(stores: Stores) -> Iterator[Integration]:
    for integration_id in sorted(stores.integrations.ids()):
        try:
            yield stores.integrations.get(integration_id).integration
        except UnknownIntegration:  # removed meanwhile, with all that was kept for it
            continue
