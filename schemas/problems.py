"""What is wrong with an input, with the place of each problem."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from schemas.submission import MAX_DIGITS


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend."""

    #: A JSON pointer (RFC 6901), such as `/attributes/0/field`; empty for the whole document.
    pointer: str
    #: One sentence.
    detail: str

    def shown(self) -> dict[str, str]:
        return {"pointer": self.pointer, "detail": self.detail}


class InvalidDocument(ValidationError):
    """Everything that is wrong with a document, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=_by_place))
        super().__init__([f"{problem.pointer or 'document'}: {problem.detail}" for problem in self.problems])


def pointer(*steps: str | int) -> str:
    """A JSON pointer: `pointer("attributes", 0)` is `/attributes/0`."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def problems_of(messages: Any, at: str = "") -> Iterator[Problem]:
    """The problems in what marshmallow reports: dictionaries and lists of texts, nested by member and position."""
    if isinstance(messages, dict):
        for step, inner in messages.items():
            yield from problems_of(inner, at if step == "_schema" else at + pointer(step))
    elif isinstance(messages, list):
        for inner in messages:
            yield from problems_of(inner, at)
    else:
        yield Problem(at, str(messages))


def _by_place(problem: Problem) -> tuple[list[tuple[int, str]], str]:
    steps = problem.pointer.split("/")
    return [(int(step), "") if _is_position(step) else (-1, step) for step in steps], problem.detail


def _is_position(step: str) -> bool:
    # A member may be called anything: Python refuses to read thousands of digits.
    return step.isdecimal() and len(step) <= MAX_DIGITS
