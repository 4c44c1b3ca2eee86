"""Whom a submission is about: one identifier, as Braze will look for it."""

from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

from schemas.mapping import IdentifierKind


class Person(NamedTuple):
    """One (kind, alias label if any, normalised value). Two identifiers are two people."""

    kind: IdentifierKind
    value: str
    alias_label: str | None = None

    @property
    def key(self) -> str:
        """What the store's keys call this person: 32 hex digits, the same in every process and integration."""
        text = "\x1f".join((self.kind, self.alias_label or "", self.value))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def identifier(self) -> dict[str, Any]:
        """
        The identifier members of an object of `/users/track`.

        Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
        """
        if self.kind == "user_alias":
            return {"user_alias": {"alias_name": self.value, "alias_label": self.alias_label}}
        return {self.kind: self.value}

    def packed(self) -> list[str | None]:
        """The form kept in an entry; `Person(*packed)` reads it back."""
        return [self.kind, self.value, self.alias_label]


def lane_of(person_key: str, lanes: int) -> int:
    """The lane of a person among `lanes`: the same number in every integration of a Braze workspace."""
    return crc32(person_key.encode()) % lanes
