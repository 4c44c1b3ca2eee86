"""
How a document is saved, whole or as a draft: one transaction that fails if anybody else wrote to what it looked at.

The keys are described in integrations.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.client import Pipeline

from schemas.integration import Reading, read_document
from schemas.integration_draft import build_draft, read_draft
from workers.errors import Conflict, StaleVersion
from workers.store import integration_changes as changes
from workers.store.integration_record import SECRETS, Saved, StoredIntegration, fingerprint, new_secret
from workers.store.integration_writes import changes_made, document_fields, record_key, sealed_fields, write, write_key
from workers.store.keys import own
from workers.store.seal import Seal

IDS = "komo:integrations"
#: Integrations that have work; see inbox.py.
ACTIVE = "komo:active"
VERSIONS = "komo:versions"

#: What a save came to, once the record that it left is read.
Told = Callable[[StoredIntegration], Saved]


@dataclass(frozen=True)
class Saves:
    """
    Each method works on a pipeline that watches the record, and raises WatchError where it has to begin again.
    """

    connection: redis.Redis
    seal: Seal
    extra_hosts: Sequence[str]
    environ: Mapping[str, str]

    def save(
        self,
        pipe: Pipeline,
        current: StoredIntegration | None,
        document: Any,
        by: str,
        if_match: int | None,
        only_new: bool,
    ) -> Told:
        """A whole document; see `Integrations.save`."""
        guard_version(current, if_match)
        _guard_new(current, only_new)
        kept_for = current.key_is_for if current else None
        reading = read_document(document, extra_hosts=self.extra_hosts, kept_for=kept_for)
        # What it was before, as far as it was one: a draft had no place in Braze, and nobody paused it.
        before = None if current and current.draft else current
        known_as = self._fingerprint(reading, current)
        braze = reading.document["braze"]
        braze["workspace"] = changes.workspace_of(pipe, braze, before, known_as)
        integration = reading.integration()
        if current:
            changes.guard_move(pipe, current, integration)
        version = self._next_version(pipe, current, integration.id)
        moves = current is not None and own(current.integration) != own(integration)
        # Where it stays, letters may open and close meanwhile: only the scripts tell.
        has_open_letters = current is not None and moves and bool(pipe.exists(f"{own(current.integration)}:open"))
        pipe.multi()
        if before is None:
            changes.clear(pipe, self.connection, integration)
        if current:
            if moves:
                changes.leave_workspace(pipe, current.integration)
            changes.move_all(pipe, self.connection, current.integration, integration)
        if known_as:
            pipe.hset(changes.WORKSPACES, known_as, integration.braze.workspace)
        changes.join_workspace(pipe, integration, has_open_letters=has_open_letters)
        pipe.hset(f"{own(integration)}:state", mapping=changes.state_after(before, reading, version))
        if changes.judges_anew(current, integration):
            pipe.hset(f"{own(integration)}:state", "redo", version)
            pipe.sadd(ACTIVE, integration.id)
        pipe.hdel(record_key(integration.id), "draft")
        told = self._write(pipe, current, reading, version, by)
        if current and moves:
            changes.forget_times(self.connection, current.integration)
        return told

    def save_draft(
        self,
        pipe: Pipeline,
        current: StoredIntegration | None,
        document: Any,
        by: str,
        if_match: int | None,
        only_new: bool,
    ) -> Told:
        """As much of a document as there is yet; see `Integrations.save_draft`."""
        guard_version(current, if_match)
        _guard_new(current, only_new)
        if current and not current.draft:
            raise Conflict(f"{current.id} is set up already: save its document as a whole.")
        kept_for = current.key_is_for if current else None
        reading = read_draft(document, extra_hosts=self.extra_hosts, kept_for=kept_for)
        integration = build_draft(reading.document)
        version = self._next_version(pipe, current, integration.id)
        state: dict[Any, Any] = {"version": version, "paused": "person", "paused_because": changes.NOT_SET_UP}
        pipe.multi()
        if current is None:
            changes.clear(pipe, self.connection, integration)
        pipe.hset(f"{own(integration)}:state", mapping=state)
        return self._write(pipe, current, reading, version, by, draft=True)

    def _next_version(self, pipe: Pipeline, current: StoredIntegration | None, integration_id: str) -> int:
        return 1 + (current.version if current else int(pipe.hget(VERSIONS, integration_id) or 0))

    def _write(
        self,
        pipe: Pipeline,
        current: StoredIntegration | None,
        reading: Reading,
        version: int,
        by: str,
        *,
        draft: bool = False,
    ) -> Told:
        """Queue what every save writes, and execute the transaction."""
        integration_id, new = reading.document["id"], current is None
        fresh: dict[str, str] = {one: new_secret(one) for one in SECRETS} if new else {}
        fields = document_fields(reading.document, version, new=new) | ({"draft": "1"} if draft else {})
        pipe.sadd(IDS, integration_id)
        write_key(pipe, integration_id, reading, self.seal)
        fields |= sealed_fields(fresh.items(), self.seal)
        write(pipe, integration_id, fields, by, changes_made(current, reading, draft=draft))
        changes.execute(pipe)
        return lambda stored: Saved(stored, new, reading.warnings, fresh)

    def _fingerprint(self, reading: Reading, current: StoredIntegration | None) -> str | None:
        """What the key and its host are known as; None for a key that an integration has had already."""
        key, host = reading.api_key, reading.document["braze"]["rest_endpoint"]
        if key is None and current and current.draft:
            key = {"from_env": current.api_key_name} if current.api_key_name else current.api_key()
        if isinstance(key, dict):
            name = key["from_env"]
            key = self.environ.get(name, "").strip() or f"from_env {name}"
        return fingerprint(host, key) if key else None


def guard_version(current: StoredIntegration | None, if_match: int | None) -> None:
    """Raises: StaleVersion if the version that was read is not the present one."""
    present = current.version if current else None
    if if_match is not None and if_match != present:
        raise StaleVersion(
            f"The document is at version {present} by now, not {if_match}: read it again." if current
            else f"There is no version {if_match} of it."
        )  # fmt: skip


def _guard_new(current: StoredIntegration | None, only_new: bool) -> None:
    if current and only_new:
        raise Conflict(f"There is an integration {current.id} already.")
