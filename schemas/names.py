"""The numbers by which attribute names stand in what is remembered of people."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """Those of one Braze workspace; all its integrations share them."""

    numbers: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    @staticmethod
    def of(numbers: Mapping[str, int]) -> "Names":
        """By the name of each."""
        return Names(numbers, {number: name for name, number in numbers.items()})
