"""Any rules with any submission: what leaves fits Braze, is what a preview shows, and is mapped."""

import random
from functools import lru_cache
from typing import Any

import orjson

from ingest.preview import preview
from ingest.sandbox.braze.validation import check_attributes, check_event
from schemas.attribute_names import LOCATION_PARTS, STANDARD
from schemas.integration import Integration, read_document
from schemas.komo import read_submission
from tests.factories import NOON, a_document
from tests.flow.test_any_document import OPERATIONS
from tests.fuzz.mutate import VALUES, json_of
from tests.fuzz.parsers import BODIES, RICH
from tests.fuzz.run import Target
from workers.judge import judge
from workers.pack import Item, pack
from workers.transform import CompiledMapping, compile_mapping

PATHS = ("x", "y", "fields.z", "raw.x.a", "answers[0].answer", "tracked.t", "email", "result.score", "submission.event")
MOST_OBJECTS, MOST_BYTES = 20, 100_000
#: What a request may hold beside what is mapped.
OURS = {"external_id", "braze_id", "user_alias", "email", "phone", "_merge_objects", "_update_existing_only"}


@lru_cache(maxsize=300)
def rules(number: int) -> tuple[Integration, CompiledMapping, frozenset[str]]:
    """The made-up integration of this number, and the names that it may send; the first one is that of the samples."""
    integration = RICH if number == 0 else read_document(_document(random.Random(number))).integration()
    names = {rule.attribute.partition(".")[0] for rule in integration.attributes}
    names |= {"current_location"} if any(rule.attribute in LOCATION_PARTS for rule in integration.attributes) else set()
    if integration.subscriptions:
        names |= {"email_subscribe", "push_subscribe", "subscription_groups"}
    return integration, compile_mapping(integration), frozenset(names | OURS)


def _document(draw: random.Random) -> dict[str, Any]:
    attributes: list[dict[str, Any]] = [
        {"field": draw.choice(PATHS), "attribute": f"a_{kind}", "type": kind, "operation": operation,
         "on_null": draw.choice(("skip", "clear")), "on_empty": draw.choice(("skip", "clear"))}
        for operation, kind in draw.sample(OPERATIONS, 5)
    ]  # fmt: skip
    own = sorted(STANDARD - {"email", "phone"})
    attributes += [{"field": draw.choice(PATHS), "attribute": name} for name in draw.sample(own, 4)]
    attributes += [{"field": draw.choice(PATHS), "attribute": "boat.length", "type": "number"}]
    kind = draw.choice(("external_id", "braze_id", "email", "phone", "user_alias"))
    identifier = {"kind": kind, "field": "who"} | ({"alias_label": "email"} if kind == "user_alias" else {})
    kind_of_property = draw.choice(OPERATIONS)[1]
    events: list[dict[str, Any]] = [
        {"name": "e1", "properties": {"p": draw.choice(PATHS), "q": {"field": "x", "type": kind_of_property}}},
        {"name": "e2", "for_each": draw.choice(("answers", "x", "raw.y")), "properties": {"p": "question"}},
    ]  # fmt: skip
    group = {"field": "x", "kind": "email", "when_yes": "opted_in", "when_no": "unsubscribed"}
    return a_document(
        identifiers=[identifier], default_region="AU", attributes=attributes, events=events, subscriptions=[group]
    )


def draw_submissions(draw: random.Random) -> tuple[int, list[Any]]:
    number, sent = draw.randrange(300), []
    for _ in range(draw.randint(1, 3)):
        body = json_of(draw.choice(BODIES), draw)
        if isinstance(body, dict):
            body |= {"who": draw.choice(("mira@example.com", "+61412345678"))}
            sent.append(body | {name: json_of(draw.choice(VALUES), draw) for name in "xyzt"})
    return number, sent


def check_submissions(given: tuple[int, list[Any]]) -> None:
    number, sent = given
    integration, mapping, names = rules(number)
    items = []
    for place, body in enumerate(sent):
        submission = read_submission(body, id=f"s{place}", received_at=NOON)
        person = judge(submission, integration, mapping).person
        if person is not None:
            mapped = mapping.apply(submission, person)
            items.append(Item(submission.id, f"{place}-0", person, mapped.attributes, mapped.events))
    packed = pack(items, max_objects=MOST_OBJECTS, max_bytes=MOST_BYTES)
    told: list[str] = []
    for request in packed.requests:
        assert len(request.body) <= MOST_BYTES
        body = orjson.loads(request.body)
        attributes, events = body.get("attributes", []), body.get("events", [])
        assert len(attributes) + len(events) <= MOST_OBJECTS
        assert {name for one in attributes for name in one} <= names
        asked = {rule.name: {*rule.properties, "komo_submission_id"} for rule in integration.events}
        assert all(one.get("properties", {}).keys() <= asked[one["name"]] for one in events)
        wrong = [check_attributes(one, lambda kind, _: told.append(kind)) for one in attributes]
        wrong += [check_event(one, lambda kind, _: told.append(kind)) for one in events]
        assert not any(wrong), wrong
    assert not told, told
    if number % 4 == 0 and sent:
        check_preview(integration, mapping, sent[0])


def check_preview(integration: Integration, mapping: CompiledMapping, body: dict[str, Any]) -> None:
    """What is shown is what a delivery packs."""
    shown = preview(integration, body, received_at=NOON)
    submission = read_submission(body, id="preview", received_at=NOON)
    judged = judge(submission, integration, mapping)
    if shown["outcome"] != "delivered" or judged.person is None:
        assert not shown["requests"]
        return
    mapped = mapping.apply(submission, judged.person)
    item = Item(submission.id, "0-0", judged.person, mapped.attributes, mapped.events)
    packed = pack([item], max_objects=integration.braze.max_objects_per_request, max_bytes=3_500_000)
    tracked = [one["body"] for one in shown["requests"] if one["url"].endswith("/users/track")]
    assert tracked == [orjson.loads(one.body) for one in packed.requests]


TARGETS = (Target("rules x submissions", draw_submissions, check_submissions, 6),)
