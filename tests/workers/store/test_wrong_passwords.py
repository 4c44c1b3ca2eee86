"""How often somebody has tried a wrong password."""

import pytest
import redis

from workers.store.wrong_passwords import LIMITS, WrongPasswords


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("203.0.113.7:50000", "203.0.113.7:50001", True),
        ("203.0.113.7:50000", "203.0.113.8:50000", False),
        ("[2001:db8::1]:50000", "2001:db8::2", True),
        ("[", "[]", False),
        ("", "unknown", False),
    ],
)
def test_nobody_gets_more_guesses_from_another_address_of_their_own(
    store_connection: redis.Redis, first: str, second: str, is_one: bool
) -> None:
    """One connection to the internet comes with 2 ** 64 addresses of IPv6; with IPv4, neighbours are somebody else."""
    wrong = WrongPasswords(store_connection)
    for _ in range(LIMITS[0].amount):
        wrong.count(first)

    assert wrong.wait_s(first) > 0
    assert (wrong.wait_s(second) > 0) == is_one
