"""Which integrations have accepted a submission."""

import redis

from tests.factories import an_arrival
from tests.workers.store.test_timeline import Hub
from workers.store.accepted import Accepted


def test_only_those_that_took_it_are_named(store_connection: redis.Redis) -> None:
    """A hub may post the same thing to two of them."""
    hub = Hub(store_connection)
    one, both, short = an_arrival(number=1), an_arrival(number=2), an_arrival(number=3)._replace(short_lived=True)
    [first] = hub.accept(one)
    hub.accept(both)
    hub.accept(both, short, to=hub.integrations[1])
    day = int(first[:-16], 16)

    def named(digest: str, day: int = day) -> list[str]:
        return [found.id for found in Accepted(store_connection).by(hub.integrations, day, digest)]

    assert named(one.digest.hex()) == ["summer-hub"]
    assert named(both.digest.hex()) == ["summer-hub", "winter-hub"]
    assert named(short.digest.hex()) == ["winter-hub"]
    assert named("f" * 16) == []
    assert named(one.digest.hex(), day - 1) == []
