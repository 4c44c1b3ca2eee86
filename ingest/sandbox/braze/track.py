"""POST /users/track: judge every object, answer, and have the good ones applied a little later."""

import time
from dataclasses import replace
from typing import Any

import orjson

from ingest.sandbox.braze import refusals, validation
from ingest.sandbox.braze.applying import Work
from ingest.sandbox.braze.door import Answer, Call, check, faulty, message
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.traffic import Person, SeenRequest, person_of

ARRAYS = ("attributes", "events", "purchases")
CHECKS = (validation.check_attributes, validation.check_event, validation.check_purchase)
#: https://www.braze.com/docs/api/errors/
SYNTAX = "Error while parsing request body. Please check your syntax."
TOO_MANY = "Max Input Length Exceeded"
NOTHING_VALID = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."


def answer_track(sandbox: Sandbox, call: Call, seen: SeenRequest) -> Answer:
    """
    One call of /users/track.

    Returns: 201 with the refused objects under `errors`, 400 if none is valid, or the refusal of the whole call.
    Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
    """
    payload = _parse(call.body)
    people = _people(payload)
    with sandbox.traffic.in_flight(people) as overlapping:
        for person in overlapping:
            sandbox.note_violation(seen, "same_person_in_flight", f"{person[0]} {person[1]}")
        return faulty(sandbox, call, seen, lambda: _judge(sandbox, call, seen, payload), time.sleep)


class _Unreadable:
    """The body is not JSON."""


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _Unreadable


def _people(payload: Any) -> set[Person]:
    if not isinstance(payload, dict):
        return set()
    arrays = [payload[name] for name in ARRAYS if isinstance(payload.get(name), list)]
    people = {person_of(given) for array in arrays for given in array}
    return {person for person in people if person is not None}


def _judge(sandbox: Sandbox, call: Call, seen: SeenRequest, payload: Any) -> Answer:
    refused, headers = check(sandbox, call, "users.track", "track")
    answer = refused or _refuse_whole(sandbox, seen, payload) or _take(sandbox, seen, payload)
    return replace(answer, headers=headers)


def _refuse_whole(sandbox: Sandbox, seen: SeenRequest, payload: Any) -> Answer | None:
    if payload is _Unreadable or not isinstance(payload, dict):
        return message(400, SYNTAX)
    unknown = payload.keys() - set(ARRAYS)
    if unknown:
        sandbox.note_violation(seen, "unknown_member", ", ".join(sorted(unknown))[:200])
    arrays = [payload.get(name, []) for name in ARRAYS]
    for name, array in zip(ARRAYS, arrays, strict=True):
        if not isinstance(array, list):
            return message(400, f"'{name}' must be an array")
    sizes = [len(array) for array in arrays]
    seen.objects = sum(sizes)
    counted = max(sizes) if sandbox.settings.legacy_arrays else sum(sizes)
    return message(400, TOO_MANY) if counted > sandbox.settings.max_objects else None


def _take(sandbox: Sandbox, seen: SeenRequest, payload: dict[str, Any]) -> Answer:
    good, errors = _sort(sandbox, seen, payload)
    body: dict[str, Any] = {"message": "success"}
    if not any(good):
        body["message"] = NOTHING_VALID
    else:
        for name, accepted in zip(ARRAYS, good, strict=True):
            if name in payload:
                body[f"{name}_processed"] = len(accepted)
    if errors:
        body["errors"] = errors
    if not any(good):
        return Answer(400, orjson.dumps(body))
    people = {person_of(given) for accepted in good for given in accepted}
    sandbox.traffic.took_effect(filter(None, people), seen.objects)
    attributes, events, purchases = good
    sandbox.schedule.add(Work(attributes, events, purchases, seen.number), sandbox.settings.delay_ms)
    return Answer(201, orjson.dumps(body))


def _sort(sandbox: Sandbox, seen: SeenRequest, payload: dict[str, Any]) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """The valid objects of each array, and an error for each of the others, by its place in its array."""

    def violation(kind: str, detail: str) -> None:
        sandbox.note_violation(seen, kind, detail)

    blocked, code_names = sandbox.settings.blocked_external_ids, sandbox.settings.code_names
    good: list[list[Any]] = []
    errors: list[dict[str, Any]] = []
    for name, judge in zip(ARRAYS, CHECKS, strict=True):
        accepted = []
        for index, given in enumerate(payload.get(name, ())):
            why = judge(given, violation)
            if why is None and blocked and given.get("external_id") in blocked:
                why = refusals.EXTERNAL_ID_BLOCKED
            if why is None:
                accepted.append(given)
            else:
                shown = refusals.CODE_NAMES.get(why, why) if code_names else why
                errors.append({"type": shown, "input_array": name, "index": index})
        good.append(accepted)
    return good, errors
