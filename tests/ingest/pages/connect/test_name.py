"""The first step: name, part of the address, country."""

from typing import Any

import pytest

from ingest.pages.connect.name import suggest_id
from tests.ingest.pages.connect.conftest import WHOLE
from tests.visitor import Visitor, tags, words
from workers.errors import UnknownIntegration
from workers.store import Stores


def test_a_name_is_enough_to_begin(visitor: Visitor, stores: Stores) -> None:
    """Whatever else is needed may be known to somebody else, tomorrow."""
    answer = visitor.send("/integrations/new", name=" Sommer-Hub Übersee ", region="PT", follow=False)

    assert answer.status_code == 303
    assert answer.location == "/integrations/sommer-hub-ubersee/komo"
    kept = stores.integrations.get("sommer-hub-ubersee")
    assert kept.draft
    assert (kept.document["name"], kept.document["default_region"]) == ("Sommer-Hub Übersee", "PT")


def test_the_part_of_the_address_may_be_chosen(visitor: Visitor, stores: Stores) -> None:
    """It is what Komo's own settings will show."""
    visitor.send("/integrations/new", name="Summer", address="hub-1")

    assert stores.integrations.get("hub-1").integration.name == "Summer"


@pytest.mark.parametrize("address", ["Summer Hub", "a_b", "../x", "x" * 64, "ü", "<script>"])
def test_an_address_that_can_not_be_one_is_told_at_its_field(address: str, visitor: Visitor) -> None:
    """With what was typed, so that it can be mended."""
    answer = visitor.send("/integrations/new", name="Summer", address=address)

    assert answer.status_code == 422
    (field,) = [one for one in tags(answer, "input") if one.get("name") == "address"]
    assert field["value"] == address
    assert field["aria-invalid"] == "true"
    assert "Use a-z, 0-9 and -" in words(answer)


@pytest.mark.parametrize("taken", ["summer-hub", "winter-hub", "new"])
@pytest.mark.usefixtures("draft")
def test_a_part_that_is_taken_is_refused(taken: str, live: str, visitor: Visitor, stores: Stores) -> None:
    """Nothing of the one that has it may change; and `new` is this page."""
    before = stores.integrations.get(live).version

    answer = visitor.send("/integrations/new", name="Another", address=taken)

    assert answer.status_code == 422
    assert "This part is taken" in words(answer)
    assert stores.integrations.get(live).version == before


@pytest.mark.parametrize("filled", [{"name": "  "}, {"name": "x" * 201}, {"name": "Summer", "region": "Atlantis"}])
def test_nonsense_makes_nothing(filled: dict[str, Any], visitor: Visitor, stores: Stores) -> None:
    """A page is no way around the checks."""
    answer = visitor.send("/integrations/new", address="summer", **filled)

    assert answer.status_code == 422
    with pytest.raises(UnknownIntegration):
        stores.integrations.get("summer")


def test_a_later_change_leaves_the_rest_as_it_is(live: str, visitor: Visitor, stores: Stores) -> None:
    """A form shows a part of the document."""
    before = stores.integrations.get(live).document

    answer = visitor.send(f"/integrations/{live}/name", name="Autumn hub", region="")

    assert "Saved." in words(answer)
    after = stores.integrations.get(live).document
    assert after == before | {"name": "Autumn hub", "default_region": None}


def test_who_saves_what_somebody_else_has_changed_is_told(live: str, visitor: Visitor, stores: Stores) -> None:
    """Otherwise the later one wins without knowing."""
    stale = visitor.open(f"/integrations/{live}/name")
    (version,) = [one["value"] for one in tags(stale, "input") if one.get("name") == "version"]
    stores.integrations.save(WHOLE | {"enabled": False}, by="api")

    answer = visitor.send(f"/integrations/{live}/name", name="Mine", version=version)

    assert answer.status_code == 412
    assert "Somebody saved these settings in between." in words(answer)
    assert 'value="Mine"' in answer.text
    assert stores.integrations.get(live).integration.name == "Summer hub"


def test_a_saved_country_wakes_what_waits(live: str, visitor: Visitor, woken: list[tuple[str, str, int]]) -> None:
    """It is judged by the new rules, and nobody else would call a worker for it."""
    visitor.send(f"/integrations/{live}/name", region="PT")

    assert ("redo", live, 0) in woken


def test_a_hostile_name_is_only_text(visitor: Visitor) -> None:
    """Names come from people."""
    answer = visitor.send("/integrations/new", name="<script>alert(1)</script>", address="evil")

    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


@pytest.mark.parametrize(
    ("name", "wanted"), [("Summer Hub 26", "summer-hub-26"), ("  --É t é--", "e-t-e"), ("夏", ""), ("x" * 70, "x" * 63)]
)
def test_an_id_is_suggested(name: str, wanted: str) -> None:
    """The script of the page does the same."""
    assert suggest_id(name) == wanted
