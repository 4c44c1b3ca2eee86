"""
Fold per person, and cut into requests that Braze takes. Pure.

Braze applies the attributes of a request before its events, keeps no order within an array, and none between requests
that follow each other quickly: so a person has one attributes object in a request, and their submissions never swap.
Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.person import Person
from workers.operations import as_braze
from workers.profile import Profile


class Item(NamedTuple):
    """What one submission has to send."""

    submission_id: str
    #: The stream id of its entry.
    entry: str
    person: Person
    #: Name to value or operation, without identifier; a dotted name is merged into its object.
    attributes: dict[str, Any]
    #: Complete objects.
    events: list[dict[str, Any]]
    #: Whether the person has to be there afterwards, although there is nothing to say about them.
    creates: bool = False


class TrackRequest(NamedTuple):
    """One request, and what its objects came from."""

    #: JSON, UTF-8.
    body: bytes
    #: For each attributes object the positions in `items` folded into it, oldest first.
    attributes: list[list[int]]
    #: For each events object its position in `items` and its place among that item's events, both counted from 0.
    events: list[tuple[int, int]]


class Packed(NamedTuple):
    """All requests, to be sent in this order, and what none of them can hold."""

    requests: list[TrackRequest]
    #: Positions in `items`, ascending; nothing of them is in any request.
    too_big: list[int]


class _Limits(NamedTuple):
    objects: int
    bytes: int
    existing_only: bool


class _Piece(NamedTuple):
    """An item, or as much of one as a request may hold."""

    position: int
    item: Item
    #: The person, as something that is quickly compared.
    key: tuple[str, str, str | None]
    with_attributes: bool
    #: The first event, and the one after the last.
    start: int
    stop: int


def pack(items: Sequence[Item], *, max_objects: int, max_bytes: int, existing_profiles_only: bool = False) -> Packed:
    """
    Fold and cut, keeping the order of the items.

    A submission's attributes and events travel together, unless it alone is over a limit: then its attributes go first.
    An alias that has only events gets an attributes object that creates it; the event alone would vanish silently.

    Args:
        items: One per submission, oldest first.
        max_objects: Attributes plus events in one request; at least 1.
        max_bytes: Size of the JSON body.
        existing_profiles_only: Nobody is created; unknown people are skipped by Braze, without a word.

    Raises: ValueError if `max_objects` is below 1.
    """
    if max_objects < 1:
        raise ValueError("a request holds at least one object")
    requests: list[TrackRequest] = []
    too_big: set[int] = set()
    limits = _Limits(max_objects, max_bytes, existing_profiles_only)
    for pieces in _cut(items, limits):
        _build(pieces, limits, requests, too_big)
    if not too_big:
        return Packed(requests, [])
    # Nothing of what is too big may travel: neither the events before its one big object nor its part of a profile.
    others = [item._replace(attributes={}, events=[]) if place in too_big else item for place, item in enumerate(items)]
    rest = pack(others, max_objects=max_objects, max_bytes=max_bytes, existing_profiles_only=existing_profiles_only)
    return Packed(rest.requests, sorted(too_big.union(rest.too_big)))


def _cut(items: Sequence[Item], limits: _Limits) -> Iterator[list[_Piece]]:
    """Lists of pieces that have room in one request, as far as objects can be counted without folding."""
    pieces: list[_Piece] = []
    people: set[tuple[str, str, str | None]] = set()
    room = limits.objects
    for position, item in enumerate(items):
        for piece in _pieces(position, item, limits):
            count = piece.stop - piece.start
            cost = count + (piece.with_attributes and piece.key not in people)
            if cost > room and pieces:
                yield pieces
                pieces, people, room = [], set(), limits.objects
                cost = count + piece.with_attributes
            pieces.append(piece)
            if piece.with_attributes:
                people.add(piece.key)
            room -= cost
    if pieces:
        yield pieces


def _pieces(position: int, item: Item, limits: _Limits) -> Iterable[_Piece]:
    """The whole item, unless it alone is over the limit."""
    person, count = item.person, len(item.events)
    with_attributes = bool(item.attributes) or (
        (item.creates or (count > 0 and person.kind == "user_alias")) and not limits.existing_only
    )  # somebody has to create the alias
    whole = _Piece(position, item, (person.value, person.kind, person.alias_label), with_attributes, 0, count)
    if count + with_attributes <= limits.objects:
        return (whole,) if count or with_attributes else ()
    # What only creates an alias tells nothing by itself, and nothing of it would be remembered: an event goes with it.
    first = limits.objects - with_attributes if item.attributes else max(1, limits.objects - with_attributes)
    starts = range(first, count, limits.objects)
    later = (
        whole._replace(with_attributes=False, start=start, stop=min(start + limits.objects, count)) for start in starts
    )
    return [whole._replace(stop=first), *later]


def _build(pieces: list[_Piece], limits: _Limits, requests: list[TrackRequest], too_big: set[int]) -> None:
    """One request, or several where it turns out too big."""
    request = _request(pieces, limits.existing_only)
    if isinstance(request, int):
        _build(pieces[:request], limits, requests, too_big)
        _build(pieces[request:], limits, requests, too_big)
        return
    objects = limits.objects
    if len(pieces) == 1 and not pieces[0].item.attributes:
        objects = max(objects, 2)  # an event and its alias can't be parted
    if len(request.body) <= limits.bytes and len(request.attributes) + len(request.events) <= objects:
        requests.append(request)
        return
    if len(pieces) == 1:
        pieces = _split(pieces[0])
    if len(pieces) == 1:
        too_big.add(pieces[0].position)
        return
    middle = len(pieces) // 2
    _build(pieces[:middle], limits, requests, too_big)
    _build(pieces[middle:], limits, requests, too_big)


def _split(piece: _Piece) -> list[_Piece]:
    """Attributes first, then the events in halves; a single object, or an event with its alias, stays what it is."""
    start, stop = piece.start, piece.stop
    if piece.with_attributes and stop > start and piece.item.attributes:
        return [piece._replace(stop=start), piece._replace(with_attributes=False)]
    if stop - start > 1:
        middle = (start + stop) // 2
        return [piece._replace(stop=middle), piece._replace(start=middle, with_attributes=False)]
    return [piece]


def _request(pieces: list[_Piece], existing_only: bool) -> TrackRequest | int:
    """The request, or the place of the first piece whose attributes one object can't hold with those before it."""
    profiles: dict[tuple[str, str, str | None], Profile] = {}
    events: list[dict[str, Any]] = []
    origins: list[tuple[int, int]] = []
    for place, (position, item, key, with_attributes, start, stop) in enumerate(pieces):
        if with_attributes:
            profile = profiles.get(key)
            if profile is None:
                profile = profiles[key] = Profile(item.person, existing_only)
            if not profile.take(position, item.attributes):
                return place
        for number in range(start, stop):
            events.append(item.events[number])
            origins.append((position, number))
    attributes: list[dict[str, Any]] = []
    positions: list[list[int]] = []
    for profile in profiles.values():
        for folded in profile.objects():
            attributes.append(folded)
            positions.append(profile.positions or profile.bystanders)
    body = {name: objects for name, objects in (("attributes", attributes), ("events", events)) if objects}
    return TrackRequest(orjson.dumps(body, default=as_braze), positions, origins)
