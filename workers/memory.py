"""
What Braze is known to have of the people of one batch, before it is sent and after it was answered. Pure.

Doubt forgets: where nobody knows what Braze has taken, all is sent again, and what was not said again is unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.batch import Batch, Entry
from schemas.names import Names
from workers.changes import UNKNOWN, Mark, Marks, overlapping, pack_marks, print_of, read_marks
from workers.operations import is_operation


@dataclass(slots=True)
class Memory:
    """
    The marks of a batch's people, read when they are asked for.

    Args:
        since: What was set by an earlier submission than this order is sent again, so that a write that was lost heals.
        keeps: False where Braze may skip people without a word: then nothing it accepted is known to be there.
    """

    batch: Batch
    names: Names
    since: int = 0
    keeps: bool = True
    _marks: dict[str, Marks] = field(default_factory=dict)
    _doubted: frozenset[str] | None = None

    def marks(self, person: str) -> Marks:
        """What Braze is known to have of a person."""
        found = self._marks.get(person)
        if found is None:
            packed = () if person in self.doubted() else self.batch.known.get(person, ())
            found = self._marks[person] = read_marks(packed, self.names)
        return found

    def prints(self, person: str) -> dict[str, Any]:
        """Of the values alone; what is unknown, or was set long ago, is left out."""
        since = self.since
        return {name: what for name, (order, what) in self.marks(person).items() if order >= since and what != UNKNOWN}

    def times(self, person: str) -> dict[str, int]:
        """Which submission set which attribute last, as far as anything tells."""
        known = {name: mark.order for name, mark in self.marks(person).items()}
        for name, order in self.batch.times.get(person, {}).items():
            known[name] = max(order, known.get(name, 0))
        return known

    def doubted(self) -> frozenset[str]:
        """Of whom Braze may have taken something that nobody told us of."""
        if self._doubted is None:
            everybody = self.batch.sent_before == "unknown"
            self._doubted = frozenset(
                person
                for entry, person in zip(self.batch.entries, self.batch.people, strict=True)
                if everybody or is_doubtful(entry)
            )
        return self._doubted

    def after(
        self, accepted: Iterable[tuple[str, int, Mapping[str, Any]]], refused: Iterable[tuple[str, Iterable[str]]]
    ) -> dict[str, str]:
        """
        What is known once the batch was answered.

        Args:
            accepted: Person, order and what Braze took, of each submission, in the order in which it was folded.
            refused: Person and names of what Braze did not take, or of what nobody can say.

        Returns: JSON by the key of each person of whom something else is known now.
        """
        known: dict[str, Marks] = {}

        def marks_of(person: str) -> Marks:
            if person not in known:
                known[person] = dict(self.marks(person))
            return known[person]

        for person, order, attributes in accepted:
            self._set(marks_of(person), order, attributes)
        for person, names in refused:
            _doubt_all_of(marks_of(person), names)
        return {person: orjson.dumps(pack_marks(marks, self.names)).decode() for person, marks in known.items()}

    def _set(self, marks: Marks, order: int, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            latest = max(order, marks[name].order) if name in marks else order
            marks[name] = Mark(latest, print_of(value) if self.keeps and not is_operation(value) else UNKNOWN)
        if "." in "\n".join(marks):
            for name in attributes:
                _doubt(marks, overlapping(name, marks))


def _doubt(marks: Marks, names: Iterable[str]) -> None:
    for name in names:
        if name in marks:
            marks[name] = Mark(marks[name].order, UNKNOWN)


def _doubt_all_of(marks: Marks, names: Iterable[str]) -> None:
    """What holds a name, or is held by it, is doubtful with it."""
    for name in names:
        _doubt(marks, [name, *overlapping(name, marks)])


def is_doubtful(entry: Entry) -> bool:
    """Whether Braze may have taken something of it in an earlier batch."""
    return bool(entry.done and entry.done.get("u"))
