"""What a move changes, all of it at once."""

from typing import Any

import orjson
import pytest
import redis

from schemas.arrival import Judgement
from schemas.batch import Batch
from schemas.integration import Integration
from schemas.person import Person
from tests.factories import an_arrival, an_integration
from tests.letters import DAY, bury
from workers.store.dead_letters import DeadLetters
from workers.store.inbox import Inbox, Limits
from workers.store.keys import own
from workers.store.ledger import Ledger
from workers.store.letter_moves import Move
from workers.store.letters import Letter

JOB = "0123456789abcdef"


class Hub:
    """One integration with two lanes."""

    def __init__(self, connection: redis.Redis, **limits: Any) -> None:
        self.connection = connection
        self.integration: Integration = an_integration(version=3)
        self.prefix = own(self.integration)
        connection.hset(f"{self.prefix}:state", mapping={"version": 3, "lanes": 2})
        bounds = Limits(lanes=2, person_spacing_ms=0, **limits)
        self.store = DeadLetters(connection, lambda: [self.integration], bounds)
        self.moves = self.store.moves
        self.inbox = Inbox(connection, bounds)

    def list_all(self) -> list[Letter]:
        """Put every letter on the job's list, and read them."""
        found: Any = self.connection.xrange(f"{self.prefix}:dlq")
        entries = [raw_id.decode() for raw_id, _ in found]
        letters = [one for one in self.store.read(self.integration, entries) if one]
        self.moves.add(self.integration, JOB, {one.entry: one.stamp for one in letters})
        return letters

    def put_back(self, *letters: Letter, **options: Any) -> Any:
        moves = [Move(one, Judgement("lane", one.person, attributes=True, events=1)) for one in letters]
        return self.moves.put_back(self.integration, JOB, moves, **options)

    def waiting(self) -> list[dict[bytes, bytes]]:
        streams: list[Any] = [self.connection.xrange(f"{self.prefix}:in:{lane}") for lane in range(2)]
        return [values for stream in streams for _, values in stream]

    def ledger(self) -> dict[str, int]:
        told = Ledger(self.connection).read(self.integration)
        outcomes = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
        assert told["received"] == sum(told[name] for name in outcomes), told
        return {name: count for name, count in told.items() if count and name != "received"}

    def left(self) -> tuple[int, dict[str, int]]:
        left, counts = self.moves.told([self.integration], JOB)
        return left, dict(counts)


@pytest.fixture
def hub(store_connection: redis.Redis) -> Hub:
    return Hub(store_connection)


def test_a_letter_that_is_put_back_waits_with_all_it_had(hub: Hub) -> None:
    """Its id, its stamp, its body, the version it was received under and what Braze has accepted of it."""
    bury(hub.connection, hub.integration, "ann", 7, done={"a": ["team"], "e": []})
    [letter] = hub.list_all()

    moved = hub.put_back(letter, events_from_ms=123)

    assert (moved.status, moved.moved, len(moved.wake)) == ("ok", 1, 1)
    [entry] = hub.waiting()
    assert orjson.loads(entry[b"h"]) == [
        7,
        DAY,
        f"{7:016x}",
        ["external_id", "ann", None],
        letter.head[4],
        1,
        letter.head[6],
    ]
    assert entry[b"b"] == letter.body
    assert (entry[b"p"].decode(), entry[b"a"], entry[b"e"]) == (Person("external_id", "ann").key, b"1", b"1")
    assert (entry[b"n"], entry[b"c"]) == (b"1", b"123")
    assert list(entry)[:5] == [b"b", b"h", b"p", b"a", b"e"]
    assert hub.ledger() == {"waiting": 1}
    assert Ledger(hub.connection).waiting_bytes(hub.integration) == len(entry[b"b"]) + len(entry[b"h"])
    [done] = hub.connection.hvals(f"{hub.prefix}:done:{moved.wake[0]}")
    replayed_ms = int(entry[b"t"])
    assert orjson.loads(done) == {"a": ["team"], "e": [], "h": [[letter.at_ms, "refused", 1, 0, replayed_ms]]}
    assert hub.connection.hget(f"{hub.prefix}:open", str(DAY)) == b"1"
    assert hub.left() == (0, {"done": 1})
    assert hub.inbox.active() == ["summer-hub"]


def test_moving_twice_moves_once(hub: Hub) -> None:
    """Whoever asked may never have heard the answer."""
    bury(hub.connection, hub.integration, "ann", 7)
    [letter] = hub.list_all()
    hub.put_back(letter)

    assert hub.put_back(letter).moved == 0
    assert hub.ledger() == {"waiting": 1}


def test_the_inbox_hands_out_what_was_put_back(hub: Hub) -> None:
    """It is an entry like any other."""
    wanted = bury(hub.connection, hub.integration, "ann", 7, done={"a": ["team"]})
    [lane] = hub.put_back(*hub.list_all()).wake

    batch = hub.inbox.step(hub.integration, lane, "a-drain")

    assert isinstance(batch, Batch)
    [entry] = batch.entries
    assert (entry.submission_id, entry.order, entry.event) == (wanted, 7, "CompetitionEntrySuccess")
    assert entry.done is not None
    assert entry.done["a"] == ["team"]
    assert [death[1] for death in entry.deaths] == ["refused"]


def test_the_same_person_has_the_same_lane_as_at_the_door(hub: Hub) -> None:
    """Otherwise two requests about a person could be out at once."""
    hub.connection.hdel(f"{hub.prefix}:state", "lanes")
    for number in range(1, 9):
        bury(hub.connection, hub.integration, f"m{number}", number)
    hub.put_back(*hub.list_all())
    hub.inbox.accept(hub.integration, [an_arrival(f"m{number}", 100 + number) for number in range(1, 9)])

    lanes: list[Any] = [hub.connection.xrange(f"{hub.prefix}:in:{lane}") for lane in range(2)]
    people = [[orjson.loads(values[b"h"])[3][1] for _, values in stream] for stream in lanes]
    assert [sorted(set(lane)) for lane in people] == [sorted(lane)[::2] for lane in people]
    assert hub.connection.hget(f"{hub.prefix}:state", "lanes") == b"2"


def test_a_letter_that_goes_nowhere_stays_dead_and_is_counted(hub: Hub) -> None:
    """People are told why, and nobody tries it again."""
    bury(hub.connection, hub.integration, None, 7, why="bad_identifier")
    [letter] = hub.list_all()
    stays = Move(letter, Judgement("dead", reason="bad_identifier"))

    moved = hub.moves.put_back(hub.integration, JOB, [stays], gone=["1-1"])

    assert (moved.status, moved.moved, moved.wake) == ("ok", 0, ())
    assert hub.ledger() == {"dead": 1}
    assert hub.left() == (0, {"bad_identifier": 1, "gone": 1})


def test_rules_that_are_others_by_now_change_nothing(hub: Hub) -> None:
    """It has to be judged again."""
    bury(hub.connection, hub.integration)
    letters = hub.list_all()
    hub.connection.hset(f"{hub.prefix}:state", "version", 4)

    assert hub.put_back(*letters).status == "stale"
    assert (hub.ledger(), hub.left()) == ({"dead": 1}, (1, {}))


def test_nothing_is_put_between_what_is_judged_again(hub: Hub) -> None:
    """The lanes are being rebuilt."""
    bury(hub.connection, hub.integration)
    letters = hub.list_all()
    hub.connection.hset(f"{hub.prefix}:state", "redo", 3)

    assert hub.put_back(*letters).status == "redo"
    assert hub.ledger() == {"dead": 1}


def test_no_more_is_put_back_than_there_is_room_for(store_connection: redis.Redis) -> None:
    """Otherwise the hub's own submissions would be turned away."""
    hub = Hub(store_connection, max_waiting=3)
    hub.inbox.accept(hub.integration, [an_arrival("zoe", 100)])
    for number in range(1, 4):
        bury(hub.connection, hub.integration, "ann", number)
    letters = hub.list_all()

    answer = hub.put_back(*letters)

    assert (answer.status, answer.room) == ("full", 2)
    assert hub.ledger() == {"waiting": 1, "dead": 3}
    assert hub.put_back(*letters[:2]).status == "ok"
    assert (hub.put_back(letters[2]).status, hub.put_back(letters[2]).room) == ("full", 0)


@pytest.mark.parametrize(("paused", "due"), [("person", []), ("braze", [b"0", b"1"]), ("", [b"0", b"1"])])
def test_a_pause_counts_for_what_is_put_back(hub: Hub, paused: str, due: list[bytes]) -> None:
    """As for what comes in at the door."""
    hub.connection.hset(f"{hub.prefix}:state", mapping={"paused": paused, "probe_at": 5_000_000_000_000})
    for number in range(1, 9):
        bury(hub.connection, hub.integration, f"m{number}", number)

    moved = hub.put_back(*hub.list_all())

    assert bool(moved.wake) is (paused == "")
    assert sorted(hub.connection.zrange(f"{hub.prefix}:due", 0, -1)) == due


def test_what_is_discarded_stays_searchable(hub: Hub) -> None:
    """It is given up, and not forgotten."""
    details = {"number": 1, "attempts": [{"at": 5, "status": 400}]}
    bury(hub.connection, hub.integration, "ann", 7, details=details)
    [letter] = hub.list_all()
    died = {"died": letter.at_ms, "done": {}}

    assert hub.moves.discard(hub.integration, JOB, [letter.entry, "1-1"]) == 1
    assert hub.moves.discard(hub.integration, None, [letter.entry]) == 0

    assert hub.ledger() == {"discarded": 1}
    assert hub.left() == (0, {"done": 1, "gone": 1})
    found: Any = hub.connection.xrange(f"{hub.prefix}:settled")
    [(_, record)] = found
    assert orjson.loads(record[b"r"]) == [["discarded", ["refused"], died]]
    assert orjson.loads(record[b"b"]) == [orjson.loads(letter.body)]
    assert orjson.loads(record[b"h"]) == [letter.head]
    assert orjson.loads(record[b"m"])["number"] == 1
    assert hub.connection.hget(f"{hub.prefix}:ledger", "kept") == b"1"


def test_the_last_open_letter_ends_what_is_remembered_for_replays(hub: Hub) -> None:
    """And not the one before it."""
    for number in (1, 2):
        bury(hub.connection, hub.integration, "ann", number, day=DAY + number)
    hub.connection.hset("{acme}:times", "somebody", "{}")
    first, second = hub.list_all()

    hub.moves.discard(hub.integration, JOB, [first.entry])
    assert hub.connection.exists("{acme}:times", "{acme}:open") == 2
    assert hub.connection.hgetall(f"{hub.prefix}:open") == {str(DAY + 2).encode(): b"1"}
    hub.moves.discard(hub.integration, JOB, [second.entry])

    assert hub.connection.exists("{acme}:times", "{acme}:open", f"{hub.prefix}:open") == 0


def test_a_list_is_worked_off_in_acceptance_order(hub: Hub) -> None:
    """Not in the order in which they died."""
    for number in (3, 1, 2):
        bury(hub.connection, hub.integration, "ann", number, stamp=1_763_640_000_000_000 + number)
    letters = {one.entry: one for one in hub.list_all()}

    entries = hub.moves.todo(hub.integration, JOB, 2)

    assert [letters[entry].stamp % 10 for entry in entries] == [1, 2]


def test_what_is_kept_for_a_job_goes_with_it(hub: Hub) -> None:
    """Also where it was given up halfway."""
    bury(hub.connection, hub.integration, "ann", 1)
    bury(hub.connection, hub.integration, "bob", 2)
    hub.put_back(hub.list_all()[0])
    hub.moves.drop([hub.integration], JOB)

    assert hub.connection.keys(f"*{JOB}*") == []


def test_of_many_deaths_the_last_ones_are_remembered(hub: Hub) -> None:
    """A letter that is replayed every day does not grow with every day."""
    earlier = [[number, "too_big", 1, 0, number + 1] for number in range(5)]
    bury(hub.connection, hub.integration, "ann", 7, done={"h": earlier, "k": 3, "t": []})
    [letter] = hub.list_all()

    [lane] = hub.put_back(letter).wake

    found: Any = hub.connection.xrange(f"{hub.prefix}:in:{lane}")
    [(entry, values)] = found
    done = orjson.loads(hub.connection.hget(f"{hub.prefix}:done:{lane}", entry) or b"")
    assert done["h"] == [*earlier[1:], [letter.at_ms, "refused", 1, 3, int(values[b"t"])]]
    assert done["k"] == 3
