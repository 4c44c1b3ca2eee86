"""What was done to the system and when, by the clock of the wall: the journal of the sandbox uses the same."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Happening:
    """One fault. Epoch seconds."""

    kind: str
    began: float
    ended: float
    #: Which process or integration, or how much.
    about: str = ""


@dataclass(slots=True)
class Diary:
    """Written by many threads."""

    happenings: list[Happening] = field(default_factory=list)
    #: What went wrong with the run itself, or broke a promise on the way; the first of them.
    broken: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def during(self, kind: str, about: str = "") -> Iterator[Happening]:
        """Note a fault that lasts."""
        happening = self.note(kind, about)
        try:
            yield happening
        finally:
            happening.ended = time.time()

    def note(self, kind: str, about: str = "") -> Happening:
        """Note a fault of a moment."""
        now = time.time()
        happening = Happening(kind, now, now, about)
        with self._lock:
            self.happenings.append(happening)
        return happening

    def complain(self, sentence: str) -> None:
        """Note that something is not as promised."""
        with self._lock:
            if len(self.broken) < 20:
                self.broken.append(sentence)

    def of(self, *kinds: str) -> list[Happening]:
        """All of these kinds, oldest first."""
        with self._lock:
            return sorted((one for one in self.happenings if one.kind in kinds), key=lambda one: one.began)

    def counts(self) -> Counter[str]:
        """Kind -> how often."""
        with self._lock:
            return Counter(one.kind for one in self.happenings)
