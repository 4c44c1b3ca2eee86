"""The book of messages that the sandbox was asked to send: one line each, newest readable, counts exact."""

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

from ingest.sandbox.braze import formats

Kind = Literal["campaign", "canvas", "transactional"]
#: sent; nobody: there is no such profile, so Braze sends nothing and does not say so; paused: the canvas is, so Braze
#: sends nothing; repeated: the same `external_send_id` again; waiting: to be applied in a moment.
Outcome = Literal["waiting", "sent", "nobody", "paused", "repeated"]

#: Newest messages that stay readable.
KEPT = 10_000
#: For how long a key is known, in seconds.
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
KEY_S = 86_400.0


@dataclass(slots=True)
class Message:
    """One message to one person."""

    #: Epoch second of the call.
    at: float
    kind: Kind
    #: Of the campaign or canvas.
    id: str
    dispatch_id: str
    #: As sent.
    recipient: Mapping[str, Any]
    #: The data of the call and of the recipient in one.
    properties: Mapping[str, Any]
    external_send_id: str | None = None
    outcome: Outcome = "waiting"
    #: Of the profile it went to.
    braze_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": formats.iso(self.at)}


class Messages:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: deque[Message] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._keys: dict[str, float] = {}

    def add(self, messages: Iterable[Message]) -> None:
        """Note what was asked for; `settle` says what became of what is waiting."""
        with self._lock:
            for one in messages:
                self._newest.append(one)
                self._counts[one.outcome] += 1

    def settle(self, message: Message, outcome: Outcome, braze_id: str | None) -> None:
        with self._lock:
            self._counts[message.outcome] -= 1
            message.outcome, message.braze_id = outcome, braze_id
            self._counts[outcome] += 1
            if outcome == "sent":
                self._sent[message.id] += 1

    def is_new(self, key: str, now: float) -> bool:
        """Whether Braze does not know this `external_send_id`; from here on it does."""
        with self._lock:
            known_since = self._keys.get(key)
            if known_since is not None and now - known_since < KEY_S:
                return False
            self._keys[key] = now
            return True

    def newest(self, limit: int) -> list[Message]:
        with self._lock:
            return list(self._newest)[: -limit - 1 : -1]

    def to(self, braze_id: str, limit: int) -> list[Message]:
        """The newest to one person."""
        with self._lock:
            return list(islice((one for one in reversed(self._newest) if one.braze_id == braze_id), limit))

    def counts(self) -> dict[str, int]:
        """Outcome -> how many."""
        with self._lock:
            return {outcome: count for outcome, count in self._counts.items() if count}

    def sent_by_id(self) -> dict[str, int]:
        """Campaign or canvas -> how many messages it has sent."""
        with self._lock:
            return dict(self._sent)
