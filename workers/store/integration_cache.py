"""Integrations as this process saw them last, so that a webhook call or a batch need not read a document."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.store.integration_record import StoredIntegration

#: Ids nobody made are remembered as unknown, but not without bound.
MOST_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    stored: StoredIntegration | None
    checked_at: float


class IntegrationCache:
    """
    Args:
        read: The whole record; None for an unknown id.
        revision: Only its revision, which is cheap; None for an unknown id.
        clock: Seconds.
    """

    def __init__(
        self,
        read: Callable[[str], StoredIntegration | None],
        revision: Callable[[str], str | None],
        clock: Callable[[], float],
    ) -> None:
        self._read = read
        self._revision = revision
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def get(self, integration_id: str, max_age_s: float) -> StoredIntegration | None:
        """The integration as it was at most `max_age_s` ago; None if there was none."""
        seen = self._seen.get(integration_id)
        if seen is None or self._clock() - seen.checked_at >= max_age_s:
            seen = self._look_again(integration_id, seen)
        return seen.stored

    def at_version(self, integration_id: str, version: int) -> StoredIntegration | None:
        """The integration, if it was seen at exactly this version."""
        seen = self._seen.get(integration_id)
        return seen.stored if seen and seen.stored and seen.stored.version == version else None

    def forget(self, integration_id: str) -> None:
        self._seen.pop(integration_id, None)

    def _look_again(self, integration_id: str, seen: _Seen | None) -> _Seen:
        checked_at = self._clock()
        revision = self._revision(integration_id)
        stored = seen.stored if seen else None
        if revision is None:
            stored = None
        elif stored is None or stored.revision != revision:
            stored = self._read(integration_id)
        if len(self._seen) >= MOST_CACHED:
            self._seen.clear()
        fresh = self._seen[integration_id] = _Seen(stored, checked_at)
        return fresh
