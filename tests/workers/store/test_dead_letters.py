"""Listings, single letters and searches."""

from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from schemas.dead_letter import LetterFilter, SoughtPerson
from schemas.integration import Integration
from tests.factories import NOON_MS, an_integration
from tests.letters import DAY, bury
from workers.store import dead_letters
from workers.store.dead_letters import DeadLetters
from workers.store.inbox import Limits


class Hubs:
    """Two integrations of one workspace, and what died in them."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.summer, self.winter = an_integration(), an_integration(id="winter-hub")
        self.letters = DeadLetters(connection, lambda: [self.summer, self.winter], Limits())

    def bury(self, member: str | None, number: int, to: Integration | None = None, **facts: Any) -> str:
        return bury(self.connection, to or self.summer, member, number, died_ms=NOON_MS + number * 1000, **facts)

    def pages(self, limit: int, **wanted: Any) -> list[list[dict[str, Any]]]:
        pages, cursor = [], None
        while True:
            items, cursor = self.letters.list(LetterFilter(**wanted), cursor=cursor, limit=limit)
            pages.append(items)
            if cursor is None:
                return pages
            assert len(pages) < 100

    def listed(self, limit: int = 50, **wanted: Any) -> list[str]:
        return [one["id"] for page in self.pages(limit, **wanted) for one in page]


@pytest.fixture
def hubs(store_connection: redis.Redis) -> Hubs:
    return Hubs(store_connection)


def at(number: float) -> datetime:
    """The time at which the letter of this number died."""
    return datetime.fromtimestamp(NOON_MS / 1000 + number, UTC)


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_what_died_last_comes_first_over_all_pages(hubs: Hubs, limit: int) -> None:
    """Nothing twice, nothing left out, in whichever integration it lies."""
    ids = [hubs.bury(f"m{n}", n, hubs.winter if n % 3 else hubs.summer) for n in range(1, 31)]

    assert hubs.listed(limit) == ids[::-1]
    assert all(len(page) <= limit for page in hubs.pages(limit))


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_letters_of_one_moment_are_not_lost_between_pages(hubs: Hubs, limit: int) -> None:
    """Two integrations know nothing of each other's numbers."""
    ids = {
        bury(hubs.connection, one, "ann", 7, died_ms=NOON_MS, day=DAY - n)
        for n, one in enumerate([hubs.summer, hubs.winter])
    }

    listed = hubs.listed(limit)

    assert (set(listed), len(listed)) == (ids, 2)


def test_a_search_without_hits_is_bounded(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who looks for a needle must not stop the store; the next page goes on."""
    monkeypatch.setattr(dead_letters, "LOOKED_AT", 10)
    wanted = hubs.bury("ann", 1)
    for number in range(2, 40):
        hubs.bury("bob", number)

    pages = hubs.pages(50, text="ann")

    assert [len(page) for page in pages] == [0, 0, 0, 1]
    assert pages[-1][0]["id"] == wanted


def test_a_page_ends_when_its_time_is_up(hubs: Hubs) -> None:
    """A person waits for it; what it found so far is not lost, and the next one goes on."""
    ids = [hubs.bury("ann", number) for number in range(1, 4)]

    items, cursor = hubs.letters.list(LetterFilter(), until=lambda: True)
    rest, _ = hubs.letters.list(LetterFilter(), cursor=cursor)

    assert [one["id"] for one in (*items, *rest)] == ids[::-1]
    assert len(items) == 1


def test_a_page_of_big_bodies_is_bounded_too(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may be a megabyte."""
    monkeypatch.setattr(dead_letters, "LOOKED_AT_BYTES", 10_000)
    ids = [hubs.bury("ann", number, story="x" * 6000) for number in range(1, 6)]

    assert [len(page) for page in hubs.pages(50)] == [2, 2, 1]
    assert hubs.listed() == ids[::-1]


def test_a_letter_is_shown_wherever_it_lies_or_only_where_it_is_said_to(hubs: Hubs) -> None:
    """A link may name the integration, and then nothing else is looked at."""
    wanted = hubs.bury("ann", 1, hubs.winter)
    hubs.bury("ann", 2)

    assert hubs.letters.show(wanted) is not None
    assert hubs.letters.show(wanted, "winter-hub") == hubs.letters.show(wanted)
    assert hubs.letters.show(wanted, "summer-hub") is None


@pytest.mark.parametrize("unknown", ["", "nonsense", "1", f"{DAY:x}{'f' * 16}", f"{'f' * 30}", "../x"])
def test_what_is_not_there_is_not_shown(hubs: Hubs, unknown: str) -> None:
    """It may have been replayed meanwhile."""
    hubs.bury("ann", 1)

    assert hubs.letters.show(unknown) is None


def test_letters_are_found_among_many(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store looks through a bounded number of them in one call."""
    monkeypatch.setattr(dead_letters, "LOOK_THROUGH", 4)
    ids = [hubs.bury("ann", number) for number in range(1, 20)]

    assert all(hubs.letters.show(one) for one in ids)
    pages = hubs.letters.choose(hubs.summer, None, [ids[3], ids[17], "nonsense"])
    assert [stamp for page in pages for stamp in page.chosen.values()] == [4, 18]


@pytest.mark.parametrize("most_bytes", [1, 3_000, 10_000])
def test_big_letters_are_looked_through_a_few_at_a_time(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    """The store does nothing else meanwhile, and one letter may be as big as a thousand others."""
    monkeypatch.setattr(dead_letters, "LOOK_THROUGH_BYTES", most_bytes)
    ids = [
        hubs.bury("ann", number, why="too_big" if number % 2 else "refused", story="x" * 2000)
        for number in range(1, 12)
    ]

    assert all(hubs.letters.show(one) for one in ids)
    pages = hubs.letters.choose(hubs.summer, None, [ids[0], ids[5], ids[10], f"{DAY:x}{'f' * 16}"])
    assert [stamp for page in pages for stamp in page.chosen.values()] == [1, 6, 11]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"reason": "refused"}, [1, 2]),
        ({"integration": "winter-hub"}, [4]),
        ({"integration": "nobody"}, []),
        ({"since": at(2)}, [2, 3, 4]),
        ({"until": at(2)}, [1, 2]),
        ({"since": at(1.5), "until": at(2.5)}, [2]),
        ({"identifier": SoughtPerson(None, " ann ")}, [1, 4]),
        ({"identifier": SoughtPerson("external_id", "ann")}, [1, 4]),
        ({"identifier": SoughtPerson("email", "ann")}, []),
        ({"identifier": SoughtPerson(None, "nobody")}, []),
        ({"text": "NOBODY"}, [3]),
        ({"text": "Bad identifier"}, [3]),
        ({"text": "no such type"}, [2]),
        ({"text": "red team", "reason": "refused"}, [1]),
        ({"text": "straße"}, [4]),
    ],
)
def test_letters_are_found_by_what_people_know(hubs: Hubs, wanted: dict[str, Any], found: list[int]) -> None:
    """Every condition must hold."""
    ids = [
        hubs.bury("ann", 1, team="Red Team"),
        hubs.bury("bob", 2, details={"attempts": [{"status": 400, "answer": "No such type"}]}),
        hubs.bury(None, 3, why="bad_identifier", email="nobody@"),
        hubs.bury("ann", 4, hubs.winter, why="too_big", raw=b'{"street": "Hauptstra\\u00dfe"}'),
    ]

    assert hubs.listed(**wanted) == [ids[number - 1] for number in reversed(found)]
    assert [one.id for one in hubs.letters.each(LetterFilter(**wanted))] == hubs.listed(**wanted)
    chosen = [
        stamp for one in (hubs.summer, hubs.winter) if wanted.get("integration") in (None, one.id)
        for page in hubs.letters.choose(one, LetterFilter(**wanted), None) for stamp in page.chosen.values()
    ]  # fmt: skip
    assert chosen == found


@pytest.mark.parametrize("cursor", ["nonsense", "0.abc", "1-1", "1-1.A b", "1-1.summer-hub\n", "9" * 30 + "-1.a"])
def test_what_is_no_cursor_is_refused(hubs: Hubs, cursor: str) -> None:
    """Rather than beginning again from the top."""
    with pytest.raises(ValueError, match="cursor"):
        hubs.letters.list(LetterFilter(), cursor=cursor)


def test_what_dies_later_does_not_belong_to_a_search(hubs: Hubs) -> None:
    """A replay of everything must not run after its own letters for ever."""
    for number in range(1, 5):
        hubs.bury("ann", number)
    until = str(NOON_MS + 2000)

    assert [one.stamp for one in hubs.letters.letters(hubs.summer, LetterFilter(), until_id=until)] == [1, 2]
    ids = [one.id for one in hubs.letters.letters(hubs.summer, LetterFilter())]
    pages = hubs.letters.choose(hubs.summer, None, ids, until_id=until)
    assert [stamp for page in pages for stamp in page.chosen.values()] == [1, 2]


def test_a_search_goes_on_where_it_ended(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may die between two pages."""
    monkeypatch.setattr(dead_letters, "FIRST_PAGE", 3)
    monkeypatch.setattr(dead_letters, "LAST_PAGE", 3)
    for number in range(1, 9):
        hubs.bury("ann", number)
    first = next(hubs.letters.choose(hubs.summer, LetterFilter(), None))

    rest = list(hubs.letters.choose(hubs.summer, LetterFilter(), None, after=first.last))

    assert [[*page.chosen.values()] for page in (first, *rest)] == [[1, 2, 3], [4, 5, 6], [7, 8]]


def test_ids_and_a_filter_together_have_to_agree(hubs: Hubs) -> None:
    """What somebody narrows down stays narrow."""
    ids = [hubs.bury("ann", 1), hubs.bury("bob", 2, why="too_big"), hubs.bury("cid", 3, why="too_big")]
    pages = hubs.letters.choose(hubs.summer, LetterFilter(reason="too_big", until=at(2)), ids)

    assert [stamp for page in pages for stamp in page.chosen.values()] == [2]
    assert list(hubs.letters.choose(hubs.summer, None, None)) == []
    assert list(hubs.letters.choose(hubs.summer, None, [])) == []


def test_letters_whose_death_is_known_are_looked_for_there_alone(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many, that is what makes it quick."""
    monkeypatch.setattr(dead_letters, "LOOK_THROUGH", 1)
    ids = [hubs.bury("ann", number) for number in range(1, 20)]
    looks: list[Any] = []
    find = hubs.letters._find

    def look(keys: Any, args: Any) -> Any:
        looks.append(keys)
        return find(keys, args)

    monkeypatch.setattr(hubs.letters, "_find", look)

    pages = hubs.letters.choose(hubs.summer, LetterFilter(since=at(10), until=at(11)), ids[8:12])

    assert [stamp for page in pages for stamp in page.chosen.values()] == [10, 11]
    assert len(looks) <= 3


def test_big_letters_are_read_a_few_at_a_time(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred bodies of a megabyte would fill a small worker."""
    monkeypatch.setattr(dead_letters, "PAGE_BYTES", 10_000)
    for number in range(1, 21):
        hubs.bury("ann", number, story="x" * 2000)

    pages = list(hubs.letters.choose(hubs.summer, LetterFilter(), None))

    assert [len(page.chosen) for page in pages] == [8, 4, 2, 4, 2]
    assert len(hubs.listed()) == 20
