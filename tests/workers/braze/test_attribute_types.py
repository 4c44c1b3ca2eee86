from typing import Any

import pytest

from schemas.integration import read_document
from schemas.mapping import AttributeRule
from tests.factories import a_document
from workers.braze.attribute_types import compare, type_of
from workers.braze.custom_attributes import Fixed


def a_rule(**members: Any) -> AttributeRule:
    source = {} if "value" in members else {"field": "x"}
    document = a_document(attributes=[source | {"attribute": "team"} | members])
    return read_document(document).integration().attributes[0]


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({}, "string"),
        ({"type": "number"}, "number"),
        ({"type": "datetime"}, "date"),
        ({"type": "date", "format": "DD/MM/YYYY"}, "date"),
        ({"type": "object_array"}, "object array"),
        ({"attribute": "boat.length", "type": "number"}, "object"),
        ({"operation": "increment"}, "number"),
        ({"operation": "add"}, "array"),
        ({"operation": "add", "type": "object_array"}, "object array"),
        ({"operation": "merge"}, "object"),
        ({"value": 1}, "number"),
        ({"value": True}, "boolean"),
        ({"value": "komo"}, "string"),
        ({"value": ["a"]}, "array"),
        ({"value": [{"a": 1}]}, "object array"),
        ({"value": {"a": 1}}, "object"),
        ({"value": None, "on_null": "clear"}, ""),
    ],
)
def test_each_rule_has_a_type_in_braze(members: dict[str, Any], wanted: str) -> None:
    """Braze fixes it with the first value."""
    assert type_of(a_rule(**members)) == wanted


@pytest.mark.parametrize(
    ("data_type", "status", "right"),
    [
        ("String", "Active", None),
        ("Number", "Active", False),
        ("Date", "Active", False),
        ("String", "Blocklisted", False),
        ("Something new", "Active", None),
        ("", "Active", None),
    ],
)
def test_what_braze_would_ignore_is_told(data_type: str, status: str, right: bool | None) -> None:
    """What nobody knows is not called wrong."""
    lines = [*compare([a_rule()], [Fixed("team", data_type, status)])]

    assert [one for _, one, _ in lines] == ([] if right is None else [right])


def test_a_name_in_another_case_is_told() -> None:
    """To Braze it is another attribute; sometimes that is meant."""
    [(name, right, sentence)] = compare([a_rule()], [Fixed("Team", "Number", "Active")])

    assert (name, right) == ("team", True)
    assert "Team" in sentence


def test_an_attribute_with_several_rules_is_told_once() -> None:
    """One line for one thing to mend."""
    lines = [*compare([a_rule(), a_rule(when={"card.type": "Quiz"})], [Fixed("team", "Number", "Active")])]

    assert len(lines) == 1
