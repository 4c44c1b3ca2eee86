"""Forgetting a person from the pages."""

from typing import Any

import pytest

from tests.ingest.pages.komo import arrives, connect, work
from tests.visitor import Visitor, words
from workers.store import Stores


def test_a_person_is_forgotten_from_the_page_of_a_submission(visitor: Visitor, stores: Stores) -> None:
    """After a question that says what goes; their address is never told on the way."""
    connect(stores)
    one, other = arrives(stores), arrives(stores, 2, email="ben@example.com")

    asked = visitor.open(f"/people/forget?submission={one}")
    assert "m***@e***.com" in words(asked)
    assert "The profile in Braze is not touched" in words(asked)
    assert "mia@example.com" not in asked.text
    assert stores.jobs.open() == []

    begun = visitor.send(f"/people/forget?submission={one}", "/people/forget", sure="yes", follow=False)
    assert begun.status_code == 303
    work(stores, begun.location.rpartition("/")[2])

    assert "Nothing is kept here about that person any more." in words(visitor.open(begun.location))
    assert "mia" not in visitor.open(begun.location).text
    assert "m***@e***.com" not in words(visitor.open(f"/submissions/{one}"))
    assert stores.timeline.show(other) is not None


def test_a_person_is_forgotten_by_what_is_typed(visitor: Visitor, stores: Stores) -> None:
    """One question in between."""
    connect(stores)
    arrives(stores)

    asked = visitor.send("/people/forget", kind="email", value=" Mia@Example.com ")
    assert "Mia@Example.com" in words(asked)
    assert stores.jobs.open() == []

    begun = visitor.send("/people/forget", kind="email", value="Mia@Example.com", sure="yes", follow=False)
    job = stores.jobs.get(begun.location.rpartition("/")[2])
    assert job is not None
    assert (job.kind, job.by, job.asked) == ("forget", "page", {"kind": "email", "value": "Mia@Example.com"})


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"value": "   "}, "Type the identifier of the person."),
        ({"kind": "name", "value": "Mia"}, "Choose one."),
        ({"kind": "user_alias", "value": "mia"}, "type the label"),
        ({"submission": "nothing"}, "That submission names nobody, or is no longer kept."),
    ],
)
def test_what_names_nobody_is_told(typed: dict[str, Any], told: str, visitor: Visitor, stores: Stores) -> None:
    """Before anything begins, sure or not."""
    answer = visitor.send("/people/forget", sure="yes", **typed)

    assert answer.status_code == 422
    assert told in words(answer)
    assert stores.jobs.open() == []


def test_a_submission_that_names_nobody_asks_who_it_is(visitor: Visitor, stores: Stores) -> None:
    """Nobody guesses."""
    connect(stores)
    one = arrives(stores, email=None)

    answer = visitor.open(f"/people/forget?submission={one}")

    assert answer.status_code == 422
    assert "names nobody" in words(answer)
