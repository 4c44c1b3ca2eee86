"""What a step of a lane came to: a batch that was handed out, or why there is none. Reads the answers of step.lua."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from schemas.attempts import read_attempts
from schemas.batch import Batch, Entry, Replay
from schemas.person import Person
from workers.errors import LeaseLost


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing was handed out: why, and when to come back."""

    why: Literal["empty", "more", "wait", "again", "paused", "busy", "stale", "gone"]
    wait_ms: int = 0
    #: Whether nobody else has set an alarm for that time.
    alarm: bool = False
    #: Of the integration, where it was saved meanwhile.
    version: int | None = None


def submission_id(day: int, digest_hex: str) -> str:
    """The id of a submission: what makes it the same, and the day on which it was first accepted."""
    return f"{day:x}{digest_hex}"


def read_step(answer: list[Any]) -> Batch | Rest:
    """
    The batch that was handed out, or why there is none.

    Raises: LeaseLost if another drain has taken the lane over.
    """
    match answer[0]:
        case b"batch":
            return _read_batch(answer)
        case b"wait":
            return Rest("wait", wait_ms=answer[1], alarm=answer[3] == b"alarm")
        case b"stale":
            return Rest("stale", version=int(answer[1]))
        case b"lost":
            raise LeaseLost
        case why:
            return Rest(why.decode())


def _read_batch(answer: list[Any]) -> Batch:
    _, ids, heads, bodies, sent_before, cut, version, tries, number, people, else_text, now = answer
    more: dict[str, Any] = orjson.loads(else_text) if else_text != b"{}" else {}
    done, replays = more.get("done", {}), more.get("replays", {})
    entries = [
        Entry(
            entry_id, submission_id(day, digest), order, Person(*person), received_ms, event, body,
            done.get(entry_id), day, _read_replay(replays.get(entry_id)) if replays else None,
        )
        for entry_id, (order, day, digest, person, received_ms, _, event), body in zip(
            ids.decode().split(" "), orjson.loads(heads), orjson.loads(bodies), strict=True
        )
    ]  # fmt: skip
    if restored := more.get("restored"):
        entries = [_from_a_backup(entry) if entry.received_ms <= restored else entry for entry in entries]
    return Batch(
        entries, sent_before.decode(), cut.decode(), int(version), int(tries), heads, bodies, number,
        people.decode().split(" "), at_ms=now, **_read_more(more) if more else {},
    )  # fmt: skip


def _from_a_backup(entry: Entry) -> Entry:
    """Whether it was sent, whole or in part, after the backup was made, nobody knows."""
    return entry._replace(done={**(entry.done or {}), "u": True, "r": True})


def _read_replay(told: list[Any] | None) -> Replay | None:
    return Replay(told[0], told[1], float(told[2]) if told[2] else None) if told else None


def _read_more(more: dict[str, Any]) -> dict[str, Any]:
    """What is told beside the submissions where not all goes well."""
    return {
        "fails": more.get("fails", 0),
        "limited": more.get("limited", 0),
        "tried": read_attempts(more.get("tried")),
        "guarded": more.get("guarded", False),
        "times": more.get("times", {}),
        "known": more.get("known", {}),
        "max_objects": more.get("max_objects"),
        "request_bytes": more.get("request_bytes"),
        "shaky": more.get("shaky", False),
    }
