"""What keeps integrations from sending."""

import threading
from typing import Any

import pytest

from ingest.connection import Lines
from ingest.doctor.braze import check_braze, check_standing
from schemas.integration import Integration
from tests.factories import a_document
from tests.ingest.doctor.conftest import SECRET_KEY, settings_of, troubles
from workers.store import Stores, open_stores
from workers.store.connect import connect
from workers.store.integrations import Integrations


@pytest.fixture
def stores(redis_server: str) -> Stores:
    connection = connect(redis_server)
    connection.flushall()
    stores = open_stores(settings_of(), connection)
    stores.integrations.save(a_document(), by="a test")
    return stores


def good(integration: Integration, key: str) -> Lines:
    return [("host", True, "It answers.")]


def test_braze_is_asked_about_everything_that_is_set_up(stores: Stores) -> None:
    """A draft has nothing to ask about yet."""
    stores.integrations.save_draft({"id": "spring-hub", "name": "Spring"}, by="a test")
    asked: list[tuple[str, str]] = []

    def probe(integration: Integration, key: str) -> Lines:
        asked.append((integration.id, key))
        return [("host", True, "It answers."), ("key", False, "Braze does not know this key.")]

    assert troubles(check_braze(stores.integrations.list(), probe)) == [("wrong", "key: Braze does not know this key.")]
    assert asked == [("summer-hub", "an-example-of-a-key-0000")]
    assert troubles(check_braze(stores.integrations.list(), good)) == []


def test_braze_is_not_awaited_for_ever(stores: Stores) -> None:
    """Somebody sits in front of it."""
    answer = threading.Event()

    def probe(integration: Integration, key: str) -> Lines:
        answer.wait(5)
        return []

    found = troubles(check_braze(stores.integrations.list(), probe, deadline_s=0.05))
    answer.set()

    assert found == [("warning", "Braze was not through within 0 seconds.")]


def test_what_fails_for_one_is_told_without_its_words(stores: Stores) -> None:
    """They may hold anything."""

    def probe(integration: Integration, key: str) -> Lines:
        raise ValueError(key)

    assert troubles(check_braze(stores.integrations.list(), probe)) == [
        ("wrong", "Braze could not be asked (ValueError).")
    ]


def test_a_key_that_can_t_be_opened_is_wrong(stores: Stores) -> None:
    """Nothing can be sent with it."""
    other = Integrations(stores.connection, secret_keys=[SECRET_KEY[::-1]])

    [(level, says)] = troubles(check_braze(other.list(), good))

    assert level == "wrong"
    assert "can't be opened with SECRET_KEY" in says


def standing(stores: Stores, paused_sends: Any = None) -> list[tuple[str, str]]:
    [stored] = stores.integrations.list()
    return troubles(check_standing(stored, paused_sends or {}))


def test_a_pause_is_told_with_its_reason(stores: Stores) -> None:
    """One that a person made is meant; one by Braze's answer has to be mended."""
    [stored] = stores.integrations.list()
    assert list(check_standing(stored, {})) == []
    stores.integrations.pause("summer-hub", by="a test", why="The campaign is over.")
    assert standing(stores) == [("warning", "It sends nothing: The campaign is over.")]

    state: Any = {"paused": "braze", "paused_because": "Braze does not know the key (401)."}
    stores.connection.hset("{acme}:summer-hub:state", mapping=state)
    assert standing(stores) == [("wrong", "It is paused by Braze's answer: Braze does not know the key (401).")]


def test_paused_messages_and_drafts_are_told(stores: Stores) -> None:
    """Both look active from afar."""
    assert standing(stores, {"campaign": "The key may not."}) == [
        ("wrong", "Messages of the kind campaign are paused: The key may not.")
    ]
    stores.integrations.delete("summer-hub")
    stores.integrations.save_draft({"id": "spring-hub", "name": "Spring"}, by="a test")
    assert standing(stores)[0][0] == "warning"
