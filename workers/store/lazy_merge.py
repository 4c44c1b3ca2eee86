"""Several streams as one, without opening those that it has not come to. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Opened(Generic[T]):
    """The next item of an open stream; of two, the one with the greater place comes first."""

    place: Any
    item: T
    rest: Iterator[T]

    def __lt__(self, other: "_Opened[T]") -> bool:
        return bool(self.place > other.place)


def merge_newest(streams: Iterable[tuple[Any, Callable[[], Iterator[T]]]], place: Callable[[T], Any]) -> Iterator[T]:
    """
    The items of all streams, greatest place first.

    Args:
        streams: For each a bound, and what opens it: no place in it may be greater than the bound. A stream is opened
            when no open one has anything greater left.
        place: Of an item; within one stream, places only ever fall.
    """
    closed = sorted(streams, key=itemgetter(0))
    heap: list[_Opened[T]] = []
    while True:
        while closed and (not heap or closed[-1][0] >= heap[0].place):
            for opened in _next(closed.pop()[1](), place):
                heappush(heap, opened)
        if not heap:
            return
        first = heap[0]
        yield first.item
        following = _next(first.rest, place)
        if following:
            heapreplace(heap, following[0])
        else:
            heappop(heap)


def _next(rest: Iterator[T], place: Callable[[T], Any]) -> list[_Opened[T]]:
    """The next item of a stream, or none."""
    for item in rest:
        return [_Opened(place(item), item, rest)]
    return []
