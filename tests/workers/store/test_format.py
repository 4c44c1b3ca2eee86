"""The number in the store: written once, and never misread."""

from collections.abc import Iterator

import pytest
import redis

from schemas.settings import load_settings
from tests.factories import a_document
from workers.errors import StoreUnavailable
from workers.store import open_stores
from workers.store.connect import connect
from workers.store.format import FORMAT, KEY, format_of, look_at_format, upgrade


@pytest.fixture(autouse=True)
def nothing_left(redis_server: str) -> Iterator[None]:
    """Other tests use the same server."""
    yield
    with connect(redis_server, any_format=True) as client:
        client.flushall()


def test_every_process_writes_the_format_into_an_empty_store(redis_server: str) -> None:
    """They all come by `connect`, whichever is first."""
    client = connect(redis_server)
    client.flushall()

    connect(redis_server).close()

    assert format_of(client) == FORMAT
    client.close()


def test_a_store_of_before_the_number_has_the_first_format(store_connection: redis.Redis) -> None:
    """Nothing in it says so, but there was no other."""
    settings = load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"})
    open_stores(settings, store_connection).integrations.save(a_document(), by="test")
    store_connection.delete(KEY)

    with pytest.raises(StoreUnavailable, match="has format 1, and this version needs 2"):
        look_at_format(store_connection, known=2)

    assert format_of(store_connection) == 1


def test_an_empty_store_has_the_format_of_whoever_comes_first(store_connection: redis.Redis) -> None:
    """There is nothing to bring along."""
    look_at_format(store_connection, known=2)

    assert format_of(store_connection) == 2


def test_a_newer_store_is_refused_and_left_as_it_is(store_connection: redis.Redis) -> None:
    """What a newer version wrote would be misread, and spoilt."""
    store_connection.set(KEY, FORMAT + 1)

    with pytest.raises(StoreUnavailable, match=f"has format {FORMAT + 1}, and this version knows {FORMAT} at most"):
        look_at_format(store_connection)
    with pytest.raises(StoreUnavailable, match="at most"):
        upgrade(store_connection)

    assert store_connection.keys() == [KEY.encode()]
    assert format_of(store_connection) == FORMAT + 1


def test_an_older_store_is_upgraded_step_by_step_and_goes_on_where_it_was_cut_off(
    store_connection: redis.Redis,
) -> None:
    """A step that is half done runs again; one that is done does not."""
    store_connection.set(KEY, 1)
    seen: list[str] = []
    steps = {1: lambda _: seen.append("to 2"), 2: lambda _: seen.append("to 3")}

    with pytest.raises(KeyError):
        upgrade(store_connection, known=3, steps={1: steps[1]})
    came = upgrade(store_connection, known=3, steps=steps)

    assert (came, seen, format_of(store_connection)) == ((2, 3), ["to 2", "to 3"], 3)
    look_at_format(store_connection, known=3)


def test_a_full_store_keeps_nobody_from_starting(redis_server: str) -> None:
    """A worker is what makes room in it."""
    with connect(redis_server) as client:
        client.flushall()
        client.config_set("maxmemory", 1)
        try:
            connect(redis_server).close()
        finally:
            client.config_set("maxmemory", 0)
        assert format_of(client) is None


def test_a_number_of_somebody_else_is_one_sentence(store_connection: redis.Redis) -> None:
    """Two programs in one database is a mistake to tell, not to guess about."""
    store_connection.set(KEY, "v2")

    with pytest.raises(StoreUnavailable, match="is no number"):
        look_at_format(store_connection)
