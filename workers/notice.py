"""
Step: notice what a person should hear of, once. What was said already stands in the memory of the alerts:

integration_paused  braze | person                  said that it is paused, and by whom
dead_letters        <letter> <ms>                   said up to this dead letter, at that time
backlog             50 | 100                        said that it is so full, in percent; of all integrations together
                                                    `50 <ms>`, with the time
old_work            told | <ms>                     said; or work counts as waiting since then, because a person's pause
                                                    had ended
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.integration import Integration
from workers.store import Stores
from workers.store.alerts import Alert, AlertBox, Look, NewLetters
from workers.store.pressure import Reading

PAUSED, RESUMED, LETTERS, BACKLOG, OLD = (
    "integration_paused", "integration_resumed", "dead_letters", "backlog", "old_work",
)  # fmt: skip
KINDS = (PAUSED, LETTERS, BACKLOG, OLD)
#: Of dead letters one integration is told of once in so long; and a store that hovers about its mark is told of so.
QUIET_MS = 600_000
#: From this age on, work that waits is told of.
OLD_MS = 600_000
#: Full is a little less than all, since an array of submissions is taken as a whole or not at all.
FULL, HALF = 0.999, 0.5
#: Below these it counts as less full again, so that a backlog about a mark is told of once.
NOT_FULL, NOT_HALF = 0.9, 0.45

_LOSS = "Komo may not send again what is refused"

log = logging.getLogger("komo_braze")


@dataclass(frozen=True, slots=True)
class Notice:
    """What the memory is to hold of a kind, and what is to be said; without a text nothing."""

    kind: str
    was: str
    becomes: str
    text: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    #: Where it is not the kind under which it is remembered.
    says: str = ""


def notice(integration: Integration, stores: Stores, *, now_ms: int) -> int:
    """
    Look at one integration, and put into the outbox what has not been said yet.

    Returns: How many alerts that were.
    Raises: StoreUnavailable.
    """
    box = stores.alerts
    look = box.look(integration)
    if look is None:
        return 0
    said = dict(zip(KINDS, box.said(integration.id, KINDS), strict=True))
    pause = about_pause(integration, look, said[PAUSED], said[OLD], now_ms=now_ms)
    found = [
        *(about_draft(said[PAUSED]) if integration.draft else pause),
        *about_backlog(integration, look, said[BACKLOG], most=stores.inbox.limits.max_waiting),
    ]
    if not any(one.kind == OLD for one in found):
        found += about_old_work(integration, look, said[OLD], now_ms=now_ms)
    if letters_are_due(look, said[LETTERS], now_ms=now_ms):
        letters = box.letters_since(integration, said[LETTERS].partition(" ")[0])
        found += about_letters(integration, look, letters, said[LETTERS], now_ms=now_ms)
    return sum(_raise(box, one, integration, now_ms) for one in found)


def notice_store(reading: Reading, stores: Stores, *, now_ms: int) -> int:
    """Look at how full the store is, over all integrations; returns how many alerts that made."""
    [said] = stores.alerts.said("", [BACKLOG])
    found = about_store(reading, said, most_bytes=stores.alerts.max_waiting_bytes, now_ms=now_ms)
    return sum(_raise(stores.alerts, one, None, now_ms) for one in found)


def about_pause(integration: Integration, look: Look, said: str, said_old: str, *, now_ms: int) -> Iterator[Notice]:
    """Once for each pause, and its end if it was Braze's answer that paused."""
    if look.paused == said:
        return
    name = integration.name
    match look.paused:
        case "braze":
            text = (
                f"{name} is paused: {look.paused_because} Nothing is lost meanwhile. Mend it in Braze or in the "
                "settings; it is tried again every 15 minutes, and at once when its Braze settings are saved."
            )
            yield Notice(PAUSED, said, "braze", text, {"by": "braze", "because": look.paused_because})
        case "person":
            text = f"{name} was paused by a person. What arrives is kept until somebody resumes it."
            yield Notice(PAUSED, said, "person", text, {"by": "person"})  # whose reasons are theirs
        case _:
            text = f"{name} is no longer paused, and is sending again." if said == "braze" else ""
            yield Notice(PAUSED, said, "", text, {"waiting": look.waiting}, says=RESUMED)
    if said == "person":  # what waited because a person wanted it so is not old yet
        yield Notice(OLD, said_old, str(now_ms))


def about_draft(said: str) -> Iterator[Notice]:
    """Whoever sets it up knows; but what waited for them is not old work as soon as they are through."""
    if said != "person":
        yield Notice(PAUSED, said, "person")


def about_backlog(integration: Integration, look: Look, said: str, *, most: int) -> Iterator[Notice]:
    """Once when it is half full, and once when it is full."""
    before = int(said or 0)
    level = _level(before, look.waiting / most)
    if level == before:
        return
    details = {"percent": round(100 * look.waiting / most), "waiting": look.waiting, "max_waiting": most}
    how = f"{look.waiting:,} of {most:,} submissions"
    yield Notice(
        BACKLOG, said, str(level or ""), _backlog_text(before, level, f"{integration.name} holds {how}"), details
    )


def about_store(reading: Reading, said: str, *, most_bytes: int | None, now_ms: int) -> Iterator[Notice]:
    """Once when what waits in all integrations together fills half of its bytes, and once when new work is refused."""
    before, _, at = said.partition(" ")
    limit = most_bytes if most_bytes is not None else reading.maxmemory // 2
    share = reading.waiting_bytes / limit if limit else 0.0
    level = 100 if reading.memory else _level(int(before or 0), share)
    if level == int(before or 0) or (level < int(before or 0) and 0 <= now_ms - int(at) < QUIET_MS):
        return
    what = f"What waits in all integrations together takes {reading.waiting_bytes:,} of {limit:,} bytes"
    if reading.memory:
        what = "The store's memory is used up to its mark"
    details = {
        "percent": round(100 * share), "waiting_bytes": reading.waiting_bytes, "max_waiting_bytes": limit,
        "memory_is_high": reading.memory, "maxmemory": reading.maxmemory,
    }  # fmt: skip
    yield Notice(
        BACKLOG, said, f"{level} {now_ms}" if level else "", _backlog_text(int(before or 0), level, what), details
    )


def about_old_work(integration: Integration, look: Look, said: str, *, now_ms: int) -> Iterator[Notice]:
    """Once when work has waited for long, unless a person wants it to wait."""
    if look.paused == "person":
        return
    since = 0 if said in ("", "told") else int(said)
    is_old = look.oldest_ms is not None and now_ms - look.oldest_ms > OLD_MS
    if look.oldest_ms is None or not is_old:
        if said:
            yield Notice(OLD, said, "")
        return
    if said == "told" or 0 <= now_ms - since <= OLD_MS:
        return
    minutes = (now_ms - look.oldest_ms) // 60_000
    why = (
        "It is paused because of Braze's answer: mend that in Braze or in the settings." if look.paused
        else "Look whether workers and clock are running, and what Braze answers."
    )  # fmt: skip
    text = f"The oldest submission that waits in {integration.name} has waited for {minutes} minutes. {why}"
    yield Notice(OLD, said, "told", text, {
        "oldest_s": (now_ms - look.oldest_ms) // 1000, "waiting": look.waiting, "paused": look.paused or None,
    })  # fmt: skip


def letters_are_due(look: Look, said: str, *, now_ms: int) -> bool:
    """Whether there are dead letters of which nobody was told, and the last time was long enough ago."""
    letter, _, at = said.partition(" ")
    is_new = look.newest_letter != "" and (not letter or _place(look.newest_letter) > _place(letter))
    return is_new and not (at and 0 <= now_ms - int(at) < QUIET_MS)


def about_letters(
    integration: Integration, look: Look, letters: NewLetters, said: str, *, now_ms: int
) -> Iterator[Notice]:
    """How many there are that nobody was told of, and why."""
    if not letters.count:  # replayed or discarded in this very moment
        return
    count = f"{letters.count:,} or more" if letters.more else f"{letters.count:,}"
    noun = "dead letter" if count == "1" else "dead letters"
    text = (
        f"{integration.name} has {count} new {noun} ({', '.join(dict.fromkeys(letters.reasons))}). "
        "See why, mend it, then replay or discard them."
    )
    details = {"new": letters.count, "more": letters.more, "reasons": letters.reasons, "dead": look.dead}
    yield Notice(LETTERS, said, f"{letters.newest} {now_ms}", text, details)


def _raise(box: AlertBox, found: Notice, integration: Integration | None, now_ms: int) -> int:
    whose = integration.id if integration else ""
    kind = found.says or found.kind
    alert = None
    if found.text:
        alert = Alert(kind, whose, {
            "alert": kind, "integration": whose or None, "name": integration.name if integration else None,
            "at": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "text": found.text, "details": found.details,
        })  # fmt: skip
    dropped = box.raise_(found.kind, whose, was=found.was, becomes=found.becomes, alert=alert, now_ms=now_ms)
    if dropped is None or alert is None:
        return 0
    log.info("alert.raised", extra={"kind": kind, "integration": whose or None})
    if dropped:
        log.warning("alert.dropped", extra={"alerts": dropped})
    return 1


def _level(before: int, share: float) -> int:
    """How full, in percent that are told of."""
    if share >= FULL or (before == 100 and share >= NOT_FULL):
        return 100
    return 50 if share >= HALF or (before and share >= NOT_HALF) else 0


def _backlog_text(before: int, level: int, what: str) -> str:
    if level <= before:
        return ""
    if level == 50:
        return (
            f"{what}: at least half of what may wait. See why Braze does not take it, or raise the limit. When it is "
            f"full, the webhook answers 429, and {_LOSS}."
        )
    return (
        f"{what}: no more may wait, and the webhook answers 429. {_LOSS}: see why Braze does not take what waits, or "
        "raise the limit."
    )


def _place(stream_id: str) -> tuple[int, ...]:
    return tuple(map(int, stream_id.split("-")))
