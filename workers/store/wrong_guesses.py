"""
How often somebody has shown a wrong secret, or asked for an integration that is not there.

komo:wrong-guesses:...  by the library `limits`: one for each limit, address (of IPv6: each network of /64) and door,
                        which is an integration of the webhook, unknown integrations, or the API; expires by itself
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import redis
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from workers.store.connect import reaching_the_store
from workers.store.wrong_passwords import place_of

#: Wrong guesses from one address at one door. A sender with an old secret sends on, and is to find the words of a 401
#: in its log before those of a 429.
LIMITS: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(60), RateLimitItemPerHour(600))
#: Who has been told to wait, as one process remembers it.
MOST_REMEMBERED = 10_000


class WrongGuesses:
    """
    Counts them, over one connection.

    Only who has guessed wrong is counted and held back: a right secret never is, so asking costs good requests nothing.
    """

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        storage = RedisStorage("redis://", connection_pool=connection.connection_pool, key_prefix="komo:wrong-guesses")
        self._limiter = FixedWindowRateLimiter(storage)
        self._clock = clock
        self._waiting: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def count(self, address: str, door: str) -> float:
        """
        One more wrong guess.

        Returns: For how many seconds whoever guesses there has to wait; 0 for not at all.
        Raises: StoreUnavailable.
        """
        whose = (place_of(address), door)
        left_s = self._waiting.get(whose, 0.0) - self._clock()
        if left_s > 0:
            return max(1.0, left_s)
        with reaching_the_store():
            full = [one for one in LIMITS if not self._limiter.hit(one, *whose)]
            ends = [self._limiter.get_window_stats(one, *whose).reset_time for one in full]
        if not ends:
            return 0.0
        self._remember(whose, max(ends))
        return max(1.0, max(ends) - self._clock())

    def _remember(self, whose: tuple[str, str], until: float) -> None:
        """So that a flood of guesses asks the store only now and then."""
        with self._lock:
            self._waiting[whose] = until
            self._waiting.move_to_end(whose)
            while len(self._waiting) > MOST_REMEMBERED:
                self._waiting.popitem(last=False)
