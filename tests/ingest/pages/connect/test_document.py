"""The settings as a JSON document."""

import json

import pytest

from tests.ingest.pages.connect.conftest import WHOLE
from tests.visitor import Visitor, fields, words
from workers.store import Stores


def test_the_document_can_be_saved_as_it_stands(live: str, visitor: Visitor, stores: Stores) -> None:
    """Nothing is lost on the way to the browser and back, and the key stays."""
    before = stores.integrations.get(live)
    shown = json.loads(fields(visitor.open(f"/integrations/{live}/json"))["text"])
    assert shown["braze"]["api_key"] == {"set": True, "last4": "0000"}
    assert "version" not in shown

    visitor.send(f"/integrations/{live}/json")

    after = stores.integrations.get(live)
    assert after.document == before.document
    assert after.api_key() == before.api_key()
    assert after.version == before.version + 1


def test_every_problem_is_listed_with_its_place(live: str, visitor: Visitor, stores: Stores) -> None:
    """And the text stays as it was typed."""
    wrong = json.dumps(WHOLE | {"name": "", "colour": "red", "attributes": [{"field": "a", "attribute": "braze_id"}]})

    answer = visitor.send(f"/integrations/{live}/json", text=wrong)

    assert answer.status_code == 422
    for place in ("/name", "/colour", "/attributes/0/attribute"):
        assert f"{place}:" in words(answer)
    assert fields(answer)["text"] == wrong
    assert stores.integrations.get(live).integration.name == "Summer hub"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "This is not JSON"), ("{", "at line 1"), ("[1]", "but no object"), ("null", "but no object"),
        ('{"id": "another"}', "that stays"), ("[" * 3000, "This is not JSON"), ("\x00", "This is not JSON"),
        ("</textarea><script>alert(1)</script>", "This is not JSON"), ('{"braze": 7, "identifiers": {}}', "/braze"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_told(text: str, told: str, live: str, visitor: Visitor) -> None:
    """In words, and the page stays whole."""
    answer = visitor.send(f"/integrations/{live}/json", text=text)

    assert answer.status_code == 422
    assert told in words(answer)
    assert "<script>alert" not in answer.text


def test_nobody_overwrites_what_they_have_not_seen(live: str, visitor: Visitor, stores: Stores) -> None:
    """Then, having been told, they may."""
    mine = json.dumps(WHOLE | {"name": "Mine"})
    stale = fields(visitor.open(f"/integrations/{live}/json"))["version"]
    stores.integrations.save(WHOLE | {"name": "Theirs"}, by="api")

    refused = visitor.send(f"/integrations/{live}/json", text=mine, version=stale)
    assert refused.status_code == 412
    assert "The settings as they are now" in words(refused)
    assert stores.integrations.get(live).integration.name == "Theirs"

    again = fields(refused)
    visitor.send(f"/integrations/{live}/json", text=again["text"], version=again["version"])
    assert stores.integrations.get(live).integration.name == "Mine"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 400, None])
def test_a_version_that_is_none_matches_nothing(version: str | None, live: str, visitor: Visitor) -> None:
    """Whoever lost it has to look again."""
    assert visitor.send(f"/integrations/{live}/json", version=version).status_code == 412


def test_a_draft_stays_one(draft: str, visitor: Visitor, stores: Stores) -> None:
    """Finishing is a decision of its own."""
    shown = json.loads(fields(visitor.open(f"/integrations/{draft}/json"))["text"])
    assert "api_key" not in shown["braze"]

    visitor.send(f"/integrations/{draft}/json", text=json.dumps(shown | {"name": "Renamed"}))

    kept = stores.integrations.get(draft)
    assert kept.draft
    assert kept.integration.name == "Renamed"


def test_a_large_document_can_be_saved(live: str, visitor: Visitor, stores: Stores) -> None:
    """A thousand rules are allowed, and grow on the way through a form."""
    rules = [
        {"field": f"a_rather_long_name_of_a_field_{n}", "attribute": f"a_rather_long_name_{n}"} for n in range(1000)
    ]

    answer = visitor.send(f"/integrations/{live}/json", text=json.dumps(WHOLE | {"attributes": rules}, indent=2))

    assert answer.status_code == 200
    assert len(stores.integrations.get(live).document["attributes"]) == 1000
