from typing import Any

import pytest

from schemas.mapping import SendKind
from schemas.outgoing import Calls
from tests.messages import a_message
from workers.braze.reply import BadRequest, NoAnswer, NotAllowed, RateLimited, Reply, Unavailable
from workers.braze.sent import Asked
from workers.send_outcome import settle_call, without_key


def calls(people: int = 3, kind: SendKind = "campaign", **more: Any) -> Calls:
    return Calls(kind, [a_message(f"p{n}", kind=kind) for n in range(people)], "", 7, 4, **more)


@pytest.mark.parametrize(
    ("reply", "campaign", "transactional"),
    [
        (Asked(201, "success", dispatch_id="d"), "sent", "sent"),
        (Asked(201, "success", notice="The Canvas is paused."), "dead", "dead"),
        (BadRequest(400, "Invalid Campaign ID"), "halve", "dead"),
        (BadRequest(413, "too large"), "halve", "dead"),
        (RateLimited(429, reset_s=2), "retry", "retry"),
        (Unavailable(502), "retry", "retry"),
        (Unavailable(500), "unknown", "retry"),
        (NoAnswer(0, "refused", applied="no"), "retry", "retry"),
        (NoAnswer(0, "timed out", applied="unknown"), "unknown", "retry"),
        (NoAnswer(201, "<html>"), "unknown", "retry"),
        (NotAllowed(403, "Access Denied"), "retry", "retry"),
    ],
)
def test_only_what_was_certainly_not_applied_or_has_a_key_is_tried_again(
    reply: Reply, campaign: str, transactional: str
) -> None:  # fmt: skip
    """Braze has no key for campaigns, so nobody may get the same message twice."""
    assert settle_call(calls(), reply, chance=0.5).outcome == campaign
    assert settle_call(calls(1, "transactional"), reply, chance=0.5).outcome == transactional


def test_the_last_one_of_a_refused_call_is_the_culprit() -> None:
    """There is nobody else to blame."""
    settlement = settle_call(calls(1), BadRequest(400, "Invalid recipient"), chance=0.5)

    assert (settlement.outcome, settlement.words, settlement.status) == ("dead", "Invalid recipient", 400)


def test_a_settlement_says_which_call_it_is_about() -> None:
    """A late one must not settle another."""
    settlement = settle_call(calls(), Asked(201, "success"), chance=0.5)

    assert (settlement.number, settlement.version) == (4, 7)
    assert settlement.told() == {
        "number": 4, "version": 7, "outcome": "sent", "status": 201, "words": "success", "flight_state": "clean",
        "away": False,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["campaign", "canvas", "transactional"])
def test_a_pause_names_the_permission_that_is_missing(kind: SendKind) -> None:
    """That of /users/track is another."""
    settlement = settle_call(calls(1, kind), NotAllowed(403, "Access Denied"), chance=0.5)

    assert settlement.after_ms == 900_000
    assert {
        "campaign": "campaigns.trigger.send",
        "canvas": "canvas.trigger.send",
        "transactional": "transactional.send",
    }[kind] in settlement.pause
    assert "users.track" not in settlement.pause


def test_trouble_of_braze_s_makes_everybody_wait() -> None:
    """And the gate hears of it."""
    settlement = settle_call(calls(fails=3), NoAnswer(0, applied="unknown"), chance=0.5)

    assert settlement.away
    assert settlement.doubtful
    assert settlement.after_ms == 4000
    assert settlement.gate == {"away": 0.5}
    assert settlement.words == "no readable answer"


def test_a_429_waits_as_long_as_braze_says() -> None:
    """Nothing is doubtful about it."""
    settlement = settle_call(calls(), RateLimited(429, reset_s=60), chance=0)

    assert (settlement.after_ms, settlement.doubtful, settlement.away) == (60_000, False, False)
    assert settlement.gate == {"closed_for": 60_000}


def test_without_a_key_nothing_is_asked() -> None:
    """A person has to set it."""
    settlement = without_key(calls(), "BRAZE_KEY")

    assert settlement.outcome == "retry"
    assert "BRAZE_KEY" in settlement.pause
