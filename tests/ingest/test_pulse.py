"""A web process says that it is alive."""

import atexit
import threading

import pytest

from ingest import pulse
from workers.store.alive import WEB, whom


class Told:
    """Somebody who is told, and notices the second time."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.twice = threading.Event()

    def beat(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) > 1:
            self.twice.set()

    def carry(self) -> None:
        """Nothing was counted."""

    def leave(self, name: str) -> None:
        self.names.append(f"not {name}")


def test_a_web_process_says_again_and_again_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that it ends, so that nobody misses it."""
    at_exit: list[tuple[object, ...]] = []
    monkeypatch.setattr(atexit, "register", lambda *call: at_exit.append(call))
    monkeypatch.setattr(pulse, "BEAT_S", 0.01)
    told = Told()

    pulse.beat_in_background(told)  # type: ignore[arg-type]

    assert told.twice.wait(5)
    assert set(told.names) == {whom(WEB)}
    assert at_exit == [(told.leave, whom(WEB))]
