"""
Who is signed in to the pages.

komo:session:<hash of token>  string  when it was opened (ms), and the mark of the password that opened it; expires
                                      IDLE_S after its last use

The token is in the browser's cookie alone. Signing out, or another password, ends a session at once, also for whoever
has a copy of the cookie.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from secrets import token_urlsafe

import redis

from workers.errors import StoreUnavailable
from workers.store.connect import reaching_the_store
from workers.store.integration_record import text

#: Seconds without a page after which one has to sign in again, and from signing in however busy.
IDLE_S, LONGEST_S = 12 * 3600, 7 * 86_400


class Sessions:
    """
    Opens and closes them, over one connection.

    Args:
        password: What signs a person in; only a keyed hash of it is kept.
        secret_keys: The entries of `SECRET_KEY`; a session opened under any of them stays open.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        password: str,
        secret_keys: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = connection
        self._marks = [
            blake2b(password.encode(), key=key.encode()[:64], digest_size=16).hexdigest() for key in secret_keys
        ]
        self._clock = clock

    def open(self) -> str:
        """A new session's token. Raises: StoreUnavailable."""
        token = token_urlsafe(32)
        with reaching_the_store():
            self._redis.set(_key(token), f"{int(self._clock() * 1000)} {self._marks[0]}", ex=IDLE_S)
        return token

    def is_open(self, token: str) -> bool:
        """Whether this token's session is open; if so, it stays open for another while. Raises: StoreUnavailable."""
        with reaching_the_store():
            opened_ms, _, mark = text(self._redis.get(_key(token))).partition(" ")
            if mark not in self._marks or self._clock() - int(opened_ms) / 1000 > LONGEST_S:
                return False
        with suppress(StoreUnavailable), reaching_the_store():  # one that only reads still shows how things are
            self._redis.expire(_key(token), IDLE_S)
        return True

    def close(self, token: str) -> None:
        """End it. Raises: StoreUnavailable."""
        with reaching_the_store():
            self._redis.delete(_key(token))


def _key(token: str) -> str:
    return f"komo:session:{blake2b(token.encode(), digest_size=20).hexdigest()}"
