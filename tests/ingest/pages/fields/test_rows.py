"""Rules as rows of a form, and back."""

from typing import Any

import orjson
import pytest
from flask import Flask, render_template_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.pages.fields.rows import (
    LISTS,
    STARTERS,
    Row,
    is_blank,
    read_rows,
    row_of,
    rows_of,
    rule_of,
    rules_of,
    same_types,
)
from tests.flow.test_any_document import documents
from tests.visitor import form_fields

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALARS | ANY_TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
WANTED = SCALARS | ANY_TEXT | st.lists(SCALARS | ANY_TEXT, min_size=1, max_size=3)
WHEN = st.dictionaries(ANY_TEXT, WANTED, max_size=3)
OPTIONS = {"type": st.sampled_from(["string", "date", "array"]), "format": ANY_TEXT, "separator": ANY_TEXT}
SOURCES = st.one_of(
    st.fixed_dictionaries({"field": ANY_TEXT}, optional=OPTIONS),
    st.fixed_dictionaries({"question": ANY_TEXT}, optional=OPTIONS),
    st.fixed_dictionaries({"value": JSON}, optional=OPTIONS),
)
#: Also rules that no schema takes, and members that nobody knows: the editor must not be what loses them.
RULES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "attributes": st.builds(
        lambda source, more: source | more, SOURCES,
        st.fixed_dictionaries({"attribute": ANY_TEXT}, optional={
            "when": WHEN, "operation": st.sampled_from(["set", "add"]), "on_null": st.just("clear"), "x": JSON}),
    ),
    "subscriptions": st.fixed_dictionaries({"field": ANY_TEXT, "kind": st.sampled_from(["email", "group"])}, optional={
        "group_id": ANY_TEXT, "when_yes": st.none() | ANY_TEXT, "when_no": st.none() | ANY_TEXT,
        "double_opt_in": st.booleans(), "when": WHEN}),
    "events": st.fixed_dictionaries({"name": ANY_TEXT}, optional={
        "for_each": ANY_TEXT, "when": WHEN, "properties": st.dictionaries(ANY_TEXT, ANY_TEXT | SOURCES, max_size=3)}),
    "sends": st.fixed_dictionaries({"kind": st.just("canvas"), "id": ANY_TEXT}, optional={
        "when": WHEN, "trigger_properties": st.dictionaries(ANY_TEXT, ANY_TEXT | SOURCES, max_size=3)}),
}  # fmt: skip
PAGE = """{% import 'pages/fields/_rows.html' as rows with context %}
{% for one in given %}{{ rows.row(one, {}, {}, false) }}{% endfor %}"""


def sent_back(app: Flask, rows: list[Row]) -> list[Row]:
    """The rows as a browser sends them that was only looked at."""
    with app.test_request_context("/"):
        html = render_template_string(PAGE, given=rows)
    return [row for found in read_rows(form_fields(html)).values() for row in found]


def row(name: str, rule: dict[str, Any], **typed: str) -> Row:
    """A row in which somebody has typed."""
    before = row_of(name, "0", rule)
    return Row(name, "0", rule, {**before.typed, **typed}, before.when, before.properties)


@pytest.fixture
def store_connection() -> Any:
    """Nothing here needs the store."""
    from fakeredis import FakeRedis

    return FakeRedis()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(LISTS))
def test_a_rule_that_was_only_looked_at_stays_as_it_is(app: Flask, data: st.DataObject, name: str) -> None:
    """Types of constants, lists, null and whatever the form can't show would otherwise change with every save."""
    rule = data.draw(RULES[name])

    (back,) = sent_back(app, [row_of(name, "0", rule)])

    assert same_types(rule_of(row_of(name, "0", rule)), rule)
    assert same_types(rule_of(back), rule)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents)
def test_a_document_that_may_be_saved_comes_back_in_its_order(app: Flask, document: dict[str, Any]) -> None:
    """Of two rules for one attribute the later one wins."""
    rows = rows_of(document)
    back = {name: sent_back(app, rows[name]) for name in LISTS}

    assert same_types(rules_of(back), {name: document.get(name, []) for name in LISTS})


def test_only_what_was_changed_is_written() -> None:
    """Somebody who renames an attribute has not touched its constant."""
    rule = {"value": {"a": [1, True, None, 1.0]}, "attribute": "boat", "type": "object", "operation": "merge"}

    assert rule_of(row("attributes", rule, attribute="ship")) == rule | {"attribute": "ship"}


@pytest.mark.parametrize(
    ("typed", "constant"),
    [("komo", "komo"), ("7", 7), ("true", True), ('"7"', "7"), ("[1, 2]", [1, 2]), ("{", "{"), ("NaN", "NaN"),
     ("12345678901234567890123", "12345678901234567890123")],
)  # fmt: skip
def test_a_fixed_value_is_what_it_looks_like(typed: str, constant: Any) -> None:
    """And nothing of it gets lost where it is no JSON, or more than a number holds."""
    made = rule_of(row("attributes", {"field": "x", "attribute": "a"}, source="value", what=typed))

    assert made == {"value": constant, "attribute": "a"}
    assert rule_of(row_of("attributes", "0", made)) == made


def test_a_format_goes_with_the_type_that_it_was_for() -> None:
    """It would be refused, at a control that is hidden by then."""
    rule = {"field": "x", "attribute": "a", "type": "date", "format": "DD/MM/YYYY"}

    assert rule_of(row("attributes", rule, type="number")) == {"field": "x", "attribute": "a", "type": "number"}
    assert "group_id" not in rule_of(
        row("subscriptions", {"field": "x", "kind": "group", "group_id": "g"}, kind="email")
    )


def test_a_row_that_nobody_has_filled_in_is_no_rule() -> None:
    """It must not keep anybody from saving the others."""
    for name in LISTS:
        assert is_blank(row_of(name, "n1", dict(STARTERS[name])))
    assert not is_blank(row("attributes", {}, attribute="a"))


def test_what_is_none_of_ours_is_passed_over() -> None:
    """A form can be sent by anything."""
    sent = [
        ("attributes.0.rule", "{"),
        ("attributes.1.what", "x"),
        ("x.0.rule", "{}"),
        ("events.a.b.c.d.e", "x"),
        ("do", "save"),
    ]

    assert rules_of(read_rows(sent)) == {name: [] for name in LISTS}


def test_conditions_are_written_one_value_a_line() -> None:
    """Values may have commas in them."""
    form = [("attributes.0.rule", '{"field": "x", "attribute": "a"}'), ("attributes.0.when.n1.path", "card.type"),
            ("attributes.0.when.n1.values", "Quiz, hard\r\nPoll\r\n"), ("attributes.0.when.n1.absent", "on"),
            ("attributes.0.when.n2.path", ""), ("attributes.0.when.n2.values", "")]  # fmt: skip

    (rule,) = rules_of(read_rows(form))["attributes"]

    assert rule["when"] == {"card.type": ["Quiz, hard", "Poll", None]}


@pytest.mark.parametrize("member", ["when", "properties"])
@pytest.mark.parametrize("value", ['"a"', "7", '["a"]', "true"])
def test_a_rule_of_another_shape_comes_back_as_it_was(member: str, value: str) -> None:
    """The field that carries the rule can be changed by whoever sends the form: the document's check speaks of that."""
    sent = [("events.0.rule", f'{{"name":"e","{member}":{value}}}')]

    assert rules_of(read_rows(sent))["events"] == [{"name": "e", member: orjson.loads(value)}]
