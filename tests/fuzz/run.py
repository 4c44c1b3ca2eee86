"""Feeds inputs to a target, watches what becomes of them, and keeps the smallest one that went wrong."""

import random
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from tests.fuzz.mutate import smaller

#: Seconds of processor time for one input, and of any time after which it hangs.
SLOW_S, HANGS_S = 1.0, 10
KEPT_IN = Path("build/fuzz")
#: Of one target: others are likely the same.
MOST_FINDINGS = 5


class Target(NamedTuple):
    """One parser, or several that belong together."""

    name: str
    #: Makes an input.
    draw: Callable[[random.Random], Any]
    #: Reads it; whatever is raised is a finding.
    check: Callable[[Any], None]
    #: Its part of all inputs.
    share: int = 1


class Finding(NamedTuple):
    """One way in which a target went wrong."""

    part: str
    what: str
    #: Where the smallest input lies.
    file: str


class Hangs(BaseException):
    """An input took too long; no target catches this."""


def feed(target: Target, inputs: int, seed: str, until: float) -> tuple[int, list[Finding]]:
    """
    Up to so many inputs, as long as there is time.

    Args:
        seed: The same one makes the same inputs.
        until: On the monotonic clock.

    Returns: How many there were, and what was found.
    """
    draw, done = random.Random(seed), 0
    found: dict[str, Finding] = {}
    previous = signal.signal(signal.SIGALRM, _hangs)
    try:
        while done < inputs and len(found) < MOST_FINDINGS and (done % 64 or time.monotonic() < until):
            given = target.draw(draw)
            what = failure(target, given)
            done += 1
            if what and what not in found:
                found[what] = keep(target, given, what)
    finally:
        signal.signal(signal.SIGALRM, previous)
    return done, list(found.values())


def failure(target: Target, given: Any) -> str:
    """What goes wrong with an input, in one line; '' if nothing does."""
    signal.alarm(HANGS_S)
    began = time.thread_time()
    try:
        target.check(given)
    except Hangs:
        return "hangs"
    except (Exception, RecursionError, MemoryError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
    finally:
        signal.alarm(0)
    return "slow" if time.thread_time() - began > SLOW_S else ""


def keep(target: Target, given: Any, what: str) -> Finding:
    """Write the smallest input that goes wrong in the same way into a file of its own, with the traceback."""
    if what not in ("hangs", "slow"):
        until = time.monotonic() + 20
        given = smaller(given, lambda one: time.monotonic() < until and failure(target, one) == what)
    told = "".join(traceback.format_exception(_raised(target, given))) if what != "hangs" else what
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    file = KEPT_IN / f"{target.name}-{blake2b(what.encode(), digest_size=4).hexdigest()}.txt"
    file.write_text(f"{target.name}: {what}\n\n{given!r}\n\n{told}", encoding="utf-8", errors="backslashreplace")
    return Finding(target.name, what, str(file))


def _raised(target: Target, given: Any) -> BaseException | None:
    with suppress(Hangs):
        try:
            target.check(given)
        except Exception as error:
            return error
    return None


def _hangs(_: int, __: FrameType | None) -> None:
    raise Hangs
