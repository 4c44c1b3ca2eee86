from typing import Any

import redis

from ingest.outlook import outbox_of
from schemas.mapping import SendRule
from tests.factories import NOON_MS, an_integration
from tests.messages import CANVAS, a_message, put
from workers.store.outbox import Outbox

NOTHING = {"waiting": 0, "paused_because": None, "problem": None, "problem_of": None}


def test_only_kinds_that_matter_are_told(store_connection: redis.Redis) -> None:
    """Most documents ask for no messages."""
    outbox, integration = Outbox(store_connection), an_integration()

    assert outbox_of(outbox, integration) == {}
    assert outbox_of(outbox, an_integration(sends=(SendRule("campaign", "c0ffee"),))) == {"campaign": NOTHING}

    put(store_connection, integration, a_message(kind="canvas", braze_id=CANVAS), now_ms=NOON_MS)

    assert outbox_of(outbox, integration) == {"canvas": {**NOTHING, "waiting": 1}}


def test_a_pause_and_a_problem_are_told_in_words(store_connection: redis.Redis) -> None:
    """Somebody has to mend it in Braze."""
    said: dict[Any, Any] = {
        "paused_because": "The key may not.",
        "problem": "The canvas is paused.",
        "problem_of": CANVAS,
    }
    store_connection.hset("{acme}:summer-hub:lane:sends:canvas", mapping=said)

    assert outbox_of(Outbox(store_connection), an_integration()) == {"canvas": {"waiting": 0, **said}}
