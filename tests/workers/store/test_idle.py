import pytest
import redis

from workers.store.idle import is_idle


@pytest.mark.parametrize(
    ("key", "to_do"), [("komo:active", True), ("komo:jobs:open", True), ("{komo:alerts}:next", False)]
)
def test_work_jobs_and_alerts_are_something_to_do(store_connection: redis.Redis, key: str, to_do: bool) -> None:
    """Alerts only where somebody wants to hear of them."""
    assert is_idle(store_connection, alerts=True)

    store_connection.hset(key, "x", 1)

    assert not is_idle(store_connection, alerts=True)
    assert is_idle(store_connection, alerts=False) is not to_do
