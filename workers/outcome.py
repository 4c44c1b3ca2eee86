"""
Braze's reply → what happens to the batch. Pure: even chance is passed in.

Decision
├── Settle   some delivered, the named objects refused
├── Halve    something in it is unacceptable, and nobody said what: try with fewer people, down to one submission
├── Retry    nothing moves until a time
└── Pause    a setting is wrong: everything is kept until it is mended

Source: https://www.braze.com/docs/api/errors/
"""

from dataclasses import dataclass, field
from typing import Literal

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

#: Backoff after answers that are Braze's trouble: full jitter below min(cap, base * 2^fails), in seconds.
BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 300.0
#: After the first 429 that names no time; doubled for each one more.
UNNAMED_WAIT_S = 5.0
#: A paused integration tries again this often with real work.
PROBE_EVERY_S = 900.0
#: 502 by its definition never reached the server: https://www.braze.com/docs/api/errors/
NOT_APPLIED = frozenset({502})


@dataclass(frozen=True, slots=True)
class Settle:
    """Braze took the request, or at least looked at every object of it."""

    refused: list[Refusal] = field(default_factory=list)
    #: False where nothing was queued: what is not refused has to be sent again.
    rest_accepted: bool = True
    #: Whether some error could not be placed on an object.
    accepted_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Halve:
    """Send the same again to half as many people at a time."""

    why: str
    #: Which limit turned out to be smaller than thought, if any.
    too_many: Literal["", "objects", "bytes"] = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same again later."""

    after_s: float
    applied: Literal["no", "unknown"]
    #: Whether the whole workspace has to wait, not only this lane.
    everybody: bool = False
    #: Whether nobody knows if Braze is there at all.
    away: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep everything and tell a person why."""

    why: str
    probe_after_s: float = PROBE_EVERY_S


Decision = Settle | Halve | Retry | Pause

#: In plain words, for the person who set the integration up; 0 where nothing could be sent.
WHY = {
    0: "There is no usable REST key. Enter it again, or set the environment variable that the document names.",
    401: "Braze does not know this REST key (401). Check the key, and that the REST endpoint is that of your instance.",
    403: "Braze refuses this key (403). Check that it has the permission users.track, and its list of allowed IPs.",
    404: "Braze does not know this address (404). Check the REST endpoint.",
    407: "The proxy asks for a password (407). Check BRAZE_PROXY.",
}


#: Braze's words where a contract allows fewer objects in a request. They are all there is to tell it by.
#: https://www.braze.com/docs/api/errors/
TOO_MANY_OBJECTS = "max input length exceeded"


def decide(reply: Reply, *, chance: float, fails: int = 0, limited: int = 0) -> Decision:
    """
    What to do after one attempt.

    Args:
        chance: Between 0 and 1; spreads waits so that lanes do not come back together.
        fails: Failures of this lane since its last success after which Braze seemed to be away.
        limited: Answers 429 in a row before this one, of all lanes.
    """
    match reply:
        case Accepted(refused=refused, unplaced=unplaced):
            return Settle(refused, accepted_unknown=unplaced > 0)
        case AllRefused(refused=refused):
            return Settle(refused, rest_accepted=False)
        case BadRequest(status=status, words=words):
            too_many = "objects" if TOO_MANY_OBJECTS in words.lower() else "bytes" if status == 413 else ""
            return Halve(f"{status} {words}".strip(), too_many)  # type: ignore[arg-type]  # mypy widens the texts
        case NotAllowed(status=status, words=words):
            return Pause(_why(status, words))
        case RateLimited(reset_s=reset_s):
            wait = min(BACKOFF_CAP_S, UNNAMED_WAIT_S * 2.0 ** min(limited, 30)) if reset_s is None else reset_s
            return Retry(wait + chance * max(1.0, wait / 10), applied="no", everybody=True)
        case Unavailable(status=status):
            return Retry(_backoff(fails, chance), applied="no" if status in NOT_APPLIED else "unknown", away=True)
        case NoAnswer(applied=applied):
            return Retry(_backoff(fails, chance), applied=applied, away=True)


def news(reply: Reply, decision: Decision, *, chance: float, shaky: bool) -> dict[str, float] | None:
    """
    What the gate of the workspace has to know of an answer; None for nothing.

    Args:
        shaky: Whether the gate remembers trouble, so that it wants to hear of a good answer too.

    Returns: `limit`, `left` and `reset` (ms from now) as the headers have them; `closed_for` (ms) after a 429; `away`
    (the chance) where Braze seemed to be away.
    """
    told: dict[str, float] = {}
    if reply.limit is not None and reply.remaining is not None and reply.reset_s is not None:
        told |= {"limit": reply.limit, "left": reply.remaining, "reset": reply.reset_s * 1000}
    if isinstance(decision, Retry):
        told |= {"away": chance} if decision.away else {"closed_for": decision.after_s * 1000}
    return told if told or shaky else None


def _why(status: int, words: str) -> str:
    said = words.lower()
    if status in (401, 403) and "ip" in said.split() + said.replace("ips", "ip").split() and "list" in said:
        return f"Braze refuses our address ({status}). Add it to the list of allowed IPs of this REST key."
    if status == 403 and said.startswith("forbidden"):
        return "Braze forbids this to the account (403 Forbidden). Ask Braze whether its plan includes users.track."
    if status in WHY:
        return WHY[status]
    if status < 400:
        return f"Braze's address answers with a redirect ({status}). Check the REST endpoint."
    return f"Braze refuses every request ({status}). Check the REST endpoint, and what stands between Braze and here."


def _backoff(fails: int, chance: float) -> float:
    return chance * min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(fails, 30))
