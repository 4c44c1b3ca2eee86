"""An answer of Braze's, followed from the refused objects of a request to the submissions behind them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.person import Person
from workers.outcome import Settle
from workers.pack import TrackRequest
from workers.prepare import Prepared


@dataclass(slots=True)
class Placed:
    """An answer, followed to the items behind each object; all by place in `items`."""

    #: Names of the attributes that Braze took.
    attributes: dict[int, set[str]] = field(default_factory=dict)
    #: Keys of the events that Braze took.
    events: dict[int, list[str]] = field(default_factory=dict)
    #: Who is at fault, and Braze's words about it.
    culprits: dict[int, str] = field(default_factory=dict)
    #: Who shared a refused object with others: only one of them need be at fault.
    folded: set[int] = field(default_factory=set)
    #: Events of which nobody knows whether they landed, because what was to create their person was refused.
    uncertain: int = 0

    def accepted(self, place: int) -> dict[str, list[str]]:
        """`a` attribute names, `e` event keys; a member without any is left out."""
        names, keys = sorted(self.attributes.get(place, ())), self.events.get(place, [])
        return {kind: found for kind, found in (("a", names), ("e", keys)) if found}


def is_whole(request: TrackRequest, prepared: Prepared) -> bool:
    """Whether everything of every item travels: the usual case, and the one that has to be quick."""
    if sum(len(item.events) for item in prepared.items) != len(request.events):
        return False
    travels = {place for places in request.attributes for place in places}
    return all(place in travels or not item.attributes for place, item in enumerate(prepared.items))


def by_index(decision: Settle, request: TrackRequest) -> tuple[dict[int, str], dict[int, str], bool]:
    """Braze's words by attributes object and by event, and whether some were about an object that we never sent."""
    attributes: dict[int, str] = {}
    events: dict[int, str] = {}
    strays = False
    for refusal in decision.refused:
        if refusal.array == "attributes" and refusal.index < len(request.attributes):
            attributes.setdefault(refusal.index, refusal.words)
        elif refusal.array == "events" and refusal.index < len(request.events):
            events.setdefault(refusal.index, refusal.words)
        else:
            strays = True
    return attributes, events, strays


def follow(
    prepared: Prepared, request: TrackRequest, bad_attributes: dict[int, str], bad_events: dict[int, str]
) -> Placed:
    placed = Placed()
    objects = orjson.loads(request.body)["attributes"] if bad_attributes else []
    for k, places in enumerate(request.attributes):
        if k not in bad_attributes:
            for place in places:
                names = prepared.items[place].attributes
                placed.attributes.setdefault(place, set()).update(_names_in(objects[k], names) if objects else names)
        elif len(places) == 1:
            placed.culprits[places[0]] = bad_attributes[k]
        else:
            placed.folded.update(places)
    nobody = _uncreated(prepared, request, objects, bad_attributes)
    for k, (place, number) in enumerate(request.events):
        if k in bad_events:
            placed.culprits.setdefault(place, bad_events[k])
        elif prepared.items[place].person in nobody:
            placed.uncertain += 1
        else:
            placed.events.setdefault(place, []).append(prepared.event_keys(place)[number])
    return placed


def _names_in(sent: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Which attributes an object carries: a person may have two objects, and only one of them may be refused."""
    return [name for name in names if name.partition(".")[0] in sent]


def _uncreated(
    prepared: Prepared, request: TrackRequest, objects: list[dict[str, Any]], bad: dict[int, str]
) -> set[Person]:
    """
    Whose alias may not exist: where the object that creates it is refused, Braze skips their events without a word.

    Source: https://www.braze.com/docs/api/objects_filters/user_alias_object/
    """
    creating = [k for k, sent in enumerate(objects) if sent.get("_update_existing_only") is False]
    people = {k: prepared.items[request.attributes[k][0]].person for k in creating}
    return {people[k] for k in creating if k in bad} - {people[k] for k in creating if k not in bad}
