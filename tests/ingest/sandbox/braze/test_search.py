"""Finding people by what is typed."""

import pytest

from ingest.sandbox.braze import search
from ingest.sandbox.braze.profiles import Profiles

NOON = 1_795_500_000.0


@pytest.fixture
def people() -> Profiles:
    found = Profiles()
    mira = found.find({"email": "mira.kestrel@example.com"}, NOON, may_create_alias=True)
    assert mira is not None
    mira.standard |= {"first_name": "Mira", "last_name": "Kestrel"}
    alias = {"alias_label": "komo_user", "alias_name": "9A4b"}
    found.find({"user_alias": alias, "_update_existing_only": False}, NOON, may_create_alias=True)
    return found


@pytest.mark.parametrize(
    ("words", "count"),
    [("mira", 1), ("KESTREL mira", 1), ("example.com", 1), ("9a4b", 1), ("mira 9a4b", 0), ("zoe", 0), ("", 2)],
)
def test_every_word_must_be_somewhere(people: Profiles, words: str, count: int) -> None:
    """In whatever order, in capitals or not."""
    assert len(list(search.matching(people, words))) == count


def test_only_so_many_people_are_looked_through(people: Profiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page refreshes itself, and a load test makes a million people."""
    monkeypatch.setattr(search, "LOOKED_THROUGH", 1)

    assert list(search.matching(people, "mira")) == []
