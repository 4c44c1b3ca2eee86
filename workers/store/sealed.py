"""
Everything that is sealed in the store: which key closed it, and closing it anew with the newest.

komo:integration:<id>  hash  its fields SEALED (integrations.py); nothing else is sealed
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from workers.errors import SealBroken
from workers.store.connect import reaching_the_store
from workers.store.integration_record import SECRETS, text
from workers.store.integration_saves import IDS
from workers.store.integration_writes import record_key
from workers.store.keys import AT_ONCE
from workers.store.scripts import Script
from workers.store.seal import Seal

SEALED = ("api_key", *SECRETS, *(f"{one}_previous" for one in SECRETS))
#: Somebody saves between our look and our writing: the second look finds what they have left.
LOOKS = 5
#: Integrations of which at least one secret must open.
SAMPLE = 20


@dataclass
class Tally:
    """What the seals of some integrations came to."""

    #: Closed with the newest key when we came.
    newest: int = 0
    #: Closed with another one of the list; of those `resealed` are closed with the newest by now.
    older: int = 0
    resealed: int = 0
    #: Ids, and how many of their secrets no key opens.
    broken: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Still closed with an older key."""
        return self.older - self.resealed

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        self.newest += other.newest
        self.older += other.older
        self.resealed += other.resealed
        self.broken |= other.broken


class SealedSecrets:
    """
    Looks at seals and renews them, over one connection.

    Args:
        secret_keys: The entries of `SECRET_KEY`, newest first.
    """

    def __init__(self, connection: redis.Redis, secret_keys: Sequence[str]) -> None:
        self._redis = connection
        self._seal = Seal(secret_keys)
        self._reseal = Script(connection, "reseal")
        self._has_opened = False

    def ids(self) -> Sequence[str]:
        """All integrations, in the order of the alphabet. Raises: StoreUnavailable."""
        with reaching_the_store():
            return sorted(text(one) for one in self._redis.smembers(IDS))

    def tally(self) -> Tally:
        """Which keys closed everything that is sealed. Only reads. Raises: StoreUnavailable."""
        tally, ids = Tally(), self.ids()
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            for integration_id, sealed in zip(part, self._read(part), strict=True):
                tally.add(self._look(integration_id, sealed)[0])
        return tally

    def reseal(self, integration_id: str) -> Tally:
        """
        Close with the newest key whatever an older one closed. Can be broken off, and done again, at any time.

        It makes no new version, and whoever saves meanwhile wins: the scripts compare before they write.

        Raises: StoreUnavailable.
        """
        (sealed,) = self._read([integration_id])
        tally, older = self._look(integration_id, sealed)
        for _ in range(LOOKS):
            if not older:
                break
            renewed = [(name, sealed[name], self._seal.close(secret)) for name, secret in older.items()]
            self._reseal([record_key(integration_id)], [part for one in renewed for part in one])
            (sealed,) = self._read([integration_id])
            older = self._look(integration_id, sealed)[1]
        tally.resealed = max(0, tally.older - len(older))
        return tally

    def opens_any(self) -> bool:
        """
        Whether the keys of this process are those of this store: one of a few integrations can be opened, or there is
        none. What has opened once is not asked again.

        Raises: StoreUnavailable.
        """
        if not self._has_opened:
            with reaching_the_store():
                found: Any = self._redis.srandmember(IDS, SAMPLE)
            sample = [text(one) for one in found or ()]
            values = [value for sealed in self._read(sample) for value in sealed.values()]
            self._has_opened = any(self._opens(value) for value in values)
            return self._has_opened or not values
        return True

    def _read(self, ids: Sequence[str]) -> list[dict[str, str]]:
        """The sealed fields of each that has some."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for one in ids:
                pipe.hmget(record_key(one), SEALED)
            return [
                {name: text(value) for name, value in zip(SEALED, values, strict=True) if value}
                for values in (pipe.execute() if ids else ())
            ]

    def _look(self, integration_id: str, sealed: Mapping[str, str]) -> tuple[Tally, dict[str, str]]:
        """What the seals of one came to, and in the clear what an older key closed."""
        tally, older = Tally(), {}
        for name, value in sealed.items():
            if self._seal.is_newest(value):
                tally.newest += 1
                continue
            try:
                older[name] = self._seal.open(value)
            except SealBroken:
                tally.broken[integration_id] = tally.broken.get(integration_id, 0) + 1
        tally.older = len(older)
        return tally, older

    def _opens(self, value: str) -> bool:
        try:
            self._seal.open(value)
        except SealBroken:
            return False
        return True
