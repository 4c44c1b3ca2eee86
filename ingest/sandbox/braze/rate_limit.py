"""How many requests a workspace may make, and the three published ways to say so."""

import math
import threading

Limits = dict[str, tuple[int, float]]


class RateLimit:
    """
    Counts requests in windows that begin on the clock, not at the first call.

    Source: https://www.braze.com/docs/api/api_limits/
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Kind of endpoint -> number of the window, requests in it.
        self._windows: dict[str, tuple[int, int]] = {}

    def take(self, kind: str, limits: Limits, now: float) -> tuple[bool, int, float]:
        """
        Ask for one request.

        Args:
            kind: `track`, `export` or `other`.
            now: Epoch second.
        Returns: Whether it is allowed, how many are left, and the epoch second at which the window ends.
        """
        limit, period_s = limits.get(kind, limits.get("other", (250_000, 3600.0)))
        number = math.floor(now / period_s)
        with self._lock:
            last, used = self._windows.get(kind, (number, 0))
            used = used if last == number else 0
            allowed = used < limit
            self._windows[kind] = (number, used + allowed)
        return allowed, limit - used - allowed, (number + 1) * period_s

    def clear(self) -> None:
        with self._lock:
            self._windows.clear()


def headers(mode: str, limit: int, left: int, resets_at: float, now: float, *, refused: bool) -> dict[str, str]:
    """
    The headers of one answer.

    Args:
        mode: `epoch`: the reset as epoch second; `seconds`: as seconds left; `retry_after`: like `seconds`, but a 429
            has only the wait; `none`.
        refused: Whether the answer is a 429.
    Source: https://www.braze.com/docs/api/api_limits/ and https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
    """
    seconds = max(1, math.ceil(resets_at - now))
    if mode == "none":
        return {}
    if mode == "retry_after" and refused:
        return {"x-ratelimit-retry-after": str(seconds)}
    reset = math.ceil(resets_at) if mode == "epoch" else seconds
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left), "x-ratelimit-reset": str(reset)}
