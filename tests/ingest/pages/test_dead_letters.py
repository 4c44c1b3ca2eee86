"""The pages about dead letters: which there are, what would happen, and what shall."""

import re
from typing import Any

import pytest
import redis

from tests.factories import an_integration
from tests.ingest.pages.komo import arrives, connect, work
from tests.letters import bury
from tests.visitor import Visitor, tags, words
from workers.store import Stores

BY_MEMBER = [{"kind": "external_id", "field": "member_id"}]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def letters(stores: Stores, store_connection: redis.Redis) -> list[str]:
    """Three that Braze refused, and one without a usable person, oldest first."""
    connect(stores, identifiers=BY_MEMBER)
    integration = an_integration()
    said = {"status": 400, "answer": f"{HOSTILE} is no colour"}
    made = [bury(store_connection, integration, f"m{number}", number, details=said) for number in (1, 2, 3)]
    return [*made, bury(store_connection, integration, None, 4, why="bad_identifier", member_id="null")]


def test_they_are_grouped_by_reason_with_what_it_means(visitor: Visitor, letters: list[str]) -> None:
    """The most frequent one first."""
    page = visitor.open("/dead-letters")

    told = words(page)
    assert re.search(r"Braze refused it 3 .* The person can't be told 1", told)
    assert "Braze looked at it and said no." in told
    assert "/integrations/summer-hub/people" in [link["href"] for link in tags(page, "a")]
    assert HOSTILE not in page.text
    assert [box["value"] for box in tags(page, "input") if box.get("name") == "ids"] == letters[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("reason=refused", [2, 1, 0]),
        ("reason=too_old", []),
        ("integration=winter-hub", []),
        ("time=hour", [3, 2, 1, 0]),
        ("time=own&until=2001-01-01T00:00", []),
    ],
)
def test_filters_leave_out_the_rest(
    query: str, expected: list[int], visitor: Visitor, stores: Stores, letters: list[str]
) -> None:
    """Each one alone."""
    connect(stores, "winter-hub")

    page = visitor.open(f"/dead-letters?{query}")

    shown = [box["value"] for box in tags(page, "input") if box.get("name") == "ids"]
    assert shown == [letters[number] for number in expected]
    assert expected or "There are no such dead letters." in words(page)


def test_chosen_ones_are_tried_and_then_replayed(visitor: Visitor, stores: Stores, letters: list[str]) -> None:
    """The first step changes nothing; values stay hidden there, too, until somebody asks."""
    tried = visitor.send("/dead-letters", "/dead-letters/choose", ids=letters[:2], do="replay")

    assert "Replay 2 dead letters?" in words(tried)
    assert "2 would be sent to Braze" in words(tried)
    assert "https://rest.iad-03.braze.com/users/track" in words(tried)
    assert "•••••" in tried.text
    assert stores.jobs.open() == []

    begun = visitor.send("/dead-letters", "/dead-letters/replay", ids=letters[:2], follow=False)
    assert begun.status_code == 303
    job_id = begun.location.rpartition("/")[2]
    work(stores, job_id)
    assert "2 of 2" in words(visitor.open(begun.location))
    assert stores.ledger.read(stores.integrations.get("summer-hub").integration)["waiting"] == 2


def test_all_that_match_means_those_that_were_there(
    visitor: Visitor, stores: Stores, letters: list[str], store_connection: redis.Redis
) -> None:
    """What dies while somebody reads the question was not meant."""
    asked = visitor.send("/dead-letters?reason=refused", "/dead-letters/choose", do="discard-all")
    assert "Discard 3 dead letters?" in words(asked)
    assert "given up for good" in words(asked)
    as_of = next(field["value"] for field in tags(asked, "input") if field.get("name") == "as_of")
    later = bury(store_connection, an_integration(), "m9", 9, died_ms=4_102_444_800_000)

    begun = visitor.send(
        "/dead-letters?reason=refused", "/dead-letters/discard", ids=None, all="yes", as_of=as_of, follow=False
    )

    work(stores, begun.location.rpartition("/")[2])
    assert stores.dead_letters.show(later) is not None
    ledger = stores.ledger.read(stores.integrations.get("summer-hub").integration)
    assert (ledger["discarded"], ledger["dead"]) == (3, 2)


def test_a_thousand_letters_are_replayed_while_somebody_watches(
    visitor: Visitor, stores: Stores, store_connection: redis.Redis
) -> None:
    """The bar moves, also on the page of the letters, and the end is the end of all of them."""
    connect(stores, identifiers=BY_MEMBER)
    for number in range(1, 1001):
        bury(store_connection, an_integration(), f"m{number}", number)
    tried = visitor.send("/dead-letters", "/dead-letters/choose", do="replay-all")
    assert "Replay 1,000 letters" in words(tried)
    assert re.search("The oldest [0-9]+ were tried", words(tried))

    begun = visitor.send("/dead-letters", "/dead-letters/replay", ids=None, all="yes", follow=False)
    job_id = begun.location.rpartition("/")[2]
    at_first = visitor.open(begun.location)
    assert "Waits for its turn" in words(at_first)
    assert f"/jobs/{job_id}" in visitor.open("/dead-letters").text
    work(stores, job_id)

    part = visitor.open(f"{begun.location}?fragment=1")
    (bar,) = tags(part, "progress")
    assert (bar["value"], bar["max"]) == ("1000", "1000")
    assert part.headers["X-Refresh"] == "end"
    assert "1,000 of 1,000" in words(part)
    assert "There are no dead letters." in words(visitor.open("/dead-letters"))


def test_how_fast_and_without_what_can_be_said(visitor: Visitor, stores: Stores, letters: list[str]) -> None:
    """And is checked before anything moves."""
    wrong = visitor.send("/dead-letters", "/dead-letters/replay", ids=letters, rate="fast", hours="-1")
    assert wrong.status_code == 422
    assert "Give a number between" in words(wrong)
    assert "Give a number of hours above 0" in words(wrong)
    assert stores.jobs.open() == []

    begun = visitor.send("/dead-letters", "/dead-letters/replay", ids=letters, rate="2.5", hours="48", follow=False)
    job = stores.jobs.get(begun.location.rpartition("/")[2])
    assert job is not None
    assert job.by == "page"
    assert job.asked is not None
    assert job.asked["ids"] == letters
    assert (job.asked["rate"], job.asked["events_not_older_than_hours"]) == (2.5, 48)


def test_only_trying_again_moves_nothing(visitor: Visitor, stores: Stores, letters: list[str]) -> None:
    """Both buttons are in one form."""
    tried = visitor.send("/dead-letters", "/dead-letters/replay", ids=letters[:1], again="values")

    assert tried.status_code == 200
    assert "m1" in tried.text
    assert stores.jobs.open() == []


def test_choosing_nothing_is_told(visitor: Visitor, stores: Stores, letters: list[str]) -> None:
    """And is not the same as choosing everything."""
    page = visitor.send("/dead-letters?reason=refused", "/dead-letters/choose", ids=None, do="replay")

    assert "Choose at least one letter first." in words(page)
    assert stores.jobs.open() == []


@pytest.mark.parametrize(
    "asked",
    [{}, {"all": "yes", "reason": "odd"}, {"all": "yes", "time": "own", "from": "x"}, {"all": "yes", "time": "x"}],
)
@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_what_can_not_be_understood_does_not_mean_everything(
    verb: str, asked: dict[str, Any], visitor: Visitor, stores: Stores, letters: list[str]
) -> None:
    """A condition that is dropped would give up letters that nobody meant."""
    answer = visitor.send("/dead-letters", f"/dead-letters/{verb}", ids=None, **asked)

    assert answer.status_code == 400
    assert stores.jobs.open() == []


def test_nothing_dead_is_good_news(visitor: Visitor, stores: Stores) -> None:
    """Not an empty table."""
    connect(stores)
    arrives(stores)

    assert "There are no dead letters." in words(visitor.open("/dead-letters"))


def test_mistakes_in_an_address_are_told(visitor: Visitor, letters: list[str]) -> None:
    """A page that is none, and a time that is none."""
    assert visitor.open("/dead-letters?cursor=x").status_code == 422
    assert visitor.open("/dead-letters?time=own&from=x").status_code == 422


def test_it_is_nobody_s_business(stranger: Visitor) -> None:
    """Neither the list nor what is done with it."""
    assert stranger.client.get("/dead-letters").status_code == 302
    for verb in ("choose", "replay", "discard"):
        assert stranger.client.post(f"/dead-letters/{verb}").status_code == 401
