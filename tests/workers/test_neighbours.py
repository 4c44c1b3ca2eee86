from collections.abc import Callable
from typing import Any

import orjson
import pytest
import redis

from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, AllRefused, BadRequest, Refusal, Reply

#: Of seventy-five people, one object each.
BAD = (7, 30, 61)


def refused_in(request: dict[str, Any]) -> list[Refusal]:
    places = [k for k, one in enumerate(request["attributes"]) if one.get("team") == "bad"]
    return [Refusal("attributes", k, f"'team' of {request['attributes'][k]['external_id']}") for k in places]


def names_them(request: dict[str, Any]) -> Reply:
    return Accepted(201, "success", refused=refused_in(request))


def names_them_and_takes_nothing(request: dict[str, Any]) -> Reply:
    refused = refused_in(request)
    return AllRefused(400, "Valid data must be provided", refused=refused) if refused else Accepted(201, "success")


def names_nothing(request: dict[str, Any]) -> Reply:
    return BadRequest(400, "Bad Request") if refused_in(request) else Accepted(201, "success")


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (names_them, 1),
        (names_them_and_takes_nothing, 2),
        # Each of three is looked for by halves: at most two halves on each of seven levels, beside the first request.
        (names_nothing, 1 + 3 * 2 * 7),
    ],
)
def test_three_bad_objects_of_seventy_five_cost_their_neighbours_nothing(
    store_connection: redis.Redis, answer: Callable[[dict[str, Any]], Reply], requests: int
) -> None:
    """Others fail the whole batch, or send all of it again for each of them."""
    world = World(store_connection, events=[])
    world.braze.answers = [answer] * 100
    world.accept(*(form(f"p{n}", n, team="bad" if n in BAD else "red") for n in range(75)))

    world.drain_until_quiet()

    ledger = world.ledger()
    assert (ledger["delivered"], ledger["dead"], ledger["possible_duplicates"]) == (72, 3, 0)
    letters = [orjson.loads(letter[b"b"])["member_id"] for letter in world.dead()]
    assert sorted(letters) == sorted(f"p{n}" for n in BAD)
    words = {orjson.loads(letter[b"details"])["answer"] for letter in world.dead()}
    assert len(words) == (1 if answer is names_nothing else 3)
    assert len(world.braze.sent) <= requests
    taken = [one["external_id"] for request in world.braze.sent if not _is_refused(answer, request)
             for one in request["attributes"] if one.get("team") == "red"]  # fmt: skip
    assert len(taken) == len(set(taken)) == 72


def _is_refused(answer: Callable[[dict[str, Any]], Reply], request: dict[str, Any]) -> bool:
    return answer is not names_them and bool(refused_in(request))
