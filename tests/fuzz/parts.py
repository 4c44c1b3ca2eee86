"""All parts, cut into pieces of work that a process of its own can do."""

import time
from collections.abc import Sequence

from tests.fuzz.forms import TARGETS as FORMS
from tests.fuzz.mapped import TARGETS as MAPPED
from tests.fuzz.parsers import TARGETS as PARSERS
from tests.fuzz.run import Finding, Target, feed

TARGETS: tuple[Target, ...] = (*PARSERS, *MAPPED, *FORMS)
#: Of a target at a time, so that both processors are busy to the end.
AT_ONCE = 10_000


def cut(targets: Sequence[Target], inputs: int, seed: int, until: float) -> list[tuple[str, int, int, int, float]]:
    """So many inputs for all of them, by their shares, in pieces."""
    whole = sum(one.share for one in targets)
    pieces = []
    for one in targets:
        left = -(-inputs * one.share // whole)
        for number in range(-(-left // AT_ONCE)):
            pieces.append((one.name, number, min(AT_ONCE, left - number * AT_ONCE), seed, until))
    return sorted(pieces, key=lambda piece: piece[1])


def work(piece: tuple[str, int, int, int, float]) -> tuple[str, int, float, list[Finding]]:
    """One piece, in a process of its own."""
    name, number, inputs, seed, until = piece
    target = next(one for one in TARGETS if one.name == name)
    began = time.monotonic()
    done, found = feed(target, inputs, f"{seed} {name} {number}", until)
    return name, done, time.monotonic() - began, found
