import pytest
import redis

from workers.store.alive import CLOCK, DESCRIBE_S, FORGET_S, KEY, Alive
from workers.store.connect import connect


class Time:
    """A clock that is only moved."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def alive(store_connection: redis.Redis, time: Time) -> Alive:
    return Alive(store_connection, wall=time, clock=time)


def seen(alive: Alive) -> list[tuple[str, str, float]]:
    return [(beat.kind, beat.name, beat.age_s) for beat in alive.look()]


def test_everybody_is_told_with_the_time_since(alive: Alive, time: Time) -> None:
    """Newest first, so that whoever is missing comes last."""
    alive.beat("worker a:1")
    time.now += 5
    alive.beat("worker b:2")
    time.now += 7

    assert seen(alive) == [("worker", "b:2", 7.0), ("worker", "a:1", 12.0)]
    assert max(beat.age_s for beat in alive.look()) < Alive.LATE_S


def test_the_clock_is_told_at_once_and_then_with_each_beat(
    alive: Alive, time: Time, store_connection: redis.Redis
) -> None:
    """Who starts everything must not read that it is missing; it calls every two seconds, and once is enough then."""
    alive.beat("worker a:1")
    alive.hear(CLOCK)
    before = store_connection.zscore(KEY, CLOCK)
    assert before
    time.now += 2
    alive.hear(CLOCK)
    assert store_connection.zscore(KEY, CLOCK) == before
    time.now += 8
    alive.beat("worker a:1")

    assert seen(alive) == [("worker", "a:1", 0.0), ("clock", "", 8.0)]


def test_the_clock_is_told_at_once_where_nobody_beats(alive: Alive) -> None:
    """The worker's consumer hangs, yet the clock does not."""
    alive.hear(CLOCK)

    assert seen(alive) == [("clock", "", 0.0)]


def test_who_heard_of_the_clock_earlier_does_not_make_it_older(
    store_connection: redis.Redis, alive: Alive, time: Time
) -> None:
    """Several workers take its calls in turn."""
    other = Alive(store_connection, wall=time, clock=time)
    alive.beat("worker a:1")
    alive.hear(CLOCK)
    time.now += 9
    other.hear(CLOCK)
    alive.beat("worker a:1")

    assert ("clock", "", 0.0) in seen(other)


def test_who_is_silent_for_an_hour_is_forgotten(alive: Alive, time: Time, store_connection: redis.Redis) -> None:
    """Every restart has a name of its own."""
    alive.beat("worker a:1")
    time.now += FORGET_S + 1
    assert seen(alive) == []
    alive.beat("worker a:2")

    assert store_connection.zrange(KEY, 0, -1) == [b"worker a:2"]


def test_who_ends_is_not_missed(alive: Alive) -> None:
    """A worker that was told to stop is no trouble that a person should look into."""
    alive.beat("worker a:1")
    alive.leave("worker a:1")

    assert seen(alive) == []


def test_a_store_that_is_away_hurts_nobody(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    """The consumer that beats has better to do than to wait, or to end."""
    alive = Alive(connect("redis://127.0.0.1:1/0", check=False), wall=time, clock=time)
    for _ in range(3):
        alive.beat("worker a:1")
        alive.hear(CLOCK)
        time.now += 5

    assert [record.message for record in caplog.records] == ["heartbeat.postponed"]
    alive.leave("worker a:1")


def test_who_is_alive_tells_what_it_runs_with(store_connection: redis.Redis, alive: Alive, time: Time) -> None:
    """Processes that disagree do harm that none of them can see alone."""
    other = Alive(store_connection, runs={"version": "1.0"}, wall=time, clock=time)
    other.beat("web a:1")
    other.hear(CLOCK)
    alive.beat("worker b:2")

    assert {beat.kind: beat.runs for beat in alive.look()} == {
        "web": {"version": "1.0"}, "clock": None, "worker": None,
    }  # fmt: skip
    assert 0 < store_connection.ttl(f"{KEY}:web a:1") <= FORGET_S
    other.leave("web a:1")
    assert not store_connection.exists(f"{KEY}:web a:1")


def test_what_a_process_runs_with_is_told_now_and_then(store_connection: redis.Redis, time: Time) -> None:
    """It does not change, and a system at rest asks the store for little."""
    alive, key = Alive(store_connection, runs={"version": "1.0"}, wall=time, clock=time), f"{KEY}:web a:1"
    alive.beat("web a:1")
    store_connection.delete(key)

    time.now += 30
    alive.beat("web a:1")
    assert not store_connection.exists(key)

    time.now += DESCRIBE_S
    alive.beat("web a:1")
    assert store_connection.exists(key)
