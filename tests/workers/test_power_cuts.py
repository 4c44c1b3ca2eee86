"""
The power goes at any command of a whole story: a submission comes in, dies, is replayed, dies again, is let go.

What a single step does when it dies stands in its own test file.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
import redis
from flask import Flask

from ingest.receive import webhook
from schemas.dead_letter import LetterFilter, ReplayOptions
from tests.fakes import PowerCut, power_cut_after
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, AllRefused, BadRequest, Refusal, Reply
from workers.jobs import advance
from workers.store.connect import connect
from workers.store.keys import own
from workers.store.retention import Retention
from workers.sweep import SLOW_EVERY, sweep

#: No story is longer, in commands.
MOST_COMMANDS = 150
MINUTE_MS = 60_000
#: How Braze refuses: the named objects, everything but naming them, everything without a name.
MANNERS = ("some", "all", "silent")
EVERYTHING = ReplayOptions(filter=LetterFilter()).to_json()

Story = Callable[["Site"], object]


class Site(World):
    """A hub whose processes may all die at once; Braze takes no attributes of the team `none`."""

    def __init__(self, connection: redis.Redis, manner: str = "some") -> None:
        connection.flushall()
        self.connection = connection
        super().__init__(connection)
        self.manner = manner
        self.likes_everything = False
        #: The call at which the power goes, counted from 0, and whether it was applied.
        self.dies_at_call: tuple[int, bool] | None = None
        #: How often each submission's event was applied.
        self.applied = Counter[str]()
        self.braze.answers = [self.judge] * 500

    def judge(self, request: dict[str, Any]) -> Reply:
        refused = [Refusal("attributes", at, "no") for at in self._bad(request)]
        number = len(self.braze.sent) - 1
        cut = self.dies_at_call and self.dies_at_call[0] == number
        taken = not refused or self.manner == "some"
        if taken and (not cut or self.dies_at_call[1]):  # type: ignore[index]
            self.applied.update(one["properties"]["komo_submission_id"] for one in request.get("events", []))
        if cut:
            raise PowerCut
        if taken:
            return Accepted(201, refused=refused)
        return AllRefused(400, refused=refused) if self.manner == "all" else BadRequest(400, "Bad Request")

    def _bad(self, request: dict[str, Any]) -> list[int]:
        teams = [one.get("team") for one in request.get("attributes", [])]
        return [] if self.likes_everything else [at for at, team in enumerate(teams) if team == "none"]

    def dies(self, story: Story, commands: int | None = None, *, answered: bool = False) -> bool:
        """Whether the story was cut short; afterwards the processes are new, and what they had reserved has expired."""
        if commands is not None:
            self.reopen(power_cut_after(self.connection, commands, answered=answered))
        cut = True
        with suppress(PowerCut):
            story(self)
            cut = False
        self.reopen(self.connection)
        self.dies_at_call = None
        self.now += MINUTE_MS
        reserved: Any = [*self.stores.connection.keys("*:lease*"), *self.stores.connection.keys("*:wake:*")]
        self.stores.connection.delete(*reserved or ["none"])
        return cut

    def ask(self, kind: Any) -> None:
        self.stores.jobs.create(kind, EVERYTHING, by="test")

    def work(self) -> None:
        """Everything that anybody asked for, and everything that waits."""
        for job_id in self.stores.jobs.open():
            assert advance(job_id, self.stores, lambda *_: None, budget_s=60) is None
        self.drain_until_quiet()

    def outcomes(self) -> dict[str, int]:
        """How many there are of each; every submission stands in one place, as the ledger has it."""
        prefix, store = own(self.integration), self.stores.connection
        waiting, dead, settled = (_read(store, f"{prefix}:{name}") for name in ("in:0", "dlq", "settled"))
        found = Counter({"waiting": len(waiting), "dead": len(dead)})
        heads = [orjson.loads(one[b"h"]) for one in (*waiting, *dead)]
        for record in settled:
            heads += orjson.loads(record[b"h"])
            found.update(result[0] for result in orjson.loads(record[b"r"]))
        assert len({(head[1], head[2]) for head in heads}) == len(heads)
        opened: Any = store.hvals(f"{prefix}:open")
        assert sum(map(int, opened)) == len(dead) + sum(b"n" in one for one in waiting)
        told = self.ledger()
        assert {name: told[name] for name in found} == found
        assert sum(count > 1 for count in self.applied.values()) <= told["possible_duplicates"]
        return {name: count for name, count in found.items() if count}


@pytest.fixture
def store(redis_server: str) -> Iterator[redis.Redis]:
    """A real one, as thousands of sites are built."""
    client = connect(redis_server)
    yield client
    client.close()


def _read(store: redis.Redis, stream: str) -> list[dict[bytes, bytes]]:
    found: Any = store.xrange(stream)
    return [fields for _, fields in found]


def cuts(begin: Callable[[], Site], story: Story, *, answered: bool) -> Iterator[tuple[Site, bool]]:
    """The site after each cut that a story can have, and whether there was one: the last comes too late."""
    for commands in range(MOST_COMMANDS):
        site = begin()
        cut = site.dies(story, commands, answered=answered)
        yield site, cut
        if not cut:
            assert commands > 2
            return
    raise AssertionError("the story has no end")


def some_die(store: redis.Redis, manner: str = "some") -> Site:
    """Six submissions wait, of which Braze will refuse three; one of those shares an object with another."""
    site = Site(store, manner)
    site.accept(
        form("ann", 1, team="none"), form("ann", 2), form("bob", 3, team="none"), form("cid", 4, team="red"),
        form("dan", 5, team="none"), form("cid", 6),
    )  # fmt: skip
    return site


def some_are_dead(store: redis.Redis, manner: str = "some") -> Site:
    """The same, a while later."""
    site = some_die(store, manner)
    site.drain_until_quiet()
    assert site.outcomes() == {"delivered": 3, "dead": 3}
    site.now += MINUTE_MS
    return site


@pytest.mark.parametrize("answered", [False, True])
def test_a_webhook_may_die_at_any_command_and_is_simply_sent_again(store: redis.Redis, answered: bool) -> None:
    """Komo heard nothing. What was kept is found by the sweep; sent again, everything is there once, by the same id."""
    for site, cut in cuts(lambda: Site(store), lambda site: post(site), answered=answered):
        kept = site.outcomes().get("waiting", 0)
        assert swept(site) == ([("drain", "summer-hub", 0)] if kept else [])
        assert kept in (0, 3)

        told = post(site)

        assert [one["duplicate"] for one in told] == [bool(kept)] * 4
        assert kept or cut
        site.drain_until_quiet()
        assert site.outcomes() == {"delivered": 3, "dead": 1}
        assert set(site.applied.values()) == {1}
        assert site.ledger()["possible_duplicates"] == 0


def test_a_webhook_may_die_before_it_calls_anybody(store: redis.Redis) -> None:
    """What was kept is not lost with the call."""
    site = Site(store)

    def lose_power(*_: object) -> None:
        raise PowerCut

    assert site.dies(lambda site: post(site, lose_power))

    assert swept(site) == [("drain", "summer-hub", 0)]
    assert site.outcomes() == {"waiting": 3, "dead": 1}


def swept(site: Site) -> list[tuple[str, str, int]]:
    """Whom the slow sweep calls."""
    called: list[tuple[str, str, int]] = []
    sweep(site.stores, lambda *call: called.append(call), turn=SLOW_EVERY)
    return called


def post(site: Site, wake: Callable[[str, str, int], None] = lambda *_: None) -> Any:
    """Four submissions through the webhook, one of them of nobody; returns what Komo is told of each."""
    app = Flask("door")
    app.register_blueprint(webhook(site.stores, wake))
    bodies = [form("ann", 1), form("bob", 2), form("", 3) | {"member_id": True}, form("ann", 4)]
    [secret, *_] = site.stores.integrations.get("summer-hub").webhook_secrets
    headers = {"Authorization": f"Bearer {secret}"}
    answer = app.test_client().post("/webhooks/komo/summer-hub", json=bodies, headers=headers)
    assert answer.status_code == 202
    return (answer.json or {})["submissions"]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("manner", MANNERS)
def test_those_who_bury_the_dead_may_die_at_any_command(store: redis.Redis, manner: str, answered: bool) -> None:
    """However Braze refuses: who is refused is buried once, and nobody else with them."""
    for site, _ in cuts(lambda: some_die(store, manner), World.drain_until_quiet, answered=answered):
        site.drain_until_quiet()

        assert site.outcomes() == {"delivered": 3, "dead": 3}
        assert {orjson.loads(letter[b"b"])["team"] for letter in site.dead()} == {"none"}
        assert nothing_is_left_of(site)


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("manner", MANNERS)
def test_the_power_may_go_during_any_call(store: redis.Redis, manner: str, applied: bool) -> None:
    """Whether Braze has applied it, nobody can know: it is sent again, and counted where it may be doubled."""
    for call in range(50):
        site = some_die(store, manner)
        site.dies_at_call = call, applied
        cut = site.dies(World.drain_until_quiet)
        site.drain_until_quiet()

        assert site.outcomes() == {"delivered": 3, "dead": 3}
        assert nothing_is_left_of(site)
        if not cut:
            assert call > 1
            return
    raise AssertionError("the story has no end")


@pytest.mark.parametrize("answered", [False, True])
def test_letters_may_be_replayed_and_die_again_with_cuts_at_any_command(store: redis.Redis, answered: bool) -> None:
    """They are dead letters as before: counted as open once, and replayed once."""

    def begin() -> Site:
        site = some_are_dead(store)
        site.ask("replay")
        return site

    for site, _ in cuts(begin, Site.work, answered=answered):
        site.work()

        assert site.outcomes() == {"delivered": 3, "dead": 3}
        assert [letter[b"n"] for letter in site.dead()] == [b"1"] * 3
        assert nothing_is_left_of(site)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("manner", MANNERS)
def test_letters_may_be_replayed_and_delivered_with_cuts_at_any_command(
    store: redis.Redis, manner: str, answered: bool
) -> None:
    """Nothing is open any more, and who set what is forgotten."""

    def begin() -> Site:
        site = some_are_dead(store, manner)
        site.likes_everything = True
        site.ask("replay")
        return site

    for site, _ in cuts(begin, Site.work, answered=answered):
        site.work()

        assert site.outcomes() == {"delivered": 6}
        assert len(site.applied) == 6
        assert not site.stores.connection.exists(f"{own(site.integration)}:open", "{acme}:open", "{acme}:times")
        assert nothing_is_left_of(site)


@pytest.mark.parametrize("answered", [False, True])
def test_letters_may_be_given_up_while_others_are_replayed_with_cuts_at_any_command(
    store: redis.Redis, answered: bool
) -> None:
    """Each goes one way."""

    def begin() -> Site:
        site = some_are_dead(store)
        site.likes_everything = True
        site.ask("discard")
        site.ask("replay")
        return site

    for site, _ in cuts(begin, Site.work, answered=answered):
        site.work()

        told = site.outcomes()
        assert told["delivered"] + told.get("discarded", 0) == 6
        assert not site.stores.connection.exists(f"{own(site.integration)}:open", "{acme}:open", "{acme}:times")
        assert site.stores.jobs.open() == []
        assert nothing_is_left_of(site)


@pytest.mark.parametrize("answered", [False, True])
def test_what_is_too_old_may_be_let_go_with_cuts_at_any_command(store: redis.Redis, answered: bool) -> None:
    """What went is counted once."""

    def trim(site: Site) -> None:
        later = int(time.time() * 1000) + 50 * 3_600_000
        Retention(site.stores.connection, hours=1, keep=100, dead_hours=1).trim(site.integration, now_ms=later)

    for site, _ in cuts(lambda: some_are_dead(store), trim, answered=answered):
        trim(site)

        told = site.ledger()
        assert (told["delivered"], told["dead"], told["discarded"], told["expired"]) == (3, 0, 3, 6)
        assert site.dead() == []
        assert not site.stores.connection.exists(f"{own(site.integration)}:open", "{acme}:open", "{acme}:times")


def nothing_is_left_of(site: Site) -> bool:
    """Of people and batches that had to wait; of jobs only how they ended."""
    prefix, keys = own(site.integration), site.stores.connection.keys("{acme}:summer-hub:*")
    names = {key.decode().removeprefix(f"{prefix}:").split(":")[0] for key in keys}  # type: ignore[union-attr]
    return not names & {"park", "parked", "due", "done", "cut", "job"}
