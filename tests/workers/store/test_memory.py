import orjson
import pytest
import redis

from tests.factories import NOON_MS, an_integration
from workers.store.keys import MEMORY_MS, memory_keys
from workers.store.memory import Memory

PACKED = [[7, 1, "Ann"]]
KEYS = memory_keys(an_integration().braze)
GENERATION = NOON_MS // MEMORY_MS


@pytest.fixture
def memory(store_connection: redis.Redis) -> Memory:
    return Memory(store_connection)


def test_each_name_keeps_its_number(memory: Memory) -> None:
    """What is remembered of people would mean something else with another."""
    first = memory.names("acme", ["team", "first_name"])
    second = memory.names("acme", ["score"])

    assert second.numbers == {**first.numbers, "score": 3}
    assert memory.names("acme", ()).numbers == second.numbers
    assert memory.names("other", ["score"]).numbers == {"score": 1}


@pytest.mark.parametrize(("generation", "found"), [(0, PACKED), (-1, PACKED), (-2, []), (1, [])])
def test_what_braze_has_is_read_as_long_as_the_engine_reads_it(
    memory: Memory, store_connection: redis.Redis, generation: int, found: list[object]
) -> None:
    """The current generation and the one before."""
    store_connection.hset(f"{KEYS}{GENERATION + generation}", "person", orjson.dumps(PACKED))

    assert memory.known(an_integration(), "person", now_ms=NOON_MS) == found


def test_the_newer_memory_counts(memory: Memory, store_connection: redis.Redis) -> None:
    """It was made of the older one, and of what was accepted since."""
    store_connection.hset(f"{KEYS}{GENERATION - 1}", "person", orjson.dumps([[1, 1, "Al"]]))
    store_connection.hset(f"{KEYS}{GENERATION}", "person", orjson.dumps(PACKED))

    assert memory.known(an_integration(), "person", now_ms=NOON_MS) == PACKED
