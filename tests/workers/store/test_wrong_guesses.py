"""How often somebody has shown a wrong secret."""

import redis

from workers.store.wrong_guesses import LIMITS, WrongGuesses


def guess_until_held_back(guesses: WrongGuesses, address: str, door: str) -> list[float]:
    return [guesses.count(address, door) for _ in range(LIMITS[0].amount + 2)]


def test_who_guesses_on_and_on_has_to_wait(store_connection: redis.Redis) -> None:
    """The first ones hear what is wrong, which an honest sender needs."""
    waits = guess_until_held_back(WrongGuesses(store_connection), "203.0.113.7", "summer-hub")

    assert waits[:60] == [0.0] * 60
    assert all(1 <= wait <= 60 for wait in waits[60:])


def test_nobody_waits_for_somebody_elses_guesses(store_connection: redis.Redis) -> None:
    """All of Komo's hubs come from the same few addresses, and one of them may have an old secret."""
    guesses = WrongGuesses(store_connection)
    guess_until_held_back(guesses, "203.0.113.7", "summer-hub")

    assert guesses.count("203.0.113.7", "winter-hub") == 0
    assert guesses.count("203.0.113.8", "summer-hub") == 0


def test_all_web_processes_count_together(store_connection: redis.Redis) -> None:
    """Else every process would be another chance."""
    guess_until_held_back(WrongGuesses(store_connection), "203.0.113.7", "summer-hub")

    assert WrongGuesses(store_connection).count("203.0.113.7", "summer-hub") > 0
