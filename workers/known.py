"""Texts that come again and again, and what they were read as: the same choices come from everybody. Pure."""

from collections.abc import Callable
from typing import Any

#: Texts remembered per rule.
REMEMBERED = 1_000
#: Characters; longer texts hardly come twice.
MAX_REMEMBERED = 64


class Known(dict[str, Any]):
    """`known[text]` is what `read(text)` returns, which must depend on nothing else and is shared: never change it."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Any:
        found = self._read(text)
        if len(text) <= MAX_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[text] = found
        return found
