"""
What a change of an integration means for the work that is kept under it. P is `{braze_workspace}:<integration_id>`.

P:ledger    hash  waiting, in_flight, held and dead decide what may change, and so do the messages in the outbox:
P:sends:<kind>, P:lane:sends:<kind> (outbox.py)
P:*         any   moves with the integration to another workspace, goes with a deleted one
W:ceilings  hash  integration -> the rates that its document allows; W is `{braze_workspace}`
W:open      set   integrations with open dead letters (open_letters.lua)
"""

from collections.abc import Mapping
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from schemas.integration import Integration, Reading
from schemas.outgoing import SEND_KINDS
from workers.errors import Conflict
from workers.store.flow import RINGS
from workers.store.integration_record import StoredIntegration, is_fingerprint, text
from workers.store.keys import own, shared
from workers.store.scripts import Script

WORKSPACES = "komo:workspaces"
BY_A_PERSON = "Paused by a person."
NOT_SET_UP = "Not set up yet: finish connecting it."
#: They hold whom a drain has promised something for a moment; a new place starts without them.
_MOMENTARY = (b":lease:", b":wake:")


def workspace_of(
    reader: redis.Redis, braze: Mapping[str, Any], current: StoredIntegration | None, known_as: str | None
) -> str:
    """
    The Braze workspace that a document means.

    A document that names none keeps the one it had, unless the host is another. A name that was made here follows the
    host too, even if it comes back in the document: nobody chose it. A new pair of host and key means the workspace
    that it was last seen with, else one of its own.
    """
    named: str | None = braze.get("workspace")
    present = current.integration.braze if current else None
    same_host = present is not None and present.rest_endpoint == braze["rest_endpoint"]
    if named and present and not same_host and named == present.workspace and is_fingerprint(named):
        named = None
    if named:
        return named
    if present and same_host:
        return present.workspace
    seen = reader.hget(WORKSPACES, known_as or "")
    return text(seen) or known_as or ""


def guard_move(pipe: Pipeline, current: StoredIntegration, new: Integration) -> None:
    """
    Nothing moves to another workspace while Braze is being called: the answer would find nothing to settle.

    Raises: Conflict in one sentence.
    """
    if own(current.integration) == own(new):
        return
    # Each step writes to its lane's hash, also where the ledger stays as it is.
    lanes = int(pipe.hget(f"{own(current.integration)}:state", "lanes") or 0)
    prefix = own(current.integration)
    pipe.watch(f"{prefix}:open", *(f"{prefix}:lane:{lane}" for lane in range(lanes or 1)))  # type: ignore[no-untyped-call]
    pipe.watch(*(f"{prefix}:flow:{ring.name}" for ring in RINGS.values()))  # type: ignore[no-untyped-call]
    sends = [f"{prefix}:lane:sends:{kind}" for kind in SEND_KINDS]
    pipe.watch(*sends)  # type: ignore[no-untyped-call]
    if _counts(pipe, current.integration)[1] or any(pipe.hget(lane, "flight_state") == b"sent" for lane in sends):
        raise Conflict("Braze is being called right now: try again in a moment, or pause the integration first.")


def judges_anew(current: StoredIntegration | None, new: Integration) -> bool:
    """Whether a save changes the rules by which the people of waiting submissions were found; a draft had none."""
    old = current.integration if current else new
    return old.draft or (old.identifiers, old.default_region) != (new.identifiers, new.default_region)


def guard_draft(integration_id: str, *, enabled: bool) -> None:
    """Raises: Conflict if a draft is to send; that it sends nothing is how it is anyway."""
    if enabled:
        raise Conflict(f"{integration_id} is not set up yet: finish connecting it, and it sends by itself.")


def guard_delete(pipe: Pipeline, integration: Integration) -> None:
    """
    Raises: Conflict while anything would be lost with the integration.
    """
    waiting, in_flight, held, dead = _counts(pipe, integration)
    outbox = [f"{own(integration)}:sends:{kind}" for kind in SEND_KINDS]
    pipe.watch(*outbox)  # type: ignore[no-untyped-call]
    messages = sum(int(pipe.xlen(stream)) for stream in outbox)
    if waiting + in_flight + held + dead + messages:
        raise Conflict(
            f"{waiting + in_flight} submissions wait, {held} are held and {dead} are dead letters, and {messages} "
            "messages wait; discard them to delete the integration all the same."
        )


def state_after(current: StoredIntegration | None, reading: Reading, version: int) -> dict[Any, Any]:
    """Fields of the state to write with a save. A pause by Braze stays, but is tried at once if `braze` changed."""
    state: dict[Any, Any] = {"version": version}
    if not reading.document["enabled"]:
        because = current.paused_because if current and current.paused == "person" else BY_A_PERSON
        return state | {"paused": "person", "paused_because": because}
    if current is None or not current.integration.enabled:
        return state | {"paused": "", "paused_because": ""}
    if reading.api_key or current.document["braze"] != reading.document["braze"]:
        return state | {"probe_at": 0, "max_objects": "", "request_bytes": ""}
    return state


def join_workspace(pipe: Pipeline, integration: Integration, *, has_open_letters: bool) -> None:
    """Queue what the other integrations of a Braze workspace have to know of this one."""
    prefix = shared(integration.braze.workspace)
    pipe.hset(f"{prefix}:ceilings", integration.id, integration.braze.rates)
    if has_open_letters:
        pipe.sadd(f"{prefix}:open", integration.id)


def leave_workspace(pipe: Pipeline, integration: Integration) -> None:
    """Queue the opposite."""
    prefix = shared(integration.braze.workspace)
    pipe.hdel(f"{prefix}:ceilings", integration.id)
    pipe.srem(f"{prefix}:open", integration.id)


def forget_times(connection: redis.Redis, integration: Integration) -> None:
    """Drop what was remembered for open letters, if none is left in the workspace that an integration has left."""
    Script(connection, "forget_times")([shared(integration.braze.workspace)], [])


def move_all(pipe: Pipeline, connection: redis.Redis, old: Integration, new: Integration) -> None:
    """Queue the renaming of every key of `old` that is there now; the ledger is watched, so nothing new slips in."""
    if own(old) == own(new):
        return
    before, after = own(old).encode(), own(new).encode()
    # Some names end in a digest, which is no text.
    for name in connection.scan_iter(match=f"{own(old)}:*", count=1000):
        rest = name.removeprefix(before)
        if any(rest.startswith(part) for part in _MOMENTARY):
            pipe.delete(name)
        else:
            pipe.rename(name, after + rest)


def clear(pipe: Pipeline, connection: redis.Redis, new: Integration) -> None:
    """Queue the removal of what a process that died while it removed an integration of this id has left."""
    for name in connection.scan_iter(match=f"{own(new)}:*", count=1000):
        pipe.unlink(name)


def execute(pipe: Pipeline) -> None:
    """Execute a transaction that may rename a key which has expired meanwhile."""
    for answer in pipe.execute(raise_on_error=False):
        if isinstance(answer, Exception) and not (isinstance(answer, ResponseError) and "no such key" in str(answer)):
            raise answer


def remove_all(connection: redis.Redis, prefix: str) -> None:
    """Remove every key under a prefix."""
    for name in connection.scan_iter(match=f"{prefix}:*", count=1000):
        connection.unlink(name)


def _counts(pipe: Pipeline, integration: Integration) -> tuple[int, int, int, int]:
    """Waiting, in flight, held, dead; a change of them makes the transaction start anew."""
    key = f"{own(integration)}:ledger"
    pipe.watch(key)  # type: ignore[no-untyped-call]
    counters = pipe.hmget(key, ["waiting", "in_flight", "held", "dead"])
    waiting, in_flight, held, dead = (int(value or 0) for value in counters)
    return waiting, in_flight, held, dead
