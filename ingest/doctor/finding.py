"""What a check has found."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """One thing, in one sentence; what is not ok has a second one with what to do."""

    about: str
    level: Level
    says: str
    do: str = ""


def ok(about: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(about, "ok", says)


def warning(about: str, says: str, do: str) -> Finding:
    """It works, and may not under some circumstances."""
    return Finding(about, "warning", says, do)


def wrong(about: str, says: str, do: str) -> Finding:
    """It does not work, or a promise does not hold."""
    return Finding(about, "wrong", says, do)
