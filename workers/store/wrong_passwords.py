"""
How often somebody has tried a wrong password.

A try counts as a wrong one before it is looked at, or many at once would all be looked at before the first one counts.

komo:wrong-passwords:...  by the library `limits`: one for each address (of IPv6: each network of /64) and limit,
                          which expires by itself
"""

import re
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network

import redis
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from workers.store.connect import reaching_the_store

#: Wrong passwords from one address.
LIMITS: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
#: As some proxies write whom they speak for: 203.0.113.7:50000, [2001:db8::1]:50000.
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]*)\](?::\d+)?")


class WrongPasswords:
    """Counts them, over one connection."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._connection, self._clock = connection, clock
        self._storage = RedisStorage(
            "redis://", connection_pool=connection.connection_pool, key_prefix="komo:wrong-passwords"
        )
        self._limiter = MovingWindowRateLimiter(self._storage)

    def count(self, address: str) -> float:
        """
        One more try, which is wrong until `take_back` is called; one that has to wait is not counted.

        Returns: For how many seconds nobody at this address may try; 0 for who may try now.
        Raises: StoreUnavailable.
        """
        place = place_of(address)
        counted: list[RateLimitItem] = []
        with reaching_the_store():
            for one in LIMITS:
                if not self._limiter.hit(one, place):
                    self._take_back(counted, place)
                    return max(1.0, self._limiter.get_window_stats(one, place).reset_time - self._clock())
                counted.append(one)
        return 0.0

    def take_back(self, address: str) -> None:
        """The try that was counted last was right. Raises: StoreUnavailable."""
        with reaching_the_store():
            self._take_back(LIMITS, place_of(address))

    def _take_back(self, limits: Iterable[RateLimitItem], place: str) -> None:
        for one in limits:  # each is a list of times, newest first; the library has no way back
            self._connection.lpop(self._storage.prefixed_key(one.key_for(place)))


def place_of(address: str) -> str:
    """
    Of an IPv6 address its network: whoever has one address there has 2 ** 64 of them.

    Some proxies write the port behind the address, which is another one for each connection: it does not count.
    """
    try:
        found = ip_address(_port_cut(address))
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return str(found if found.version == 4 else found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))


def _port_cut(address: str) -> str:
    found = _WITH_PORT.fullmatch(address)
    return (found[1] or found[2]) if found else address
