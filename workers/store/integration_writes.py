"""
How a change of an integration is written: the fields of its hash, a new revision, a line in its audit.

komo:integration:<id>        hash    see integrations.py
komo:integration:<id>:audit  stream  at, by, what; the newest AUDIT_LINES of them
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import orjson
from redis.client import Pipeline

from schemas.integration import Reading
from schemas.integration_document import ID
from workers.store.integration_record import StoredIntegration, changed_members
from workers.store.seal import Seal

AUDIT_LINES = 1000


def record_key(integration_id: str) -> str:
    return f"komo:integration:{integration_id}"


def may_be_id(text: str) -> bool:
    """Whether an integration could have this id; what else stands in an address could name another key of ours."""
    return ID.fullmatch(text) is not None


def write(pipe: Pipeline, integration_id: str, fields: Mapping[str, Any], by: str, what: Sequence[str]) -> None:
    """
    Queue a change of the record.

    Args:
        by: The way of signing in.
        what: Names of what changed, never values.
    """
    key = record_key(integration_id)
    written: dict[Any, Any] = {**fields, "revision": token_hex(8)}
    pipe.hset(key, mapping=written)
    line: dict[Any, Any] = {"at": now_text(), "by": by, "what": ", ".join(what) or "nothing"}
    pipe.xadd(f"{key}:audit", line, maxlen=AUDIT_LINES, approximate=True)


def write_key(pipe: Pipeline, integration_id: str, reading: Reading, seal: Seal) -> None:
    """Queue the Braze key of a document that brings one; else the stored one stays."""
    key = record_key(integration_id)
    if isinstance(reading.api_key, dict):
        pipe.hset(key, "api_key_env", reading.api_key["from_env"])
        pipe.hdel(key, "api_key")
    elif reading.api_key:
        pipe.hset(key, "api_key", seal.close(reading.api_key))
        pipe.hdel(key, "api_key_env")


def document_fields(document: Mapping[str, Any], version: int, *, new: bool = False) -> dict[str, Any]:
    """The fields of a document as a version of its own."""
    now = now_text()
    fields = {"document": orjson.dumps(document).decode(), "version": version, "updated_at": now}
    return fields | ({"created_at": now} if new else {})


def sealed_fields(secrets: Iterable[tuple[str, str]], seal: Seal) -> dict[str, str]:
    return {name: seal.close(secret) for name, secret in secrets}


def changes_made(current: StoredIntegration | None, reading: Reading, *, draft: bool = False) -> list[str]:
    """Names of the members that a save changes."""
    if current is None:
        return ["created as a draft" if draft else "created"]
    if current.draft and not draft:
        return ["setup finished", *changes_made(current, reading, draft=True)]
    return changed_members(current.document, reading.document) + (["braze.api_key"] if reading.api_key else [])


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
