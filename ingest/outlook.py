"""How the messages of an integration are doing, as the API and the command line show it."""

from typing import Any

from schemas.integration import Integration
from workers.store.outbox import Outbox


def outbox_of(outbox: Outbox, integration: Integration) -> dict[str, Any]:
    """
    By kind, of those that the document uses or that hold something: `waiting` messages; `paused_because`, why Braze is
    not asked for any, and `problem`, Braze's words of the last that it did not send, each None if there is none;
    `problem_of`, of which campaign or canvas.

    Raises: StoreUnavailable.
    """
    used = {rule.kind for rule in integration.sends}
    return {
        one.kind: {
            "waiting": one.waiting,
            "paused_because": one.paused_because or None,
            "problem": one.problem or None,
            "problem_of": one.problem_of or None,
        }
        for one in outbox.look(integration)
        if one.kind in used or one.waiting or one.paused_because or one.problem
    }
