"""
Braze's reply to a call for messages → what becomes of them. Pure: even chance is passed in.

A call is taken or refused as a whole, so there is one outcome for all its messages:

sent      Braze took the call; whom it suits gets the message
dead      Braze will never send this, and says why
halve     somebody in it is unacceptable, and nobody said who: try with half as many, down to one
retry     the same again later: certainly not applied, or Braze knows the message again by its key
unknown   nobody knows, and asking again could send it twice

Source: https://www.braze.com/docs/api/errors/
"""

from dataclasses import replace

from schemas.mapping import SendKind
from schemas.outgoing import Calls, CallSettlement
from workers.braze.reply import NoAnswer, Reply
from workers.braze.sent import Asked
from workers.outcome import PROBE_EVERY_S, Halve, Pause, Retry, decide, news

TRACK = "users.track"
#: What a key needs to ask for messages. https://www.braze.com/docs/api/basics/
PERMISSIONS: dict[SendKind, str] = {
    "campaign": "campaigns.trigger.send",
    "canvas": "canvas.trigger.send",
    "transactional": "transactional.send",
}


def settle_call(calls: Calls, reply: Reply, *, chance: float) -> CallSettlement:
    """
    Say what became of the messages of a call.

    Args:
        chance: Between 0 and 1; spreads waits so that not all come back together.
    """
    decision = decide(reply, chance=chance, fails=calls.fails, limited=calls.limited)
    gate = news(reply, decision, chance=chance, shaky=calls.shaky)
    told = CallSettlement(calls.number, calls.version, "sent", reply.status, _words(reply), gate=gate)
    match decision:
        case Retry(after_s=after_s, applied=applied, away=away):
            is_over = applied == "unknown" and calls.kind != "transactional"
            told = replace(told, after_ms=after_s * 1000, away=away, doubtful=applied == "unknown")
            return replace(told, outcome="unknown" if is_over else "retry")
        case Pause(why=why, probe_after_s=after_s):
            # It names what a key needs for /users/track, and this is about another endpoint.
            why = why.replace(TRACK, PERMISSIONS[calls.kind])
            return replace(told, outcome="retry", after_ms=after_s * 1000, pause=why)
        case Halve():
            return replace(told, outcome="halve" if len(calls.messages) > 1 else "dead")
    return replace(told, outcome="dead" if isinstance(reply, Asked) and reply.notice else "sent")


def without_key(calls: Calls, name: str | None) -> CallSettlement:
    """
    Where there is no key to ask with.

    Args:
        name: Of the variable in which the workers look for it.
    """
    why = f"The Braze key is not set: the workers look for it in the variable {name}."
    told = CallSettlement(calls.number, calls.version, "retry", words=why, pause=why)
    return replace(told, after_ms=PROBE_EVERY_S * 1000)


def _words(reply: Reply) -> str:
    """Braze's, for a person to read."""
    if isinstance(reply, Asked) and reply.notice:
        return reply.notice
    if isinstance(reply, NoAnswer) and not reply.words:
        return "no readable answer"
    return reply.words
