"""What a test or the demo may change about the sandbox while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

#: https://www.braze.com/docs/api/basics/
PERMISSIONS = frozenset(
    {"users.track", "users.export.ids", "campaigns.list", "canvas.list", "custom_attributes.get", "events.list"}
    | {"events.get", "campaigns.trigger.send", "canvas.trigger.send", "transactional.send"}
)
HEADER_MODES = ("epoch", "seconds", "retry_after", "none")
ATTRIBUTE_TYPES = ("string", "number", "boolean", "time", "array", "object", "object_array")


@dataclass
class Settings:
    """Everything adjustable; the defaults are Braze's own figures, read strictly."""

    #: Key -> its permissions.
    keys: dict[str, frozenset[str]] = field(default_factory=lambda: {"sandbox-rest-key": PERMISSIONS}, repr=False)
    #: Accepted work is applied after a random time between these, in milliseconds; 0 and 0: before the answer.
    delay_ms: tuple[float, float] = (10.0, 100.0)
    #: How long every API answer takes at least.
    latency_ms: float = 0.0
    #: How an answer tells the rate limit: `epoch`, `seconds`, `retry_after` (429 has only the wait) or `none`.
    header_mode: str = "epoch"
    #: Kind of endpoint -> requests, seconds. https://www.braze.com/docs/api/api_limits/
    rate_limits: dict[str, tuple[int, float]] = field(
        default_factory=lambda: {"track": (3000, 3.0), "export": (250, 60.0), "other": (250_000, 3600.0)}
    )
    #: Objects in one request, over the three arrays together.
    max_objects: int = 75
    #: Older contracts: `max_objects` counts for each array on its own.
    legacy_arrays: bool = False
    #: Read strictly: 4 MB is 4,000,000 bytes.
    max_body_bytes: int = 4_000_000
    #: Errors carry the code names of the reference page in place of the prose of the live service.
    code_names: bool = False
    #: Objects of one array are applied in any order.
    shuffle_objects: bool = False
    #: Attribute -> type into which its values are forced.
    forced_types: dict[str, str] = field(default_factory=dict)
    blocked_attributes: frozenset[str] = frozenset()
    blocked_events: frozenset[str] = frozenset()
    blocked_external_ids: frozenset[str] = frozenset()
    #: Campaigns and canvases that exist; empty means that every well-formed id does.
    known_sends: frozenset[str] = frozenset()
    #: Those of them that are paused.
    paused_sends: frozenset[str] = frozenset()
    #: Addresses that may call; empty means any.
    allowed_addresses: frozenset[str] = frozenset()

    def change(self, changes: Mapping[str, Any]) -> None:
        """
        Take new values by name; all of them or none.

        Args:
            changes: JSON values; `keys` maps a key to a list of permissions or to "all".
        Raises: ValueError with one sentence if a name is unknown or a value unusable.
        """
        names = {known.name for known in fields(self)}
        unknown = sorted(set(changes) - names)
        if unknown:
            raise ValueError(f"Unknown settings: {', '.join(unknown)}. Known: {', '.join(sorted(names))}.")
        try:
            read = {name: _read(name, value) for name, value in changes.items()}
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"A setting has the wrong shape: {error}.") from error
        for name, value in read.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """All values as JSON; keys by their last four characters only."""
        shown = {known.name: _plain(getattr(self, known.name)) for known in fields(self)}
        shown["keys"] = {f"…{key[-4:]}": sorted(held) for key, held in self.keys.items()}
        return shown


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, dict) else value


def _read(name: str, value: Any) -> Any:
    if name == "keys":
        return {key: PERMISSIONS if held == "all" else frozenset(map(str, held)) for key, held in value.items()}
    if name == "delay_ms":
        return _read_range(value)
    if name == "rate_limits":
        return {kind: (_at_least_one(limit), float(period)) for kind, (limit, period) in value.items()}
    if name == "forced_types":
        return {attribute: _one_of(kind, ATTRIBUTE_TYPES) for attribute, kind in value.items()}
    if name == "header_mode":
        return _one_of(value, HEADER_MODES)
    if name in ("max_objects", "max_body_bytes"):
        return _at_least_one(value)
    if name in ("legacy_arrays", "code_names", "shuffle_objects"):
        return bool(value)
    return float(value) if name == "latency_ms" else frozenset(map(str, value))


def _read_range(value: Any) -> tuple[float, float]:
    low, high = (value, value) if isinstance(value, int | float) else value
    if not 0 <= low <= high:
        raise ValueError("delay_ms is a number or [lowest, highest], in milliseconds, from 0.")
    return float(low), float(high)


def _at_least_one(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError("Limits are whole numbers from 1.")
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}.")
    return str(value)
