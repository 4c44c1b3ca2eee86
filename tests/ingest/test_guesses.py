"""429 for whoever shows one wrong secret after the other."""

from flask import Flask

from ingest.guesses import held_back
from workers.errors import StoreUnavailable
from workers.store.wrong_guesses import WrongGuesses


class _Away(WrongGuesses):
    def __init__(self) -> None:
        """Without a store."""

    def count(self, address: str, door: str) -> float:
        raise StoreUnavailable("away")


def test_without_the_store_a_wrong_secret_is_a_wrong_secret() -> None:
    """Nobody gets in by it, so nothing hangs on the count."""
    with Flask("guesses").test_request_context():
        assert held_back(_Away(), "203.0.113.7", "summer-hub") is None
