"""Where in the editor something is that the schema, or a trial, has found at a place of the document."""

import pytest

from ingest.pages.fields.places import control_at, numbered, row_about
from ingest.pages.fields.rows import row_of, rows_of
from tests.factories import a_document

DOCUMENT = a_document(
    attributes=[{"field": "x", "attribute": "a"}, {"field": "y", "attribute": "b.c", "when": {"card.a/b": 1}}],
    subscriptions=[{"field": "o", "kind": "push"}, {"field": "o", "kind": "email"}],
    events=[{"name": "e", "properties": {"p": "x", "q": {"question": "?"}}}],
    sends=[{"kind": "canvas", "id": "c", "trigger_properties": {"p": "x"}}],
)
ROWS = numbered(rows_of(DOCUMENT))


@pytest.mark.parametrize(
    ("pointer", "control"),
    [("/attributes/1/format", "attributes.1.format"), ("/attributes/0", "attributes.0.what"),
     ("/attributes/0/question", "attributes.0.what"), ("/attributes/1/when/card.a~1b", "attributes.1.when.0.values"),
     ("/attributes/1/unknown", "attributes.1.what"), ("/events/0/properties/q/type", "events.0.properties.1.type"),
     ("/events/0/properties/p", "events.0.properties.0.what"), ("/sends/0/trigger_properties/p/field",
     "sends.0.properties.0.what"), ("/subscriptions/1/group_id", "subscriptions.1.group_id"),
     ("/attributes/9/field", None), ("/attributes", None), ("/braze/api_key", None), ("", None)],
)  # fmt: skip
def test_a_problem_is_told_at_its_control(pointer: str, control: str | None) -> None:
    """What has no control in the editor is for another place."""
    assert control_at(pointer, ROWS) == control


def test_rows_that_nobody_filled_in_are_not_counted() -> None:
    """They are no rules of the document."""
    rows = rows_of(DOCUMENT)
    rows["attributes"].insert(0, row_of("attributes", "n1", {}))

    assert control_at("/attributes/0/attribute", numbered(rows)) == "attributes.0.attribute"


@pytest.mark.parametrize(
    ("owner", "row"),
    [("a", "attributes.0"), ("b.c", "attributes.1"), ("e.p", "events.0"), ("sends.1.p", "sends.0"),
     ("email_subscribe", "subscriptions.1"), ("push_subscribe", "subscriptions.0"), ("nothing", None), ("", None)],
)  # fmt: skip
def test_a_warning_is_told_at_its_rule(owner: str, row: str | None) -> None:
    """There it can be mended."""
    found = row_about(owner, ROWS)

    assert (found.id if found else None) == row
