"""
Integration documents, their secrets, and what was done to them.

komo:integrations            set     ids
komo:integration:<id>        hash    document (JSON without the key), version, revision, created_at, updated_at;
                                     sealed: api_key, webhook_secret, url_key, and the previous two until they
                                     are retired: webhook_secret_previous, url_key_previous;
                                     api_key_env: the variable that holds the key instead;
                                     draft: 1 while it is not set up; its document may lack required parts then
komo:integration:<id>:audit  stream  when, by which way of signing in, what changed; the newest AUDIT_LINES of them
komo:workspaces              hash    fingerprint of a host and a key -> the Braze workspace that they belong to
komo:versions                hash    id -> the last version of an integration that was removed: numbers never return, so
                                     that nobody takes a new integration for what they remember of the old one
P:state                      hash    version, paused ("", person, braze), paused_because, and redo where a save changed
                                     the rules by which the people of waiting submissions were found
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from schemas.integration import Integration
from workers.errors import Conflict, UnknownIntegration
from workers.store import integration_changes as changes
from workers.store.connect import reaching_the_store
from workers.store.counted import counted_key
from workers.store.integration_cache import IntegrationCache
from workers.store.integration_record import (
    SECRETS,
    Saved,
    StoredIntegration,
    Which,
    new_secret,
    read_record,
    text,
)
from workers.store.integration_saves import ACTIVE, IDS, VERSIONS, Saves, Told, guard_version
from workers.store.integration_writes import document_fields, may_be_id, record_key, sealed_fields, write
from workers.store.keys import own
from workers.store.seal import Seal

#: Two saves of one document at the same moment: the second looks again, this often.
ATTEMPTS = 20

_T = TypeVar("_T")


class Integrations:
    """Everything about integrations, over one connection; safe to share between threads."""

    def __init__(
        self,
        connection: redis.Redis,
        *,
        secret_keys: Sequence[str],
        extra_hosts: Iterable[str] = (),
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            secret_keys: The entries of `SECRET_KEY`, newest first.
            extra_hosts: `scheme://host:port` entries allowed beside the published Braze hosts.
            environ: Where keys given as {"from_env": NAME} are looked up, at every use.
            clock: Seconds, for the age of what is cached.
        """
        self._redis = connection
        self._seal = Seal(secret_keys)
        self._environ = environ
        self._saves = Saves(connection, self._seal, tuple(extra_hosts), environ)
        self._cache = IntegrationCache(self._read_all, self._revisions, clock)

    def get(self, integration_id: str) -> StoredIntegration:
        """
        The integration as it is now.

        Raises: UnknownIntegration; StoreUnavailable.
        """
        found = self._read_all([integration_id]) if may_be_id(integration_id) else {}
        return _known(integration_id, found.get(integration_id))

    def get_cached(self, integration_id: str, max_age_s: float = 1.0) -> StoredIntegration:
        """
        The integration as it was at most `max_age_s` ago; its `paused` may be older.

        Raises: UnknownIntegration; StoreUnavailable.
        """
        found = self._cache.get(integration_id, max_age_s) if may_be_id(integration_id) else None
        return _known(integration_id, found)

    def load(self, integration_id: str, version: int) -> StoredIntegration:
        """
        The integration at `version` or later, without asking the store if that is known already.

        Raises: UnknownIntegration; StoreUnavailable.
        """
        return self._cache.at_version(integration_id, version) or self.get_cached(integration_id, max_age_s=0)

    def ids(self) -> Sequence[str]:
        """All ids in the order of the alphabet."""
        with reaching_the_store():
            return sorted(text(one) for one in self._redis.smembers(IDS))

    def every(self) -> Sequence[Integration]:
        """All of them, drafts too, as they were at most a second ago, in the order of their ids."""
        found = self._cache.get_many(self.ids(), max_age_s=1.0)
        return [stored.integration for stored in found.values() if stored]  # the others were removed meanwhile

    def save(self, document: Any, *, by: str, if_match: int | None = None, only_new: bool = False) -> Saved:
        """
        Create an integration or replace its document, as a new version.

        Over a draft it ends the setup: the integration gets its Braze workspace, and what was accepted meanwhile moves
        there and is judged by the rules before it is sent. A key given to the draft for the same endpoint counts.

        Args:
            document: JSON as it was sent; its `id` says which integration.
            by: The way of signing in, for the audit: "api", "page", "cli".
            if_match: The version that the caller has read; None saves over any.
            only_new: Refuse to replace.

        Raises: InvalidDocument with every problem; StaleVersion; Conflict; StoreUnavailable.
        """
        return self._saved(
            document, lambda pipe, current: self._saves.save(pipe, current, document, by, if_match, only_new)
        )

    def save_draft(self, document: Any, *, by: str, if_match: int | None = None, only_new: bool = False) -> Saved:
        """
        Create or replace a draft: an integration that accepts and keeps whatever comes, until `save` ends its setup.

        Args:
            document: As for `save`; `id` and `name` are required, of everything else as much as is known yet. An
                `api_key` that is left out keeps the stored one.
            only_new: Refuse to replace.

        Raises: InvalidDocument with every problem in what is there; StaleVersion; Conflict if it is set up already, or
            there and must not be; StoreUnavailable.
        """
        return self._saved(
            document, lambda pipe, current: self._saves.save_draft(pipe, current, document, by, if_match, only_new)
        )

    def pause(self, integration_id: str, *, by: str, why: str = "") -> StoredIntegration:
        """
        Stop sending until a person resumes; accepting goes on. The same as saving `enabled: false`.

        A draft sends nothing, and stays as it is.
        """
        return self._enable(integration_id, enabled=False, by=by, because=why or changes.BY_A_PERSON)

    def resume(self, integration_id: str, *, by: str) -> StoredIntegration:
        """Send again, whoever paused. The caller wakes the lanes. Raises: Conflict for a draft."""
        return self._enable(integration_id, enabled=True, by=by, because="")

    def rotate(self, integration_id: str, which: Iterable[Which] = SECRETS, *, by: str) -> dict[str, str]:
        """New secrets by name, to be shown this once; the present ones work until `retire` or the next rotation."""
        fresh: dict[str, str] = {one: new_secret(one) for one in which}

        def change(pipe: Pipeline, current: StoredIntegration) -> None:
            fields = sealed_fields(fresh.items(), self._seal)
            fields |= {f"{one}_previous": current.sealed(one) for one in fresh}
            pipe.multi()
            write(pipe, integration_id, fields, by, [f"{one} rotated" for one in fresh])
            pipe.execute()

        self._change(integration_id, change)
        return fresh

    def retire(self, integration_id: str, which: Iterable[Which] = SECRETS, *, by: str) -> None:
        """Let the previous secrets stop working."""
        names = list(which)

        def change(pipe: Pipeline, _: StoredIntegration) -> None:
            pipe.multi()
            pipe.hdel(record_key(integration_id), *(f"{one}_previous" for one in names))
            write(pipe, integration_id, {}, by, [f"previous {one} retired" for one in names])
            pipe.execute()

        self._change(integration_id, change)

    def delete(self, integration_id: str, *, discard: bool = False, if_match: int | None = None) -> None:
        """
        Remove everything kept for an id, which may be used again.

        Raises: Conflict while submissions wait, are held or dead, unless `discard`; StaleVersion; UnknownIntegration.
        """

        def change(pipe: Pipeline, current: StoredIntegration) -> Integration:
            guard_version(current, if_match)
            if not discard:
                changes.guard_delete(pipe, current.integration)
            pipe.multi()
            pipe.delete(record_key(integration_id), f"{record_key(integration_id)}:audit", counted_key(integration_id))
            pipe.delete(f"{own(current.integration)}:state")
            changes.leave_workspace(pipe, current.integration)
            pipe.srem(IDS, integration_id)
            pipe.srem(ACTIVE, integration_id)
            pipe.hset(VERSIONS, integration_id, current.version)
            pipe.execute()
            return current.integration

        gone = self._change(integration_id, change)
        with reaching_the_store():
            changes.remove_all(self._redis, own(gone))
            changes.forget_times(self._redis, gone)

    def audit(self, integration_id: str, limit: int = 100) -> Sequence[Mapping[str, str]]:
        """What was done to an integration, newest first: `at`, `by`, `what`."""
        with reaching_the_store():
            lines = self._redis.xrevrange(f"{record_key(integration_id)}:audit", count=limit) or []
        return [{text(name): text(value) for name, value in (fields or {}).items()} for _, fields in lines]

    def _read(self, reader: redis.Redis, integration_id: str) -> StoredIntegration | None:
        fields = reader.hgetall(record_key(integration_id)) if may_be_id(integration_id) else None
        if not fields:
            return None
        stored = read_record(fields, self._seal, self._environ)
        state = reader.hmget(f"{own(stored.integration)}:state", ["paused", "paused_because"])
        return stored.with_state(*map(text, state))

    def _read_all(self, ids: Iterable[str]) -> dict[str, StoredIntegration | None]:
        """The records by their ids, in two round trips; None for an unknown id."""
        found: dict[str, StoredIntegration | None] = {}
        with reaching_the_store(), self._redis.pipeline(transaction=False) as pipe:
            wanted = [*ids]
            for one in wanted:
                pipe.hgetall(record_key(one))
            for one, fields in zip(wanted, pipe.execute() if wanted else (), strict=True):
                found[one] = read_record(fields, self._seal, self._environ) if fields else None
            there = [stored for stored in found.values() if stored]
            for stored in there:
                pipe.hmget(f"{own(stored.integration)}:state", ["paused", "paused_because"])
            for stored, state in zip(there, pipe.execute() if there else (), strict=True):
                found[stored.id] = stored.with_state(*map(text, state))
        return found

    def _revisions(self, ids: Sequence[str]) -> list[str | None]:
        """As many, in one round trip; None for an unknown id."""
        with reaching_the_store(), self._redis.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hget(record_key(one), "revision")
            return [text(revision) or None for revision in pipe.execute()]

    def _saved(self, document: Any, change: Callable[[Pipeline, StoredIntegration | None], Told]) -> Saved:
        integration_id = document.get("id") if isinstance(document, dict) else None
        key = integration_id if isinstance(integration_id, str) else ""
        told = self._atomically(key, change)
        return told(self.get(key))

    def _atomically(self, integration_id: str, change: Callable[[Pipeline, StoredIntegration | None], _T]) -> _T:
        """Run `change` on the current record, again and again until nobody else wrote to what it looked at."""
        with reaching_the_store():
            for _ in range(ATTEMPTS):
                with self._redis.pipeline() as pipe:
                    try:
                        pipe.watch(record_key(integration_id))  # type: ignore[no-untyped-call]
                        return change(pipe, self._read(pipe, integration_id))
                    except WatchError:
                        continue
                    finally:
                        self._cache.forget(integration_id)
        raise Conflict(f"{integration_id} is changing too fast; try again.")

    def _change(self, integration_id: str, change: Callable[[Pipeline, StoredIntegration], _T]) -> _T:
        return self._atomically(integration_id, lambda pipe, current: change(pipe, _known(integration_id, current)))

    def _enable(self, integration_id: str, *, enabled: bool, by: str, because: str) -> StoredIntegration:
        def change(pipe: Pipeline, current: StoredIntegration) -> None:
            if current.draft:
                return changes.guard_draft(integration_id, enabled=enabled)
            document = current.document | {"enabled": enabled}
            fields = document_fields(document, current.version + 1)
            state: dict[Any, Any] = {
                "version": current.version + 1,
                "paused": "" if enabled else "person",
                "paused_because": because,
            }
            pipe.multi()
            pipe.hset(f"{own(current.integration)}:state", mapping=state)
            write(pipe, integration_id, fields, by, ["resumed" if enabled else "paused"])
            pipe.execute()
            return None

        self._change(integration_id, change)
        return self.get(integration_id)

    # The last method: from here on `list` would no longer be the type.
    def list(self) -> Sequence[StoredIntegration]:
        """All integrations in the order of their ids."""
        return [one for one in self._read_all(self.ids()).values() if one]


def _known(integration_id: str, stored: StoredIntegration | None) -> StoredIntegration:
    if stored is None:
        raise UnknownIntegration(f"There is no integration {integration_id}.")
    return stored
