"""A document that somebody is still at."""

from typing import Any

import pytest

from schemas.integration import read_document
from schemas.integration_draft import DRAFT_WORKSPACE, build_draft, missing_of, read_draft
from schemas.problems import InvalidDocument
from tests.factories import BRAZE, a_document

BEGUN = {"id": "summer-hub", "name": "Summer hub"}
IDENTIFIERS = [{"kind": "external_id", "field": "member_id"}]


def test_no_stand_in_gets_into_what_is_kept() -> None:
    """They are there only so that the schema finds all other problems."""
    reading = read_draft(BEGUN)

    assert "rest_endpoint" not in reading.document["braze"]
    assert (reading.document["identifiers"], reading.api_key, reading.warnings) == ([], None, ())


def test_a_whole_document_reads_as_it_would_without_being_a_draft() -> None:
    """What was a draft's last word is what the save gets."""
    assert read_draft(a_document()) == read_document(a_document())


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        ({}, ("/braze/rest_endpoint", "/identifiers")),
        ({"braze": {"rest_endpoint": BRAZE}}, ("/identifiers",)),
        ({"braze": {"rest_endpoint": " "}, "identifiers": IDENTIFIERS}, ("/braze/rest_endpoint",)),
        ({"braze": None, "identifiers": None}, ("/braze/rest_endpoint", "/identifiers")),
        ({"braze": {"rest_endpoint": BRAZE}, "identifiers": IDENTIFIERS}, ()),
    ],
)
def test_what_is_missing_is_told_by_its_place(members: dict[str, Any], missing: tuple[str, ...]) -> None:
    """The pages lead to the step where it is filled in."""
    assert missing_of(BEGUN | members) == missing
    assert missing_of(read_draft(BEGUN | members).document) == missing


def test_a_key_that_is_not_known_yet_is_missing_too() -> None:
    """In the order in which somebody fills them in."""
    assert missing_of(BEGUN, has_key=False) == ("/braze/rest_endpoint", "/braze/api_key", "/identifiers")


def test_rules_against_each_other_are_looked_at_as_far_as_they_are_there() -> None:
    """A rule that disturbs the identifier is told in the step in which it is written."""
    rules = [{"field": "other", "attribute": "email"}]
    assert read_draft(BEGUN | {"attributes": rules}).document["attributes"]

    with pytest.raises(InvalidDocument) as refused:
        read_draft(BEGUN | {"attributes": rules, "identifiers": [{"kind": "email", "field": "email"}]})
    assert [one.pointer for one in refused.value.problems] == ["/attributes/0/attribute"]


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_what_is_no_object_is_no_draft(document: Any) -> None:
    """As with every document."""
    with pytest.raises(InvalidDocument):
        read_draft(document)


def test_a_draft_sends_nothing_and_has_no_place_in_braze() -> None:
    """Not even in the workspace that it names, and whatever it says of `enabled`."""
    reading = read_draft(BEGUN | {"braze": {"workspace": "acme"}, "enabled": True})

    integration = build_draft(reading.document, version=3)

    assert (integration.draft, integration.enabled, integration.version) == (True, False, 3)
    assert (integration.braze.workspace, integration.braze.rest_endpoint) == (DRAFT_WORKSPACE, "")
    assert reading.document["braze"]["workspace"] == "acme"
