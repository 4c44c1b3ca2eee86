import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from tests.fakes import FakeBraze, PowerCut, copy_of, power_cut_after


def push(connection: redis.Redis, times: int = 5) -> None:
    for number in range(times):
        connection.rpush("list", number)


@pytest.mark.parametrize(("answered", "arrived"), [(False, 2), (True, 3)])
def test_after_a_power_cut_no_more_commands_reach_the_store(
    store_connection: redis.Redis, answered: bool, arrived: int
) -> None:
    """A process that is gone sends nothing more, not even from its `finally`."""
    doomed = power_cut_after(store_connection, 2, answered=answered)
    for _ in range(2):
        with pytest.raises(PowerCut):
            push(doomed)
    assert store_connection.llen("list") == arrived


def test_scripts_and_pipelines_count_too(store_connection: redis.Redis) -> None:
    """They are what the steps are made of."""
    script = "return redis.call('RPUSH', KEYS[1], 1)"
    store_connection.script_load(script)
    doomed = power_cut_after(store_connection, 2)
    doomed.register_script(script)(keys=["list"])
    pipe = doomed.pipeline()
    pipe.rpush("list", 1)
    pipe.rpush("list", 1)
    pipe.execute()
    pipe.rpush("list", 1)
    with pytest.raises(PowerCut):
        pipe.execute()
    with pytest.raises(PowerCut):
        doomed.register_script(script)(keys=["list"])
    assert store_connection.llen("list") == 3


def test_a_power_cut_is_nothing_that_anybody_catches() -> None:
    """`except Exception` must not bring a dead process back."""
    assert not issubclass(PowerCut, Exception)


def test_the_first_client_survives() -> None:
    """The test looks at the store through it."""
    connection = FakeRedis(server=FakeServer())
    doomed = power_cut_after(connection, 0)
    with pytest.raises(PowerCut):
        doomed.get("x")
    del doomed
    assert connection.set("x", 1)


def test_a_scripted_braze_answers_in_order_and_then_says_yes() -> None:
    """So a test spells out only what matters to it."""
    braze = FakeBraze().will_answer(429, X_RateLimit_Reset=12).will_answer(503, "<html>").will_fail(OSError("cut"))
    session = braze.session()
    first, second = (session.post("https://rest.iad-03.braze.com/users/track", data=b"{}") for _ in range(2))
    with pytest.raises(OSError, match="cut"):
        session.post("https://rest.iad-03.braze.com/users/track", data=b"{}")
    last = session.post("https://rest.iad-03.braze.com/users/track", data=b'{"attributes":[{},{}],"events":[]}')
    assert (first.status_code, first.headers["x-ratelimit-reset"]) == (429, "12")
    assert (second.status_code, second.text) == (503, "<html>")
    assert last.json() == {"message": "success", "attributes_processed": 2, "events_processed": 0}
    assert len(braze.requests) == 4
    assert braze.bodies[3] == {"attributes": [{}, {}], "events": []}


def test_what_is_done_to_a_copy_of_a_store_is_not_done_to_the_store() -> None:
    """Each power cut begins from the same; scripts are there already, as they were."""
    server = FakeServer()
    store = FakeRedis(server=server)
    push(store)
    store.set("short", "lived", px=60_000)
    sha = store.script_load("return redis.call('LLEN', 'list')")

    copied = FakeRedis(server=copy_of(server))
    push(copied)
    copied.delete("short")

    assert (store.evalsha(sha, 0), copied.evalsha(sha, 0)) == (5, 10)
    assert 0 < store.pttl("short") <= 60_000
    assert FakeRedis(server=copy_of(server)).pttl("short") > 0
