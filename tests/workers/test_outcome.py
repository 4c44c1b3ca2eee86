import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.braze.reply import (
    Accepted,
    AllRefused,
    BadRequest,
    NoAnswer,
    NotAllowed,
    RateLimited,
    Refusal,
    Reply,
    Unavailable,
)
from workers.outcome import BACKOFF_CAP_S, PROBE_EVERY_S, Decision, Halve, Pause, Retry, Settle, decide, news

REFUSED = [Refusal("events", 2, "no good")]


def after(reply: Reply, *, fails: int = 0, limited: int = 0, chance: float = 0.5) -> Decision:
    return decide(reply, fails=fails, limited=limited, chance=chance)


def test_what_braze_took_is_settled() -> None:
    """Every object was looked at."""
    assert after(Accepted(201, "success")) == Settle()


def test_refused_objects_are_set_aside_and_the_others_are_not_sent_again() -> None:
    """Sending the batch again would double its events."""
    decision = after(Accepted(201, "success", refused=REFUSED))
    assert decision == Settle(REFUSED, rest_accepted=True, accepted_unknown=False)


def test_errors_without_a_place_are_noted_and_nothing_is_sent_again() -> None:
    """One object of many was not taken, and nobody can say which."""
    assert after(Accepted(201, "success", unplaced=1)) == Settle([], accepted_unknown=True)


def test_an_unreadable_success_is_sent_again_as_after_a_timeout() -> None:
    """Nobody knows whether Braze itself said it."""
    assert after(NoAnswer(201, "<html>")) == Retry(0.5, "unknown", away=True)


def test_where_all_was_refused_the_rest_is_sent_again() -> None:
    """A 400 takes nothing, not even what it does not name."""
    assert after(AllRefused(400, "no", refused=REFUSED)) == Settle(REFUSED, rest_accepted=False)


@pytest.mark.parametrize(
    ("status", "words"),
    [(400, "Error while parsing request body."), (400, "Bad Request"), (422, "Unprocessable")],
)
def test_a_batch_refused_as_a_whole_is_halved(status: int, words: str) -> None:
    """The culprit is found in a few steps."""
    assert after(BadRequest(status, words)) == Halve(f"{status} {words}")


@pytest.mark.parametrize(
    ("status", "words", "limit"), [(400, "Max Input Length Exceeded", "objects"), (413, "<html>", "bytes")]
)
def test_a_limit_that_is_smaller_than_thought_is_told(status: int, words: str, limit: str) -> None:
    """It is remembered, so that the next batch need not find it out again."""
    decision = after(BadRequest(status, words))
    assert isinstance(decision, Halve)
    assert decision.too_many == limit


@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [(403, "Access Denied", "users.track"), (403, "Forbidden", "plan"), (403, "Invalid whitelisted IPs", "allowed IPs"),
     (401, "Invalid whitelisted IPs", "allowed IPs"), (401, "Invalid API key: [key]", "REST key")],
)  # fmt: skip
def test_the_reasons_to_be_refused_are_told_apart(status: int, words: str, hint: str) -> None:
    """Each is mended in another place."""
    decision = after(NotAllowed(status, words))
    assert isinstance(decision, Pause)
    assert hint in decision.why


@pytest.mark.parametrize(
    ("status", "hint"),
    [(0, "environment variable"), (401, "REST key"), (403, "users.track"), (404, "REST endpoint"), (301, "redirect"),
     (308, "redirect (308)"), (407, "BRAZE_PROXY"), (415, "(415)"), (405, "(405)")],
)  # fmt: skip
def test_a_wrong_setting_pauses_and_says_what_to_look_at(status: int, hint: str) -> None:
    """A bad setting must never burn queued data."""
    decision = after(NotAllowed(status, "Invalid API key: [key]"))
    assert isinstance(decision, Pause)
    assert hint in decision.why
    assert decision.probe_after_s == PROBE_EVERY_S == 15 * 60


@pytest.mark.parametrize(("reset_s", "chance", "wait_s"), [(120, 0, 120), (120, 1, 132), (2, 1, 3), (0, 0.5, 0.5)])
def test_a_rate_limit_holds_everybody_until_the_reset_that_braze_names(
    reset_s: float, chance: float, wait_s: float
) -> None:
    """And a little longer, so that not all lanes come back at once."""
    assert after(RateLimited(429, reset_s=reset_s), chance=chance) == Retry(wait_s, "no", everybody=True)


@pytest.mark.parametrize(("limited", "wait_s"), [(0, 5), (1, 10), (3, 40), (6, 300), (5000, 300)])
def test_a_rate_limit_without_a_time_is_waited_for_longer_and_longer(limited: int, wait_s: float) -> None:
    """Some contracts count by the hour and say nothing."""
    assert after(RateLimited(429), limited=limited, chance=0) == Retry(wait_s, "no", everybody=True)


@pytest.mark.parametrize(
    ("status", "applied"), [(500, "unknown"), (502, "no"), (503, "unknown"), (504, "unknown"), (520, "unknown"),
                            (408, "unknown"), (425, "unknown"), (100, "unknown")]
)  # fmt: skip
def test_trouble_at_braze_is_waited_out(status: int, applied: str) -> None:
    """Only a 502 is certain not to have reached the server."""
    assert after(Unavailable(status)) == Retry(0.5, applied, away=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("applied", ["no", "unknown"])
def test_without_an_answer_the_doubt_is_kept(applied: str) -> None:
    """It decides whether events count as possible duplicates."""
    reply = NoAnswer(0, "refused", applied=applied)  # type: ignore[arg-type]
    assert after(reply, fails=3, chance=1) == Retry(8, applied, away=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(("fails", "most_s"), [(0, 1), (1, 2), (2, 4), (8, 256), (9, 300), (10_000, 300)])
def test_the_backoff_doubles_up_to_five_minutes(fails: int, most_s: float) -> None:
    """Braze replays nothing, so there is no last attempt."""
    decision = after(Unavailable(503), fails=fails, chance=1)
    assert isinstance(decision, Retry)
    assert decision.after_s == most_s


REPLIES = st.sampled_from([Unavailable(503), NoAnswer(0), RateLimited(429), RateLimited(429, reset_s=3900)])


@given(reply=REPLIES, number=st.integers(0, 10**6), chance=st.floats(0, 1))
def test_every_wait_has_an_end(reply: Reply, number: int, chance: float) -> None:
    """A lane that sleeps for days looks like one that is lost."""
    decision = decide(reply, fails=number, limited=number, chance=chance)
    assert isinstance(decision, Retry)
    assert 0 <= decision.after_s <= 3900 * 1.1
    assert isinstance(reply, RateLimited) or decision.after_s <= BACKOFF_CAP_S


def test_the_gate_hears_of_a_limit_that_all_headers_tell() -> None:
    """A number that is left means nothing without the time for which it is."""
    told = Accepted(201, "success", reset_s=2.5, limit=30, remaining=7)
    assert news(told, Settle(), chance=0.5, shaky=False) == {"limit": 30, "left": 7, "reset": 2500}
    assert news(Accepted(201, "success", limit=30, remaining=7), Settle(), chance=0.5, shaky=False) is None


def test_the_gate_hears_of_a_rate_limit_and_of_a_braze_that_is_away() -> None:
    """The one closes it for a time, the other for all but one who tries."""
    assert news(RateLimited(429), Retry(3, "no", everybody=True), chance=0.5, shaky=False) == {"closed_for": 3000}
    assert news(Unavailable(503), Retry(3, "unknown", away=True), chance=0.25, shaky=False) == {"away": 0.25}


def test_the_gate_hears_of_a_good_answer_only_after_trouble() -> None:
    """Usually there is nothing to tell, and nothing is written."""
    assert news(Accepted(201, "success"), Settle(), chance=0.5, shaky=False) is None
    assert news(Accepted(201, "success"), Settle(), chance=0.5, shaky=True) == {}
    assert news(NotAllowed(401, "no"), Pause("no"), chance=0.5, shaky=True) == {}
