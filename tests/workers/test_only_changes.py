import contextlib
from typing import Any

import pytest
import redis

from tests.factories import a_body
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted, AllRefused, NoAnswer, Refusal
from workers.store.keys import own, shared

EVENTLESS: dict[str, Any] = {"events": []}
DAY_MS = 86_400_000


def attributes(world: World) -> list[dict[str, Any]]:
    """What was sent so far, without identifiers."""
    sent = [one for request in world.braze.sent for one in request.get("attributes", [])]
    return [{name: value for name, value in one.items() if name != "external_id"} for one in sent]


def killed(_: dict[str, Any]) -> Accepted:
    raise KeyboardInterrupt


def visit(world: World, *bodies: dict[str, Any]) -> None:
    world.accept(*bodies)
    world.drain_until_quiet()
    world.now += 10_000


@pytest.fixture
def world(store_connection: redis.Redis) -> World:
    return World(store_connection, **EVENTLESS)


def test_what_braze_has_already_is_not_sent_again(world: World) -> None:
    """It costs a data point and says nothing."""
    visit(world, form("ann", 1, team="red"))
    visit(world, a_body("ann", number=2, team="red", first_name="ann1"))
    visit(world, a_body("ann", number=3, team="blue", first_name="ann1"))

    assert attributes(world) == [{"first_name": "ann1", "team": "red"}, {"team": "blue"}]
    ledger = world.ledger()
    assert (ledger["delivered"], ledger["data_points_sent"], ledger["data_points_saved"]) == (3, 3, 3)


def test_an_unchanged_submission_is_delivered_without_a_request(world: World) -> None:
    """Braze had it all already, and the timeline says so."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    [submission] = world.accept(a_body("ann", number=2, team="red", first_name="Ann"))
    world.drain_until_quiet()

    told = world.stores.timeline.show(submission)
    assert told is not None
    assert told["state"] == "delivered"
    assert next(step["warnings"] for step in told["timeline"] if step["what"] == "mapped") == ["unchanged"]
    assert len(world.braze.sent) == 1


def test_a_value_that_came_back_is_sent(world: World) -> None:
    """Only the last value counts, also where both waited in one batch."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    visit(
        world,
        a_body("ann", number=2, team="blue", first_name="Ann"),
        a_body("ann", number=3, team="red", first_name="Ann"),
    )
    visit(world, a_body("ann", number=4, team="blue", first_name="Ann"))

    assert [one["team"] for one in attributes(world)][-1] == "blue"
    assert [one["team"] for one in attributes(world)] == ["red", "red", "blue"]


def test_what_was_refused_is_not_known(world: World) -> None:
    """The next one may be told of it, and is."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    world.braze.answers = [AllRefused(400, "no", refused=[Refusal("attributes", 0, "no")])]
    visit(world, a_body("ann", number=2, team="blue", first_name="Ann"))
    visit(world, a_body("ann", number=3, team="red", first_name="Ann"))

    assert [one.get("team") for one in attributes(world)] == ["red", "blue", "red"]


def test_after_an_unknown_outcome_everything_is_sent_again(world: World) -> None:
    """Braze may have taken it, and may not."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    world.braze.answers = [NoAnswer(0, "cut", applied="unknown")]
    visit(world, a_body("ann", number=2, team="blue", first_name="Ann"))

    assert attributes(world)[1:] == [{"team": "blue"}, {"first_name": "Ann", "team": "blue"}]


@pytest.mark.parametrize("dead", [False, True])
def test_after_an_unknown_outcome_nothing_is_believed_though_nobody_asks_again(world: World, dead: bool) -> None:
    """Braze may have the new value though the submission never travels again: the old one has to be said anew."""
    usual = {**_document(world), "send_only_changes": True}
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    world.accept(a_body("ann", number=2, team="blue", first_name="Ann"))
    world.braze.answers = [killed if dead else NoAnswer(0, "cut", applied="unknown")]
    with contextlib.suppress(KeyboardInterrupt):
        world.drain()
    world.stores.connection.delete(f"{own(world.integration)}:lease:0")
    world.now += 60_000
    world.stores.integrations.save({**usual, "max_age_hours": 0.01}, by="test")
    world.drain_until_quiet()
    world.stores.integrations.save({**usual, "max_age_hours": None}, by="test")
    visit(world, a_body("ann", number=3, team="red", first_name="Ann"))

    assert (world.ledger()["dead"], world.ledger()["delivered"]) == (1, 2)
    assert attributes(world)[1:] == [{"team": "blue"}, {"first_name": "Ann", "team": "red"}]


def test_another_host_has_other_people(world: World) -> None:
    """A workspace of the same name on another Braze has never heard of anybody."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    document = _document(world)
    document["braze"]["rest_endpoint"] = "https://rest.fra-01.braze.eu"
    world.stores.integrations.save({**document, "send_only_changes": True}, by="test")
    visit(world, a_body("ann", number=2, team="red", first_name="Ann"))

    assert attributes(world) == [{"first_name": "Ann", "team": "red"}] * 2


def test_two_integrations_of_a_workspace_share_what_is_known(world: World) -> None:
    """They write to one profile."""
    world.stores.integrations.save({**_document(world), "id": "other-hub"}, by="test")
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))

    keys: list[bytes] = world.stores.connection.keys(f"{shared('acme')}:known:*")  # type: ignore[assignment]
    assert len(keys) == 1


def _document(world: World) -> dict[str, Any]:
    stored = world.stores.integrations.get("summer-hub")
    document = {**stored.document, "braze": {**stored.document["braze"], "api_key": "an-example-of-a-key-0000"}}
    return {**document, "send_only_changes": False}


def test_who_sends_everything_still_tells_the_others(store_connection: redis.Redis) -> None:
    """Else another integration of the workspace would believe in a value that is no longer there."""
    world = World(store_connection, **EVENTLESS)
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    world.stores.integrations.save(_document(world), by="test")
    visit(world, a_body("ann", number=2, team="blue", first_name="Ann"))
    world.stores.integrations.save({**_document(world), "send_only_changes": True}, by="test")
    visit(world, a_body("ann", number=3, team="red", first_name="Ann"))

    assert attributes(world) == [
        {"first_name": "Ann", "team": "red"}, {"first_name": "Ann", "team": "blue"}, {"team": "red"}
    ]  # fmt: skip


def test_what_was_sent_long_ago_is_sent_again(world: World) -> None:
    """A write that was lost on Braze's side heals."""
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    world.now += 31 * DAY_MS
    visit(world, a_body("ann", number=2, team="red", first_name="Ann"))

    assert len(attributes(world)) == 2


def test_an_alias_with_only_an_event_left_is_still_created(store_connection: redis.Redis) -> None:
    """Without its object the event would vanish silently, should the profile have been removed."""
    alias = [{"kind": "user_alias", "field": "member_id", "alias_label": "member"}]
    world = World(store_connection, identifiers=alias)
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    visit(world, a_body("ann", number=2, team="red", first_name="Ann"))

    last = world.braze.sent[-1]
    assert len(last["events"]) == 1
    assert last["attributes"] == [
        {"user_alias": {"alias_name": "ann", "alias_label": "member"}, "_update_existing_only": False}
    ]


def test_an_error_that_nobody_can_place_is_forgotten_about(world: World) -> None:
    """One of the objects was not taken."""
    world.braze.answers = [Accepted(201, "success", unplaced=1)]
    visit(world, a_body("ann", number=1, team="red", first_name="Ann"))
    visit(world, a_body("ann", number=2, team="red", first_name="Ann"))

    assert len(attributes(world)) == 2


def test_a_submission_that_only_asks_for_a_message_is_delivered_and_asks(store_connection: redis.Redis) -> None:
    """Whom it is for has to be there to get it."""
    sends = [{"kind": "campaign", "id": "5d3a6b1e-0000-4000-8000-000000000001"}]
    world = World(store_connection, events=[], attributes=[], sends=sends)
    visit(world, form("ann", 1))

    assert world.ledger()["delivered"] == 1
    assert attributes(world) == [{}]
    assert [one.waiting for one in world.stores.outbox.look(world.integration)] == [1, 0, 0]


def test_a_place_is_remembered_like_any_other_value(store_connection: redis.Redis) -> None:
    """It is written whole, from two rules."""
    rules = [
        {"field": name, "attribute": f"current_location.{name}", "type": "number"} for name in ("longitude", "latitude")
    ]
    world = World(store_connection, attributes=rules, events=[])
    visit(world, form("ann", 1, longitude="151.2", latitude="-33.8"))
    visit(world, form("ann", 2, longitude="151.2", latitude="-33.8"))

    assert attributes(world) == [{"current_location": {"longitude": 151.2, "latitude": -33.8}}]
