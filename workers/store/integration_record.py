"""One integration as the store keeps it: the fields of its hash, and what is read out of them."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal

import orjson

from schemas.integration import Integration, build, write_document
from schemas.integration_draft import build_draft, missing_of
from schemas.problems import Problem
from workers.errors import SealBroken, UnreadableRecord
from workers.store.seal import Seal

Which = Literal["webhook_secret", "url_key"]
SECRETS: tuple[Which, Which] = ("webhook_secret", "url_key")
#: Shorter keys would be told away by their last four characters.
_SHORTEST_SHOWN = 8


@dataclass(frozen=True)
class StoredIntegration:
    """An integration with its secrets, opened only when they are asked for."""

    integration: Integration
    #: As `Reading.document`, with `braze.workspace`; of a draft without what is missing.
    document: dict[str, Any]
    #: Changes with every write, also with those that make no new version.
    revision: str
    _fields: Mapping[str, str] = field(repr=False)
    _seal: Seal = field(repr=False)
    _environ: Mapping[str, str] = field(repr=False)
    #: "", "person" or "braze"; as it was when this was read.
    paused: str = ""
    paused_because: str = ""

    @property
    def id(self) -> str:
        return self.integration.id

    @property
    def version(self) -> int:
        return self.integration.version

    @property
    def draft(self) -> bool:
        """Whether it is not set up yet."""
        return self.integration.draft

    @property
    def missing(self) -> tuple[str, ...]:
        """Pointers of what a draft still needs; empty for everything that is set up."""
        return missing_of(self.document, has_key=self.has_key) if self.draft else ()

    @property
    def has_key(self) -> bool:
        """Whether a Braze key, or the variable that holds one, was ever given."""
        return bool(self._fields.get("api_key") or self.api_key_name)

    @property
    def key_is_for(self) -> str | None:
        """The REST endpoint that the key was given for, "" if there was none yet; None without a key."""
        return self.integration.braze.rest_endpoint if self.has_key else None

    def api_key(self) -> str | None:
        """
        The Braze key, looked up in the environment at every call where the document says so; None if it is not there,
        or not given yet.

        Raises: SealBroken.
        """
        name = self.api_key_name
        if name:
            return self._environ.get(name, "").strip() or None
        return self._stored_key if self.has_key else None

    @property
    def api_key_name(self) -> str | None:
        """The environment variable that holds the Braze key, if one was named."""
        return self._fields.get("api_key_env") or None

    @cached_property
    def _stored_key(self) -> str:
        return self._seal.open(self._fields["api_key"])

    @cached_property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The current one, and the previous one until it is retired."""
        return self._opened("webhook_secret")

    @cached_property
    def url_keys(self) -> tuple[str, ...]:
        """The current one, and the previous one until it is retired."""
        return self._opened("url_key")

    def _opened(self, which: Which) -> tuple[str, ...]:
        present, previous = self._fields.get(which), self._fields.get(f"{which}_previous")
        opened: tuple[str, ...] = (self._seal.open(present),) if present else ()
        with suppress(SealBroken):  # the present one works all the same
            opened += (self._seal.open(previous),) if previous else ()
        return opened

    def has_previous(self, which: Which) -> bool:
        """Whether one was rotated out and not retired yet."""
        return bool(self._fields.get(f"{which}_previous"))

    def sealed(self, which: str) -> str:
        """A secret as the store keeps it."""
        return self._fields[which]

    def with_state(self, paused: str, paused_because: str) -> "StoredIntegration":
        return replace(self, paused=paused, paused_because=paused_because)

    def shown(self, public_url: str) -> dict[str, Any]:
        """The document as responses show it, without a secret."""
        return write_document(self.document, self._shown_key(), {
            "webhook_url": f"{public_url.rstrip('/')}/webhooks/komo/{self.id}",
            "state": "paused" if self.paused else "active",
            "paused_because": self.paused_because or None,
            **({"draft": True} if self.draft else {}),
            "version": self.version,
            "created_at": _iso(self.integration.created_at),
            "updated_at": _iso(self.integration.updated_at),
        })  # fmt: skip

    def _shown_key(self) -> dict[str, Any]:
        """A key that can't be opened is as good as none: whoever reads this can give it again."""
        name = self.api_key_name
        try:
            key = self.api_key()
        except SealBroken:
            key = None
        shown: dict[str, Any] = {"set": bool(key)}
        if key:
            shown["last4"] = key[-4:] if len(key) >= _SHORTEST_SHOWN else ""
        return shown | ({"from_env": name} if name else {})


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save came to."""

    stored: StoredIntegration
    created: bool
    warnings: tuple[Problem, ...]
    #: New webhook secrets by name, to be shown this once; empty unless the integration is new.
    secrets: Mapping[str, str] = field(repr=False)


def read_record(fields: Mapping[Any, Any], seal: Seal, environ: Mapping[str, str]) -> StoredIntegration:
    """
    The integration in the fields of its hash.

    Raises: UnreadableRecord.
    """
    try:
        return _read(fields, seal, environ)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableRecord("The stored settings of an integration can't be read by this version.") from error


def _read(fields: Mapping[Any, Any], seal: Seal, environ: Mapping[str, str]) -> StoredIntegration:
    texts = {text(name): text(value) for name, value in fields.items()}
    document = orjson.loads(texts["document"])
    integration = (build_draft if texts.get("draft") else build)(
        document,
        version=int(texts["version"]),
        created_at=datetime.fromisoformat(texts["created_at"]),
        updated_at=datetime.fromisoformat(texts["updated_at"]),
    )
    return StoredIntegration(integration, document, texts["revision"], texts, seal, environ)


def new_secret(which: Which) -> str:
    """
    A value by which Komo proves that it is calling: `whsec_` and 32 random bytes for headers, one word for URLs.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    if which == "webhook_secret":
        return "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def fingerprint(rest_endpoint: str, api_key: str) -> str:
    """A name for the Braze workspace behind a host and a key; the key can't be found from it."""
    digest = blake2b(f"{rest_endpoint}\x1f{api_key}".encode(), digest_size=8, person=b"workspace")
    return f"braze-{digest.hexdigest()}"


def is_fingerprint(workspace: str) -> bool:
    """Whether a workspace's name was made here rather than chosen by a person."""
    digest = workspace.removeprefix("braze-")
    return workspace.startswith("braze-") and len(digest) == 16 and all(sign in "0123456789abcdef" for sign in digest)


def changed_members(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the members that differ, one level into `braze`; never their values."""
    names = [name for name in sorted(old.keys() | new.keys()) if name != "braze" and old.get(name) != new.get(name)]
    before, after = old.get("braze", {}), new.get("braze", {})
    return names + [
        f"braze.{name}" for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)
    ]


def text(value: bytes | str | None) -> str:
    """What the store answered, as text; empty for nothing."""
    return value.decode() if isinstance(value, bytes) else value or ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
