"""Counting requests, and saying so."""

import pytest

from ingest.sandbox.braze.rate_limit import RateLimit, headers

LIMITS = {"track": (2, 3.0), "other": (5, 60.0)}


def test_the_window_begins_on_the_clock() -> None:
    """A full window ends with the clock's next multiple, not a period after the first call."""
    limit = RateLimit()
    assert limit.take("track", LIMITS, 300.0) == (True, 1, 303.0)
    assert limit.take("track", LIMITS, 302.9) == (True, 0, 303.0)
    assert limit.take("track", LIMITS, 302.9) == (False, 0, 303.0)
    assert limit.take("track", LIMITS, 303.0) == (True, 1, 306.0)


def test_kinds_of_endpoints_count_apart() -> None:
    """An export costs no track request."""
    limit = RateLimit()
    limit.take("export", LIMITS, 0.0)
    assert limit.take("track", LIMITS, 0.0)[1] == 1
    limit.clear()
    assert limit.take("export", LIMITS, 0.0)[1] == 4


@pytest.mark.parametrize(
    ("mode", "refused", "told"),
    [
        ("epoch", True, {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "303"}),
        ("seconds", True, {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}),
        ("retry_after", True, {"x-ratelimit-retry-after": "2"}),
        ("retry_after", False, {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}),
        ("none", True, {}),
    ],
)
def test_the_published_ways_to_tell_the_limit(mode: str, refused: bool, told: dict[str, str]) -> None:
    """Braze's pages contradict each other; a caller must cope with each."""
    assert headers(mode, 2, 0, 303.0, 301.5, refused=refused) == told
