"""Several streams as one, opened as late as possible."""

from collections.abc import Iterator
from functools import partial
from heapq import merge

from hypothesis import given
from hypothesis import strategies as st

from workers.store.lazy_merge import merge_newest

#: Places that only ever fall, and how far above the first of them the bound lies.
STREAMS = st.lists(st.tuples(st.sets(st.integers(0, 40)), st.integers(0, 5)), max_size=8)


def as_is(place: tuple[int, int]) -> tuple[int, int]:
    return place


@given(STREAMS)
def test_the_order_is_that_of_streams_which_are_all_open(drawn: list[tuple[set[int], int]]) -> None:
    """Cursors point into it, and must mean the same however it was come by."""
    streams = [sorted(((place, name) for place in places), reverse=True) for name, (places, _) in enumerate(drawn)]
    bounds = [(max(places, default=0) + above, 99) for places, above in drawn]

    merged = merge_newest([(end, partial(iter, one)) for end, one in zip(bounds, streams, strict=True)], as_is)

    assert list(merged) == list(merge(*streams, reverse=True))


def test_a_stream_is_opened_only_when_it_is_its_turn() -> None:
    """Of a thousand, a page needs a few."""
    opened = []

    def stream(*places: int) -> Iterator[int]:
        opened.append(places)
        yield from places

    merged = merge_newest([(top, partial(stream, top, top - 5)) for top in (10, 20, 30)], int)

    assert next(merged) == 30
    assert opened == [(30, 25)]
    assert [next(merged), next(merged), next(merged)] == [25, 20, 15]
    assert opened == [(30, 25), (20, 15)]
    assert [*merged] == [10, 5]


def test_nothing_comes_of_nothing() -> None:
    """So are most stores at first."""
    assert [*merge_newest([], int)] == []
    assert [*merge_newest([(1, lambda: iter(()))], int)] == []
