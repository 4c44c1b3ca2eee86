"""429 for whoever shows one wrong secret after the other; who has the right one is never asked how others did."""

from math import ceil

from flask import Response

from ingest.problems import problem
from workers.errors import StoreUnavailable
from workers.store.wrong_guesses import WrongGuesses

#: Doors beside the integrations, whose ids have no blank.
UNKNOWN, API = "unknown integrations", "the api"


def held_back(guesses: WrongGuesses, address: str, door: str) -> Response | None:
    """
    Count a wrong guess. It is logged by who answers it; what is answered here is not, or a flood would fill the disk.

    Returns: The answer if there were too many from there; None for who may be told what is wrong.
    """
    try:
        wait_s = guesses.count(address, door)
    except StoreUnavailable:
        wait_s = 0.0  # they are turned away all the same
    if not wait_s:
        return None
    detail = "Too many requests from here that proved nothing. A right secret is taken at any time."
    return problem(429, "Too many wrong guesses", detail, headers={"Retry-After": str(ceil(wait_s))})
