"""Integrations as this process saw them last, so that a webhook call or a batch need not read a document."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from workers.errors import UnreadableRecord
from workers.store.integration_record import StoredIntegration

log = logging.getLogger("komo_braze")

#: Ids nobody made are remembered as unknown, but not without bound.
MOST_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    stored: StoredIntegration | None
    checked_at: float


class IntegrationCache:
    """
    Args:
        read: Whole records by their ids; None for an unknown id.
        revisions: Only as many revisions, in the order of their ids, which is cheap; None for an unknown id.
        clock: Seconds.
    """

    def __init__(
        self,
        read: Callable[[Sequence[str]], Mapping[str, StoredIntegration | None]],
        revisions: Callable[[Sequence[str]], Sequence[str | None]],
        clock: Callable[[], float],
    ) -> None:
        self._read = read
        self._revisions = revisions
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def get(self, integration_id: str, max_age_s: float) -> StoredIntegration | None:
        """The integration as it was at most `max_age_s` ago; None if there was none."""
        seen, now = self._seen.get(integration_id), self._clock()
        if seen is None or now - seen.checked_at >= max_age_s:
            return self._look_again([integration_id], now)[integration_id]
        return seen.stored

    def get_many(self, ids: Sequence[str], max_age_s: float) -> dict[str, StoredIntegration | None]:
        """
        The same for many, in their order; however many there are, the store is asked a few times at most.

        One whose record can't be read is None as well, and logged: it must not hide all others.
        """
        now = self._clock()
        found: dict[str, StoredIntegration | None] = dict.fromkeys(ids)
        old = []
        for one in ids:
            seen = self._seen.get(one)
            if seen is None or now - seen.checked_at >= max_age_s:
                old.append(one)
            else:
                found[one] = seen.stored
        return found | self._look_at_readable(old, now) if old else found

    def at_version(self, integration_id: str, version: int) -> StoredIntegration | None:
        """The integration, if it was seen at exactly this version."""
        seen = self._seen.get(integration_id)
        return seen.stored if seen and seen.stored and seen.stored.version == version else None

    def forget(self, integration_id: str) -> None:
        self._seen.pop(integration_id, None)

    def _look_at_readable(self, ids: Sequence[str], now: float) -> dict[str, StoredIntegration | None]:
        with suppress(UnreadableRecord):
            return self._look_again(ids, now)
        found: dict[str, StoredIntegration | None] = {}
        for one in ids:
            try:
                found |= self._look_again([one], now)
            except UnreadableRecord:
                log.error("integration.unreadable", extra={"integration": one})
        return found

    def _look_again(self, ids: Sequence[str], now: float) -> dict[str, StoredIntegration | None]:
        found: dict[str, StoredIntegration | None] = {}
        for one, revision in zip(ids, self._revisions(ids), strict=True):
            seen = self._seen.get(one)
            stored = seen.stored if seen else None
            if revision is None or (stored and stored.revision == revision):
                found[one] = stored if revision else None
        changed = [one for one in ids if one not in found]
        if changed:
            found |= self._read(changed)
        if len(self._seen) + len(ids) > MOST_CACHED:
            self._seen.clear()
        self._seen.update({one: _Seen(stored, now) for one, stored in found.items()})
        return found
