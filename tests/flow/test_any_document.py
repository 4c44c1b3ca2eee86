"""Any document that may be saved, and any JSON that Komo may send: what leaves is valid, whole, and mapped."""

from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sandbox.braze.applying import Work, Workspace
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.settings import Settings
from ingest.sandbox.braze.validation import check_attributes, check_event
from schemas.attribute_names import STANDARD
from schemas.integration import Integration, read_document
from schemas.komo import read_submission
from schemas.person import Person
from tests.factories import a_document
from tests.workers.any_json import ANY_JSON
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.operations import data_points
from workers.pack import Item, pack
from workers.transform import compile_mapping

RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)
GROUPS = ("a2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c", "b2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c")
FIELDS = st.sampled_from(["x", "y", "fields.z"]) | st.sampled_from(["answers[0].answer", "raw.x.a", "tracked.t"])
CLEARING = {"on_null": st.sampled_from(["skip", "clear"]), "on_empty": st.sampled_from(["skip", "clear"])}
#: An operation, and a type that goes with it.
OPERATIONS = [
    *(("set", kind) for kind in ("string", "number", "boolean", "date", "datetime", "array", "object", "object_array")),
    ("add", "array"), ("add", "object_array"), ("remove", "array"), ("increment", "number"), ("merge", "object"),
]  # fmt: skip
#: Silences of Braze's that no mapping can prevent: the person is not there.
NOBODY = {"unknown_person", "unknown_alias"}


@st.composite
def custom_rules(draw: st.DrawFn) -> dict[str, Any]:
    """One that writes an attribute named after its type, as that is fixed by the first value."""
    operation, kind = draw(st.sampled_from(OPERATIONS))
    dotted = operation == "set" and draw(st.booleans())
    options = {} if dotted else {name: draw(how) for name, how in CLEARING.items()}
    name = f"boat.{kind}" if dotted else f"a_{kind}"
    return {"field": draw(FIELDS), "attribute": name, "type": kind, "operation": operation, **options}


standard_rules = st.fixed_dictionaries(
    {"field": FIELDS, "attribute": st.sampled_from(sorted(STANDARD - {"email", "phone"})), **CLEARING}
)
sources = FIELDS | st.fixed_dictionaries({"field": FIELDS}, optional={"type": st.sampled_from(["string", "object"])})
events = st.fixed_dictionaries(
    {"name": st.sampled_from(["e1", "e2"]), "properties": st.dictionaries(st.sampled_from("pqr"), sources)},
    optional={"for_each": st.sampled_from(["answers", "x", "raw.y"]), "when": st.just({"x": [None, "a", True]})},
)
email_rules = st.fixed_dictionaries(
    {"field": FIELDS, "kind": st.sampled_from(["email", "push"]), "when_yes": st.just("opted_in")},
    optional={"when_no": st.sampled_from([None, "unsubscribed"])},
)
group_rules = st.fixed_dictionaries(
    {"field": FIELDS, "kind": st.just("group"), "group_id": st.sampled_from(GROUPS), "when_yes": st.just("subscribed")},
    optional={"when_no": st.just("unsubscribed"), "double_opt_in": st.booleans()},
)
identifiers = st.sampled_from(
    [
        {"kind": "external_id", "field": "who"},
        {"kind": "braze_id", "field": "who"},
        {"kind": "email", "field": "who"},
        {"kind": "phone", "field": "who"},
        {"kind": "user_alias", "field": "who", "alias_label": "email"},
    ]
)
documents = st.builds(
    lambda rules, **lists: a_document(identifiers=[rules], default_region="AU", **lists),
    identifiers,
    attributes=st.lists(custom_rules() | standard_rules, min_size=3, max_size=12),
    subscriptions=st.lists(email_rules | group_rules, max_size=3),
    events=st.lists(events, max_size=2),
)
telling = st.sampled_from(
    ["yes", "no", "1991-02-03", "7", "7.5", "", " ", "Australia", "female", "en-AU", "https://example.com/a.png", "a,b",
     None, True, False, 5, -2, ["a", "b", 3], ["b", None], {"a": 1}, {"inc": 1}, {"add": [1]}, [{"to": "Hobart"}],
     {"a": {"b": "c", "d": None}, "e f": 1}, {"longitude": 1.5, "latitude": 2}]
)  # fmt: skip
values = telling | telling | ANY_JSON
bodies = st.fixed_dictionaries(
    {"who": st.sampled_from(["mira@example.com", "+61412345678"]), "x": values, "y": values, "z": values},
    optional={"answers": ANY_JSON, "tracked": ANY_JSON, "result": ANY_JSON},
)


def items_of(integration: Integration, sent: list[dict[str, Any]]) -> list[Item]:
    mapping, items = compile_mapping(integration), []
    for number, body in enumerate(sent):
        submission = read_submission(body, id=f"s{number}", received_at=RECEIVED_AT)
        try:
            person = identify(submission, integration)
        except BadIdentifier:
            continue
        if person is not None:
            mapped = mapping.apply(submission, person)
            items.append(Item(submission.id, f"{number}-0", person, mapped.attributes, mapped.events))
    return items


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(document=documents, sent=st.lists(bodies, min_size=2, max_size=4))
def test_whatever_comes_in_what_leaves_is_what_braze_stores(document: dict[str, Any], sent: list[Any]) -> None:
    """A refused object costs a person's entry; one that is dropped in silence costs it, and nobody knows."""
    integration = read_document(document).integration()
    items = items_of(integration, sent)
    packed = pack(items, max_objects=75, max_bytes=3_500_000)
    names = {rule["attribute"].partition(".")[0] for rule in document["attributes"]}
    names |= {"email_subscribe", "push_subscribe", "subscription_groups", "_merge_objects", "_update_existing_only"}
    people = {item.person for item in items}
    violations: list[str] = []
    note = lambda kind, detail: violations.append(f"{kind} {detail}")  # noqa: E731  # one line is enough for it

    assert packed.too_big == []
    for request in packed.requests:
        body = orjson.loads(request.body)
        for found in body.get("attributes", []):
            assert check_attributes(found, note) is None
            assert whose(found) in people
            assert found.keys() <= names | {"external_id", "braze_id", "user_alias", "email", "phone"}
        for found in body.get("events", []):
            assert check_event(found, note) is None
            assert whose(found) in people
        workspace = Workspace(Settings(), Ledgers())
        workspace.apply(Work(body.get("attributes", []), body.get("events", []), []))
        assert workspace.ledgers.silent_drops.counts().keys() <= NOBODY
        assert workspace.ledgers.violations.counts() == {}
    assert violations == []
    assert all(data_points(name, value) >= 0 for item in items for name, value in item.attributes.items())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(document=documents, sent=bodies)
def test_what_the_door_expects_of_a_submission_is_never_less_than_it_brings(document: Any, sent: Any) -> None:
    """The door counts objects without making them; where it counted too few, a request would hold too many."""
    integration = read_document(document).integration()
    mapping = compile_mapping(integration)
    for item in items_of(integration, [sent]):
        attributes, events = mapping.expect(read_submission(sent, id=item.submission_id, received_at=RECEIVED_AT))

        assert events == len(item.events)
        assert attributes or not item.attributes


def whose(given: dict[str, Any]) -> Person:
    alias = given.get("user_alias")
    if alias:
        return Person("user_alias", alias["alias_name"], alias["alias_label"])
    kind = next(kind for kind in ("external_id", "braze_id", "email", "phone") if given.get(kind) is not None)
    return Person(kind, given[kind])  # type: ignore[arg-type]
