"""A replay that moves nothing: what would be sent for dead letters under the rules that are current now."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NamedTuple

import orjson

from schemas.batch import Entry, Replay
from schemas.dead_letter import ReplayOptions
from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.names import Names
from workers.changes import Times
from workers.chosen import MOST_NAMED, integrations_of, unknown
from workers.errors import BadIdentifier
from workers.forecast import TRACK, Forecast, forecast
from workers.identify import identify
from workers.prepare import HOUR_MS
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
    """One integration's, as they are now, and what is remembered of its people."""

    integration: Integration
    mapping: CompiledMapping
    #: Events that happened before are left out.
    events_since_ms: float | None
    now_ms: float
    #: By the key of a person, which submission set which attribute last.
    times_of: Callable[[str], Times]
    names: Names
    #: By the key of a person, what Braze has accepted of them.
    known_of: Callable[[str], list[list[Any]]]


def dry_run(
    options: ReplayOptions,
    stores: Stores,
    *,
    most: int = MOST_LOOKED_AT,
    until: Callable[[], bool] = lambda: False,
    integrations: Sequence[Integration] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """
    What a replay with these options would do, as far as can be told without Braze.

    Args:
        most: Letters to look at; the others are not counted.
        until: Whether the time is up.
        integrations: Those that may have such letters, where the caller knows; None: all that the options mean.
        now: Aware; for the age of events, and of what is remembered. None: the time it is.

    Returns: `requests`: of the first MOST_SHOWN letters, each with `integration`, `submission`, `method`, `url`, `body`
    and `left_out` (attributes and events that Braze has accepted already, attributes that it has as they are or that a
    later submission has set, events that are too old), messages that would be asked for among them; `gone`: the first
    of the ids asked for that are of no dead letter; `outcomes`: how many would be sent (`delivered`, if Braze takes
    them), would have nothing left to send (`superseded`, `events_too_old`), or would stay dead, by reason; `complete`:
    whether all letters were looked at.
    """
    requests: list[dict[str, Any]] = []
    outcomes = Counter[str]()
    them = integrations_of(stores, options) if integrations is None else integrations
    gone = unknown(options.ids, stores, among=options.filter, integrations=them) if options.ids else []
    number, complete = 0, True
    for told in _outcomes(options, stores, them, now or datetime.now(UTC)):
        if until() or (told and number >= most):
            complete = False
            break
        if told:
            outcomes[told[0]] += 1
            requests += told[1] if number < MOST_SHOWN else []
            number += 1
    return {"requests": requests, "outcomes": dict(outcomes), "gone": gone[:MOST_NAMED], "complete": complete}


def _outcomes(
    options: ReplayOptions, stores: Stores, integrations: Sequence[Integration], now: datetime
) -> Iterator[Told | None]:
    """Of each letter; None in between, where there may be no end to looking for the next one."""
    letters = stores.dead_letters
    for one in integrations:
        rules = _rules(one, stores, options, now)
        for page in letters.choose(one, options.filter, options.ids):
            in_order = sorted(page.chosen, key=page.chosen.__getitem__)
            found = [letter for letter in letters.read(one, in_order) if letter]
            yield from (_rehearse_one(letter, rules) for letter in found)
            yield None


def _rules(integration: Integration, stores: Stores, options: ReplayOptions, now: datetime) -> _Rules:
    hours, now_ms = options.events_not_older_than_hours, now.timestamp() * 1000
    memory = stores.memory
    return _Rules(
        integration,
        compile_mapping(integration),
        None if hours is None else now_ms - hours * HOUR_MS,
        now_ms,
        cache(partial(stores.dead_letters.moves.times, integration)),
        memory.names(integration.braze.workspace, ()),
        cache(partial(memory.known, integration, now_ms=now_ms)),
    )


def _rehearse_one(letter: Letter, rules: _Rules) -> Told:
    integration, received_ms = rules.integration, letter.head[4]
    try:
        body = orjson.loads(letter.body)
        received_at = datetime.fromtimestamp(received_ms / 1000, UTC)
        submission = read_submission(body, id=letter.id, received_at=received_at)
        if not wanted(submission, integration):
            return "not_accepted", []
        person = identify(submission, integration)
    except BadIdentifier:
        return "bad_identifier", []
    except Exception:  # a body that can't be read is told, not raised
        return "mapping_failed", []
    if person is None:
        return "no_identifier", []
    entry = Entry(
        letter.entry, letter.id, letter.stamp, person, received_ms, submission.event, body, done=letter.done or None,
        replay=Replay(letter.replays + 1, int(rules.now_ms), rules.events_since_ms),
    )  # fmt: skip
    found = forecast(
        entry, integration, rules.mapping, names=rules.names, now_ms=rules.now_ms,
        known=rules.known_of(person.key), times=rules.times_of(person.key),
    )  # fmt: skip
    return found.reason or found.outcome, [*_told(found, letter, integration)]


def _told(found: Forecast, letter: Letter, integration: Integration) -> Iterator[dict[str, Any]]:
    for path, body in found.requests:
        yield {
            "integration": integration.id, "submission": letter.id, "method": "POST",
            "url": integration.braze.rest_endpoint + path, "body": body,
            "left_out": found.left_out if path == TRACK else [],
        }  # fmt: skip
