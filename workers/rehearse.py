"""A replay that moves nothing: what would be sent for dead letters under the rules that are current now."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, NamedTuple

import orjson

from schemas.dead_letter import ReplayOptions
from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.person import Person
from schemas.submission import Submission
from workers.changes import Times, without_older
from workers.chosen import MOST_NAMED, integrations_of, unknown
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.pack import Item, pack
from workers.prepare import MAX_REQUEST_BYTES, event_keys
from workers.store import Stores
from workers.store.letters import Letter
from workers.transform import CompiledMapping, compile_mapping, wanted

#: The outcome of one letter, and the requests it comes to.
Told = tuple[str, list[dict[str, Any]]]
#: Letters whose requests are shown.
MOST_SHOWN = 20
#: Letters that are looked at, where nobody says how many.
MOST_LOOKED_AT = 10_000


class _Rules(NamedTuple):
    """One integration's, as they are now."""

    integration: Integration
    mapping: CompiledMapping
    #: Events that happened before are left out.
    oldest: datetime | None
    #: By the key of a person, which submission set which attribute last.
    times_of: Callable[[str], Times]


def dry_run(
    options: ReplayOptions, stores: Stores, *, most: int = MOST_LOOKED_AT, now: datetime | None = None
) -> dict[str, Any]:
    """
    What a replay with these options would do, as far as can be told without Braze.

    Args:
        most: Letters to look at; the others are not counted.
        now: Aware; for the age of events. None: the time it is.

    Returns: `requests`: of the first MOST_SHOWN letters, each with `integration`, `submission`, `method`, `url`, `body`
    and `left_out` (attributes and events that Braze has accepted already, attributes that a later submission has set,
    events that are too old); `gone`: the first of the ids asked for that are of no dead letter; `outcomes`: how many
    would be sent (`delivered`, if Braze takes them), have nothing left to send (`superseded`, `events_too_old`), or
    stay dead, by reason; `complete`: whether all letters were looked at.
    """
    hours = options.events_not_older_than_hours
    oldest = None if hours is None else (now or datetime.now(UTC)) - timedelta(hours=hours)
    requests: list[dict[str, Any]] = []
    outcomes = Counter[str]()
    gone = unknown(options.ids, stores)[:MOST_NAMED] if options.ids else []
    for number, (outcome, made) in enumerate(_outcomes(options, stores, oldest)):
        if number >= most:
            return {"requests": requests, "outcomes": dict(outcomes), "gone": gone, "complete": False}
        outcomes[outcome] += 1
        if number < MOST_SHOWN:
            requests += made
    return {"requests": requests, "outcomes": dict(outcomes), "gone": gone, "complete": True}


def _outcomes(options: ReplayOptions, stores: Stores, oldest: datetime | None) -> Iterator[Told]:
    letters = stores.dead_letters
    for one in integrations_of(stores, options):
        rules = _Rules(one, compile_mapping(one), oldest, cache(partial(letters.moves.times, one)))
        for page in letters.choose(one, options.filter, options.ids):
            in_order = sorted(page.chosen, key=page.chosen.__getitem__)
            found = [letter for letter in letters.read(one, in_order) if letter]
            yield from (_rehearse_one(letter, rules) for letter in found)


def _rehearse_one(letter: Letter, rules: _Rules) -> Told:
    received_at = datetime.fromtimestamp(letter.head[4] / 1000, UTC)
    try:
        submission = read_submission(orjson.loads(letter.body), id=letter.id, received_at=received_at)
        if not wanted(submission, rules.integration):
            return "not_accepted", []
        person = identify(submission, rules.integration)
        if person is None:
            return "no_identifier", []
        return _mapped(letter, submission, person, rules, rules.times_of(person.key))
    except BadIdentifier:
        return "bad_identifier", []
    except Exception:  # a body that can't be mapped is told, not raised
        return "mapping_failed", []


def _mapped(letter: Letter, submission: Submission, person: Person, rules: _Rules, times: Times) -> Told:
    mapped = rules.mapping.apply(submission, person)
    if not mapped.attributes and not mapped.events and not letter.was_taken:
        return "no_usable_value" if mapped.warnings else "nothing_mapped", []
    names, keys = set(letter.done.get("a") or ()), set(letter.done.get("e") or ())
    too_old = rules.oldest is not None and submission.occurred_at < rules.oldest
    fresh = {name: value for name, value in mapped.attributes.items() if name not in names}
    attributes, older = without_older(fresh, letter.stamp, times)
    keyed = list(zip(event_keys(mapped.events), mapped.events, strict=True))
    events = [event for key, event in keyed if key not in keys and not too_old]
    if not attributes and not events and not letter.was_taken:
        return "superseded" if older else "events_too_old", []
    left_out = [name for name in mapped.attributes if name not in attributes]
    left_out += [key for key, _ in keyed if key in keys or too_old]
    return _packed(Item(submission.id, "", person, attributes, events), rules.integration, left_out)


def _packed(item: Item, integration: Integration, left_out: list[str]) -> Told:
    packed = pack(
        [item],
        max_objects=integration.braze.max_objects_per_request,
        max_bytes=MAX_REQUEST_BYTES,
        existing_profiles_only=integration.existing_profiles_only,
    )
    if packed.too_big:
        return "too_big", []
    told = {"integration": integration.id, "submission": item.submission_id, "method": "POST"}
    url = f"{integration.braze.rest_endpoint}/users/track"
    return "delivered", [
        {**told, "url": url, "body": orjson.loads(one.body), "left_out": left_out} for one in packed.requests
    ]
