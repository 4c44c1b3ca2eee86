"""What Braze took of a batch → what is remembered of its people, what it cost, and which messages are due. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from workers.changes import later, names_set
from workers.operations import CANT_FOLD, fold
from workers.prepare import Prepared, points_of
from workers.send_pack import waiting


@dataclass(slots=True)
class Taken:
    """
    Args:
        names: Place in `items` -> names of the attributes that Braze took; None: all of every item.
        events: How many it took.
        unknown: Whether one of them was not taken, and nobody can say which.
    """

    prepared: Prepared
    names: dict[int, set[str]] | None
    events: int = 0
    unknown: bool = False

    def accepted(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Person, order and attributes of what Braze took, in the order in which it was folded."""
        batch, items, places = self.prepared.batch, self.prepared.items, self.prepared.places
        people = sorted(zip(batch.entries, batch.people, strict=True), key=lambda one: places.get(one[0].id, -1))
        for entry, person in people:
            place = places.get(entry.id)
            if place is None:
                continue
            attributes = items[place].attributes
            if self.names is not None:
                taken = self.names.get(place, ())
                attributes = {name: value for name, value in attributes.items() if name in taken}
            if attributes:
                yield person, entry.order, attributes

    def known(self) -> dict[str, str]:
        """What Braze has of each person now."""
        batch, memory = self.prepared.batch, self.prepared.memory
        if memory is None or not memory.names.numbers or self.prepared.request is None:
            return {}
        if self.unknown:  # one of them was not taken, and nobody can say which
            return memory.after((), ((person, names) for person, _, names in self.accepted()))
        refused: list[tuple[str, list[str]]] = []
        for entry, person in zip(batch.entries, batch.people, strict=True) if self.names is not None else ():
            place = self.prepared.places.get(entry.id)
            if place is not None:
                taken = self.names.get(place, ()) if self.names else ()
                refused.append((person, [name for name in self.prepared.items[place].attributes if name not in taken]))
        return memory.after(self.accepted(), [one for one in refused if one[1]])

    def points(self, verdicts: Sequence[str]) -> dict[str, int]:
        """What Braze bills for what it took, and what it would have billed more for all that was mapped."""
        by_person: dict[str, dict[str, Any]] = {}
        for person, _, attributes in self.accepted():
            held = by_person.get(person)
            if held is None:
                by_person[person] = attributes
            else:
                by_person[person] = _folded(held, attributes)
        sent = sum(map(points_of, by_person.values()))
        mapped = sum(
            self.prepared.points.get(entry.id, 0)
            for entry, verdict in zip(self.prepared.batch.entries, verdicts, strict=True)
            if verdict == "d"
        )
        counts = {"data_points_sent": sent + self.events, "data_points_saved": max(0, mapped - sent)}
        return {name: number for name, number in counts.items() if number}

    def sends(self, verdicts: Sequence[str]) -> dict[str, list[list[str]]]:
        """The messages that are due, for what is delivered now; by the id of the entry."""
        sends = self.prepared.sends
        if not sends:
            return {}
        settled = zip(self.prepared.batch.entries, verdicts, strict=True)
        return {
            entry.id: waiting(sends[entry.id], entry.person, entry.submission_id, entry.received_ms)
            for entry, verdict in settled
            if verdict == "d" and entry.id in sends
        }

    def times(self, *, opens: bool) -> dict[str, str]:
        """
        Who set which attribute last, as long as somebody may ask: while a letter is open.

        Args:
            opens: Whether one is opened now.
        """
        batch, items = self.prepared.batch, self.prepared.items
        if not batch.guarded and not opens:
            return {}
        found: dict[str, dict[str, int]] = {}
        for entry, person in zip(batch.entries, batch.people, strict=True):
            place = self.prepared.places.get(entry.id)
            if place is None:
                continue
            taken = None if self.names is None else self.names.get(place, ())
            sent = items[place].attributes.items()
            names = names_set({name: value for name, value in sent if taken is None or name in taken})
            # Who says again what is there already has set it, too.
            names.update(self.prepared.unsaid.get(place, ()))
            if entry.done:
                names.update(entry.done.get("a", ()))
            if names:
                found[person] = later(found.get(person, batch.times.get(person, {})), names, entry.order)
        return {person: orjson.dumps(times).decode() for person, times in found.items()}


def _folded(earlier: dict[str, Any], later_: dict[str, Any]) -> dict[str, Any]:
    """What two submissions of one person come to in a request."""
    both = dict(earlier)
    for name, value in later_.items():
        together = fold(both[name], value) if name in both else value
        both[name] = value if together is CANT_FOLD else together
    return both
