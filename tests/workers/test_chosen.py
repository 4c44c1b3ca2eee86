from datetime import timedelta

import pytest
import redis

from schemas.dead_letter import LetterFilter, ReplayOptions
from tests.factories import NOON, a_document
from tests.letters import bury
from tests.workers.test_replay import Graveyard
from workers.chosen import choose, integrations_of, tell, unknown
from workers.store.jobs import Job


@pytest.fixture
def world(store_connection: redis.Redis) -> Graveyard:
    return Graveyard(store_connection)


def listed(world: Graveyard, job: Job) -> int:
    integrations = integrations_of(world.stores, ReplayOptions())
    return world.stores.dead_letters.moves.told(integrations, job.id)[0]


def test_letters_of_every_integration_are_chosen(world: Graveyard) -> None:
    """A filter that names no integration means all of them, in whichever workspace."""
    braze = a_document()["braze"] | {"workspace": "another"}
    world.stores.integrations.save(a_document(id="winter-hub", braze=braze), by="test")
    world.bury("ann", 1)
    bury(world.stores.connection, world.stores.integrations.get("winter-hub").integration, "bob", 2)
    job = world.ask()

    assert choose(job, ReplayOptions(filter=LetterFilter()), world.stores, lambda: False)

    assert (listed(world, job), world.job(job).matched, world.job(job).progress) == (2, 2, {"chosen": True})
    assert [one.id for one in integrations_of(world.stores, ReplayOptions())] == ["summer-hub", "winter-hub"]
    only = ReplayOptions(filter=LetterFilter(integration="winter-hub"))
    assert [one.id for one in integrations_of(world.stores, only)] == ["winter-hub"]
    assert world.work(job).done == 2


def test_choosing_goes_on_page_by_page(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million letters are not listed within one turn; people see the number grow."""
    monkeypatch.setattr("workers.store.dead_letters.FIRST_PAGE", 2)
    monkeypatch.setattr("workers.store.dead_letters.LAST_PAGE", 2)
    for number in range(1, 6):
        world.bury("ann", number)
    job, options = world.ask(), ReplayOptions(filter=LetterFilter())

    matched = []
    while not choose(world.job(job), options, world.stores, lambda: True):
        matched.append(world.job(job).matched)

    assert matched == [2, 4, 5]
    assert listed(world, job) == 5


def test_unknown_ids_are_told_apart(world: Graveyard) -> None:
    """However their day is written."""
    wanted = world.bury("ann", 1)

    assert unknown((f"0{wanted}", "x", wanted, "y"), world.stores) == ["x", "y"]
    assert unknown(("x", wanted), world.stores, all_or_none=True) == []
    assert unknown((wanted,), world.stores, among=LetterFilter(until=NOON - timedelta(days=400))) == [wanted]
    assert unknown(("x", "y"), world.stores, all_or_none=True) == ["x", "y"]


def test_choosing_once_more_changes_nothing(world: Graveyard) -> None:
    """A call may be doubled after a crash."""
    world.bury("ann", 1)
    job, options = world.ask(), ReplayOptions(filter=LetterFilter())
    for _ in range(2):
        assert choose(job, options, world.stores, lambda: False)

    assert listed(world, job) == 1


def test_a_job_is_not_over_while_an_integration_changes(world: Graveyard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have moved to another workspace, and the list with it."""
    job, options = world.ask(), ReplayOptions(filter=LetterFilter())
    seen = iter([integrations_of(world.stores, options), []])
    monkeypatch.setattr("workers.chosen.integrations_of", lambda *_: next(seen))

    assert not tell(job, options, world.stores)
    assert world.job(job).state == "queued"
