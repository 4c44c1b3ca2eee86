"""How often somebody has tried a wrong password."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from workers.store.connect import connect
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

    assert wrong.count(first) > 0
    assert (wrong.count(second) > 0) == is_one


def test_of_many_tries_at_once_no_more_are_looked_at_than_of_many_in_a_row(redis_server: str) -> None:
    """Whoever guesses opens forty connections, and each of them would be early enough."""
    client = connect(redis_server)
    client.flushall()
    wrong, ready = WrongPasswords(client), Barrier(40)

    def guess(_: int) -> float:
        ready.wait(20)
        return wrong.count("203.0.113.7")

    with ThreadPoolExecutor(40) as threads:
        waits = list(threads.map(guess, range(40)))

    assert waits.count(0.0) == LIMITS[0].amount
    assert all(1 <= wait <= 60 for wait in waits if wait)


def test_who_has_to_wait_for_a_minute_has_not_lost_a_try_of_the_hour(store_connection: redis.Redis) -> None:
    """Only what is looked at counts."""
    wrong = WrongPasswords(store_connection)

    waits = [wrong.count("203.0.113.7") for _ in range(LIMITS[1].amount + 10)]

    assert waits.count(0.0) == LIMITS[0].amount
    assert 0 < waits[-1] <= 60


def test_a_right_password_takes_its_own_try_back_and_no_other(store_connection: redis.Redis) -> None:
    """It would be a way for a guesser who shares the address with somebody to begin anew."""
    wrong = WrongPasswords(store_connection)
    for _ in range(LIMITS[0].amount - 1):
        wrong.count("203.0.113.7")
    for _ in range(LIMITS[1].amount):
        assert wrong.count("203.0.113.7") == 0
        wrong.take_back("203.0.113.7")

    assert wrong.count("203.0.113.7") == 0
    assert wrong.count("203.0.113.7") > 0


def test_taking_back_what_is_over_takes_nothing(store_connection: redis.Redis) -> None:
    """A store that was emptied meanwhile must not give more tries than there are."""
    wrong = WrongPasswords(store_connection)
    wrong.take_back("203.0.113.7")

    waits = [wrong.count("203.0.113.7") for _ in range(LIMITS[0].amount + 1)]

    assert waits.count(0.0) == LIMITS[0].amount
