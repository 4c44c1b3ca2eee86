"""Trouble on request: a queue of faults, each taken by the next call that it fits."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

CUTS = ("before", "after")

#: Ready-made faults by name.
KINDS: dict[str, dict[str, Any]] = {
    "rate_limited": {"status": 429, "body": {"message": "Rate Limited"}},
    "server_error": {"status": 500, "body": {"message": "Internal Server Error"}},
    "bad_gateway": {"status": 502, "body": "<html><body>Bad gateway</body></html>"},
    "unavailable": {"status": 503, "body": "<html><body>Service unavailable</body></html>"},
    "gateway_timeout": {"status": 504, "body": "<html><body>Gateway time-out</body></html>"},
    "gateway_timeout_applied": {"status": 504, "body": "<html><body>Gateway time-out</body></html>", "apply": True},
    "too_large": {"status": 413, "body": "<html><head><title>413 Request Entity Too Large</title></head></html>"},
    "too_many_objects": {"status": 400, "body": {"message": "Max Input Length Exceeded"}},
    "unauthorized": {"status": 401, "body": {"message": "Invalid API key: {key}"}},
    "access_denied": {"status": 403, "body": {"message": "Access Denied"}},
    "forbidden": {"status": 403, "body": {"message": "Forbidden"}},
    "invalid_url": {"status": 404, "body": {"message": "Invalid URL"}},
    "queued": {"status": 202, "body": {"message": "queued"}, "apply": True},
    "unreadable": {"status": 201, "body": "<html>created</html>", "apply": True},
    "unplaceable": {"errors": ["some minor problem"]},
    "unplaceable_null": {"errors": None},
    "unplaceable_no_index": {"errors": [{"type": "'external_id' is required"}]},
    "unplaceable_far_index": {"errors": [{"type": "odd", "input_array": "attributes", "index": 99}]},
    "cut_before": {"cut": "before"},
    "cut_after": {"cut": "after"},
    "slow": {"delay_ms": 1000},
}

_UNSET: Any = object()


@dataclass(frozen=True)
class Fault:
    """One piece of trouble."""

    #: How many calls it meets.
    times: int = 1
    #: The path it waits for.
    path: str = "/users/track"
    #: How long the answer takes, besides.
    delay_ms: float = 0.0
    #: Answer this in place of Braze's answer.
    status: int | None = None
    #: JSON, or text that is sent as HTML. `{key}` stands for the key of the call.
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    #: With `status`: whether the call takes effect all the same.
    apply: bool = False
    #: Put this into the member `errors` of an otherwise successful answer.
    errors: Any = _UNSET
    #: End the connection without an answer: `before` or `after` the call took effect.
    cut: str | None = None

    @property
    def has_errors(self) -> bool:
        return self.errors is not _UNSET

    def in_words(self) -> str:
        """What it does, in a few words."""
        words = [f"{self.delay_ms:g} ms late"] if self.delay_ms else []
        if self.status is not None:
            words.append(f"answered {self.status}" + (", applied" if self.apply else ""))
        if self.has_errors:
            words.append("unplaceable errors")
        if self.cut:
            words.append(f"cut {self.cut} applying")
        return "on request: " + ", ".join(words)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "errors" or self.has_errors}


def read_fault(given: Mapping[str, Any]) -> Fault:
    """
    A fault out of JSON: members of `Fault`, and `kind` for a ready-made one that the others change.

    Raises: ValueError with one sentence.
    """
    members = {name: value for name, value in given.items() if name != "kind"}
    kind = given.get("kind", "")
    if kind and kind not in KINDS:
        raise ValueError(f"Unknown kind {kind!r}. Known: {', '.join(sorted(KINDS))}.")
    unknown = sorted(set(members) - {known.name for known in fields(Fault)})
    if unknown:
        raise ValueError(f"Unknown members: {', '.join(unknown)}.")
    fault = Fault(**{**KINDS.get(kind, {}), **members})
    if members.get("cut") not in (None, *CUTS):
        raise ValueError("`cut` is `before` or `after`.")
    times = members.get("times", 1)
    if not isinstance(times, int) or times < 1:
        raise ValueError("`times` is a whole number from 1.")
    return fault


class Faults:
    """The queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []
        #: How many calls met a fault.
        self.met = 0

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._queue.append(fault)

    def take(self, path: str) -> Fault | None:
        """The first fault that waits for this path, if any; it is used up by one."""
        if not self._queue:
            return None
        with self._lock:
            for place, fault in enumerate(self._queue):
                if fault.path == path:
                    self._use_up(place, fault)
                    return fault
        return None

    def _use_up(self, place: int, fault: Fault) -> None:
        self.met += 1
        if fault.times > 1:
            self._queue[place] = replace(fault, times=fault.times - 1)
        else:
            del self._queue[place]

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._queue)

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self.met = 0
