"""Rules at work: transform and pack in one process, beside a version that reads the document for every submission."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from schemas.integration import Integration, read_document
from schemas.person import Person
from schemas.submission import Submission
from tests.benchmarks.table import Row, Run, Target
from tests.benchmarks.uncompiled import uncompiled
from workers.pack import Item, pack
from workers.transform import compile_mapping

#: A visit is a form and what comes of it, each with what the person typed; so many people are there at a time.
SUBMISSIONS, A_VISIT, AT_A_TIME = 20_000, 4, 200
#: An attributes object and two events each: a request of 75 objects.
BATCH = 25
MAX_BYTES = 3_500_000
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ["Mira", "Sam", "Ada", "Noor", "Ivo", "Lena", "Otis", "Pia", "Remy", "Tove", "Uma", "Yann", "Zoe", "Bela"]
CARDS = ["SUM26 quiz", "SUM26 poll", "SUM26 wheel"]

#: Attributes, 20 of them, and two events.
DOCUMENT: dict[str, Any] = {
    "id": "summer-hub",
    "name": "Summer hub",
    "default_region": "AU",
    "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "made-up", "workspace": "acme"},
    "identifiers": [{"kind": "external_id", "field": "member_id"}],
    "attributes": [
        {"field": "first_name", "attribute": "first_name"},
        {"field": "last_name", "attribute": "last_name"},
        {"field": "email", "attribute": "email"},
        {"field": "mobile", "attribute": "phone"},
        {"field": "dob", "attribute": "dob", "type": "date", "format": "DD/MM/YYYY"},
        {"field": "gender", "attribute": "gender"},
        {"field": "country", "attribute": "country"},
        {"field": "postcode", "attribute": "postcode"},
        {"field": "interests", "attribute": "interests", "type": "array", "separator": ","},
        {"field": "boat_length", "attribute": "boat_length", "type": "number"},
        {"field": "result.score", "attribute": "quiz_score", "type": "number", "when": {"card.type": "Quiz"}},
        {"field": "result.outcome", "attribute": "personality", "when": {"card.type": "Quiz"}},
        {"field": "is_member", "attribute": "is_member", "type": "boolean"},
        {"value": "komo", "attribute": "acquisition_source"},
        *({"field": f"choice_{number}", "attribute": f"choice_{number}"} for number in range(6)),
    ],
    "events": [
        {"name": "komo_entry", "when": {"submission.event": "CompetitionEntrySuccess"},
         "properties": {"card": "card.name", "score": {"field": "result.score", "type": "number"},
                        "source": {"value": "komo"}}},
        {"name": "komo_seen", "properties": {"hub": "hub.name", "type": "card.type"}},
    ],
}  # fmt: skip

Visit = tuple[Submission, Person]


def measure(*, rounds: int) -> tuple[list[Row], list[Target], list[str]]:
    """
    Run both by turns, over the same submissions.

    Returns: Rows, targets and a note. Raises AssertionError if the two come to different requests.
    """
    visits = list(_visits())
    integration = read_document(DOCUMENT).integration()
    gc.freeze()  # A worker never has so many at a time: they shall not be looked through again and again.
    assert _read(_compiled(integration, visits)) == _read(uncompiled(DOCUMENT, visits, BATCH))
    ours, theirs = Row("transform and pack"), Row("the document read every time, nothing remembered")
    for _ in range(rounds):
        ours.runs.append(_timed(lambda: _compiled(integration, visits)))
        theirs.runs.append(_timed(lambda: uncompiled(DOCUMENT, visits, BATCH)))
    gc.unfreeze()
    rate, ratio = 1e6 / ours.cpu_us, theirs.cpu_us / ours.cpu_us
    target = Target("mapping, submissions a second of one core", 40_000, rate, "a second")
    note = f"Mapping: {ratio:.1f} times as fast as the version that reads the document for every submission."
    return [ours, theirs], [target], [note]


def _compiled(integration: Integration, visits: Sequence[Visit]) -> list[bytes]:
    """From a fresh compilation, as after each save."""
    mapping, bodies = compile_mapping(integration), []
    for start in range(0, len(visits), BATCH):
        items = []
        for submission, person in visits[start : start + BATCH]:
            mapped = mapping.apply(submission, person)
            items.append(Item(submission.id, "1-0", person, mapped.attributes, mapped.events))
        bodies += [request.body for request in pack(items, max_objects=75, max_bytes=MAX_BYTES).requests]
    return bodies


def _visits() -> Iterator[Visit]:
    """Those of the people who are there at a time come by turns."""
    chance = Random(20)
    people = [_typed(number, chance) for number in range(SUBMISSIONS // A_VISIT)]
    for number in range(SUBMISSIONS):
        fields = people[number // (AT_A_TIME * A_VISIT) * AT_A_TIME + number % AT_A_TIME]
        at = NOON + timedelta(seconds=number)
        sections = {
            "submission": {"event": "CompetitionEntrySuccess"},
            "hub": {"name": "Harbourside Summer Hub"},
            "card": {"name": CARDS[number % 3], "type": "Quiz"},
            "result": {"score": str(chance.randrange(11)), "outcome": "The Calm Skipper"},
            "fields": fields,
        }
        person = Person("external_id", fields["member_id"])
        yield Submission(f"s{number}", "CompetitionEntrySuccess", at, at, sections), person


def _typed(number: int, chance: Random) -> dict[str, str]:
    choices = {f"choice_{place}": f"option {chance.randrange(8)} of {place}" for place in range(6)}
    first = chance.choice(NAMES)
    return choices | {
        "member_id": f"m{number}", "first_name": first, "last_name": f"Lowe{chance.randrange(1000)}",
        "email": f"{first}.{number}@Example.com", "mobile": f"0412 {number // 1000:03d} {number % 1000:03d}",
        "dob": f"{chance.randrange(1, 29):02d}/{chance.randrange(1, 13):02d}/{chance.randrange(1950, 2008)}",
        "gender": chance.choice(["female", "male"]), "country": chance.choice(["Australia", "New Zealand"]),
        "postcode": str(chance.randrange(2000, 3000)), "interests": chance.choice(["sailing, music", "food,sailing"]),
        "boat_length": chance.choice(["7.5", "9", "12.25"]), "is_member": chance.choice(["yes", "no"]),
    }  # fmt: skip


def _timed(work: Callable[[], list[bytes]]) -> Run:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Run(SUBMISSIONS, time.perf_counter() - started, time.process_time() - cpu, 0.0)


def _read(bodies: Sequence[bytes]) -> list[Any]:
    return [orjson.loads(body) for body in bodies]
